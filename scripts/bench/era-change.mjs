// The blocks around an election and a change of era, with 100 validators and 10,000 nominators of 16 candidates each.
// One node authors for all of them, another one imports. Nothing is final: one vote of a hundred is not enough.
// Usage: era-change.mjs [ERAS [NOMINATORS [VALIDATORS]]]. Prints one JSON object; the blocks go to stderr.
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Node, freePort, until } from '../clients/lib/node.js'
import { connectApi } from '../clients/lib/substrate.js'
import { manyValidators, writeKeystore, writeLargeSpec } from '../clients/lib/validators.js'

const [ERAS = 1, NOMINATORS = 10_000, VALIDATORS = 100] = process.argv.slice(2).map(Number)
const ID = 'bitcoinzk_era'
// Signed and unsigned solutions have 15 blocks each, of which production has 75: mining one takes five seconds on an
// idle machine.
const CALENDAR = { epochSlots: 60, sessionsPerEra: 2, bondingEras: 4, slashDeferEras: 0, dayBlocks: 30 }
const ERA_SECONDS = CALENDAR.epochSlots * CALENDAR.sessionsPerEra * 2
const dir = await mkdtemp(join(tmpdir(), 'bzk-era-'))

async function start(name, args) {
  await mkdir(join(dir, name), { recursive: true })
  return new Node(join(dir, name), args, await freePort(), await freePort()).start()
}

/** Numbers of blocks and the milliseconds that a log gives for them. */
const times = async (node, pattern) => new Map([...(await readFile(node.log, 'utf8')).matchAll(pattern)]
  .map(([, number, ms]) => [Number(number), Number(ms)]))
const largest = (list) => Math.max(...list.map((value) => value ?? 0))
const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)]

const NOTABLE = /^(electionProvider|staking\.(StakersElected|EraPaid|StakingElectionFailed)|session\.NewSession|system\.ExtrinsicFailed)/
/** `Unsigned` is a solution that a validator's node mined, `Fallback` the chain's own. */
const DETAILS = {
  PhaseTransitioned: (data) => ` to ${data[1].type}`,
  ElectionFinalized: (data) => ` by ${data[0].type}`,
}
/** What happened in a block, without what happens in each. */
const notable = (events) => [...new Set(events.map(({ event: { section, method, data } }) =>
  `${section}.${method}${DETAILS[method]?.(data) ?? ''}`))]
  .filter((name) => NOTABLE.test(name)).join(', ')

let author, follower, api
try {
  const validators = await manyValidators(VALIDATORS)
  const chain = await writeLargeSpec(dir, ID, validators, NOMINATORS, CALENDAR)
  await writeKeystore(join(dir, 'author'), ID, validators)
  author = await start('author', ['--chain', chain, '--validator', '--force-authoring', '--node-key', 'e1'.repeat(32)])
  const boot = `/ip4/127.0.0.1/tcp/${author.p2pPort}/p2p/${await author.call('system_localPeerId')}`
  follower = await start('follower', ['--chain', chain, '--bootnodes', boot, '-leth-import=debug']);
  ({ api } = await connectApi(author))

  const era = async () => (await api.query.staking.activeEra()).unwrap().index.toNumber()
  await until(async () => await era() >= ERAS, `${ERAS} eras`, (ERAS + 1) * ERA_SECONDS * 2)
  const head = (await api.rpc.chain.getHeader()).number.toNumber()
  await until(async () => Number((await follower.call('chain_getHeader')).number) >= head, 'the follower', 120)

  const authored = await times(author, /Prepared block for proposing at (\d+) \((\d+) ms\)/g)
  const imported = await times(follower, /eth-import: imported number=(\d+) ms=(\d+)/g)
  const limit = api.consts.system.blockWeights.maxBlock.refTime.toNumber()
  const blocks = []
  for (let number = 1; number <= head; number++) {
    const at = await api.at(await api.rpc.chain.getBlockHash(number))
    const classes = await at.query.system.blockWeight()
    const used = ['normal', 'operational', 'mandatory'].reduce((sum, name) => sum + classes[name].refTime.toNumber(), 0)
    blocks.push({ number, weight: used / limit, authored: authored.get(number), imported: imported.get(number),
      events: notable(await at.query.system.events()) })
  }
  const busy = blocks.filter(({ events }) => events)
  for (const { number, weight, authored, imported, events } of busy) {
    console.error(`block ${number}: authored in ${authored} ms, imported in ${imported} ms, weight ${(weight * 100).toFixed(1)}%: ${events}`)
  }
  const overview = await api.query.staking.erasStakersOverview.entries(await era())
  console.log(JSON.stringify({
    era_change_ms: largest(busy.map(({ imported }) => imported)),
    era_change_authored_ms: largest(busy.map(({ authored }) => authored)),
    quiet_block_ms: median(blocks.filter(({ events, imported }) => !events && imported !== undefined).map(({ imported }) => imported)),
    largest_weight: Number(largest(blocks.map(({ weight }) => weight)).toFixed(3)),
    solutions: busy.filter(({ events }) => events.includes('SolutionStored')).length,
    elected: overview.length,
    elected_by: busy.findLast(({ events }) => events.includes('ElectionFinalized'))?.events.match(/ElectionFinalized by (\w+)/)[1],
    backings: overview.reduce((sum, [, value]) => sum + value.unwrap().nominatorCount.toNumber(), 0),
    blocks: head,
  }))
} finally {
  await api?.disconnect()
  await Promise.all([author?.end(), follower?.end()])
  if (!process.env.BENCH_KEEP) await rm(dir, { recursive: true, force: true })
}
