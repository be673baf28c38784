// Times of the committee: its key, payouts of 25 inputs with all signers and with silent ones, and a request to its
// payout with production's waiting time. Every part is a process. The table goes to descriptor 4, one JSON object to
// the standard output.
// Usage: bridge.mjs "SIZE..." PAYOUTS BATCH_BLOCKS
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { writeSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { account, privateKey } from '../clients/lib/accounts.js'
import { Devnet } from '../clients/lib/devnet.js'
import { until } from '../clients/lib/node.js'
import { connectApi, send } from '../clients/lib/substrate.js'

const [sizes, payouts, batchBlocks] = [process.argv[2].split(' ').map(Number), ...process.argv.slice(3).map(Number)]
const INPUTS = 25
const COIN = 100_000
const HOME = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'
const PAYER = 5

const say = (text) => writeSync(4, `${text}\n`)
const p95 = (list) => list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * 0.95))]
const round = (seconds) => Math.round(seconds * 10) / 10

/** Starts the system with `signers` signers, hands it to `measure`, and ends it. */
async function system(signers, measure) {
  const dir = await mkdtemp(join(tmpdir(), 'bzk-bench-'))
  const devnet = new Devnet(dir, { signers })
  try {
    await devnet.start()
    const seconds = round(devnet.dkgSeconds)
    say(`key of ${signers} members: ${seconds} s (${signers} signer processes, ${cpus().length} cores)`)
    return { [`dkg_s_${signers}`]: seconds, ...await measure(devnet) }
  } finally {
    await devnet.stop()
    await rm(dir, { recursive: true, force: true })
  }
}

/** Claims as many coins as payouts of 25 inputs take. */
async function fund(devnet, count) {
  const { address } = await devnet.user(null, 'deposit-address', '--recipient', account(PAYER).address,
    '--refund-key-file', join(devnet.dir, 'refund.key'), '--deposits', devnet.deposits)
  const [before] = await devnet.bridge('totals')
  // At most 252 outputs in a transaction.
  for (let left = count; left > 0; left -= 250) {
    await devnet.bitcoin.pay(Array(Math.min(left, 250)).fill([address, COIN]))
  }
  await devnet.bitcoin.mine(1)
  const start = Date.now()
  const all = async () => (await devnet.bridge('totals'))[0] === before + BigInt(count * COIN)
  await until(all, `${count} deposits to be claimed`, 30 + count * 6)
  say(`${count} deposits claimed in ${round((Date.now() - start) / 1000)} s by one relayer`)
}

/** One payout: seconds and L2 blocks from the final request to Bitcoin's mempool, and seconds since the request. */
async function payout(devnet, api, payer, sats) {
  const requested = Date.now()
  const { withdrawal } = await devnet.user(payer, 'withdraw', '--to', HOME, '--sats', String(sats),
    '--max-fee-sats', String(2 * COIN))
  const patience = 120 + batchBlocks * 3
  let opened
  await until(async () => {
    const hash = await api.rpc.chain.getFinalizedHead()
    const at = await api.at(hash)
    const sessions = await at.query.threshold.sessions.entries()
    if (sessions.length === 0) return false
    const [[key, open]] = sessions
    const number = (await api.rpc.chain.getHeader(hash)).number.toNumber()
    opened = { time: Date.now(), number, session: key.args[0], inputs: open.unwrap().session.request.inputs.length }
    return true
  }, 'a final session', patience)
  const told = await until(async () => {
    const told = await devnet.node.call('bridge_withdrawal', [withdrawal])
    return told.status === 'signed' && told
  }, 'the signatures', 300)
  const number = (await api.rpc.chain.getHeader()).number.toNumber()
  await until(async () => (await devnet.bitcoin.call('getrawmempool')).includes(told.txid), 'the broadcast', 60)
  const end = Date.now()
  await devnet.bitcoin.mine(1)
  await until(async () => (await devnet.node.call('bridge_withdrawal', [withdrawal])).status === 'settled',
    'the settlement', 120)
  const seconds = (end - opened.time) / 1000
  return { seconds, blocks: number - opened.number, inputs: opened.inputs, since: (end - requested) / 1000 }
}

/** As many payouts as are asked for; says and gives their p95. */
async function several(devnet, api, payer, what) {
  const sats = INPUTS * COIN - COIN / 2
  const found = []
  for (let index = 0; index < payouts; index++) found.push(await payout(devnet, api, payer, sats))
  const [seconds, blocks, inputs] = ['seconds', 'blocks', 'inputs'].map((key) => found.map((one) => one[key]))
  say(`${what}: ${payouts} payouts of ${Math.min(...inputs)} to ${Math.max(...inputs)} inputs, final request to broadcast: `
    + `p95 ${round(p95(seconds))} s (${seconds.map(round).join(', ')}), ${Math.min(...blocks)} to ${Math.max(...blocks)} L2 blocks`)
  return round(p95(seconds))
}

async function measure(devnet) {
  const { count } = devnet
  const payer = await devnet.keyFile('payer', privateKey(PAYER))
  const { api, keys } = await connectApi(devnet.node)
  try {
    const needed = Math.floor((2 * count) / 3) + 1
    const result = { signers: count, signers_needed: needed }
    await fund(devnet, INPUTS * (2 * payouts) + 10)
    result.sign_p95_s = await several(devnet, api, payer, `all ${count} sign, ${needed} are needed`)
    // Ten of 32, five of 16: all that can be spared.
    const silent = count - needed
    for (let index = 0; index < silent; index++) devnet.signers[count - 1 - index].part.child.kill('SIGSTOP')
    result[`sign_p95_s_${silent}_silent`] = await several(devnet, api, payer, `${silent} of ${count} are silent`)
    for (let index = 0; index < silent; index++) devnet.signers[count - 1 - index].part.child.kill('SIGCONT')
    if (batchBlocks > 0) {
      const policy = (await api.query.btcBridge.currentPolicy()).toJSON()
      await send(api, api.tx.sudo.sudo(api.tx.btcBridge.setPolicy({ ...policy, batchBlocks })), keys.alice)
      const { since } = await payout(devnet, api, payer, COIN)
      result.request_to_broadcast_s = round(since)
      say(`a request alone, with a wait of ${batchBlocks} blocks for others: broadcast after ${round(since)} s`)
    }
    return result
  } finally {
    await api.disconnect()
  }
}

/** What the runtime is charged for a member's messages, by the weights measured in its wasm. */
async function messageCosts() {
  const weights = await readFile(new URL('../../pallets/threshold/src/weights.rs', import.meta.url), 'utf8')
  const cost = (call) => {
    const [, base, each] = weights.match(new RegExp(
      `fn ${call}\\(k: u32, \\) -> Weight \\{[^]*?from_parts\\(([\\d_]+), 0\\)[^]*?from_parts\\(([\\d_]+), 0\\)\\.saturating_mul`))
    const [fixed, perInput] = [base, each].map((text) => Number(text.replaceAll('_', '')))
    return ((fixed + INPUTS * perInput) / 1e9).toFixed(2)
  }
  say(`runtime cost of messages for ${INPUTS} inputs: nonces ${cost('sign_nonces')} ms, shares ${cost('sign_shares')} ms `
    + `of each signer, the signatures ${cost('complete')} ms once`)
}

let result = {}
await messageCosts()
for (const signers of sizes) {
  const last = signers === sizes.at(-1)
  Object.assign(result, await system(signers, last ? measure : () => ({})))
}
console.log(JSON.stringify(result))
