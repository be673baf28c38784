// `bzk-bridge` as a user drives it, without a relayer that would do anything for them: the deposit's address, its
// claim, the way back out of a deposit that nobody claims, and what the program says to mistakes.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, after, test } from 'node:test'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { privateKey } from '../lib/accounts.js'
import { Devnet } from '../lib/devnet.js'
import { checkInvariants } from '../lib/invariants.js'
import { until } from '../lib/node.js'

const SAT = 10n ** 10n
const SATS = 300_000n
const HOME = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'

let dir, devnet, bitcoin, own, refundKey, payer
const user = privateKeyToAccount(generatePrivateKey())
const balance = () => devnet.wallet().getBalance({ address: user.address })

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzk-cli-'))
  devnet = new Devnet(dir)
  await devnet.start()
  bitcoin = devnet.bitcoin
  // Not the file that the relayer reads.
  own = join(dir, 'own.jsonl')
  refundKey = join(dir, 'refund.key')
  payer = await devnet.keyFile('payer', privateKey(5))
})
after(async () => {
  await devnet?.stop()
  if (!process.env.BZK_KEEP) await rm(dir, { recursive: true, force: true })
})

const deposit = async () => {
  const answer = await devnet.user(null, 'deposit-address', '--recipient', user.address,
    '--refund-key-file', refundKey, '--deposits', own)
  const txid = await bitcoin.pay([[answer.address, SATS]])
  await bitcoin.mine(1)
  const { vout } = (await bitcoin.call('getrawtransaction', txid, true)).vout
    .map(({ n, scriptPubKey }) => ({ vout: n, address: scriptPubKey.address }))
    .find(({ address }) => address === answer.address)
  return { ...answer, outpoint: `${txid}:${vout}` }
}
const status = async (outpoint) => {
  const { deposits } = await devnet.user(null, 'status', '--deposits', own)
  return deposits.find((found) => found.outpoint === outpoint)
}

test('a deposit is claimed by whoever pays the gas', async () => {
  const { address, outpoint, fee_sats: fees } = await deposit()
  assert.match(address, /^bcrt1p/)
  assert.equal((await stat(refundKey)).mode & 0o777, 0o600, 'the refund key is for its owner alone')
  await until(async () => (await status(outpoint)).confirmations >= 1, 'the relay to learn of the block', 60)
  const before = await status(outpoint)
  assert.deepEqual([before.claimed, before.needed, BigInt(before.sats)], [false, 1, SATS])
  assert.deepEqual((await devnet.user(payer, 'claim', '--deposits', own)).claimed, [outpoint])
  assert.equal((await status(outpoint)).claimed, true)
  assert.equal(await balance(), (SATS - BigInt(fees)) * SAT)
  const again = await devnet.user(payer, 'claim', '--deposits', own)
  assert.deepEqual(again.claimed, [], again.next)
  await assert.rejects(devnet.user(null, 'reclaim', '--deposits', own, '--refund-key-file', refundKey,
    '--outpoint', outpoint, '--to', HOME), /the refund opens with block \d+; the tip is \d+/)
  await checkInvariants(devnet)
})

test('mistakes cost nothing and are named', async () => {
  const own = join(dir, 'nobody.jsonl')
  const withdraw = (...args) => devnet.user(payer, 'withdraw', ...args)
  const fails = (run, why) => assert.rejects(run, why)
  await fails(withdraw('--to', HOME, '--sats', '1000', '--max-fee-sats', '900'), /smallest payout .* is 294 sats/)
  await fails(withdraw('--to', '1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2', '--sats', '9000', '--max-fee-sats', '900'),
    /regtest|network/)
  await fails(withdraw('--to', 'bcrt1nonsense', '--sats', '9000', '--max-fee-sats', '900'), /invalid value/)
  await fails(devnet.user(null, 'withdraw', '--to', HOME, '--sats', '9000', '--max-fee-sats', '900'), /account/)
  await fails(devnet.user(payer, 'claim', '--deposits', own), /cannot open .*nobody\.jsonl/)
  await fails(devnet.user(null, 'status'), /--deposits|--withdrawal/)
  assert.equal((await devnet.user(null, 'status', '--withdrawal', '7')).status, undefined)
})

test('a withdrawal is followed to its payout in words', async () => {
  const { withdrawal } = await devnet.user(payer, 'withdraw', '--to', HOME, '--sats', '100000', '--max-fee-sats', '20000')
  const told = () => devnet.command(null, 'status', '--withdrawal', String(withdrawal))
  assert.match(await told(), /^ +next {2}\S/m)
  await until(async () => (await told()).match(/^ +status {2}signed$/m), 'the payout to be signed', 120)
  await until(async () => (await bitcoin.call('getrawmempool')).length > 0, 'the payout in the mempool', 60)
  await bitcoin.mine(1)
  await until(async () => (await told()).match(/^ +status {2}settled$/m), 'the payout to be settled', 120)
  assert.match(await told(), /^ +next {2}nothing: it is paid$/m)
  const received = await bitcoin.received(HOME)
  assert.ok(received >= 80_000n && received < 100_000n, `${received}`)
  await checkInvariants(devnet)
})

// Last: the relay does not follow two weeks of blocks.
test('a deposit that nobody claims comes back without the committee or the L2', async () => {
  await devnet.relayer.stop()
  const { outpoint, refund_after_blocks: delay } = await deposit()
  const to = 'bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6'
  await devnet.watcher.stop()
  await devnet.node.end()
  const reclaim = (...args) => devnet.user(null, 'reclaim', '--deposits', own, '--refund-key-file', refundKey,
    '--outpoint', outpoint, '--to', to, ...args)
  const height = await bitcoin.call('getblockcount')
  await assert.rejects(reclaim(), new RegExp(`the refund opens with block ${height + delay}; the tip is ${height}`))
  const { transaction } = await reclaim('--dry-run')
  const accepts = async () => (await bitcoin.call('testmempoolaccept', [transaction]))[0]
  // Bitcoin itself refuses it until the last block of the delay is there.
  await bitcoin.mine(delay - 2)
  assert.equal((await accepts())['reject-reason'], 'non-BIP68-final')
  await assert.rejects(reclaim(), /the refund opens with block/)
  await bitcoin.mine(1)
  assert.equal((await accepts()).allowed, true)
  const { txid, sats } = await reclaim()
  await bitcoin.mine(1)
  const { confirmations } = await bitcoin.call('getrawtransaction', txid, true)
  assert.equal(confirmations, 1)
  assert.equal(await bitcoin.received(to), BigInt(sats))
  assert.ok(BigInt(sats) > SATS - 2_000n, `${sats} of ${SATS} came back`)
  assert.match(await readFile(refundKey, 'utf8'), /^[0-9a-f]{64}\n$/)
})
