// The blocks around an election and a change of era, with 100 validators and 10,000 nominators of 16 candidates each.
// One node has the BABE keys of all validators and authors for them. Nothing is final, as its one vote of a hundred is
// not enough; eras change without that. Then the chain is imported into an empty folder with nothing else running, and
// that is what the times are of: mining a solution would take the processor from a node that follows.
// Usage: era-change.mjs [ERAS [NOMINATORS [VALIDATORS]]]. Prints one JSON object; the blocks go to stderr. BENCH_KEEP=1
// keeps the data.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { BINARY, Node, freePort, until } from '../clients/lib/node.js'
import { connectApi } from '../clients/lib/substrate.js'
import { manyValidators, writeKeystore, writeLargeSpec } from '../clients/lib/validators.js'

const [ERAS = 1, NOMINATORS = 10_000, VALIDATORS = 100] = process.argv.slice(2).map(Number)
const ID = 'bitcoinzk_era'
// Signed and unsigned solutions have 15 blocks each, of which production has 75: mining one takes five seconds on an
// idle machine.
const CALENDAR = { epochSlots: 60, sessionsPerEra: 2, bondingEras: 4, slashDeferEras: 0, dayBlocks: 30 }
const ERA_SECONDS = CALENDAR.epochSlots * CALENDAR.sessionsPerEra * 2
const dir = await mkdtemp(join(tmpdir(), 'bzk-era-'))

/** Runs a subcommand on the chain in a folder; gives its log. */
const run = async (chain, folder, command, ...args) => (await promisify(execFile)(BINARY,
  [command, '--chain', chain, '--base-path', join(dir, folder), ...args], { maxBuffer: 1 << 27 })).stderr

/** Numbers of blocks and the milliseconds that a log gives for them. */
const times = (log, pattern) =>
  new Map([...log.matchAll(pattern)].map(([, number, ms]) => [Number(number), Number(ms)]))
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

/** The blocks of the author's chain, each with its share of the weight limit and what happened in it. */
async function describe(api) {
  const head = (await api.rpc.chain.getHeader()).number.toNumber()
  const limit = api.consts.system.blockWeights.maxBlock.refTime.toNumber()
  const blocks = []
  for (let number = 1; number <= head; number++) {
    const at = await api.at(await api.rpc.chain.getBlockHash(number))
    const classes = await at.query.system.blockWeight()
    const used = ['normal', 'operational', 'mandatory'].reduce((sum, name) => sum + classes[name].refTime.toNumber(), 0)
    blocks.push({ number, weight: used / limit, events: notable(await at.query.system.events()) })
  }
  return blocks
}

let author, api
try {
  const validators = await manyValidators(VALIDATORS)
  const chain = await writeLargeSpec(dir, ID, validators, NOMINATORS, CALENDAR)
  await writeKeystore(join(dir, 'author'), ID, validators)
  await mkdir(join(dir, 'import'))
  author = await new Node(join(dir, 'author'), ['--chain', chain, '--validator', '--force-authoring',
    '--node-key', 'e1'.repeat(32)], await freePort(), await freePort()).start();
  ({ api } = await connectApi(author))

  const era = async () => (await api.query.staking.activeEra()).unwrap().index.toNumber()
  await until(async () => await era() >= ERAS, `${ERAS} eras`, (ERAS + 1) * ERA_SECONDS * 2)
  const described = await describe(api)
  const overview = await api.query.staking.erasStakersOverview.entries(await era())
  await api.disconnect()
  await author.end()

  const file = join(dir, 'blocks.bin')
  await run(chain, 'author', 'export-blocks', '--binary', file)
  const imported = times(await run(chain, 'import', 'import-blocks', '-leth-import=debug', '--binary', file),
    /eth-import: imported number=(\d+) ms=(\d+)/g)
  const authored = times(await readFile(author.log, 'utf8'), /Prepared block for proposing at (\d+) \((\d+) ms\)/g)
  const blocks = described.map((block) =>
    ({ ...block, authored: authored.get(block.number), imported: imported.get(block.number) }))
  const busy = blocks.filter(({ events }) => events)
  for (const { number, weight, authored, imported, events } of busy) {
    console.error(`block ${number}: authored in ${authored} ms, imported in ${imported} ms, weight ${(weight * 100).toFixed(1)}%: ${events}`)
  }
  const missing = busy.find(({ imported }) => imported === undefined)
  if (missing) throw new Error(`the import says nothing about block ${missing.number}`)
  console.log(JSON.stringify({
    era_change_ms: largest(busy.map(({ imported }) => imported)),
    era_change_all_ms: busy.reduce((sum, { imported }) => sum + imported, 0),
    era_change_authored_ms: largest(busy.map(({ authored }) => authored)),
    quiet_block_ms: median(blocks.filter(({ events }) => !events).map(({ imported }) => imported)),
    largest_weight: Number(largest(blocks.map(({ weight }) => weight)).toFixed(3)),
    solutions: busy.filter(({ events }) => events.includes('SolutionStored')).length,
    elected: overview.length,
    elected_by: busy.findLast(({ events }) => events.includes('ElectionFinalized'))?.events.match(/ElectionFinalized by (\w+)/)[1],
    backings: overview.reduce((sum, [, value]) => sum + value.unwrap().nominatorCount.toNumber(), 0),
    blocks: blocks.length,
  }))
} finally {
  await api?.disconnect()
  await author?.end()
  if (!process.env.BENCH_KEEP) await rm(dir, { recursive: true, force: true })
}
