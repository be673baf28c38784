// How fast a node that joins late follows a long chain, with all its blocks (full) and without (warp).
// The chain is sealed with a clock that is behind (past.c), then its validator goes on with BABE and GRANDPA.
// Usage: sync.mjs [BLOCKS]. Prints one JSON object. BENCH_KEEP=1 keeps the data.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { account } from '../clients/lib/accounts.js'
import { Node, freePort, until } from '../clients/lib/node.js'
import { writeSpec } from '../clients/lib/spec.js'

const BLOCKS = Number(process.argv[2] ?? 2000)
const SLOT_SECONDS = 2
const dir = await mkdtemp(join(tmpdir(), 'bzk-sync-'))
const ports = async () => [await freePort(), await freePort()]
const folder = async (name) => { await mkdir(join(dir, name)); return join(dir, name) }
const number = async (node, hash) => Number((await node.call('chain_getHeader', hash ? [hash] : [])).number)
const final = async (node) => number(node, await node.call('chain_getFinalizedHead'))
const nodes = []

/** Seals `BLOCKS` blocks into `base`, a transfer in each. */
async function seal(base, chain) {
  const library = join(dir, 'past.so')
  execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, new URL('past.c', import.meta.url).pathname])
  // Sealing runs a slot ahead for each block, and ends a little before now. It leaves finality to GRANDPA.
  Object.assign(process.env, { LD_PRELOAD: library, PAST_SECONDS: String((BLOCKS + 30) * SLOT_SECONDS) })
  const sealer = new Node(base, ['--chain', chain, '--alice', '--sealing', 'manual', '--node-key', '5c'.repeat(32),
    '--state-pruning', '256'], ...await ports())
  try {
    await sealer.start()
  } finally {
    delete process.env.LD_PRELOAD
  }
  nodes.push(sealer)
  for (let nonce = 0; nonce < BLOCKS; nonce++) {
    const raw = await account(0).signTransaction({ chainId: 97304, nonce, to: account(1 + nonce % 9).address, value: 1n,
      gas: 21000n, maxFeePerGas: 10_000_000_000n, maxPriorityFeePerGas: 1n })
    await sealer.call('eth_sendRawTransaction', [raw])
    await sealer.call('engine_createBlock', [true, false, null])
  }
  await sealer.end()
}

/** Seconds that a new node needs to reach the head at its start, and the node. */
async function follow(name, chain, peers, mode, target) {
  const boot = await Promise.all(peers.map(async (peer) =>
    ['--bootnodes', `/ip4/127.0.0.1/tcp/${peer.p2pPort}/p2p/${await peer.call('system_localPeerId')}`]))
  const node = new Node(await folder(name), ['--chain', chain, '--sync', mode, '--state-pruning', '256', ...boot.flat()], ...await ports())
  nodes.push(node)
  await node.start()
  const began = Date.now()
  const from = await number(node)
  await until(async () => await final(node) >= target, `${mode} sync`, 900)
  return { node, seconds: (Date.now() - began) / 1000, from }
}

try {
  // A change of the voters every 200 blocks: as many proofs as the warp needs.
  const chain = await writeSpec(dir, 'bitcoinzk_sync', (patch) => {
    patch.sequencers.calendar = { epochSlots: 100, sessionsPerEra: 2, bondingEras: 4, slashDeferEras: 0, dayBlocks: 30 }
  })
  const base = await folder('validator')
  await seal(base, chain)
  const validator = new Node(base, ['--chain', chain, '--alice', '--validator', '--force-authoring', '--node-key', '5c'.repeat(32),
    '--state-pruning', '256'], ...await ports())
  nodes.push(validator)
  await validator.start()
  await until(async () => await final(validator) >= BLOCKS, 'finality by GRANDPA', 300)
  const target = await final(validator)

  const full = await follow('full', chain, [validator], 'full', target)
  const same = async (node, method, params) => {
    const [a, b] = [await node.call(method, params), await validator.call(method, params)]
    if (JSON.stringify(a) !== JSON.stringify(b)) throw new Error(`${method} differs: ${JSON.stringify(a)} ${JSON.stringify(b)}`)
  }
  const hex = (value) => `0x${value.toString(16)}`
  for (const at of [1, Math.floor(BLOCKS / 2), BLOCKS]) await same(full.node, 'eth_getBlockByNumber', [hex(at), true])

  // A node starts to warp when it knows three others: one more, with a copy of the database.
  await full.node.end()
  await cp(full.node.dir, join(dir, 'third'), { recursive: true })
  const third = new Node(join(dir, 'third'), [...full.node.args, '--node-key', '3c'.repeat(32)], ...await ports())
  nodes.push(third)
  await Promise.all([full.node.start(), third.start()])
  const warp = await follow('warp', chain, [validator, full.node, third], 'warp', target)
  const head = await warp.node.call('chain_getFinalizedHead')
  await same(warp.node, 'chain_getBlockHash', [await number(warp.node, head)])
  await same(warp.node, 'eth_getBalance', [account(1).address, 'finalized'])
  // Of a block that it has not executed it knows neither logs nor traces, and says so.
  for (const method of ['eth_getLogs', 'trace_filter']) {
    await assert.rejects(warp.node.call(method, [{ fromBlock: '0x1', toBlock: '0x1' }]), /older than this node's index/)
  }
  // The blocks before come later, in the background.
  const began = Date.now()
  const oldest = async () => warp.node.call('chain_getBlock', [await validator.call('chain_getBlockHash', [1])])
  await until(async () => await oldest() !== null, 'the history', 600)
  console.log(JSON.stringify({
    blocks: target,
    full_sync_blocks_per_s: Number(((target - full.from) / full.seconds).toFixed(1)),
    warp_sync_s: warp.seconds,
    warp_sync_blocks_per_s: Number((target / warp.seconds).toFixed(1)),
    warp_history_s: (Date.now() - began) / 1000,
  }))
} finally {
  await Promise.all(nodes.map((node) => node.end()))
  if (!process.env.BENCH_KEEP) await rm(dir, { recursive: true, force: true })
}
