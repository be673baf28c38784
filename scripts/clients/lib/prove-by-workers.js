// Two provers over PostgreSQL prove blocks of a node. Once each has proven a segment the first one, which got the batch, is
// killed; the second one ends it and hands out the proof, which the contract on an anvil has to take.
// Usage: node lib/prove-by-workers.js URL FIRST LAST     (of a node, and its blocks)
// Environment: PROVER_BIN, the program; BZK_CIRCUITS, the folder of its circuits.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync } from 'node:fs'
import { chown, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { account } from './accounts.js'
import { spawn } from './children.js'
import { call, freePort, until } from './node.js'
import { judgeProofs } from './verifier.js'

const { PROVER_BIN, BZK_CIRCUITS } = process.env
const [url, first, last] = [process.argv[2], ...process.argv.slice(3).map(Number)]
// PostgreSQL refuses to run as root.
const NOBODY = 65_534
const DEBIAN = '/usr/lib/postgresql'

/** A server of its own in a folder of its own. */
async function startPostgres(dir) {
  const folders = [...existsSync(DEBIAN) ? readdirSync(DEBIAN).map((version) => join(DEBIAN, version, 'bin')) : [],
    ...process.env.PATH.split(':')]
  const programs = folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))
  assert.ok(programs, 'there is no PostgreSQL (apt install postgresql)')
  const options = { cwd: dir, ...process.getuid() === 0 ? { uid: NOBODY, gid: NOBODY } : {} }
  if (options.uid) await chown(dir, NOBODY, NOBODY)
  const [data, port] = [join(dir, 'data'), await freePort()]
  await promisify(execFile)(join(programs, 'initdb'), ['-A', 'trust', '-U', 'bzk', '-N', '-D', data], options)
  const server = spawn(join(programs, 'postgres'), ['-D', data, '-h', '127.0.0.1', '-k', '', '-p', String(port)],
    { ...options, stdio: 'ignore' })
  return { server, database: `postgres://bzk@127.0.0.1:${port}/postgres` }
}

/** A worker that answers. */
async function startWorker(name, dir, database) {
  const [listen, log] = [`127.0.0.1:${await freePort()}`, join(dir, `${name}.log`)]
  const file = openSync(log, 'a')
  const child = spawn(PROVER_BIN, ['serve', '--circuits', BZK_CIRCUITS, '--proofs', proofs, '--l2-rpc', url,
    '--postgres', database, '--listen', listen], { stdio: ['ignore', file, file] })
  closeSync(file)
  await until(() => call(`http://${listen}`, 'prover_batches'), `the ${name} worker`)
  /** How often it has ended the stage `name`. */
  const ended = async (name) => (await readFile(log, 'utf8')).split('\n').filter((line) => line.startsWith(`${name}: `)).length
  return { name, child, log, ended, url: `http://${listen}` }
}

const [dir, postgresDir] = await Promise.all(['workers', 'postgres'].map((name) => mkdtemp(join(tmpdir(), `bzk-${name}-`))))
const proofs = join(dir, 'proofs')
const workers = []
let server, stop
try {
  const postgres = await startPostgres(postgresDir)
  server = postgres.server
  for (const name of ['first', 'second']) workers.push(await startWorker(name, dir, postgres.database))
  const [one, other] = workers
  const segment = 'batch-0-segment-0'

  const id = await call(one.url, 'prover_submitBatch', [first, last, account(0).address])
  // A worker tells of a proof before the file is written; once its block is joined the file is gone.
  const kept = () => readdirSync(proofs, { withFileTypes: true }).filter((entry) => entry.isDirectory() &&
    ['joined', segment].some((name) => existsSync(join(proofs, entry.name, `${name}.json`)))).length
  const working = async () => {
    const ended = [await one.ended(segment), await other.ended(segment)]
    return ended.every((count) => count > 0) && kept() >= ended[0] + ended[1]
  }
  await until(working, 'both workers to prove a segment', 3600)
  one.child.kill('SIGKILL')
  const status = () => call(other.url, 'prover_status', [id])
  await until(async () => (await status()).state === 'proven', async () => JSON.stringify(await status()), 3 * 3600)
  const segments = await one.ended(segment) + await other.ended(segment)
  assert.equal(segments, last - first + 1, 'a segment of the killed worker was proven again')

  const said = []
  stop = judgeProofs({ url: other.url, program: PROVER_BIN, circuits: BZK_CIRCUITS, folder: join(dir, 'verifier'),
    say: (line) => { said.push(line); console.log(line) } })
  await until(() => said.find((line) => /accepts|REFUSES/.test(line)), 'the contract', 600)
  assert.match(said.at(-1), /accepts/)
  console.log(`blocks ${first} to ${last}: a worker was killed, the other one ended the batch`)
} catch (error) {
  for (const { name, log } of workers) console.error(`${name}:\n${(await readFile(log, 'utf8')).slice(-3000)}`)
  console.error(error)
  process.exitCode = 1
} finally {
  stop?.()
  for (const { child } of workers) child.kill('SIGKILL')
  server?.kill('SIGKILL')
  await Promise.all([dir, postgresDir].map((folder) => rm(folder, { recursive: true, force: true, maxRetries: 5 })))
}
process.exit()
