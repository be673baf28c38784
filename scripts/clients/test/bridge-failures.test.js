// Parts of the bridge fail while BTC goes in and out: relayers and signers are killed, stopped and started again.
// What was asked for happens once all the same. There are two bitcoinds; every other signer has the second one.
// Environment: BZK_KILLS, how often signers are killed while they pay (6).
import assert from 'node:assert/strict'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, after, test } from 'node:test'
import { privateKeyToAccount, generatePrivateKey } from 'viem/accounts'
import { account, privateKey } from '../lib/accounts.js'
import { Devnet } from '../lib/devnet.js'
import { checkInvariants } from '../lib/invariants.js'
import { random } from '../lib/load.js'
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
  devnet = new Devnet(dir, { bitcoinds: 2 })
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
  // One of four is silent for ever, so that all three others are needed; one is late, so that nobody sends a share before.
  const [killed, late, silent] = [0, 2, 3]
  for (const index of [late, silent]) devnet.signers[index].part.child.kill('SIGSTOP')
  const { withdrawal } = await devnet.user(payer, 'withdraw', '--to', HOME, '--sats', '400000', '--max-fee-sats', '20000')
  // It has committed to nonces, and the others wait for its share.
  const committed = async () => {
    const nonces = await api.query.threshold.sessionNonces.entries()
    const found = nonces.find(([key]) => key.args[1].toNumber() === killed)
    return found && { session: found[0].args[0] }
  }
  const { session } = await until(committed, 'the nonces of the one that is killed', 60)
  await devnet.signers[killed].part.stop('SIGKILL')
  devnet.signers[late].part.child.kill('SIGCONT')
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
  devnet.signers[silent].part.child.kill('SIGCONT')
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

/** Asks for a withdrawal to an address of its own; gives its number and the address. */
async function withdraw(number, sats) {
  const to = await bitcoin.address(number)
  const { withdrawal } = await devnet.user(payer, 'withdraw', '--to', to, '--sats', String(sats), '--max-fee-sats', '20000')
  return { withdrawal, to, sats: BigInt(sats) }
}

const status = async (withdrawal) => (await node.call('bridge_withdrawal', [withdrawal])).status

test('attack_signer_whose_bitcoind_lags_does_not_sign_blindly', async () => {
  const [, peer] = devnet.peers
  await peer.call('setnetworkactive', false)
  // It ends its connections a moment later, and would still get the block.
  await until(async () => await peer.call('getconnectioncount') === 0, 'the peer to be alone')
  await bitcoin.mine(1)
  const height = await bitcoin.call('getblockcount')
  await until(async () => (await node.call('bridge_reserves')).height === height, 'the headers', 60)
  const { withdrawal, to, sats } = await withdraw(1, 60_000)
  // Signers 1 and 3 are two of four: with them alone missing there are too few.
  const lagging = [1, 3]
  const log = async (index) => readFile(join(dir, `signer-${index}.log`), 'utf8')
  const told = `our bitcoind is at height ${height - 1} and the chain knows of ${height}: waiting for it`
  for (const index of lagging) {
    await until(async () => (await log(index)).includes(told), `signer ${index} to say that its bitcoind lags`, 60)
    const metrics = async () => (await fetch(`http://${devnet.signers[index].metrics}/metrics`)).text()
    // It is set when the round ends.
    await until(async () => /^bzk_signer_sessions_doubted [1-9]$/m.test(await metrics()), `the gauge of signer ${index}`)
  }
  const nonces = await api.query.threshold.sessionNonces.entries()
  assert.ok(nonces.every(([key]) => !lagging.includes(key.args[1].toNumber())), 'no nonces of those that lag')
  assert.equal(await status(withdrawal), 'signing')
  assert.ok(!(await log(0)).includes('waiting for it'))
  await peer.call('setnetworkactive', true)
  await until(async () => ['signed', 'settled'].includes(await status(withdrawal)), 'the payout to be signed', 120)
  const { txid } = await node.call('bridge_withdrawal', [withdrawal])
  await until(async () => (await bitcoin.call('getrawmempool')).includes(txid), 'the payout in the mempool', 60)
  await bitcoin.mine(1)
  await until(async () => await status(withdrawal) === 'settled', 'the payout to be settled', 90)
  const received = await bitcoin.received(to)
  assert.ok(received > sats - 20_000n && received <= sats, `paid once: ${received}`)
})

const kills = Number(process.env.BZK_KILLS ?? 6)
const timeout = 600_000 + 10_000 * kills
test('crash_signers_killed_at_any_moment_pay_every_withdrawal_once', { timeout }, async (t) => {
  const dice = random(4)
  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))
  const asked = []
  const begin = Date.now()
  for (let kill = 0; kill < kills; kill++) {
    // Something is always being signed.
    const last = asked.at(-1)
    if (!last || ['signed', 'settled'].includes(await status(last.withdrawal))) {
      asked.push(await withdraw(100 + asked.length, 25_000 + asked.length))
    }
    // Mostly within an attempt, sometimes long enough for one to finish.
    await pause(dice.below(dice.below(3) === 0 ? 9_000 : 2_000))
    const signer = dice.below(4)
    await devnet.signers[signer].part.stop('SIGKILL')
    await pause(dice.below(500))
    await devnet.runSigner(signer)
    if (kill % 5 === 4) await bitcoin.mine(1)
  }
  const seconds = (Date.now() - begin) / 1000
  const settled = async () => {
    await bitcoin.mine(1)
    await pause(2_000)
    return (await Promise.all(asked.map(({ withdrawal }) => status(withdrawal)))).every((found) => found === 'settled')
  }
  await until(settled, 'every payout to be settled', 300)
  for (const { to, sats } of asked) {
    const received = await bitcoin.received(to)
    assert.ok(received > sats - 20_000n && received <= sats, `${to}: paid once: ${received} of ${sats}`)
  }
  const { drawn, signed } = devnet.nonces
  t.diagnostic(`${kills} kills in ${seconds.toFixed(0)} s, ${asked.length} withdrawals paid once; `
    + `on chain: ${drawn} nonces, ${signed} of them signed with, none twice`)
  assert.ok(signed > 0 && drawn >= signed)
  await checkInvariants(devnet)
})

test('signer stops in order and starts again', async () => {
  const { part } = devnet.signers[2]
  await part.stop('SIGTERM')
  assert.equal(part.child.exitCode, 0)
  await devnet.runSigner(2)
  const health = async () => (await fetch(`http://${devnet.signers[2].metrics}/health`)).status === 200
  await until(health, 'the signer to be well')
  // The store is in use.
  await assert.rejects(devnet.signer(2, 'key'), /another process uses the key store/)
})

/** Stops all signers while `work` has their stores. */
async function withStores(work) {
  await Promise.all(devnet.signers.map(({ part }) => part.stop()))
  try {
    await work()
  } finally {
    for (const index of devnet.signers.keys()) await devnet.runSigner(index)
  }
}

const store = (index) => join(dir, `signer-${index}`, 'store')
const shares = async (index) => (await readdir(store(index))).filter((name) => name.startsWith('share-'))

/** A payout that the given signers make alone. */
async function payWith(signers, number) {
  for (const index of devnet.signers.keys()) if (!signers.includes(index)) await devnet.signers[index].part.stop()
  const { withdrawal, to, sats } = await withdraw(number, 30_000)
  await until(async () => ['signed', 'settled'].includes(await status(withdrawal)), 'the payout to be signed', 120)
  const { txid } = await node.call('bridge_withdrawal', [withdrawal])
  await until(async () => (await bitcoin.call('getrawmempool')).includes(txid), 'the payout in the mempool', 60)
  await bitcoin.mine(1)
  assert.ok(await bitcoin.received(to) > sats - 20_000n)
  for (const index of devnet.signers.keys()) if (!signers.includes(index)) await devnet.runSigner(index)
}

test('signer with a wiped store repairs its share and signs', async () => {
  const folder = join(dir, 'repair')
  const repair = (index, ...args) => devnet.signerTool(index, 'repair', folder, '--l2-rpc', node.url, ...args)
  await withStores(async () => {
    for (const name of await readdir(store(2))) {
      if (!['session-key', 'salt'].includes(name)) await rm(join(store(2), name))
    }
    const [, id] = (await repair(2, '--helpers', '0,1,3')).match(/our request has the number ([0-9a-f]{64})/)
    assert.match(await repair(0), /member 2 asks for its share/)
    for (const helper of [0, 1, 3, 0, 1]) await repair(helper, '--approve', id)
    assert.match(await repair(2), /the share of the key [0-9a-f]{64} is repaired/)
  })
  assert.equal((await shares(2)).length, 1)
  await payWith([0, 1, 2], 2)
})

test('signers refresh their shares and the old ones are gone', async () => {
  const folder = join(dir, 'refresh')
  const refresh = (index) => devnet.signerTool(index, 'refresh', folder, '--l2-rpc', node.url)
  const live = async () => (await api.query.threshold.keys((await api.query.threshold.active()).unwrap())).unwrap().key
  const before = await live()
  // The chain takes no new shares while the old ones sign, and a payout that is not settled is signed again for more.
  let mined = 0
  await until(async () => {
    // Enough to settle what is paid, and then a pause: relayers settle when they have brought all headers.
    if (Date.now() - mined > 20_000) {
      await bitcoin.mine(8)
      mined = Date.now()
    }
    const [open, sessions] = await Promise.all([api.query.btcBridge.openBatches(), api.query.threshold.sessions.keys()])
    return open.length === 0 && sessions.length === 0
  }, 'all payouts to be settled and their sessions to end', 120)
  await withStores(async () => {
    for (const index of [0, 1, 2, 3, 0, 1]) assert.match(await refresh(index), /^waiting for /)
    assert.match(await refresh(2), /^told the chain/)
    for (const index of devnet.signers.keys()) assert.equal((await shares(index)).length, 2)
  })
  await until(async () => !(await live()).polynomial.eq(before.polynomial), 'the chain to take the refresh', 60)
  assert.ok((await live()).key.eq(before.key), 'the key is the same')
  for (const index of devnet.signers.keys()) {
    await until(async () => (await shares(index)).length === 1, `signer ${index} to change over`, 60)
  }
  await payWith([1, 2, 3], 3)
  await checkInvariants(devnet)
})

/** Replaces Bitcoin's last block by two without transactions. */
async function replaceLast() {
  await bitcoin.call('invalidateblock', await bitcoin.call('getbestblockhash'))
  const miner = await bitcoin.address(999)
  for (let left = 2; left > 0; left--) await bitcoin.call('generateblock', miner, [])
}

test('attack_reorg_after_claim', async () => {
  const { address } = await devnet.user(null, 'deposit-address', '--recipient', user.address,
    '--refund-key-file', join(dir, 'refund.key'), '--deposits', devnet.deposits)
  const totals = () => devnet.bridge('totals')
  const [before] = await totals()
  await bitcoin.pay([[address, SATS]])
  await bitcoin.mine(1)
  await until(async () => (await totals())[0] === before + SATS, 'the deposit to be claimed', 90)
  await replaceLast()
  const halted = async () => (await node.call('bridge_reserves')).halted
  await until(async () => (await totals())[3] === SATS && await halted() !== null, 'the deficit to stop the bridge', 90)
  // The deposit is in a block again: whoever sees that proves it.
  await bitcoin.mine(1)
  await until(async () => (await totals())[3] === 0n && await halted() === null, 'the bridge to go on', 90)
  assert.equal((await totals())[0], before + SATS, 'claimed once')
  await checkInvariants(devnet)
})

test('attack_reorg_after_payout', async () => {
  const { withdrawal, to, sats } = await withdraw(4, 35_000)
  await until(async () => await status(withdrawal) === 'signed', 'the payout to be signed', 120)
  const { txid } = await node.call('bridge_withdrawal', [withdrawal])
  const waits = async () => (await bitcoin.call('getrawmempool')).includes(txid)
  await until(waits, 'the payout in the mempool', 60)
  await bitcoin.mine(1)
  await until(async () => await status(withdrawal) === 'settled', 'the payout to be settled', 90)
  await replaceLast()
  await until(async () => await status(withdrawal) === 'signed', 'the withdrawal to wait again', 90)
  assert.equal(await bitcoin.received(to), 0n)
  await until(waits, 'the payout in the mempool again', 90)
  await bitcoin.mine(1)
  await until(async () => await status(withdrawal) === 'settled', 'the payout to be settled again', 90)
  const received = await bitcoin.received(to)
  assert.ok(received > sats - 20_000n && received <= sats, `paid once: ${received}`)
  await checkInvariants(devnet)
})
