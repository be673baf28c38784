// Many deposits and many withdrawals at once: bitcoind, a node, a relayer and four signers as processes of their own.
// Environment: BZK_BRIDGE_LOAD, how many of each (40; the acceptance run is 200).
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { schnorr } from '@noble/curves/secp256k1.js'
import { bytesToHex, parseAbi } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { privateKey } from '../lib/accounts.js'
import { BRIDGE, Devnet } from '../lib/devnet.js'
import { checkInvariants } from '../lib/invariants.js'
import { until } from '../lib/node.js'

const COUNT = Number(process.env.BZK_BRIDGE_LOAD ?? 40)
const SAT = 10n ** 10n
const MAX_FEE = 20_000n
// Transactions of an account that the pool takes.
const WAITING = 64
const WITHDRAW = parseAbi(['function withdraw(bytes script, uint64 maxFee) payable returns (uint64 id)'])

const random = (bytes) => randomBytes(bytes).toString('hex')
const xOnly = () => bytesToHex(schnorr.getPublicKey(schnorr.utils.randomSecretKey())).slice(2)
// A script of each standard type, and Core's dust limit of its outputs.
const TYPES = [
  ['p2pkh', () => `76a914${random(20)}88ac`, 546n],
  ['p2sh', () => `a914${random(20)}87`, 540n],
  ['p2wpkh', () => `0014${random(20)}`, 294n],
  ['p2wsh', () => `0020${random(32)}`, 330n],
  ['p2tr', () => `5120${xOnly()}`, 330n],
]
/** `count` amounts from `least` to about `most`, most of them small. */
const amounts = (count, least, most) => Array.from({ length: count }, (_, index) =>
  least + BigInt(Math.floor(Number(most - least) * (index / count) ** 3)))

let dir, devnet, bitcoin, node, start
const user = privateKeyToAccount(generatePrivateKey())
/** The status in what the node says of a deposit or withdrawal, and how long that takes: nothing once it is `done`. */
const status = (told, done) => {
  assert.ok(told.next && (told.status === done ? told.etaSeconds === 0 : told.etaSeconds > 0), JSON.stringify(told))
  return told.status
}
const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(0)} s`

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzk-load-'))
  devnet = new Devnet(dir)
  await devnet.start()
  ;({ bitcoin, node } = devnet)
  start = await bitcoin.call('getblockcount')
})
after(async () => {
  await devnet?.stop()
  if (!process.env.BZK_KEEP) await rm(dir, { recursive: true, force: true })
})

test(`${COUNT} deposits at once`, async (t) => {
  const { deposit: { minSats, claimFeeSats, relayFeeSats } } = await node.call('bridge_fees')
  const sats = amounts(COUNT, BigInt(minSats), 10_000_000n)
  const deposits = await Promise.all(sats.map(() =>
    node.call('bridge_depositAddress', [user.address, `0x${xOnly()}`])))
  assert.equal(new Set(deposits.map(({ address }) => address)).size, COUNT)
  await appendFile(devnet.deposits, deposits.map(({ deposit }) => `${JSON.stringify(deposit)}\n`).join(''))
  const payments = deposits.map(({ address }, index) => [address, sats[index]])
  const txid = await bitcoin.pay(payments)
  const [blockHash] = await bitcoin.mine(1)
  const height = start + 1
  const place = (index) => ({ height, blockHash, sats: Number(sats[index]) })
  const last = `${txid}:${COUNT - 1}`
  // What the node says of a deposit while it is on its way; without its place, nobody can know when it is done.
  const unclaimed = await node.call('bridge_depositStatus', [last])
  assert.deepEqual([unclaimed.status, unclaimed.etaSeconds], ['unclaimed', null])
  const begin = Date.now()
  const sum = sats.reduce((sum, sat) => sum + sat, 0n)
  const fees = BigInt(COUNT) * BigInt(claimFeeSats + relayFeeSats)
  const balance = () => devnet.wallet().getBalance({ address: user.address })
  const seen = new Set()
  await until(async () => {
    seen.add(status(await node.call('bridge_depositStatus', [last, place(COUNT - 1)]), 'claimed'))
    return await balance() === (sum - fees) * SAT
  }, 'all deposits to be claimed', 60 + COUNT * 3)
  t.diagnostic(`${COUNT} deposits claimed ${seconds(begin)} after their block; the last one was ${[...seen].join(', ')}`)
  const told = await node.call('bridge_depositStatus', [last, place(COUNT - 1)])
  assert.deepEqual([told.status, told.blockHash, told.etaSeconds], ['claimed', blockHash, 0])
  await checkInvariants(devnet)
})

test(`${COUNT} withdrawals at once, to every standard type, from the dust limit up`, async (t) => {
  const [, settled] = await devnet.bridge('totals')
  const wanted = Array.from({ length: COUNT }, (_, index) => {
    const [type, script, dust] = TYPES[index % TYPES.length]
    return { type, script: script(), dust, least: dust + MAX_FEE }
  })
  // One of each type leaves no more than dust at the highest fee allowed.
  const spread = amounts(COUNT, 0n, 1_000_000n)
  wanted.forEach((one, index) => { one.sats = one.least + spread[index] })
  const wallet = devnet.wallet(user)
  const nonce = await wallet.getTransactionCount({ address: user.address })
  const begin = Date.now()
  const request = ({ script, sats }, index) => wallet.writeContract({
    address: BRIDGE, abi: WITHDRAW, functionName: 'withdraw', args: [`0x${script}`, MAX_FEE], value: sats * SAT,
    nonce: nonce + index, gas: 300_000n,
  })
  const all = wanted.map((one, index) => () => request(one, index))
  while (all.length > 0) {
    const hashes = await Promise.all(all.splice(0, WAITING).map((one) => one()))
    for (const hash of hashes) {
      assert.equal((await wallet.waitForTransactionReceipt({ hash })).status, 'success')
    }
  }
  t.diagnostic(`${COUNT} withdrawals requested in ${seconds(begin)}`)
  const sum = wanted.reduce((sum, { sats }) => sum + sats, 0n)
  const seen = new Set()
  await until(async () => {
    seen.add(status(await node.call('bridge_withdrawal', [COUNT - 1]), 'settled'))
    if ((await bitcoin.call('getrawmempool')).length > 0) await bitcoin.mine(1)
    return (await devnet.bridge('totals'))[1] === settled + sum
  }, 'all withdrawals to be settled', 120 + COUNT * 5)
  t.diagnostic(`${COUNT} withdrawals settled ${seconds(begin)} after the first request; the last one was ${[...seen].join(', ')}`)

  // Each is paid once, what was asked for less a fee that was allowed.
  const paid = new Map()
  const tip = await bitcoin.call('getblockcount')
  for (let height = start + 1; height <= tip; height++) {
    const { tx } = await bitcoin.call('getblock', await bitcoin.call('getblockhash', height), 2)
    for (const { value, scriptPubKey: { hex } } of tx.flatMap(({ vout }) => vout)) {
      paid.set(hex, [...paid.get(hex) ?? [], BigInt(Math.round(value * 1e8))])
    }
  }
  const fees = []
  for (const { type, script, sats, dust } of wanted) {
    assert.equal(paid.get(script)?.length, 1, `${type} is paid once`)
    const [received] = paid.get(script)
    assert.ok(received <= sats && received >= sats - MAX_FEE && received >= dust, `${type}: ${received} of ${sats}`)
    fees.push(sats - received)
  }
  const most = fees.reduce((most, fee) => (fee > most ? fee : most))
  t.diagnostic(`fees of ${fees.reduce((sum, fee) => sum + fee, 0n) / BigInt(COUNT)} sats on the average, ${most} at most`)
  const [claimed, , locked, deficit] = await devnet.bridge('totals')
  assert.deepEqual([locked, deficit], [0n, 0n])
  // The committee's pallet follows final blocks, a little later.
  await until(async () => status(await node.call('bridge_withdrawal', [COUNT - 1]), 'settled') === 'settled',
    'the last withdrawal to be settled in the books', 60)
  await checkInvariants(devnet)
  // As an auditor checks it, with a Bitcoin node of his own.
  const audit = await devnet.user(null, 'reserves')
  assert.equal(BigInt(audit.owed_sats), claimed - settled - sum)
  const covered = audit.found_sats + audit.in_payouts_sats + audit.sweep_fees_sats + audit.paid_ahead_sats
  assert.ok(covered >= audit.owed_sats)
})

test('questions that make no sense are answered with cause and cure', async () => {
  const fails = (method, params, why) => assert.rejects(node.call(method, params), ({ message, data }) => {
    assert.match(`${message} ${data}`, why)
    return true
  })
  const key = `0x${xOnly()}`
  await fails('bridge_depositAddress', ['0x12', key], /Invalid params invalid string length/)
  await fails('bridge_depositAddress', [user.address, `0x${'ff'.repeat(32)}`], /is no refund key: give/)
  await fails('bridge_depositStatus', ['nonsense'], /is no outpoint .*: give it as TXID:VOUT/)
  await fails('bridge_depositStatus', [`${'00'.repeat(32)}:0`, { height: 1 }], /missing field/)
  await fails('bridge_withdrawal', ['one'], /Invalid params invalid type: string "one", expected u64/)
  await fails('bridge_fees', ['1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2'], /another network: give one of regtest/)
  await fails('bridge_fees', ['bcrt1nonsense'], /is no Bitcoin address/)
  const to = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'
  await fails('bridge_fees', [to, 293], /293 sats are dust: Bitcoin relays 294 or more/)
  assert.equal(await node.call('bridge_withdrawal', [10_000]), null)
  const { withdrawal } = await node.call('bridge_fees', [to, 294])
  assert.match(withdrawal.next, /would wait for lower fees/)
  assert.equal((await node.call('bridge_depositStatus', [`${'00'.repeat(32)}:0`,
    { height: start + 10_000, blockHash: '00'.repeat(32), sats: 1000 }])).status, 'unknown block')
  assert.equal((await node.call('bridge_depositStatus', [`${'00'.repeat(32)}:0`,
    { height: 1, blockHash: '00'.repeat(32), sats: 1000 }])).status, 'not in the chain')
})

test('a withdrawal costs no more than was quoted', async () => {
  const to = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'
  const sats = 100_000n
  const before = await bitcoin.received(to)
  const { withdrawal: quote } = await devnet.user(null, 'fees', '--to', to, '--sats', String(sats))
  const payer = await devnet.keyFile('payer', privateKey(5))
  const { withdrawal } = await devnet.user(payer, 'withdraw', '--to', to, '--sats', String(sats),
    '--max-fee-sats', String(quote.suggestedMaxFeeSats))
  await until(async () => {
    if ((await bitcoin.call('getrawmempool')).length > 0) await bitcoin.mine(1)
    return (await node.call('bridge_withdrawal', [withdrawal])).status === 'settled'
  }, 'the payout to be settled', 180)
  // An idle regtest's fee rate only falls, from the policy's to the floor.
  const fee = sats - (await bitcoin.received(to) - before)
  assert.ok(fee > 0n && fee <= BigInt(quote.feeSatsAlone), `${fee} of ${quote.feeSatsAlone}`)
  await checkInvariants(devnet)
})
