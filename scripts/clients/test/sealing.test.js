// Blocks on demand, and a peer that follows a node which makes them.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { account } from '../lib/accounts.js'
import { connect } from '../lib/network.js'
import { startNode, until } from '../lib/node.js'

const SLOT_MS = 2000
const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY'
const reserved = ['--reserved-only', '--rpc-methods', 'unsafe']
let sealer, follower

before(async () => {
  sealer = await startNode(['--dev', '--sealing', 'manual', ...reserved, '--node-key', 'a1'.repeat(32)])
  follower = await startNode(['--chain', 'dev', ...reserved, '--node-key', 'b2'.repeat(32)])
})
after(() => Promise.all([sealer?.stop(), follower?.stop()]))

test('no block is made before it is asked for, and one is final at once', async () => {
  const raw = await account(0).signTransaction({ chainId: 97304, nonce: 0, to: account(1).address, value: 1n,
    gas: 21000n, maxFeePerGas: 10_000_000_000n, maxPriorityFeePerGas: 1n })
  const hash = await sealer.call('eth_sendRawTransaction', [raw])
  // Everybody can see what a sequencer leaves waiting, and what it takes.
  const statsOf = (waiting) => until(async () => {
    const now = await sealer.call('bzk_inclusionStats')
    return now.waiting === waiting && now
  }, `a record of ${waiting} that wait`)
  const { oldestWaitingMs } = await statsOf(1)
  await new Promise((resolve) => setTimeout(resolve, 3000))
  assert.equal(await sealer.call('eth_getTransactionReceipt', [hash]), null)
  const before = await statsOf(1)
  assert.ok(before.oldestWaitingMs - oldestWaitingMs >= 2900, `${oldestWaitingMs}, then ${before.oldestWaitingMs} ms`)
  assert.deepEqual(before.sequencers, [])
  await sealer.call('engine_createBlock', [true, true, null])
  const receipt = await sealer.call('eth_getTransactionReceipt', [hash])
  assert.equal(receipt.status, '0x1')
  assert.equal((await sealer.call('eth_getBlockByNumber', ['finalized', false])).hash, receipt.blockHash)
  const stats = await statsOf(0)
  assert.deepEqual(stats.sequencers, [{ validator: ALICE, blocks: 1, included: 1, unseen: 0, passedOver: 0 }])
  assert.ok(stats.waitP50Ms >= before.oldestWaitingMs, `${stats.waitP50Ms} ms`)
})

test('a peer follows, and neither drops the other', async () => {
  await connect(sealer, follower)
  const best = async (node) => (await node.call('chain_getHeader')).number
  await until(async () => await best(follower) === await best(sealer), 'the follower at the head', 60)
  // A peer takes no block from a slot that is yet to come.
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, SLOT_MS))
    await sealer.call('engine_createBlock', [true, true, null])
  }
  await until(async () => await best(follower) === await best(sealer), 'the follower at the new head', 60)
  assert.equal((await follower.call('eth_getBlockByNumber', ['latest', false])).hash,
    (await sealer.call('eth_getBlockByNumber', ['latest', false])).hash)
  for (const node of [sealer, follower]) {
    assert.equal((await node.call('system_health')).peers, 1)
    assert.doesNotMatch(await readFile(node.log, 'utf8'), /EssentialTaskClosed|panicked/)
  }
})

test('an instant node makes a block for each transaction, and none without', async (t) => {
  const instant = await startNode(['--dev', '--sealing', 'instant'])
  t.after(() => instant.stop())
  await new Promise((resolve) => setTimeout(resolve, 3000))
  assert.equal(Number((await instant.call('chain_getHeader')).number), 0)
  const signed = await Promise.all(Array.from({ length: 100 }, (_, nonce) => account(0).signTransaction({ chainId: 97304,
    nonce, to: account(1).address, value: 1n, gas: 21000n, maxFeePerGas: 10_000_000_000n, maxPriorityFeePerGas: 1n })))
  let receipt
  let number = 0
  for (const raw of signed) {
    // Sent as soon as there is a receipt of the one before, while the pool still turns to that block.
    const hash = await instant.call('eth_sendRawTransaction', [raw])
    const sent = Date.now()
    do receipt = await instant.call('eth_getTransactionReceipt', [hash])
    while (!receipt && Date.now() - sent < 60_000)
    assert.ok(receipt, JSON.stringify(await instant.call('txpool_status')))
    // In a block of its own. There may be an empty one between, by the heartbeat.
    const { transactions } = await instant.call('eth_getBlockByNumber', [receipt.blockNumber, false])
    assert.deepEqual(transactions, [hash])
    assert.ok(Number(receipt.blockNumber) > number)
    number = Number(receipt.blockNumber)
  }
  await until(async () =>
    (await instant.call('eth_getBlockByNumber', ['finalized', false])).hash === receipt.blockHash, 'finality')
})
