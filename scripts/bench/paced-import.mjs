// How long a node takes for blocks that come to it as they come to a validator, one a slot. A node that catches up is
// still writing the blocks before to its database.
// Usage: paced-import.mjs URL SPEC FOLDER NUMBER...    imports the chain of the node at URL up to the last of these blocks
// into FOLDER, and prints the milliseconds of each as one JSON object by number.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { spawn } from '../clients/lib/children.js'
import { BINARY, call } from '../clients/lib/node.js'

const SLOT_MS = 2_000
// Blocks before one of those that come at the slot's pace too.
const BEFORE = 5

const [url, spec, folder, ...numbers] = process.argv.slice(2)
const wanted = new Set(numbers.map(Number))
const last = Math.max(...wanted)
const paced = new Set([...wanted].flatMap((number) => Array.from({ length: BEFORE + 1 }, (_, index) => number - index)))

const importer = spawn(BINARY, ['import-blocks', '--chain', spec, '--base-path', folder, '-leth-import=debug'],
  { stdio: ['pipe', 'ignore', 'pipe'] })
const exited = once(importer, 'exit')
importer.stdin.on('error', () => {})
const times = new Map()
const waiting = new Map()
const log = []
createInterface({ input: importer.stderr }).on('line', (line) => {
  log.push(line)
  const [, number, ms] = line.match(/eth-import: imported number=(\d+) ms=(\d+)/)?.map(Number) ?? []
  if (number === undefined) return
  times.set(number, ms)
  waiting.get(number)?.()
})
const imported = (number) => times.has(number) ? undefined : new Promise((resolve) => waiting.set(number, resolve))

let sent = 0
for (let number = 1; number <= last && importer.exitCode === null; number++) {
  const block = JSON.stringify(await call(url, 'chain_getBlock', [await call(url, 'chain_getBlockHash', [number])]))
  if (paced.has(number) && number > 1) {
    await Promise.race([imported(number - 1), exited])
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, sent + SLOT_MS - Date.now())))
  }
  sent = Date.now()
  if (!importer.stdin.write(block)) await Promise.race([once(importer.stdin, 'drain'), exited])
}
importer.stdin.end()
await exited
const missing = [...wanted].filter((number) => !times.has(number))
if (missing.length > 0) throw new Error(`not imported: ${missing}\n${log.slice(-20).join('\n')}`)
console.log(JSON.stringify(Object.fromEntries([...wanted].map((number) => [number, times.get(number)]))))
