// A user's way through the whole system: BTC in, spent on the L2, BTC out. bitcoind, the node, the relayer and each
// signer are processes of their own.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { Devnet } from '../lib/devnet.js'
import { checkInvariants } from '../lib/invariants.js'
import { until } from '../lib/node.js'

const SAT = 10n ** 10n
const FEES = 200n
// A standard address of each type on regtest, and the dust limit of its outputs.
const DESTINATIONS = {
  p2pkh: ['mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn', 546n],
  p2sh: ['2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc', 540n],
  p2wpkh: ['bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080', 294n],
  p2wsh: ['bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry', 330n],
  p2tr: ['bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6', 330n],
}

test('BTC in, spent, BTC out', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'bzk-devnet-'))
  const devnet = new Devnet(dir)
  t.after(async () => {
    await devnet.stop()
    if (!process.env.BZK_KEEP) await rm(dir, { recursive: true, force: true })
  })
  await devnet.start()
  const { bitcoin, node } = devnet
  t.diagnostic(`committee of ${devnet.count} made its key in ${devnet.dkgSeconds.toFixed(1)} s`)

  const secret = generatePrivateKey()
  const user = privateKeyToAccount(secret)
  const keyFile = join(dir, 'user.key')
  await writeFile(keyFile, secret, { mode: 0o600 })
  const balance = (address) => devnet.wallet().getBalance({ address })

  // In.
  const { address, refund_after_blocks: refund } = await devnet.user(keyFile, 'deposit-address',
    '--recipient', user.address, '--refund-key-file', join(dir, 'refund.key'), '--deposits', devnet.deposits)
  assert.match(address, /^bcrt1p/)
  assert.equal(refund, 2016)
  // Five coins, so that payouts need not wait for each other's change.
  const deposit = 5_000_000n
  await bitcoin.pay(Array(5).fill([address, deposit / 5n]))
  assert.equal(await balance(user.address), 0n)
  await bitcoin.mine(1)
  const released = (deposit - 5n * FEES) * SAT
  await until(async () => await balance(user.address) >= released, 'the deposits to be claimed', 120)
  assert.equal(await balance(user.address), released)
  const { deposits } = await devnet.user(keyFile, 'status', '--deposits', devnet.deposits)
  assert.equal(deposits.length, 5)
  assert.ok(deposits.every(({ claimed }) => claimed))
  await checkInvariants(devnet)

  // Spent.
  const friend = privateKeyToAccount(generatePrivateKey()).address
  const wallet = devnet.wallet(user)
  const hash = await wallet.sendTransaction({ to: friend, value: 1_000n * SAT })
  assert.equal((await wallet.waitForTransactionReceipt({ hash })).status, 'success')
  assert.equal(await balance(friend), 1_000n * SAT)

  // Out, to an address of each type.
  const sats = 400_000n
  const ids = []
  for (const [to] of Object.values(DESTINATIONS)) {
    const answer = await devnet.user(keyFile, 'withdraw', '--to', to, '--sats', String(sats), '--max-fee-sats', '20000')
    ids.push(answer.withdrawal)
  }
  assert.deepEqual(ids, [0, 1, 2, 3, 4])
  const status = (id) => node.call('bridge_withdrawal', [id])
  const begin = Date.now()
  await until(async () => (await Promise.all(ids.map(status))).every(({ status }) => status === 'signed'),
    'the payouts to be signed', 180)
  t.diagnostic(`signed ${((Date.now() - begin) / 1000).toFixed(1)} s after the last request`)
  const txids = new Set((await Promise.all(ids.map(status))).map(({ txid }) => txid))
  await until(async () => {
    const pool = await bitcoin.call('getrawmempool')
    return [...txids].every((txid) => pool.includes(txid))
  }, 'the payouts in the mempool', 60)
  await bitcoin.mine(1)
  for (const [type, [to]] of Object.entries(DESTINATIONS)) {
    const received = await bitcoin.received(to)
    assert.ok(received <= sats && received >= sats - 20_000n, `${type} received ${received}`)
  }
  await until(async () => (await Promise.all(ids.map(status))).every(({ status }) => status === 'settled'),
    'the payouts to be settled', 120)
  const [claimed, settled, locked] = await devnet.bridge('totals')
  assert.deepEqual([claimed, settled, locked], [deposit, 5n * sats, 0n])
  await checkInvariants(devnet)
})
