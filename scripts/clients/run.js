// Runs test files beside each other, those first that took longest the last time: one that begins late holds up the end.
// Called by scripts/clients.sh. Usage: node run.js FILES_AT_A_TIME MINUTES_FOR_EACH FILE...
// Environment: BZK_CACHE.
import { setMaxListeners } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { run } from 'node:test'
import { spec, tap } from 'node:test/reporters'

const TIMES = join(process.env.BZK_CACHE, 'client-times.json')
const SHOWN = 8

const [atATime, minutes, ...names] = process.argv.slice(2)
/** Seconds that each test took when it ran last, by its name. */
const times = await readFile(TIMES, 'utf8').then(JSON.parse).catch(() => ({}))
const title = (file) => basename(file, '.test.js')
// One that is new may be the longest.
const last = (file) => times[title(file)] ?? Infinity
const files = names.map((name) => resolve(name)).sort((a, b) => last(a) === last(b) ? 0 : last(b) - last(a))

const took = {}
// Who is told to end ends the files too.
const end = new AbortController()
setMaxListeners(0, end.signal)
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => end.abort())
const events = run({ files, concurrency: Number(atATime), timeout: minutes * 60_000, forceExit: true, signal: end.signal })
events.on('test:fail', ({ todo }) => { if (todo === undefined || todo === false) process.exitCode = 1 })
// A file's own end; its tests have names that are no paths.
events.on('test:complete', ({ name, details }) => {
  if (files.includes(name)) took[title(name)] = Math.round(details.duration_ms / 1000)
})
events.on('end', async () => {
  if (!end.signal.aborted) await writeFile(TIMES, JSON.stringify({ ...times, ...took }))
  const longest = Object.entries(took).sort(([, a], [, b]) => b - a).slice(0, SHOWN)
  console.log(`# longest: ${longest.map(([name, seconds]) => `${name} ${seconds} s`).join(', ')}`)
})
events.compose(process.stdout.isTTY ? new spec() : tap).pipe(process.stdout)
