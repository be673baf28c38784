// polkadot-js against a node: signed calls that end in a block, or tell why they do not.
import assert from 'node:assert/strict'
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api'
import { until } from './node.js'

/** One ZYRA in its smallest unit. */
export const ZYRA = 10n ** 12n

/** Connects to a node; the accounts of the development chain are in `keys`. */
export async function connectApi(node) {
  const api = await ApiPromise.create({ provider: new WsProvider(node.ws), noInitWarn: true })
  const keyring = new Keyring({ type: 'sr25519' })
  const keys = Object.fromEntries(['Alice', 'Bob', 'Charlie', 'Dave', 'Eve', 'Ferdie']
    .map((name) => [name.toLowerCase(), keyring.addFromUri(`//${name}`)]))
  return { api, keys, keyring }
}

/** The name of an error of a call: `pallet.Error`, or what the runtime calls it. */
export function errorName(api, error) {
  if (!error.isModule) return error.toString()
  const { section, name } = api.registry.findMetaError(error.asModule)
  return `${section}.${name}`
}

/** Signs and sends, with the next nonce if none is given; gives the events of its block. Throws `pallet.Error` where the
 *  call failed. */
export function send(api, tx, signer, nonce = -1) {
  return new Promise((resolve, reject) => {
    let stop = () => {}
    const end = (finish, value) => { stop(); finish(value) }
    tx.signAndSend(signer, { nonce }, ({ status, dispatchError, events }) => {
      if (dispatchError) {
        end(reject, new Error(errorName(api, dispatchError)))
      } else if (status.isInBlock) {
        end(resolve, events)
      } else if (status.isInvalid || status.isDropped || status.isUsurped) {
        end(reject, new Error(`transaction ${status.type}`))
      }
    }).then((unsubscribe) => { stop = unsubscribe }, reject)
  })
}

/** Sends calls of one signer, `[tx, reason]`, all at once, so that they come into a block together; each has to fail for its
 *  reason. */
export async function refusedAll(api, signer, calls) {
  const first = (await api.rpc.system.accountNextIndex(signer.address)).toNumber()
  await Promise.all(calls.map(([tx, reason], at) => assert.rejects(send(api, tx, signer, first + at), reason)))
}

/** Waits until `query` of the best block gives something truthy. */
export const chainUntil = (query, what, seconds = 600) => until(query, what, seconds)

/** The events of this name in the blocks from `first` on: their data, and the states of their blocks. */
export async function findEvents(api, name, first) {
  const head = (await api.rpc.chain.getHeader()).number.toNumber()
  const found = []
  for (let number = first; number <= head; number++) {
    const at = await api.at(await api.rpc.chain.getBlockHash(number))
    for (const { event: { section, method, data } } of await at.query.system.events()) {
      if (`${section}.${method}` === name) found.push({ data, at })
    }
  }
  return found
}
