// Times of the committee: its key, payouts of 25 inputs with all signers and with silent ones, and a request to its
// payout with production's waiting time; and what the node takes to execute a header and a claim. Every part is a
// process. The table goes to descriptor 4, one JSON object to the standard output.
// Usage: bridge.mjs "SIZE..." PAYOUTS BATCH_BLOCKS
import { mkdtemp, rm } from 'node:fs/promises'
import { writeSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeFunctionData, numberToHex, parseAbi, size } from 'viem'
import { account, privateKey } from '../clients/lib/accounts.js'
import { BRIDGE, Devnet } from '../clients/lib/devnet.js'
import { until } from '../clients/lib/node.js'
import { connectApi, send } from '../clients/lib/substrate.js'
import { pallet } from './weights.mjs'

const [sizes, payouts, batchBlocks] = [process.argv[2].split(' ').map(Number), ...process.argv.slice(3).map(Number)]
const INPUTS = 25
// The largest one: the runtime charges every committee for it.
const COMMITTEE = 32
const COIN = 100_000
const HOME = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'
const PAYER = 5
const HEADERS = 100
const HEADER_BYTES = 80
const RELAY = '0x425a4b0000000000000000000000000000000002'
const RELAY_ABI = parseAbi([
  'function submit(uint32 height, bytes headers)',
  'event NewTip(uint32 indexed height, bytes32 indexed blockHash, uint32 dropped)',
])
const CLAIMED = parseAbi(['event Claimed(bytes32 indexed txid, uint32 vout, address indexed recipient, uint32 indexed epoch, '
  + 'uint64 amount, uint64 fees, bytes32 leaf, bytes32 blockHash, uint32 height)'])

const say = (text) => writeSync(4, `${text}\n`)
const p95 = (list) => list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * 0.95))]
const round = (seconds) => Math.round(seconds * 10) / 10

/** Starts the system with `signers` signers, hands it to `measure`, and ends it. */
async function system(signers, measure) {
  const dir = await mkdtemp(join(tmpdir(), 'bzk-bench-'))
  // Nothing but what is measured asks the node.
  const devnet = new Devnet(dir, { signers, watched: false })
  say(`starting bitcoind, a node, a relayer and ${signers} signers`)
  let result
  try {
    await devnet.start()
    const seconds = round(devnet.dkgSeconds)
    say(`key of ${signers} members: ${seconds} s (${signers} signer processes, ${cpus().length} cores)`)
    result = { [`dkg_s_${signers}`]: seconds, ...await measure(devnet) }
  } catch (error) {
    say(`failed: ${error.message}; the logs are in ${dir}`)
    throw error
  } finally {
    await devnet.stop()
  }
  await rm(dir, { recursive: true, force: true })
  return result
}

/** Claims as many coins as payouts of 25 inputs take. */
async function fund(devnet, count) {
  const { address } = await devnet.user(null, 'deposit-address', '--recipient', account(PAYER).address,
    '--refund-key-file', join(devnet.dir, 'refund.key'), '--deposits', devnet.deposits)
  const [before] = await devnet.bridge('totals')
  // Each transaction pays 1,000 sats, for which nodes relay some 220 outputs.
  for (let left = count; left > 0; left -= 200) {
    await devnet.bitcoin.pay(Array(Math.min(left, 200)).fill([address, COIN]))
  }
  await devnet.bitcoin.mine(1)
  const start = Date.now()
  const all = async () => (await devnet.bridge('totals'))[0] === before + BigInt(count * COIN)
  await until(all, `${count} deposits to be claimed`, 30 + count * 6)
  say(`${count} deposits claimed in ${round((Date.now() - start) / 1000)} s by one relayer`)
}

/** Milliseconds that the node takes to execute a transaction on the state before its block: the shortest of many
 *  calls, less the shortest of as many calls of the same size that run nothing, in turn with them. */
async function execution(node, { from, to, input, gas, blockNumber }) {
  const before = numberToHex(blockNumber - 1n)
  const shortest = { run: Infinity, nothing: Infinity }
  for (let round = 0; round < 30; round++) {
    for (const [which, callee] of [['run', to], ['nothing', from]]) {
      const begin = performance.now()
      await node.call('eth_call', [{ from, to: callee, data: input, gas: numberToHex(gas) }, before])
      shortest[which] = Math.min(shortest[which], performance.now() - begin)
    }
  }
  return shortest.run - shortest.nothing
}

/** The newest transactions with an event of `abi`, newest first. */
async function transactions(devnet, address, abi) {
  const wallet = devnet.wallet()
  const newest = await wallet.getBlockNumber()
  const fromBlock = newest > 200n ? newest - 200n : 0n
  const logs = await wallet.getLogs({ address, event: abi.find(({ type }) => type === 'event'), fromBlock })
  const hashes = [...new Set(logs.map(({ transactionHash }) => transactionHash))].reverse()
  return { hashes, read: (hash) => wallet.getTransaction({ hash }) }
}

/** What the node takes for each of the headers that a relayer submits at once. */
async function headerMs(devnet) {
  await devnet.bitcoin.mine(HEADERS)
  const tip = await devnet.bitcoin.call('getblockcount')
  await until(async () => (await devnet.node.call('bridge_reserves')).height === tip, `${HEADERS} headers`, 120)
  const { hashes: [newest], read } = await transactions(devnet, RELAY, RELAY_ABI)
  const transaction = await read(newest)
  const [, headers] = decodeFunctionData({ abi: RELAY_ABI, data: transaction.input }).args
  const count = size(headers) / HEADER_BYTES
  const milliseconds = await execution(devnet.node, transaction) / count
  say(`execution of a header: ${milliseconds.toFixed(3)} ms (${count} at once, by eth_call)`)
  return Number(milliseconds.toFixed(3))
}

/** What the node takes for a claim. */
async function claimMs(devnet) {
  const { hashes, read } = await transactions(devnet, BRIDGE, CLAIMED)
  const found = []
  for (const hash of hashes.slice(0, 5)) found.push(await execution(devnet.node, await read(hash)))
  const milliseconds = found.toSorted((a, b) => a - b)[found.length >> 1]
  say(`execution of a claim: ${milliseconds.toFixed(3)} ms (median of ${found.length}, by eth_call)`)
  return Number(milliseconds.toFixed(3))
}

/** The session that signs the payout of a withdrawal, at a block: sessions of payouts before may still be there. */
async function sessionOf(at, withdrawal) {
  const batch = (await at.query.btcBridge.withdrawals(withdrawal)).unwrapOr(null)?.batch.unwrapOr(null)
  if (!batch) return undefined
  const requests = await at.query.btcBridge.requests.entries()
  const found = requests.find(([, request]) => request.unwrap()[0].eq(batch))
  return found && (await at.query.threshold.sessions(found[0].args[0])).unwrapOr(undefined)?.session
}

/** One payout: seconds and L2 blocks from the final request to Bitcoin's mempool, and seconds since the request. */
async function payout(devnet, api, payer, sats, patience = 120) {
  const requested = Date.now()
  const { withdrawal } = await devnet.user(payer, 'withdraw', '--to', HOME, '--sats', String(sats),
    '--max-fee-sats', String(2 * COIN))
  let opened
  await until(async () => {
    const [time, hash] = [Date.now(), await api.rpc.chain.getFinalizedHead()]
    const session = await sessionOf(await api.at(hash), withdrawal)
    if (!session) return false
    const number = (await api.rpc.chain.getHeader(hash)).number.toNumber()
    opened = { time, number, inputs: session.request.inputs.length }
    return true
  }, 'a final session', patience)
  const told = await until(async () => {
    const told = await devnet.node.call('bridge_withdrawal', [withdrawal])
    return told.status === 'signed' && told
  }, 'the signatures', 300)
  const number = (await api.rpc.chain.getHeader()).number.toNumber()
  await until(async () => (await devnet.bitcoin.call('getrawmempool')).includes(told.txid), 'the broadcast', 60)
  const end = Date.now()
  // It is settled while the next request becomes final.
  await devnet.bitcoin.mine(1)
  const seconds = (end - opened.time) / 1000
  return { seconds, blocks: number - opened.number, inputs: opened.inputs, since: (end - requested) / 1000 }
}

/** As many payouts as are asked for; says and gives their p95. */
async function several(devnet, api, payer, what) {
  const sats = INPUTS * COIN - COIN / 2
  const found = []
  for (let index = 1; index <= payouts; index++) {
    const one = await payout(devnet, api, payer, sats)
    say(`  ${what}, payout ${index} of ${payouts}: ${round(one.seconds)} s, ${one.blocks} L2 blocks, ${one.inputs} inputs`)
    found.push(one)
  }
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
    const policy = (await api.query.btcBridge.currentPolicy()).toJSON()
    const wait = (batchBlocks) =>
      send(api, api.tx.sudo.sudo(api.tx.btcBridge.setPolicy({ ...policy, batchBlocks })), keys.alice)
    result.header_ms = await headerMs(devnet)
    await fund(devnet, INPUTS * (2 * payouts) + 10)
    result.claim_ms = await claimMs(devnet)
    // What is measured begins with the session: requests wait for no others.
    await wait(1)
    result.sign_p95_s = await several(devnet, api, payer, `all ${count} sign, ${needed} are needed`)
    // Ten of 32, five of 16: all that can be spared.
    const silent = count - needed
    for (let index = 0; index < silent; index++) devnet.signers[count - 1 - index].part.child.kill('SIGSTOP')
    result[`sign_p95_s_${silent}_silent`] = await several(devnet, api, payer, `${silent} of ${count} are silent`)
    for (let index = 0; index < silent; index++) devnet.signers[count - 1 - index].part.child.kill('SIGCONT')
    if (batchBlocks > 0) {
      await wait(batchBlocks)
      say(`a request waits ${batchBlocks} blocks for others, ${batchBlocks * 2} s`)
      const { since } = await payout(devnet, api, payer, 10 * COIN, 120 + batchBlocks * 3)
      result.request_to_broadcast_s = round(since)
      say(`a request alone, with a wait of ${batchBlocks} blocks for others: broadcast after ${round(since)} s`)
    }
    return result
  } finally {
    await api.disconnect()
  }
}

/** What a block is charged for each message of a member, by the weights measured in the runtime's wasm. */
async function messageCosts() {
  const [threshold, bridge] = await Promise.all([pallet('threshold'), pallet('btc-bridge')])
  const dkg = threshold('authorize_dkg', COMMITTEE)
  const sign = threshold('authorize_sign')
  // What it does, the check of who sent it, and whose it is.
  const messages = [
    ['registration', threshold('register'), null, 'of a signer, once'],
    ['commitment', threshold('dkg_commitment', COMMITTEE), dkg, 'of each member, for a key'],
    ['dealt_shares', threshold('dkg_shares', COMMITTEE), dkg, 'of each member, for a key'],
    ['confirmation', threshold('dkg_confirmation', COMMITTEE), dkg, 'of each member, for a key'],
    ['accusation', threshold('dkg_complaint', COMMITTEE), dkg, 'of a bad share; the culprit is slashed'],
    ['nonces', threshold('sign_nonces', INPUTS), sign, `of each member, for ${INPUTS} inputs`],
    ['signature_shares', threshold('sign_shares', INPUTS), sign, `of each selected member, for ${INPUTS} inputs`],
    ['report', threshold('sign_report', COMMITTEE), sign, 'of bad signature shares; the culprit is slashed'],
    ['signatures', threshold('complete', INPUTS), threshold('authorize_complete', INPUTS), `for ${INPUTS} inputs, once`],
    ['adoption', threshold('adopt', COMMITTEE), threshold('authorize_adoption', COMMITTEE), 'of a new key, once'],
    ['fee_rate', bridge('report_fee_rate'), bridge('authorize_fee_report'), 'of each member, for a period'],
  ]
  say(`runtime cost of a signer's message, committee of ${COMMITTEE}, ms: in wasm, with the database as blocks are charged`)
  const costs = {}
  for (const [name, work, check, whose] of messages) {
    const [wasm, total] = ['wasm', 'total'].map((part) => work[part] + (check?.[part] ?? 0))
    say(`  ${name.padEnd(18)} ${wasm.toFixed(2).padStart(7)} ${total.toFixed(2).padStart(7)}   ${whose}`)
    costs[name] = Number(total.toFixed(2))
  }
  return { message_ms: costs }
}

const result = await messageCosts()
for (const signers of sizes) {
  const last = signers === sizes.at(-1)
  Object.assign(result, await system(signers, last ? measure : () => ({})))
}
console.log(JSON.stringify(result))
