// Governance as polkadot-js sees it: preimage, proposal, deposit, vote, enactment.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { blake2AsHex } from '@polkadot/util-crypto'
import { startNode, until } from '../lib/node.js'
import { FAST, writeSpec } from '../lib/spec.js'
import { chainUntil, connectApi, pass, send, ZYRA } from '../lib/substrate.js'

let dir, node, api, keys, people

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzk-spec-'))
  const chain = await writeSpec(dir, 'bitcoinzk_fast', (patch) => { patch.sequencers.calendar = FAST })
  node = await startNode(['--chain', chain, '--alice', '--validator', '--force-authoring',
    '--node-key', 'a1'.repeat(32)]);
  ({ api, keys } = await connectApi(node))
  people = { proposer: keys.bob, voters: [keys.alice, keys.bob, keys.dave] }
})

after(async () => {
  await api?.disconnect()
  await node?.stop()
  await rm(dir, { recursive: true, force: true })
})

test('a referendum changes a parameter', async () => {
  await pass(api, people, { system: 'Root' }, api.tx.ethereum.setBlockGasLimit(90_000_000))
  await chainUntil(async () => (await api.query.ethereum.blockGasLimit()).toNumber() === 90_000_000, 'the limit')
})

test('safe-mode is entered and left by referendum while blocks become final', async () => {
  const transfer = () => send(api, api.tx.balances.transferKeepAlive(keys.dave.address, ZYRA), keys.charlie)
  const entered = async () => (await api.query.safeMode.enteredUntil()).isSome
  await pass(api, people, { Origins: 'Guardian' }, api.tx.safeMode.forceEnter())
  await chainUntil(entered, 'safe-mode')
  await assert.rejects(transfer(), /system.CallFiltered|Invalid|1010/)
  const final = (await api.rpc.chain.getHeader(await api.rpc.chain.getFinalizedHead())).number.toNumber()
  await until(async () => (await api.rpc.chain.getHeader(
    await api.rpc.chain.getFinalizedHead())).number.toNumber() > final + 2, 'finality in safe-mode', 60)
  await pass(api, people, { Origins: 'Guardian' }, api.tx.safeMode.forceExit())
  await chainUntil(async () => !(await entered()), 'the end of safe-mode')
  await transfer()
})

// scripts/next-runtime.sh builds the runtime with a higher version.
const CODE = process.env.BZK_NEXT_RUNTIME
test('a referendum upgrades the runtime while blocks go on',
  { skip: CODE ? false : 'set BZK_NEXT_RUNTIME to a runtime with a higher version' }, async () => {
    const code = await readFile(CODE)
    const before = api.runtimeVersion.specVersion.toNumber()
    await pass(api, people, { system: 'Root' }, api.tx.system.authorizeUpgrade(blake2AsHex(code, 256)))
    await chainUntil(async () => (await api.query.system.authorizedUpgrade()).isSome, 'the authorization')
    await send(api, api.tx.system.applyAuthorizedUpgrade(`0x${code.toString('hex')}`), keys.charlie)
    await chainUntil(async () =>
      (await node.call('state_getRuntimeVersion')).specVersion > before, 'the new version')
    const head = Number(await node.call('eth_blockNumber'))
    await until(async () => Number(await node.call('eth_blockNumber')) > head, 'Ethereum blocks go on', 60)
    await until(async () => api.runtimeVersion.specVersion.toNumber() > before, 'polkadot-js follows', 60)
    await send(api, api.tx.balances.transferKeepAlive(keys.dave.address, ZYRA), keys.charlie)
  })
