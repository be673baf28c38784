// Two nodes fork; when they meet, the lighter one changes over and no transaction is lost.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { account, sign } from '../lib/accounts.js'
import { listen, replay } from '../lib/logs.js'
import { connect, startPartitioned, weight } from '../lib/network.js'
import { until } from '../lib/node.js'
import { compile } from '../lib/solidity.js'

// Nobody is overtaken within as many slots, and it takes fewer until they have each other's chain.
const LEAD = 6
const target = (index) => `0x00000000000000000000000000000000000f00${index.toString(16).padStart(2, '0')}`
let network, alice, bob, events, filter, blockFilter
const sent = {}
const orphaned = {}

const submit = (node, raw) => node.call('eth_sendRawTransaction', [raw])
const receipt = (node, hash) => node.call('eth_getTransactionReceipt', [hash])
const blockAt = (node, number) => node.call('eth_getBlockByNumber', [`0x${number.toString(16)}`, false])
const hex = (number) => `0x${number.toString(16)}`

before(async () => {
  network = await startPartitioned()
  ;({ alice, bob } = network)
  events = await listen(bob)
  filter = await bob.call('eth_newFilter', [{}])
  blockFilter = await bob.call('eth_newBlockFilter')

  const { bytecode } = compile('Token.sol', 'Token')
  const create = { data: bytecode, gas: 3_000_000n }
  const both = await sign(0, 0, create)
  sent.both = await submit(alice, both)
  await submit(bob, both)
  sent.created = await submit(bob, await sign(3, 0, create))
  sent.first = await submit(bob, await sign(4, 0, { to: target(1), value: 1n }))
  sent.second = await submit(bob, await sign(4, 1, { to: target(1), value: 2n }))
  // One nonce, two transactions: only one of them can survive.
  sent.loser = await submit(bob, await sign(5, 0, { to: target(2), value: 1n }))
  sent.winner = await submit(alice, await sign(5, 0, { to: target(2), value: 7n }))
  for (const name of ['both', 'winner']) await until(() => receipt(alice, sent[name]), `${name} at Alice`)
  for (const name of ['both', 'created', 'first', 'second', 'loser']) {
    orphaned[name] = await until(() => receipt(bob, sent[name]), `${name} at Bob`)
  }
  await until(() => events.logs.length >= 2, 'logs of the fork')

  // Bob stands still until Alice's chain is heavier whatever Bob does on waking up.
  const light = await weight(bob)
  bob.process.kill('SIGSTOP')
  await until(async () => await weight(alice) >= light + LEAD, 'a heavier chain', 120)
  bob.process.kill('SIGCONT')
  await connect(alice, bob)
  await until(async () => (await blockAt(bob, 1)).hash === (await blockAt(alice, 1)).hash,
    'Bob on the chain of Alice', 90)
})
after(async () => {
  events?.close()
  await network?.stop()
})

test('transactions of the losing fork are included again, in order, and become final', async () => {
  for (const name of ['both', 'created', 'first', 'second', 'winner']) {
    await until(async () => {
      const [a, b] = [await receipt(alice, sent[name]), await receipt(bob, sent[name])]
      if (!a || !b || a.blockHash !== b.blockHash) return false
      const [fa, fb] = await Promise.all([alice, bob].map((node) =>
        node.call('eth_getBlockByNumber', ['finalized', false])))
      return [fa, fb].every((block) => BigInt(block.number) >= BigInt(a.blockNumber))
    }, `${name} final on both nodes`, 60)
    const [a, b] = [await receipt(alice, sent[name]), await receipt(bob, sent[name])]
    assert.deepEqual(a, b)
    assert.equal(a.status, '0x1')
    assert.notEqual(a.blockHash, orphaned[name]?.blockHash)
    const block = await bob.call('eth_getBlockByHash', [a.blockHash, false])
    assert.equal(block.transactions[Number(a.transactionIndex)], sent[name])
    const { blockHash } = await bob.call('eth_getTransactionByHash', [sent[name]])
    assert.equal(blockHash, a.blockHash)
  }
  for (const node of [alice, bob]) {
    assert.equal(await node.call('eth_getBalance', [target(1), 'latest']), '0x3')
    assert.equal(await node.call('eth_getTransactionCount', [account(4).address, 'latest']), '0x2')
  }
})

test('of two transactions with one nonce the one on the heavier chain stays', async () => {
  assert.equal(await receipt(bob, sent.loser), null)
  assert.equal(await bob.call('eth_getTransactionByHash', [sent.loser]), null)
  for (const node of [alice, bob]) {
    assert.equal(await node.call('eth_getBalance', [target(2), 'latest']), '0x7')
    assert.equal(await node.call('eth_getTransactionCount', [account(5).address, 'pending']), '0x1')
  }
})

test('the state of a block that the chain left is an error, not that of its rival', async () => {
  const { blockHash } = orphaned.loser
  // Pruned when a rival becomes final, and a little later where somebody still reads it.
  await until(() => bob.call('eth_getBalance', [target(2), { blockHash }]).then(
    (balance) => { assert.equal(balance, '0x1'); return false },
    (error) => { assert.match(error.message, /historical state of block/); return true }), 'the state is pruned', 60)
  await assert.rejects(bob.call('eth_getBalance', [target(2), { blockHash, requireCanonical: true }]), /not currently canonical/)
})

test('both nodes answer alike for every final block', async () => {
  const last = Number((await bob.call('eth_getBlockByNumber', ['finalized', false])).number)
  assert.ok(last >= 3)
  for (let number = 0; number <= last; number++) {
    assert.deepEqual(await blockAt(bob, number), await blockAt(alice, number))
    const receipts = (node) => node.call('eth_getBlockReceipts', [hex(number)])
    assert.deepEqual(await receipts(bob), await receipts(alice))
  }
  const proof = (node) => node.call('eth_getProof', [account(4).address, [], hex(last)])
  assert.deepEqual(await proof(bob), await proof(alice))
})

test('newHeads announces the new chain from the fork on, without gaps', async () => {
  const last = Number((await bob.call('eth_getBlockByNumber', ['finalized', false])).number)
  const head = Number(await bob.call('eth_blockNumber'))
  await until(() => Number(events.heads.at(-1).number) >= head, 'the head announced')
  const known = new Map([[0, (await blockAt(bob, 0)).hash]])
  let reorgs = 0
  for (const block of events.heads) {
    const number = Number(block.number)
    // Blocks from before the subscription were not announced.
    if (known.has(number - 1)) assert.equal(block.parentHash, known.get(number - 1), `parent of ${number}`)
    else assert.equal(known.size, 1, `a gap before ${number}`)
    if (known.has(number)) reorgs++
    known.set(number, block.hash)
  }
  assert.ok(reorgs > 0)
  for (let number = 1; number <= last; number++) {
    assert.equal(known.get(number), (await blockAt(alice, number)).hash, `announced ${number}`)
  }
})

/** What stays of these logs must be what the chain has. */
async function settle(changes) {
  const { live, gone } = replay(changes)
  const chain = await alice.call('eth_getLogs', [{ fromBlock: '0x0', toBlock: 'finalized' }])
  assert.equal(chain.length, 2)
  assert.deepEqual(live, chain)
  for (const name of ['both', 'created']) {
    const [{ blockHash, logIndex }] = orphaned[name].logs
    assert.ok(gone.some((log) => log.blockHash === blockHash && log.logIndex === logIndex), `${name} was not removed`)
  }
}

test('subscribers get the logs of the losing fork as removed and those of the chain once', () =>
  settle(events.logs))

test('filters report removed logs and the new blocks', async () => {
  await settle(await bob.call('eth_getFilterChanges', [filter]))
  const hashes = await bob.call('eth_getFilterChanges', [blockFilter])
  const last = Number((await bob.call('eth_getBlockByNumber', ['finalized', false])).number)
  for (let number = 1; number <= last; number++) {
    assert.ok(hashes.includes((await blockAt(bob, number)).hash), `block ${number} is missing`)
  }
  assert.deepEqual(
    await bob.call('eth_getLogs', [{ blockHash: (await receipt(bob, sent.created)).blockHash }]),
    (await receipt(bob, sent.created)).logs)
})
