// A production chain as the node's README makes one: the contracts for Bitcoin's main network, a plan, a specification.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { account } from '../lib/accounts.js'
import { genesisAccounts } from '../lib/genesis.js'
import { BINARY, Node, freePort, until } from '../lib/node.js'
import { connectApi, ZYRA } from '../lib/substrate.js'
import { manyValidators, writeKeystore } from '../lib/validators.js'

const HERE = join(dirname(fileURLToPath(import.meta.url)), '..')
const [RELAY, BRIDGE] = [2, 3].map((number) => `0x425a4b${String(number).padStart(34, '0')}`)
const ID = 'bitcoinzk_main_test'
let dir, people, plan, made

const run = async (program, args) => (await promisify(execFile)(program, args, { maxBuffer: 1 << 27 })).stdout
const write = async (name, value) => {
  const file = join(dir, name)
  await writeFile(file, typeof value === 'string' ? value : JSON.stringify(value))
  return file
}
const specification = async (changes, contracts = made) => run(process.execPath,
  [join(HERE, 'chain-spec.js'), await write('plan.json', { ...plan, ...changes }), await write('contracts.json', contracts)])

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzk-production-'))
  // The key names the first committee; BIP-340's vector 1.
  const GENESIS_KEY = '0xdff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659'
  made = await genesisAccounts({ BITCOIN_NETWORK: 'mainnet', GENESIS_KEY })
  people = await manyValidators(4)
  plan = {
    name: 'BitcoinZK Test of Production', id: ID,
    holders: Object.fromEntries(people.map(({ babe }) => [babe.address, 200_000_000])),
    validators: people.map(({ babe, grandpa }) =>
      ({ stash: babe.address, babe: babe.address, grandpa: grandpa.address, stake: 1_000_000 })),
  }
})

after(async () => {
  await rm(dir, { recursive: true, force: true })
})

test('a chain starts from the specification, with nobody\'s BTC and the calendar of production', async (t) => {
  const chain = await write('chain.json', await specification({}))
  const raw = await write('chain.raw.json', await run(BINARY, ['export-chain-spec', '--chain', chain, '--raw']))
  const base = join(dir, 'node')
  await mkdir(base)
  await writeKeystore(base, ID, people)
  await run(BINARY, ['key', 'generate-node-key', '--chain', raw, '--base-path', base])
  const node = await new Node(base, ['--chain', raw, '--validator', '--force-authoring'],
    await freePort(), await freePort()).start()
  t.after(() => node.end())
  const { api } = await connectApi(node)

  assert.equal(await node.call('system_chain'), plan.name)
  assert.equal((await node.call('system_properties')).tokenSymbol, 'ZYRA')
  const { babe, staking } = api.consts
  assert.deepEqual([babe.epochDuration, staking.sessionsPerEra, staking.bondingDuration, staking.slashDeferDuration]
    .map(Number), [300, 36, 28, 14])
  assert.equal((await api.query.balances.totalIssuance()).toBigInt(), 1_000_000_000n * ZYRA)
  const pot = await api.query.system.account(api.consts.treasury.potAccount)
  assert.equal(pot.data.free.toBigInt(), 200_000_000n * ZYRA)
  assert.ok((await api.query.sudo.key()).isNone, 'root is a referendum\'s alone')
  assert.equal(Number(await api.query.ethereum.blockCycleLimit()), 64_000_000)
  const sitting = (await api.query.session.validators()).map(String)
  assert.deepEqual(sitting.sort(), people.map(({ babe }) => babe.address).sort())

  const balance = async (address) => BigInt(await node.call('eth_getBalance', [address, 'latest']))
  assert.equal(await balance(BRIDGE), 21_000_000n * 10n ** 18n)
  assert.equal(await balance(account(0).address), 0n)
  const relay = made.accounts.find(({ name }) => name === 'BitcoinRelay')
  for (const [slot, value] of Object.entries(relay.storage)) {
    assert.equal(await node.call('eth_getStorageAt', [RELAY, slot, 'latest']), value)
  }
  // All keys are on this machine, so it makes every block; finality has tests of its own.
  await until(async () => Number((await node.call('chain_getHeader')).number) >= 3, 'blocks', 60)
  await api.disconnect()
})

test('a plan that must not become a chain is refused with the reason', async () => {
  const refused = (changes, reason, contracts) => assert.rejects(specification(changes, contracts), reason)
  const [first] = people
  const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY'
  await refused({}, /anybody mines on regtest/, { ...made, network: 'regtest' })
  await refused({ validators: plan.validators.slice(1) }, /3 validators/)
  await refused({ holders: { ...plan.holders, [ALICE]: 1 } }, /everybody knows the secret of 5GrwvaEF/)
  await refused({ holders: { ...plan.holders, [first.babe.address]: 400_000_000 } }, /the treasury needs 0.001/)
  await refused({ holders: { ...plan.holders, [first.babe.address]: 1_000_000 } }, /stakes all it has/)
  await refused({ holders: { ...plan.holders, [first.babe.address]: 1.5 } }, /no whole number of ZYRA/)
  await refused({ holders: { ...plan.holders, '5nobody': 1 } }, /"5nobody" is no account/)
  const rich = made.accounts.map((entry) => (entry.name === 'BtcBridge' ? { ...entry, balance: '1' } : entry))
  await refused({}, /not 21,000,000 BTC/, { ...made, accounts: rich })
})
