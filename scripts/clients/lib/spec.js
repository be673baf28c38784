// Specifications of chains for tests: the development chain with changes.
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { BINARY } from './node.js'

/** Writes the specification that `change` makes of the development chain's; gives the file's path. */
export async function writeSpec(dir, id, change) {
  const { stdout } = await promisify(execFile)(
    BINARY, ['build-spec', '--chain', 'dev'], { maxBuffer: 1 << 27 })
  const spec = JSON.parse(stdout)
  change(spec.genesis.runtimeGenesis.patch)
  const file = join(dir, `${id}.json`)
  await writeFile(file, JSON.stringify({ ...spec, id, bootNodes: [] }))
  return file
}

/** Epochs of 20 s, eras of 40 s, days of 20 s: elections and votes end while a test waits. */
export const FAST = { epochSlots: 10, sessionsPerEra: 2, bondingEras: 4, slashDeferEras: 0, dayBlocks: 10 }
