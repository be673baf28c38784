// Parts of the bridge fail while BTC goes in and out: relayers and signers are killed, stopped and started again.
// What was asked for happens once all the same.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, after, test } from 'node:test'
import { privateKeyToAccount, generatePrivateKey } from 'viem/accounts'
import { account, privateKey } from '../lib/accounts.js'
import { Devnet } from '../lib/devnet.js'
import { checkInvariants } from '../lib/invariants.js'
import { until } from '../lib/node.js'
import { connectApi } from '../lib/substrate.js'

const SAT = 10n ** 10n
const SATS = 1_000_000n
const HOME = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'
// A prefunded account that pays a second relayer's gas.
const SECOND = 7

let dir, devnet, bitcoin, node, payer, api
const user = privateKeyToAccount(generatePrivateKey())
const balance = (address = user.address) => devnet.wallet().getBalance({ address })
const alive = ({ child }) => child.exitCode === null && child.signalCode === null

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzk-failures-'))
  devnet = new Devnet(dir)
  await devnet.start()
  ;({ bitcoin, node } = devnet)
  payer = await devnet.keyFile('payer', privateKey(5))
  ;({ api } = await connectApi(node))
})
after(async () => {
  await api?.disconnect()
  await devnet?.stop()
  if (!process.env.BZK_KEEP) await rm(dir, { recursive: true, force: true })
})

test('crash_relayer_that_was_killed_catches_up', async () => {
  await devnet.relayer.stop('SIGKILL')
  const { address, fee_sats: fees } = await devnet.user(null, 'deposit-address', '--recipient', user.address,
    '--refund-key-file', join(dir, 'refund.key'), '--deposits', devnet.deposits)
  const coins = 3n
  await bitcoin.pay(Array(Number(coins)).fill([address, SATS]))
  // More than one transaction of headers.
  await bitcoin.mine(150)
  assert.equal(await balance(), 0n)
  await devnet.startRelayer()
  await until(async () => await balance() === coins * (SATS - BigInt(fees)) * SAT, 'the deposits to be claimed', 120)
  await checkInvariants(devnet)
})

test('crash_signers_in_the_middle_of_a_session_do_not_stop_the_payout', async (t) => {
  const second = await devnet.startRelayer(SECOND)
  // One of four is silent for ever, so that all three others are needed.
  const [killed, silent] = [0, 3]
  devnet.signers[silent].part.child.kill('SIGSTOP')
  const { withdrawal } = await devnet.user(payer, 'withdraw', '--to', HOME, '--sats', '400000', '--max-fee-sats', '20000')
  // It has committed to nonces, and the others wait for its share.
  const committed = async () => {
    const nonces = await api.query.threshold.sessionNonces.entries()
    const found = nonces.find(([key]) => key.args[1].toNumber() === killed)
    return found && { session: found[0].args[0] }
  }
  const { session } = await until(committed, 'the nonces of the one that is killed', 60)
  await devnet.signers[killed].part.stop('SIGKILL')
  const begin = Date.now()
  const state = async () => (await api.query.threshold.sessions(session)).unwrapOr(null)?.session
  // Nobody finishes without it.
  const attempt = await until(async () => {
    const open = await state()
    assert.ok(open, 'the session has ended without a quorum')
    return open.attempt.toNumber() > 0 && open.attempt.toNumber()
  }, 'the next attempt', 60)
  t.diagnostic(`attempt ${attempt} began ${((Date.now() - begin) / 1000).toFixed(0)} s after the kill`)
  assert.equal((await node.call('bridge_withdrawal', [withdrawal])).status, 'signing')
  await devnet.runSigner(killed)
  const told = () => node.call('bridge_withdrawal', [withdrawal])
  await until(async () => (await told()).status === 'signed', 'the payout to be signed', 90)
  t.diagnostic(`signed ${((Date.now() - begin) / 1000).toFixed(0)} s after the kill`)
  const { txid } = await told()
  await until(async () => (await bitcoin.call('getrawmempool')).includes(txid), 'the payout in the mempool', 60)
  await bitcoin.mine(1)
  await until(async () => (await told()).status === 'settled', 'the payout to be settled', 90)
  const received = await bitcoin.received(HOME)
  assert.ok(received >= 380_000n && received < 400_000n, `paid once: ${received}`)
  const status = (await api.query.threshold.signers.entries()).map(([, signer]) => signer.unwrap().status.type)
  assert.deepEqual(status, Array(4).fill('Ready'), 'silence costs no seat so soon')
  assert.ok(alive(second) && alive(devnet.relayer))
  await checkInvariants(devnet)
})

test('two relayers at once are harmless', async () => {
  const [before, , ] = await devnet.bridge('totals')
  const { address } = await devnet.user(null, 'deposit-address', '--recipient', user.address,
    '--refund-key-file', join(dir, 'refund.key'), '--deposits', devnet.deposits)
  await bitcoin.pay([[address, SATS]])
  for (let block = 0; block < 5; block++) await bitcoin.mine(1)
  await until(async () => (await devnet.bridge('totals'))[0] === before + SATS, 'the deposit to be claimed', 90)
  const relays = devnet.parts.filter(({ name }) => name?.startsWith('relayer')).filter(alive)
  assert.equal(relays.length, 2)
  const tip = await bitcoin.call('getblockcount')
  await until(async () => (await node.call('bridge_reserves')).height === tip, 'the headers', 60)
  // The account that nobody but a relayer uses has not been drained by calls that fail.
  assert.ok(await balance(account(SECOND).address) > 0n)
  await checkInvariants(devnet)
})
