// Referenda from the proposal to the decision, several at a time: each step is one batch, so a block.
import { blake2AsHex } from '@polkadot/util-crypto'
import { compactToU8a, stringToU8a, u8aConcat } from '@polkadot/util'
import { chainUntil, errorName, send, ZYRA } from './substrate.js'

/** Notes the calls as preimages and submits them, `[{ origin, call }]`; gives the indices. */
export async function submit(api, proposer, proposals) {
  const first = (await api.query.referenda.referendumCount()).toNumber()
  await send(api, api.tx.utility.batchAll(proposals.flatMap(({ origin, call }) => [
    api.tx.preimage.notePreimage(call.method.toHex()),
    api.tx.referenda.submit(origin, { Lookup: { hash: call.method.hash, len: call.method.encodedLength } }, { After: 0 }),
  ])), proposer)
  return proposals.map((_, at) => first + at)
}

/** Votes on all of `indices` with `balance` ZYRA each. */
export const vote = (api, voter, indices, { aye = true, conviction = 'Locked1x', balance = 200_000_000n } = {}) =>
  send(api, api.tx.utility.batchAll(indices.map((index) => api.tx.convictionVoting.vote(index,
    { Standard: { vote: { aye, conviction }, balance: balance * ZYRA } }))), voter)

/** Places the decision deposits, without which nothing is decided. */
export const deposit = (api, proposer, indices) =>
  send(api, api.tx.utility.batchAll(indices.map((index) => api.tx.referenda.placeDecisionDeposit(index))), proposer)

/** What became of a referendum: `Ongoing`, `Approved`, `Rejected`, `Cancelled`, `Killed` or `TimedOut`. */
export const fate = async (api, index) => (await api.query.referenda.referendumInfoFor(index)).unwrap().type

/** Waits until the referendum is no longer ongoing; fails unless it ended as `wanted`. */
export async function ends(api, index, wanted) {
  const end = await chainUntil(async () => {
    const now = await fate(api, index)
    return now !== 'Ongoing' && now
  }, `the end of referendum ${index}`)
  if (end !== wanted) throw new Error(`referendum ${index} is ${end}, not ${wanted}`)
}

/**
 * Proposes the calls, has all vote for them and waits until they are approved; gives the indices.
 * The votes come before the deposit: a short track cannot end between two of them.
 */
export async function passAll(api, { proposer, voters }, proposals) {
  const indices = await submit(api, proposer, proposals)
  await Promise.all(voters.map((voter) => vote(api, voter, indices)))
  await deposit(api, proposer, indices)
  await Promise.all(indices.map((index) => ends(api, index, 'Approved')))
  return indices
}

/** The name under which the scheduler runs what referendum `index` decided. */
const enactment = (index) => {
  const number = new Uint8Array(new Uint32Array([index]).buffer)
  return blake2AsHex(u8aConcat(stringToU8a('assembly'), compactToU8a(9), stringToU8a('enactment'), number), 256)
}

/** Follows what the scheduler runs: `result(index)` waits for a referendum's call and gives `Ok` or its error. */
export async function followEnactments(api) {
  const seen = new Map()
  const stop = await api.query.system.events((events) => {
    for (const { event } of events) {
      if (!api.events.scheduler.Dispatched.is(event)) continue
      const { id, result } = event.data
      if (id.isSome) seen.set(id.unwrap().toHex(), result.isErr ? errorName(api, result.asErr) : 'Ok')
    }
  })
  return { stop, result: (index) => chainUntil(() => seen.get(enactment(index)), `enactment of ${index}`, 120) }
}
