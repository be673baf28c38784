// Four validators: one stays away, is chilled and comes back; one runs twice, is slashed and authors no more.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { equivocate } from '../lib/equivocation.js'
import { addressOf, startNetwork } from '../lib/network.js'
import { startNode, until } from '../lib/node.js'
import { writeSpec } from '../lib/spec.js'
import { chainUntil, connectApi, findEvents, send } from '../lib/substrate.js'

// Sessions of 12 s and eras of 24 s; four of a validator's slots in a row are an absence.
const CALENDAR = { epochSlots: 6, sessionsPerEra: 2, bondingEras: 4, slashDeferEras: 0, dayBlocks: 10 }
const MISSED_LIMIT = 4
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

test('a validator that stays away is chilled, earns nothing, and comes back by validating again', async () => {
  const { dave } = keys
  await chainUntil(async () => (await record(dave))?.authored.toNumber() > 0, 'a block of Dave', 120)
  const whole = await stake(dave)
  await network.nodes.dave.end('SIGKILL')
  const known = await final()
  await chainUntil(async () => !(await candidate(dave)), async () => `Dave is chilled; ${await situation()}`, 240)
  const [{ data: [who, missed] }] = await findEvents(api, 'sequencers.Absent', known)
  assert.equal(who.toString(), dave.address)
  assert.ok(missed.toNumber() >= MISSED_LIMIT)
  assert.ok(await final() > known, 'the other three go on')

  // It is in the set until the era ends; the next one it is not.
  await chainUntil(async () => !(await elected(dave)), 'a set without Dave', 240)
  assert.equal(await stake(dave), whole, 'absence costs no stake')
  const without = await era()
  await chainUntil(async () => await era() > without, 'the era without it ends', 120)
  assert.equal(await points(without, dave), 0)
  // Which of the three authored in an era of twelve slots is chance, that one of them did is not.
  assert.ok((await api.query.staking.erasRewardPoints(without)).total.toNumber() > 0)

  await network.nodes.dave.start()
  await send(api, api.tx.staking.validate({ commission: 0, blocked: false }), dave)
  await chainUntil(() => elected(dave), 'Dave is elected again', 240)
  await chainUntil(async () => await points(await era(), dave) > 0, 'points for a new block', 120)
})

test('attack_equivocation: a validator that runs twice is slashed and out for the era', async () => {
  const { bob } = keys
  twin = await startNode(['--chain', chain, '--validator', '--rpc-methods', 'unsafe', '--node-key', 'ee'.repeat(32),
    '--bootnodes', await addressOf(network.nodes.alice)])
  await equivocate({ api, keys }, twin, 'Bob')
  await twin.stop()
  twin = undefined
  // Its last blocks are reported in the next ones.
  const stopped = (await api.rpc.chain.getHeader()).number.toNumber()
  await chainUntil(async () => await final() > stopped + 3, 'the last report', 120)

  // Alone again, it is back with what is left of its stake. If the second machine ran into another era before it was
  // stopped, that is nothing: each era's offence costs more than half of what was at stake when both began.
  await chainUntil(async () => (await api.query.session.disabledValidators()).length === 0, 'the next era', 120)
  const left = (await api.query.staking.ledger(bob.address)).unwrapOr(undefined)?.active.toBigInt() ?? 0n
  if (left > 0n) {
    await chainUntil(() => elected(bob), async () => `Bob is elected; ${await situation()}`, 120)
    const authored = async () => (await record(bob))?.authored.toNumber() ?? 0
    const before = await authored()
    await chainUntil(async () => await authored() > before, async () => `a block of Bob; ${await situation()}`, 120)
  } else {
    await chainUntil(async () => !(await elected(bob)), async () => `a set without Bob; ${await situation()}`, 120)
  }
  const height = await final()
  await until(async () => await final() > height + 2, 'finality goes on', 60)
})
