// Batches of a running node: closed by the chain, handed to a prover by its off-chain worker, recorded, settled in
// order. The prover is a fake (node/testkit), because a real proof takes minutes and 9 GB; scripts/devnet.sh --prover
// runs the real one.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { spawn } from '../lib/children.js'
import { PROGRAMS, call, freePort, startNode, until } from '../lib/node.js'
import { connectApi, send } from '../lib/substrate.js'

const ADDRESS = `0x${'ab'.repeat(20)}`
const EVIDENCE = `0x${'42'.repeat(32)}`
// Below a slot: every block has one of Ethereum, so a batch takes six seconds.
const HEARTBEAT_MS = 1_000
const LIMITS = { blocks: 3, transactions: 1000, cycles: 2_000_000_000, ageS: 3600 }
let node, prover, listen, api, keys

function startProver(...args) {
  prover = spawn(join(PROGRAMS, 'bzk-fake-prover'), ['--l2-rpc', node.url, '--listen', listen, ...args],
    { stdio: ['ignore', 'ignore', 'inherit'] })
  return until(() => call(`http://${listen}`, 'prover_status', ['none']).catch(({ code }) => code), 'the prover')
}

async function killProver() {
  const exited = new Promise((resolve) => prover.once('exit', resolve))
  prover.kill('SIGKILL')
  await exited
}

const batch = async (id) => (await api.query.settlement.batches(id)).unwrapOr(null)
const proofOf = async (id) => (await batch(id))?.proof.unwrapOr(null)
const sudo = (inner) => send(api, api.tx.sudo.sudo(inner), keys.alice).then((events) => {
  const [result] = events.find(({ event }) => api.events.sudo.Sudid.is(event)).event.data
  if (!result.isErr) return null
  const { name } = api.registry.findMetaError(result.asErr.asModule)
  return name
})

before(async () => {
  listen = `127.0.0.1:${await freePort()}`
  node = await startNode(['--dev', '--prover-url', `http://${listen}`, '--prover-address', ADDRESS])
  ;({ api, keys } = await connectApi(node))
  assert.equal(await sudo(api.tx.settlement.setLimits(LIMITS)), null)
  assert.equal(await sudo(api.tx.ethereum.setHeartbeat(HEARTBEAT_MS)), null)
})
after(async () => {
  await api?.disconnect()
  prover?.kill('SIGKILL')
  await node?.stop()
})

test('batches are closed while the prover is away, and the node goes on', async () => {
  const closed = await until(() => batch(1), 'two batches')
  const [first, last] = [closed.span.first.toNumber(), closed.span.last.toNumber()]
  assert.equal(last - first, LIMITS.blocks - 1)
  const block = async (number) => node.call('eth_getBlockByNumber', [`0x${number.toString(16)}`, false])
  assert.equal(closed.span.oldState.toHex(), (await block(first - 1)).stateRoot)
  assert.equal(closed.span.newState.toHex(), (await block(last)).stateRoot)
  assert.equal(closed.span.lastHash.toHex(), (await block(last)).hash)
  assert.equal(await proofOf(0), null)
  assert.match(await until(async () => (await readFile(node.log, 'utf8')).match(/batch 0: .*Away.*/)?.[0], 'a word of it'),
    /Prover\(Away\)/)
})

test('attack: a proof of another state is refused, the right one after it is recorded', async () => {
  await startProver('--lies', '1')
  const { statement, proofHash } = await until(() => proofOf(0), 'the proof of batch 0', 120)
  const { span } = await batch(0)
  assert.match(await readFile(node.log, 'utf8'), /batch 0: AnotherStatement/)
  assert.equal(statement.chainId.toNumber(), 97304)
  for (const field of ['first', 'last', 'oldState', 'newState']) assert.ok(statement[field].eq(span[field]), field)
  assert.equal(statement.prover.toHex(), ADDRESS)
  assert.equal(proofHash.isEmpty, false)
})

test('worker goes on after the prover and the node were killed', async () => {
  await killProver()
  await api.disconnect()
  await node.end('SIGKILL')
  await node.start()
  ;({ api, keys } = await connectApi(node))
  await startProver()
  await until(() => proofOf(2), 'the proof of batch 2', 180)
  assert.ok(await proofOf(1))
})

test('attack: nothing is settled but in order, with certificate and proof, by root', async () => {
  const { settlement } = api.tx
  assert.equal(await sudo(settlement.settle(0, EVIDENCE)), 'NotCertified')
  for (const id of [0, 1]) assert.equal(await sudo(settlement.certify(id, EVIDENCE)), null)
  assert.equal(await sudo(settlement.settle(1, EVIDENCE)), 'OutOfOrder')
  await assert.rejects(send(api, settlement.settle(0, EVIDENCE), keys.bob), /BadOrigin/)
  for (const id of [0, 1]) assert.equal(await sudo(settlement.settle(id, EVIDENCE)), null)
  assert.equal(await sudo(settlement.settle(0, EVIDENCE)), 'OutOfOrder')
  assert.equal((await api.query.settlement.batchIds()).unsettled.toNumber(), 2)
  assert.equal((await batch(0)).settlement.unwrap().toHex(), EVIDENCE)
})
