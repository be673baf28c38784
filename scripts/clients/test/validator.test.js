// The validator guide (node/collator/README.md), word by word, on a fresh data folder.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { u8aToHex } from '@polkadot/util'
import { account } from '../lib/accounts.js'
import { startNode, until } from '../lib/node.js'
import { FAST, writeSpec } from '../lib/spec.js'
import { chainUntil, connectApi, send, ZYRA } from '../lib/substrate.js'

const STAKE = 5_000_000n * ZYRA
let dir, alice, fresh, api, keys, stash

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzk-spec-'))
  const chain = await writeSpec(dir, 'bitcoinzk_fast', (patch) => { patch.sequencers.calendar = FAST })
  alice = await startNode(['--chain', chain, '--alice', '--validator', '--force-authoring',
    '--node-key', 'a1'.repeat(32), '--rpc-methods', 'unsafe'])
  const peer = await alice.call('system_localPeerId')
  fresh = await startNode(['--chain', chain, '--validator', '--node-key', 'f1'.repeat(32),
    '--rpc-methods', 'unsafe', '--bootnodes', `/ip4/127.0.0.1/tcp/${alice.p2pPort}/p2p/${peer}`])
  let keyring
  ({ api, keys, keyring } = await connectApi(alice))
  stash = keyring.addFromUri('//fresh-stash')
})

after(async () => {
  await api?.disconnect()
  await Promise.all([alice?.stop(), fresh?.stop()])
  await rm(dir, { recursive: true, force: true })
})

test('a fresh node becomes a sequencer', async (t) => {
  await send(api, api.tx.balances.transferKeepAlive(stash.address, STAKE + 1_000n * ZYRA), keys.bob)

  await t.test('wrong keys and too small a stake are refused, and nothing is lost', async () => {
    const { keys: session } = await fresh.call('author_rotateKeysWithOwner', [u8aToHex(stash.publicKey)])
    await assert.rejects(send(api, api.tx.session.setKeys(session, '0x'), stash), /session.InvalidProof/)
    await assert.rejects(send(api, api.tx.staking.validate({ commission: 0, blocked: false }), stash),
      /staking.NotController/)
  })

  await t.test('keys, bond, validate', async () => {
    const { keys: session, proof } =
      await fresh.call('author_rotateKeysWithOwner', [u8aToHex(stash.publicKey)])
    await send(api, api.tx.session.setKeys(session, proof), stash)
    await send(api, api.tx.staking.bond(STAKE, 'Stash'), stash)
    await send(api, api.tx.staking.validate({ commission: 50_000_000, blocked: false }), stash)
  })

  await t.test('it is elected, authors, and its vote is needed for finality', async () => {
    await chainUntil(async () =>
      (await api.query.session.validators()).some((who) => who.toString() === stash.address), 'election')
    await chainUntil(async () =>
      (await api.query.sequencers.records(stash.address)).unwrapOr({ authored: 0 }).authored > 0, 'a block')
    const head = (await api.rpc.chain.getHeader()).number.toNumber()
    await until(async () => {
      const final = await api.rpc.chain.getHeader(await api.rpc.chain.getFinalizedHead())
      return final.number.toNumber() > head
    }, 'finality with two voters', 60)
  })

  await t.test('fees arrive at its coinbase in the EVM', async () => {
    const coinbase = `0x${'c0'.repeat(20)}`
    await assert.rejects(send(api, api.tx.sequencers.setCoinbase(coinbase), stash), /sequencers.NoSuchAccount/)
    const sender = account(1)
    let nonce = Number(await alice.call('eth_getTransactionCount', [sender.address, 'latest']))
    const pay = async (to, value) => alice.call('eth_sendRawTransaction', [await sender.signTransaction({
      chainId: 97304, nonce: nonce++, to, value, gas: 21000n,
      maxFeePerGas: 20_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n,
    })])
    const funding = await pay(coinbase, 1n)
    await until(() => alice.call('eth_getTransactionReceipt', [funding]), 'the coinbase exists')
    await send(api, api.tx.sequencers.setCoinbase(coinbase), stash)
    await until(async () => {
      await pay(account(2).address, 1n)
      await new Promise((resolve) => setTimeout(resolve, 1000))
      return BigInt(await alice.call('eth_getBalance', [coinbase, 'latest'])) > 1n
    }, 'a tip', 120)
  })
})
