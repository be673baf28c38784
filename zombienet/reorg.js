// Steps of reorg.zndsl. Dave, cut off, builds a chain of his own with transactions that the others do not have.
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { sign } from '../scripts/clients/lib/accounts.js'
import { listen, replay } from '../scripts/clients/lib/logs.js'
import { connect, weight } from '../scripts/clients/lib/network.js'
import { until } from '../scripts/clients/lib/node.js'

// More than Dave adds to his chain between his last step and the meeting.
const LEAD = 3
const PAYEE = '0x00000000000000000000000000000000000f0001'
// Creation code that logs nothing at all: LOG0 of no bytes.
const LOGGER = { data: '0x60006000a000', gas: 100_000n }

const submit = (node, raw) => node.call('eth_sendRawTransaction', [raw])
const receipt = (node, hash) => node.call('eth_getTransactionReceipt', [hash])

/** Receipts of Dave's chain by the hashes of their transactions. */
const orphaned = new Map()
let events, filter, light

/** Transactions to Dave, one of them to Alice too, until they are in blocks. */
export async function fork({ alice, dave }) {
  events = await listen(dave)
  filter = await dave.call('eth_newFilter', [{}])
  const both = await sign(0, 0, LOGGER)
  const known = await submit(alice, both)
  const rest = [sign(1, 0, LOGGER), sign(2, 0, { to: PAYEE, value: 1n }), sign(2, 1, { to: PAYEE, value: 2n })]
  const hashes = await Promise.all([both, ...rest].map(async (raw) => submit(dave, await raw)))
  for (const hash of hashes) orphaned.set(hash, await until(() => receipt(dave, hash), `${hash} at Dave`))
  const { blockHash } = await until(() => receipt(alice, known), 'a block of the others')
  assert.notEqual(blockHash, orphaned.get(known).blockHash)
  for (const hash of hashes.slice(1)) assert.equal(await alice.call('eth_getTransactionByHash', [hash]), null)
  await until(() => events.logs.length === 2, 'logs of the fork')
  assert.equal(await dave.call('chain_getFinalizedHead'), await dave.call('chain_getBlockHash', [0]))
  light = await weight(dave)
}

/** Until the chain of the others wins whatever Dave, who stands still, does on waking up. */
export const outweigh = ({ alice }) => until(async () => await weight(alice) >= light + LEAD, 'a heavier chain', 240)

/** Dave meets the others: every transaction is in a block of theirs and final, and subscribers can tell. */
export async function meet({ alice, bob, charlie, dave }) {
  for (const other of [alice, bob, charlie]) await connect(dave, other)
  for (const [hash, { blockHash }] of orphaned) {
    const included = await until(async () => {
      const [ours, his] = [await receipt(alice, hash), await receipt(dave, hash)]
      const { number } = await dave.call('eth_getBlockByNumber', ['finalized', false])
      return ours?.blockHash === his?.blockHash && BigInt(number) >= BigInt(his.blockNumber) && his
    }, `${hash} final at Dave`, 120)
    assert.notEqual(included.blockHash, blockHash)
    assert.equal(included.status, '0x1')
    assert.deepEqual(included, await receipt(alice, hash))
  }
  assert.equal(await dave.call('eth_getBalance', [PAYEE, 'latest']), '0x3')

  const chain = await alice.call('eth_getLogs', [{ fromBlock: '0x0', toBlock: 'finalized' }])
  const left = [...orphaned.values()].flatMap(({ logs }) => logs)
  for (const changes of [events.logs, await dave.call('eth_getFilterChanges', [filter])]) {
    const { live, gone } = replay(changes)
    assert.deepEqual(live, chain)
    for (const log of left) assert.ok(gone.some((other) => isDeepStrictEqual(other, { ...log, removed: true })), 'not removed')
  }
  assert.equal(chain.length, left.length)
}
