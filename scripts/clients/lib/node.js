// Starts real nodes for the client tests: each on free ports with a data folder of its own.
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { spawn } from './children.js'
import { checkBlocks } from './kernel.js'

/** Where tools and packages live, as in scripts/env.sh. */
export const CACHE = process.env.BZK_CACHE ?? join(homedir(), '.cache/bitcoinzk')
const TARGET = process.env.CARGO_TARGET_DIR ?? join(CACHE, 'target')
export const BINARY = process.env.BZK_NODE ?? join(TARGET, 'release/bitcoinzk')
/** Folder of our other programs: the node's. */
export const PROGRAMS = dirname(BINARY)

// The first start of a build compiles the runtime's wasm: 10 s alone, minutes on a loaded machine.
const START_SECONDS = 180

/** Listens on a port; nothing if somebody else does. */
const listen = (port) => new Promise((resolve) => {
  const server = createServer().unref()
  server.on('error', () => resolve())
  server.listen(port, '127.0.0.1', () => resolve(server))
})

// Test files run beside each other, each in a process. It has a hundred ports of its own, also while a node of it is
// down: it listens on the first of them until it ends. They are below those that the system gives to connections.
let lastPort = 10_000
while (!await listen(lastPort)) lastPort += 100

/** A port that nobody listens on. */
export async function freePort() {
  const port = ++lastPort
  const server = await listen(port)
  if (!server) return freePort()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** One JSON-RPC call over HTTP; throws the node's error with its code and data. */
export async function call(url, method, params = []) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const { result, error } = await response.json()
  if (error) throw Object.assign(new Error(error.message), { code: error.code, data: error.data })
  return result
}

/**
 * Waits until `probe` answers something truthy; fails after `seconds`, or at once where the probe asserts what is not
 * so. `what` it waits for is a text, or gives one that says how things stand by then.
 */
export async function until(probe, what, seconds = 60) {
  const end = Date.now() + seconds * 1000
  let last
  while (Date.now() < end) {
    try {
      const value = await probe()
      if (value) return value
    } catch (error) {
      if (error.code === 'ERR_ASSERTION') throw error
      last = error
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const text = typeof what === 'function' ? await what() : what
  throw new Error(`${text}: not within ${seconds} s${last ? ` (${last.message})` : ''}`)
}

/** A running node. */
export class Node {
  constructor(dir, args, port, p2pPort) {
    Object.assign(this, { dir, args, port, p2pPort })
    this.url = `http://127.0.0.1:${port}`
    this.ws = `ws://127.0.0.1:${port}`
    this.log = join(dir, 'node.log')
  }

  /** Starts the process and waits until it answers. */
  async start() {
    const log = await open(this.log, 'a')
    this.process = spawn(
      BINARY,
      [...this.args, '--base-path', this.dir, '--rpc-port', String(this.port),
        '--port', String(this.p2pPort), '--no-telemetry', '--no-mdns',
        ...(this.args.includes('--prometheus-port') ? [] : ['--no-prometheus'])],
      { stdio: ['ignore', log.fd, log.fd] },
    )
    this.asked = false
    this.exited = new Promise((resolve) => this.process.once('exit', resolve))
    await log.close()
    try {
      await until(() => !this.runs() || this.call('eth_chainId'), `node on port ${this.port}`, START_SECONDS)
      if (!this.runs()) throw new Error(`the node exited, see ${this.log}`)
    } catch (error) {
      await this.end('SIGKILL')
      throw error
    }
    return this
  }

  runs() {
    return this.process.exitCode === null && this.process.signalCode === null
  }

  call(method, params) {
    return call(this.url, method, params)
  }

  /** Ends the process with a signal and waits for it. One that is not killed shows its blocks to the prover's kernel. */
  async end(signal = 'SIGTERM') {
    try {
      if (this.runs() && signal !== 'SIGKILL') await checkBlocks(this)
    } finally {
      if (this.runs()) {
        this.asked = true
        this.process.kill(signal)
        // A node that a test has stopped would not hear it.
        this.process.kill('SIGCONT')
      }
      await this.exited
    }
  }

  /** Ends the process and removes its data. Throws if it had ended without having been asked to. */
  async stop() {
    await this.end()
    if (!this.asked) throw new Error(`a node ended by itself:\n${(await readFile(this.log, 'utf8')).slice(-4000)}`)
    await rm(this.dir, { recursive: true, force: true })
  }
}

/** Starts a development node (`--dev` unless other arguments are given). */
export async function startNode(args = ['--dev']) {
  const dir = await mkdtemp(join(tmpdir(), 'bzk-node-'))
  return new Node(dir, args, await freePort(), await freePort()).start()
}
