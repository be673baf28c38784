// What watches the bridge's tests can fail: each invariant is broken once, in blocks that no node has made.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Books } from '../lib/books.js'
import { Nonces } from '../lib/nonces.js'
import { Watcher } from '../lib/watcher.js'

const SAT = 10n ** 10n
const GENESIS = 1_000_000n * SAT
const event = (eventName, args) => ({ eventName, args })
const claimed = (vout, amount) => event('Claimed', { txid: '0xaa', vout, amount })
const requested = (id, amount) => event('WithdrawalRequested', { id, amount })
const settled = (id) => event('WithdrawalSettled', { id, paid: 1n })
const reopened = (id) => event('WithdrawalReopened', { id })
const unlocked = (id, amount) => event('WithdrawalUnlocked', { id, amount })

/** A block after which the contract's books say `totals`, and one coin covers them. */
function block(logs, [claimed, settled, locked], change = {}) {
  const owed = claimed - settled
  const coins = [{ outpoint: '0xaa:0', sats: owed }]
  const reserves = { claimed, settled, locked, backing: owed, sweepFees: 0n, paidAhead: 0n, coins }
  return { logs, balance: GENESIS - (claimed - settled - locked) * SAT, reserves: { ...reserves, ...change } }
}
const FIRST = block([], [0n, 0n, 0n])

/** What the books say of the last of some blocks; nothing of those before. */
function told(...blocks) {
  const books = new Books()
  const found = [FIRST, ...blocks].map((block) => books.apply(block))
  assert.deepEqual(found.slice(0, -1).flat(), [])
  return found.at(-1)
}

const CLAIM = block([claimed(0, 900n)], [900n, 0n, 0n])
const REQUEST = block([requested(0n, 400n), requested(1n, 100n)], [900n, 0n, 500n])
const SETTLE = block([settled(0n)], [900n, 400n, 100n])

test('books that add up are silent', () => {
  assert.deepEqual(told(CLAIM, REQUEST, SETTLE,
    block([claimed(1, 50n), unlocked(1n, 100n)], [950n, 400n, 0n]),
    block([reopened(0n)], [950n, 0n, 400n]),
    block([settled(0n)], [950n, 400n, 0n]),
    // Sweeps cost, and leave coins of which one is in a payout.
    block([], [950n, 400n, 0n], { backing: 540n, sweepFees: 10n,
      coins: [{ outpoint: '0xbb:0', sats: 500n }, { outpoint: '0xbb:1', sats: 40n }] })), [])
  // All of it within one block.
  const logs = [CLAIM, REQUEST, SETTLE].flatMap(({ logs }) => logs)
  assert.deepEqual(told(block(logs, [900n, 400n, 100n])), [])
})

test('an outpoint that is claimed twice is told', () => {
  assert.deepEqual(told(CLAIM, block([claimed(0, 900n)], [1800n, 0n, 0n])), ['2: 0xaa:0 is claimed twice'])
  assert.deepEqual(told(block([claimed(0, 1n), claimed(0, 1n)], [2n, 0n, 0n])), ['2: 0xaa:0 is claimed twice'])
})

test('a withdrawal that is paid twice is told', () => {
  const again = '2: withdrawal 0 was settled and is settled'
  assert.ok(told(CLAIM, REQUEST, SETTLE, block([settled(0n)], [900n, 800n, 100n])).includes(again))
  assert.ok(told(CLAIM, REQUEST, block([settled(0n), settled(0n)], [900n, 400n, 100n])).includes(again))
  const back = block([unlocked(1n, 100n)], [900n, 400n, 0n])
  assert.deepEqual(told(CLAIM, REQUEST, SETTLE, back, block([settled(1n)], [900n, 500n, 0n])),
    ['2: withdrawal 1 was unlocked and is settled'])
  assert.deepEqual(told(CLAIM, REQUEST, SETTLE, block([unlocked(0n, 400n)], [900n, 0n, 100n])),
    ['2: withdrawal 0 was settled and is unlocked'])
  assert.ok(told(CLAIM, block([settled(7n)], [900n, 0n, 0n])).includes('2: withdrawal 7 was unknown and is settled'))
  assert.ok(told(CLAIM, REQUEST, block([reopened(0n)], [900n, 0n, 500n]))
    .includes('2: withdrawal 0 was locked and is locked'))
})

test('a balance that is not genesis - claimed + settled + locked is told', () => {
  for (const wei of [1n, -1n]) {
    const [text, ...more] = told(CLAIM, { ...REQUEST, balance: REQUEST.balance + wei })
    assert.match(text, /^1: balance \+ claimed is \d+ wei, genesis \+ settled \+ locked is \d+$/)
    assert.deepEqual(more, [])
  }
})

test('totals that are not the sums of the logs are told', () => {
  const totals = (...sums) => told(CLAIM, REQUEST, SETTLE, block([], sums))
  assert.deepEqual(totals(901n, 400n, 100n), ['1: claimed is 901 sats and the logs sum up to 900'])
  assert.deepEqual(totals(900n, 401n, 100n), ['1: settled is 401 sats and the logs sum up to 400'])
  assert.deepEqual(totals(900n, 400n, 99n), ['1: locked is 99 sats and the logs sum up to 100'])
})

test('more that leaves than came is told', () => {
  assert.deepEqual(told(CLAIM, block([requested(0n, 901n)], [900n, 0n, 901n])),
    ['1: 0 settled + 901 locked are more than 900 claimed'])
})

test('coins that do not cover what is owed are told', () => {
  const coins = (change) => told(block(CLAIM.logs, [900n, 0n, 0n], change))
  const of = (...sats) => sats.map((sats, index) => ({ outpoint: `0xaa:${index}`, sats }))
  assert.deepEqual(coins({ backing: 899n, coins: of(899n) }), 
    ['1: 899 sats, 0 of sweeps and 0 paid ahead do not cover 900'])
  assert.deepEqual(coins({ coins: of(500n, 399n) }), ['1: backing is 900 sats and the coins sum up to 899'])
  assert.deepEqual(coins({ coins: [...of(450n), ...of(450n)] }), ['1: a coin is counted twice'])
})

test('a payout of which a part is settled is owed for the rest no more', () => {
  // It has paid both withdrawals; who settled it named one.
  const part = (paidAhead) => block([settled(0n)], [900n, 400n, 100n],
    { backing: 400n, paidAhead, coins: [{ outpoint: '0xcc:1', sats: 400n }] })
  assert.deepEqual(told(CLAIM, REQUEST, part(100n)), [])
  assert.deepEqual(told(CLAIM, REQUEST, part(99n)), ['1: 400 sats, 0 of sweeps and 99 paid ahead do not cover 500'])
  // The rest is settled: nothing is paid ahead any more.
  assert.deepEqual(told(CLAIM, REQUEST, part(100n), block([settled(1n)], [900n, 500n, 0n])), [])
})

const shows = (session, sender, ...nonces) => ({ session, sender, nonces })
const shares = (session, sender) => ({ session, sender, shares: true })

test('nonces that are drawn anew for each attempt are silent', () => {
  const nonces = new Nonces()
  const blocks = [[shows('1', '0', 'a', 'b'), shows('1', '1', 'c', 'd')], [shares('1', '0')],
    [shows('1', '0', 'e', 'f')], [shares('1', '0'), shares('1', '1')], [{ session: '1', sender: '2' }]]
  assert.deepEqual(blocks.flatMap((messages) => nonces.apply({ messages })), [])
  assert.deepEqual([nonces.drawn, nonces.signed], [3, 3])
})

test('a nonce that is used twice is told', () => {
  const last = (...messages) => {
    const nonces = new Nonces()
    return messages.map((message) => nonces.apply({ messages: [message] })).at(-1)
  }
  const again = (session) => [`4: nonce b of member 0 is shown again in session ${session}`]
  assert.deepEqual(last(shows('1', '0', 'a', 'b'), shows('1', '0', 'c', 'b')), again(1))
  assert.deepEqual(last(shows('1', '0', 'a', 'b'), shares('1', '0'), shows('2', '0', 'b', 'c')), again(2))
  const unheard = (session) => [`4: member 0 signs without new nonces in session ${session}`]
  assert.deepEqual(last(shows('1', '0', 'a', 'b'), shares('1', '0'), shares('1', '0')), unheard(1))
  assert.deepEqual(last(shows('1', '0', 'a', 'b'), shares('2', '0')), unheard(2))
})

/** A chain of `length` blocks, the last two not final, of whose answers every third is missing while it is watched. */
function chainOf(length, change = () => ({})) {
  let [calls, steady] = [0, false]
  const flaky = async (value) => {
    if (!steady && calls++ % 3 === 2) throw new Error('no node')
    return value
  }
  const chain = {
    runs: () => true,
    final: () => flaky(length - 3),
    best: async () => length - 1,
    block: (number) => flaky({ hash: number, parentHash: number - 1, ...change(number) }),
  }
  return { chain, steady: () => { steady = true } }
}

/** Watches a chain until all final blocks have been seen, and ends; gives the numbers of the blocks seen. */
async function watch(length, { change, check = () => [] } = {}) {
  const seen = []
  const { chain, steady } = chainOf(length, change)
  const apply = ({ hash }) => { seen.push(hash); return check(hash) }
  const watcher = new Watcher(chain, [{ apply }], 1).start()
  while (watcher.next < length - 2) await new Promise((resolve) => setTimeout(resolve, 1))
  steady()
  await watcher.stop()
  return seen
}

test('every block is looked at once, though the node is down at times', async () => {
  assert.deepEqual(await watch(9), [0, 1, 2, 3, 4, 5, 6, 7, 8])
})

test('what does not hold is thrown with its block at the end', async () => {
  const only = (wanted) => (number) => (number === wanted ? ['1: broken'] : [])
  await assert.rejects(watch(9, { check: only(4) }), { message: 'invariants do not hold:\nblock 4: 1: broken' })
  await assert.rejects(watch(14, { check: () => ['1: broken'] }), /block 0: 1: broken\n(.*\n){9}and 4 more$/)
  // Not final when the watch ends.
  await assert.rejects(watch(9, { check: only(8) }), /block 8: 1: broken$/)
  const fork = (number) => (number === 3 ? { parentHash: 77 } : {})
  await assert.rejects(watch(9, { change: fork }), /block 3: a final block was replaced$/)
})

test('a node that its test has ended is asked nothing more', async () => {
  const gone = () => Promise.reject(new Error('no node'))
  const watcher = new Watcher({ runs: () => false, final: gone, best: gone, block: gone }, [], 1).start()
  await watcher.stop()
  watcher.violations.push('block 2: 1: broken')
  await assert.rejects(watcher.stop(), /block 2: 1: broken$/)
})

test('what cannot be read is thrown at the end', async () => {
  const refused = () => Promise.reject(new Error('no such method'))
  const watcher = new Watcher({ runs: () => true, final: refused, best: async () => 0, block: refused }, [], 1).start()
  await assert.rejects(watcher.stop(), /no such method/)
})
