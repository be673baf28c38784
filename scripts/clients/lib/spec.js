// Specifications of chains for tests: the development chain with changes.
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { BINARY } from './node.js'

/** A value as JSON. Amounts are bigints, larger than a JavaScript number can be; in JSON they are numbers all the same. */
export const json = (value) => JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `#${part}#` : part))
  .replaceAll(/"#(\d+)#"/g, '$1')

/**
 * Writes the specification that `change` makes of the development chain's, or of another `chain`'s; gives the file's
 * path. Amounts may be bigints.
 */
export async function writeSpec(dir, id, change, chain = 'dev') {
  const { stdout } = await promisify(execFile)(
    BINARY, ['build-spec', '--chain', chain], { maxBuffer: 1 << 27 })
  const spec = JSON.parse(stdout)
  change(spec.genesis.runtimeGenesis.patch)
  const file = join(dir, `${id}.json`)
  await writeFile(file, json({ ...spec, id, bootNodes: [] }))
  return file
}

/** Epochs of 16 s, eras of 32 s, days of 20 s: elections and votes end while a test waits. Below eight slots a phase of the
 *  election, a quarter of an epoch, would be a single block. */
export const FAST = { epochSlots: 8, sessionsPerEra: 2, bondingEras: 4, slashDeferEras: 0, dayBlocks: 10 }
