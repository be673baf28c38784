// Four validators: one stays away, is chilled and comes back; one runs twice, is slashed and authors no more.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { u8aToHex } from '@polkadot/util'
import { startNetwork } from '../lib/network.js'
import { startNode, until } from '../lib/node.js'
import { writeSpec } from '../lib/spec.js'
import { chainUntil, connectApi, send } from '../lib/substrate.js'

// Sessions of 12 s and eras of 24 s; three of a validator's slots in a row are an absence.
const CALENDAR = { epochSlots: 6, sessionsPerEra: 2, bondingEras: 4, slashDeferEras: 0, dayBlocks: 10 }
const MISSED_LIMIT = 3
let dir, chain, network, twin, api, keys

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzk-spec-'))
  chain = await writeSpec(dir, 'bitcoinzk_offences', (patch) => {
    patch.sequencers = { calendar: CALENDAR, missedLimit: MISSED_LIMIT }
  }, 'local')
  network = await startNetwork(chain, ['alice', 'bob', 'charlie', 'dave'].map((name) => ({ name })));
  ({ api, keys } = await connectApi(network.nodes.alice))
})

after(async () => {
  await api?.disconnect()
  await twin?.stop()
  await network?.stop()
  await rm(dir, { recursive: true, force: true })
})

const era = async () => (await api.query.staking.activeEra()).unwrap().index.toNumber()
const candidate = async ({ address }) => (await api.query.staking.validators.keys()).some(({ args: [who] }) => who.toString() === address)
const elected = async ({ address }) => (await api.query.session.validators()).some((who) => who.toString() === address)
const record = async ({ address }) => (await api.query.sequencers.records(address)).unwrapOr(undefined)
const stake = async ({ address }) => (await api.query.staking.ledger(address)).unwrap().active.toBigInt()
const points = async (index, { address }) => {
  const { individual } = await api.query.staking.erasRewardPoints(index)
  return [...individual.entries()].find(([who]) => who.toString() === address)?.[1].toNumber() ?? 0
}
const final = async () => (await api.rpc.chain.getHeader(await api.rpc.chain.getFinalizedHead())).number.toNumber()

/** What each node that runs sees, and what the chain knows of each validator. */
async function situation() {
  const views = Object.entries(network.nodes).filter(([, node]) => node.runs()).map(async ([name, node]) => {
    const [{ peers }, { number, parentHash }] = [await node.call('system_health'), await node.call('chain_getHeader')]
    return `${name}: ${peers} peers, block ${Number(number)} on ${parentHash}`
  })
  const records = await api.query.sequencers.records.entries()
  return [...await Promise.all(views), `final: ${await final()}`, `session: ${await api.query.session.validators()}`,
    ...records.map(([{ args: [who] }, record]) => `${who}: ${record}`)].join('; ')
}

/** The events of this name in the blocks from `first` on: their data, and the states of their blocks. */
async function find(name, first) {
  const head = (await api.rpc.chain.getHeader()).number.toNumber()
  const found = []
  for (let number = first; number <= head; number++) {
    const at = await api.at(await api.rpc.chain.getBlockHash(number))
    for (const { event: { section, method, data } } of await at.query.system.events()) {
      if (`${section}.${method}` === name) found.push({ data, at })
    }
  }
  return found
}

test('a validator that stays away is chilled, earns nothing, and comes back by validating again', async () => {
  const { dave } = keys
  await chainUntil(async () => (await record(dave))?.authored.toNumber() > 0, 'a block of Dave', 120)
  const whole = await stake(dave)
  await network.nodes.dave.end('SIGKILL')
  const known = await final()
  await chainUntil(async () => !(await candidate(dave)), async () => `Dave is chilled; ${await situation()}`, 240)
  const [{ data: [who, missed] }] = await find('sequencers.Absent', known)
  assert.equal(who.toString(), dave.address)
  assert.ok(missed.toNumber() >= MISSED_LIMIT)
  assert.ok(await final() > known, 'the other three go on')

  // It is in the set until the era ends; the next one it is not.
  await chainUntil(async () => !(await elected(dave)), 'a set without Dave', 240)
  assert.equal(await stake(dave), whole, 'absence costs no stake')
  const without = await era()
  await chainUntil(async () => await era() > without, 'the era without it ends', 120)
  assert.equal(await points(without, dave), 0)
  assert.ok(await points(without, keys.alice) > 0)

  await network.nodes.dave.start()
  await send(api, api.tx.staking.validate({ commission: 0, blocked: false }), dave)
  await chainUntil(() => elected(dave), 'Dave is elected again', 240)
  await chainUntil(async () => (await record(dave))?.authored.toNumber() > 0, 'a new block of Dave', 120)
  const back = await era()
  await chainUntil(async () => await points(back, dave) > 0, 'points for it', 120)
})

test('attack_equivocation: a validator that runs twice is slashed and out for the era', async () => {
  const { alice } = network.nodes
  const { bob } = keys
  const before = await stake(bob)
  const known = await final()
  // A second machine that follows the chain like the others. Only then it gets a copy of Bob's BABE key, so that from
  // the next of his slots on two blocks of one slot come to nodes that know the parent of both.
  twin = await startNode(['--chain', chain, '--validator', '--rpc-methods', 'unsafe', '--node-key', 'ee'.repeat(32),
    '--bootnodes', `/ip4/127.0.0.1/tcp/${alice.p2pPort}/p2p/${await alice.call('system_localPeerId')}`])
  await until(async () => await twin.call('chain_getBlockHash', []) === await alice.call('chain_getBlockHash', []),
    'the second node is in step', 120)
  await twin.call('author_insertKey', ['babe', '//Bob', u8aToHex(bob.publicKey)])

  // A quarter of the slots are his. Of two branches that begin with his two blocks either may win: only what is final
  // stays.
  await chainUntil(async () => {
    const at = await api.at(await api.rpc.chain.getFinalizedHead())
    return (await at.query.staking.ledger(bob.address)).unwrap().active.toBigInt() < before
  }, 'the slash', 120)
  await twin.stop()
  twin = undefined
  const [{ data: [kind] }] = await find('offences.Offence', known)
  assert.match(kind.toUtf8(), /^babe:equivocatio/)
  const slashes = await find('staking.Slashed', known)
  for (const { data: [offender] } of slashes) assert.equal(offender.toString(), bob.address)
  const amounts = slashes.map(({ data: [, amount] }) => amount.toBigInt())
  // One of four: (3 * 1/4)^2 of the stake, to the share's rounding.
  assert.ok(before * 9n / 16n - amounts[0] < 1000n, `${amounts}`)
  const left = (await slashes.at(-1).at.query.staking.ledger(bob.address)).unwrap().active.toBigInt()
  assert.equal(left, before - amounts.reduce((sum, amount) => sum + amount))
  // Out for the era in which it happened; an offence in an era's last slots is reported in the next one.
  const [{ data: [, , happened], at }] = await find('staking.SlashReported', known)
  if (happened.toNumber() === (await at.query.staking.activeEra()).unwrap().index.toNumber()) {
    const [{ data: [disabled] }] = await find('session.ValidatorDisabled', known)
    assert.equal(disabled.toString(), bob.address)
  }

  // Alone again, it is back with what is left of its stake.
  await chainUntil(async () => (await api.query.session.disabledValidators()).length === 0, 'the next era', 120)
  const { authored } = await record(bob)
  await chainUntil(async () => (await record(bob)).authored.toNumber() > authored.toNumber(), 'a block of Bob', 120)
  const height = await final()
  await until(async () => await final() > height + 2, 'finality goes on', 60)
})
