// A new committee key while withdrawals go on: the committee makes it, the old key names it to the contract, all coins
// move to it, and the old one is retired.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { account, privateKey } from '../lib/accounts.js'
import { Devnet } from '../lib/devnet.js'
import { checkInvariants } from '../lib/invariants.js'
import { until } from '../lib/node.js'
import { connectApi, send } from '../lib/substrate.js'

const PAYER = 5
const SATS = 60_000n
const MAX_FEE = 20_000n
// As long as deposits to the old key count (pallet-btc-bridge), and some blocks more.
const HANDOVER_BLOCKS = 2_016 + 30
// As long as they can be claimed after that: half of the refund delay (contracts/script/Networks.sol).
const CLAIM_BLOCKS = 1_008

test('rotation under load sweeps all coins', { timeout: 900_000 }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'bzk-rotation-'))
  const devnet = new Devnet(dir)
  let api
  t.after(async () => {
    await api?.disconnect()
    await devnet.stop()
    if (!process.env.BZK_KEEP) await rm(dir, { recursive: true, force: true })
  })
  await devnet.start()
  const { bitcoin, node } = devnet
  const payer = await devnet.keyFile('payer', privateKey(PAYER))
  const connected = await connectApi(node)
  api = connected.api

  const deposit = async (count, sats) => {
    const { address } = await devnet.user(null, 'deposit-address', '--recipient', account(PAYER).address,
      '--refund-key-file', join(dir, 'refund.key'), '--deposits', devnet.deposits)
    const [before] = await devnet.bridge('totals')
    await bitcoin.pay(Array(count).fill([address, sats]))
    await bitcoin.mine(6)
    const all = before + BigInt(count) * sats
    await until(async () => (await devnet.bridge('totals'))[0] === all, 'the deposits to be claimed', 120)
    return address
  }
  const asked = []
  const withdraw = async () => {
    const to = await bitcoin.address(asked.length)
    const { withdrawal } = await devnet.user(payer, 'withdraw', '--to', to, '--sats', String(SATS),
      '--max-fee-sats', String(MAX_FEE))
    asked.push({ withdrawal, to })
  }
  const settled = async () => {
    await bitcoin.mine(1)
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    const told = await Promise.all(asked.map(({ withdrawal }) => node.call('bridge_withdrawal', [withdrawal])))
    return told.every(({ status }) => status === 'settled')
  }

  const old = await deposit(12, 500_000n)
  const begin = Date.now()
  await send(api, api.tx.sudo.sudo(api.tx.threshold.rotate()), connected.keys.alice)
  await until(async () => {
    const [, , , epoch] = await devnet.bridge('state')
    if (epoch === 2) return true
    if (asked.length < 30) await withdraw()
    await bitcoin.mine(1)
    return false
  }, 'the contract to follow the new key', 240)
  t.diagnostic(`named after ${((Date.now() - begin) / 1000).toFixed(0)} s, ${asked.length} withdrawals meanwhile`)
  assert.equal((await api.query.threshold.keys.keys()).length, 2, 'the old key signs on')
  assert.notEqual(await deposit(2, 300_000n), old)
  await until(settled, 'every payout to be settled', 300)

  const mine = async (blocks) => {
    for (let left = blocks; left > 0; left -= 300) await bitcoin.mine(Math.min(left, 300))
    const tip = await bitcoin.call('getblockcount')
    await until(async () => (await node.call('bridge_reserves')).height >= tip, 'the contract to follow Bitcoin', 300)
  }
  // No deposit to the old key counts any more: what is left of it is swept.
  await mine(HANDOVER_BLOCKS)
  const newest = (await api.query.threshold.active()).unwrap().toNumber()
  let coins
  await until(async () => {
    // They count as swept when that is proven.
    await bitcoin.mine(1)
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    ({ coins } = await node.call('bridge_reserves'))
    return coins.length > 0 && coins.every(({ epoch }) => epoch === newest)
  }, 'the coins of the old key to be swept', 300)
  assert.equal((await api.query.threshold.keys.keys()).length, 2, 'a deposit to the old key may still be claimed')
  for (const txid of new Set(coins.map(({ outpoint }) => outpoint.split(':')[0]))) {
    assert.ok((await bitcoin.call('getrawtransaction', txid, 1)).confirmations > 0, `${txid} is in the chain`)
  }
  await mine(CLAIM_BLOCKS)
  await until(async () => (await api.query.threshold.keys.keys()).length === 1, 'the old key to be retired', 300)

  await withdraw()
  await until(settled, 'a payout by the new key to be settled', 180)
  for (const { to } of asked) {
    const received = await bitcoin.received(to)
    assert.ok(received > SATS - MAX_FEE && received <= SATS, `${to}: paid once: ${received}`)
  }
  await checkInvariants(devnet)
})
