// Four validators on this machine: how long after the start of its slot a block is final, and how regular blocks are.
// Usage: finality.mjs SECONDS. Prints one JSON object.
import { startNetwork } from '../clients/lib/network.js'
import { until } from '../clients/lib/node.js'

const SLOT_MS = 2000
const seconds = Number(process.argv[2])
const names = ['alice', 'bob', 'charlie', 'dave']

/** Slot of a header: BABE's pre-digest is `BABE`, a length, the kind, the author's index, the slot. */
function slot({ digest }) {
  const claim = digest.logs.find((log) => log.startsWith('0x0642414245'))
  const bytes = Buffer.from(claim.slice(2), 'hex')
  // One byte of length holds all kinds but the one with two (a VRF's proof makes it longer than 63 bytes).
  const start = 5 + (bytes[5] % 4 === 0 ? 1 : 2)
  return Number(bytes.readBigUInt64LE(start + 1 + 4))
}

const quantile = (list, share) => list.sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * share))]

const network = await startNetwork('local', names.map((name) => ({ name })))
try {
  const observer = network.nodes.alice
  const number = async (hash) => Number((await observer.call('chain_getHeader', hash ? [hash] : [])).number)
  await until(async () => await number(await observer.call('chain_getFinalizedHead')) >= 5, 'finality', 120)

  const final = []
  const arrivals = []
  const seen = []
  let known = await number(await observer.call('chain_getFinalizedHead'))
  let best = await number()
  const end = Date.now() + seconds * 1000
  while (Date.now() < end) {
    const now = Date.now()
    const head = await observer.call('chain_getHeader')
    if (Number(head.number) > best) {
      for (; best < Number(head.number); best++) seen.push(now)
      arrivals.push(now - slot(head) * SLOT_MS)
    }
    const last = await number(await observer.call('chain_getFinalizedHead'))
    while (known < last) {
      const header = await observer.call('chain_getHeader', [await observer.call('chain_getBlockHash', [++known])])
      final.push(now - slot(header) * SLOT_MS)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  // Two blocks that arrive together are nothing apart, and what came before them counts as one gap.
  const intervals = seen.slice(1).map((time, i) => time - seen[i])
  const mean = intervals.reduce((sum, gap) => sum + gap, 0) / intervals.length
  const variance = intervals.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / intervals.length
  console.log(JSON.stringify({
    blocks: final.length,
    finality_p50_s: quantile(final, 0.5) / 1000,
    finality_p99_s: quantile(final, 0.99) / 1000,
    arrival_p50_ms: quantile(arrivals, 0.5),
    arrival_p99_ms: quantile(arrivals, 0.99),
    block_interval_p50_ms: quantile(intervals, 0.5),
    block_interval_p99_ms: quantile(intervals, 0.99),
    block_jitter_ms: Number(Math.sqrt(variance).toFixed(1)),
  }))
} finally {
  await network.stop()
}
