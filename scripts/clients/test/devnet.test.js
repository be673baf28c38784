// What scripts/devnet.sh runs when all is built: the whole system comes up, pays what is asked for, and Ctrl-C ends it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { account, privateKey } from '../lib/accounts.js'
import { Bitcoin } from '../lib/bitcoin.js'
import { writeSpecAtTip } from '../lib/checkpoint.js'
import { spawn as spawnPart } from '../lib/children.js'
import { BITCOIN_RELAY } from '../lib/genesis.js'
import { PROGRAMS, call, freePort, startNode, until } from '../lib/node.js'

const TIP_HEIGHT = '0x1fd4827a'
const DEVNET = fileURLToPath(new URL('../devnet.js', import.meta.url))

test('the development system starts, pays and ends', { timeout: 600_000 }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'bzk-devnet-'))
  const env = { ...process.env, BZK_BITCOIN_BLOCK_SECS: '5' }
  delete env.BZK_CIRCUITS
  for (const name of ['RPC', 'P2P', 'METRICS', 'BITCOIN']) env[`BZK_${name}_PORT`] = String(await freePort())
  const devnet = spawn(process.execPath, [DEVNET, join(dir, 'data')], { env, stdio: 'pipe' })
  const exited = once(devnet, 'exit')
  // It ends its parts itself, so it is never killed.
  const end = () => devnet.kill('SIGTERM')
  process.on('exit', end)
  t.after(async () => {
    end()
    await exited
    await rm(dir, { recursive: true, force: true })
  })
  let said = ''
  for (const stream of [devnet.stdout, devnet.stderr]) stream.on('data', (text) => { said += text })
  const runs = () => devnet.exitCode === null && devnet.signalCode === null
  const says = (text) => until(() => {
    assert.ok(runs(), said)
    return text.exec(said)
  }, () => `${text} of\n${said}`, 300)

  await says(/Ctrl-C ends everything/)
  assert.match(said, /signers {4}4,/)
  assert.match(said, /group key 0x[0-9a-f]{64}/)
  const [, url] = /RPC .*(http:\/\/127\.0\.0\.1:\d+)/.exec(said)
  assert.equal(await call(url, 'eth_chainId'), '0x17c18')
  assert.equal(BigInt(await call(url, 'eth_getBalance', [account(0).address, 'latest'])), 10_000n * 10n ** 18n)

  devnet.stdin.write('pay bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080 100000\n')
  await says(/paid in [0-9a-f]{64}/)
  devnet.kill('SIGINT')
  assert.deepEqual(await exited, [0, null], said)
  await assert.rejects(call(url, 'eth_chainId'))
})

test('with a prover, the relay begins at the tip of Bitcoin and goes on from there', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'bzk-tip-'))
  const bitcoin = new Bitcoin(join(dir, 'bitcoin'), await freePort())
  let node, relayer
  t.after(async () => {
    relayer?.kill()
    await node?.stop()
    await bitcoin.stop()
    await rm(dir, { recursive: true, force: true })
  })
  await bitcoin.start()
  await bitcoin.mine(101)
  node = await startNode(['--dev', '--chain', await writeSpecAtTip(dir, bitcoin)])
  const tip = async () => Number(await node.call('eth_call', [{ to: BITCOIN_RELAY, data: TIP_HEIGHT }, 'latest']))
  assert.equal(await tip(), 101)

  const key = join(dir, 'relayer.key')
  const deposits = join(dir, 'deposits.jsonl')
  await writeFile(key, privateKey(9), { mode: 0o600 })
  await writeFile(deposits, '')
  relayer = spawnPart(join(PROGRAMS, 'bzk-relayer'), ['run', '--bitcoin-rpc', bitcoin.url, '--bitcoin-cookie', bitcoin.cookie,
    '--l2-rpc', node.url, '--key-file', key, '--deposits', deposits, '--poll-secs', '1',
    '--metrics', `127.0.0.1:${await freePort()}`], { stdio: 'inherit' })
  await bitcoin.mine(2)
  await until(async () => await tip() === 103, 'the next headers')
})
