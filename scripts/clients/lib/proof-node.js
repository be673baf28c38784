// Starts a development node, makes one block of each kind asked for, prints its URL and the numbers of the first and
// the last of these blocks, and stays until it is killed. Tells on stderr which block is of which kind.
// Usage: node lib/proof-node.js KIND...
//   empty transfer transfers erc20 erc20s create revert precompiles pairing mixed, or a table of lib/stress.js;
//   claim withdrawal: of the bridge, with a bitcoind, a relayer and a committee's signers beside the node
// Environment: BZK_CASES: writes the witnesses of these blocks to this file, as `bzk-prover --cases` takes them.
import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPublicClient, createWalletClient, encodeAbiParameters, encodeFunctionData, http, keccak256, toHex } from 'viem'
import { account, chain, privateKey } from './accounts.js'
import { Devnet } from './devnet.js'
import { deployLoad } from './load.js'
import { startNode, until } from './node.js'
import { compile } from './solidity.js'
import { STRESS, creation } from './stress.js'
import { connectApi, send } from './substrate.js'

const MANY = 5
const TRIES = 3
const HEARTBEAT_MS = 3_600_000
const DEPOSIT_SATS = 300_000n
// A key of Bitcoin's BIPs, on regtest.
const HOME = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'
const kinds = process.argv.slice(2)
const bridged = kinds.includes('claim') || kinds.includes('withdrawal')
let devnet, dir
if (bridged) {
  dir = await mkdtemp(join(tmpdir(), 'bzk-proof-'))
  devnet = new Devnet(dir)
}
const node = bridged ? (await devnet.start()).node : await startNode()
const stop = async (code) => {
  await (devnet ?? node).stop()
  if (dir) await rm(dir, { recursive: true, force: true })
  process.exit(code)
}
process.on('SIGTERM', () => stop(0))
process.on('SIGINT', () => stop(0))

const reader = createPublicClient({ chain: chain(node), transport: http() })
const wallet = createWalletClient({ account: account(0), chain: chain(node), transport: http() })
const head = () => reader.getBlockNumber({ cacheTime: 0 })
const receipt = (hash) => reader.waitForTransactionReceipt({ hash, pollingInterval: 200 })

const number = (value) => toHex(value, { size: 32 }).slice(2)
/** The generators of both groups (EIP-197): their pairing is not 1. */
const PAIR = `0x${number(1)}${number(2)}` +
  '198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2' +
  '1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed' +
  '090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b' +
  '12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa'
/** Inputs of the precompiled contracts 1 to 9 that succeed, the pairing of nothing among them; and a pair, which is as
    long a proof as all of these. */
const PRECOMPILES = [
  [1n, `0x${keccak256('0x01').slice(2)}${number(27)}${number(1)}${number(1)}`],
  [2n, toHex('abc')],
  [3n, toHex('abc')],
  [4n, toHex('abc')],
  [5n, `0x${number(1)}${number(1)}${number(1)}030507`],
  [6n, `0x${number(1)}${number(2)}${number(1)}${number(2)}`],
  [7n, `0x${number(1)}${number(2)}${number(3)}`],
  [8n, '0x'],
  [9n, `0x00000001${'00'.repeat(208)}01`],
  [8n, PAIR],
]

const fresh = (index) => `0x${keccak256(toHex(index, { size: 8 })).slice(26)}`
const call = (to, data, gas) => ({ to, data, gas })
const { Token, Zoo } = await deployLoad(node)
const encode = (contract, functionName, args) => encodeFunctionData({ abi: contract.abi, functionName, args })
const transfer = (index) => ({ to: fresh(index), value: 1000n, gas: 21_000n })
const token = (index) => call(Token.address, encode(Token, 'transfer', [fresh(index), 5n]), 100_000n)
const erc20 = token(99)
const create = { data: compile('Burner.sol', 'Burner').bytecode, gas: 500_000n }
const revert = call(Zoo.address, encode(Zoo, 'fail', [1n]), 100_000n)
const precompiles = PRECOMPILES.map(([i, input]) =>
  call(Zoo.address, encode(Zoo, 'precompile', [i, input]), 1_000_000n))
/** What Zoo writes down of a precompile that failed, and of one that returned nothing. */
const NOTHING = [false, true].map((ok) =>
  keccak256(encodeAbiParameters([{ type: 'bool' }, { type: 'bytes' }], [ok, '0x'])))

/** The transactions of each kind of block. */
const KINDS = {
  empty: [],
  transfer: [transfer(0)],
  transfers: Array.from({ length: MANY }, (_, i) => transfer(1 + i)),
  erc20: [erc20],
  erc20s: Array.from({ length: MANY }, (_, i) => token(1 + i)),
  create: [create],
  revert: [revert],
  precompiles: precompiles.slice(0, 9),
  pairing: precompiles.slice(9),
  mixed: [transfer(50), erc20, create, revert, precompiles[1], precompiles[5]],
}
for (const [table, { code, data }] of Object.entries(STRESS)) {
  const { contractAddress } = await receipt(await wallet.deployContract({ abi: [], bytecode: creation(code) }))
  KINDS[table] = [call(contractAddress, data, 15_000_000n)]
}

/** Ends the blocks that nobody asked for: what is between two others is proven too, and takes minutes. */
async function rest() {
  const { api, keys } = await connectApi(node)
  try {
    await send(api, api.tx.sudo.sudo(api.tx.ethereum.setHeartbeat(HEARTBEAT_MS)), keys.alice)
  } finally {
    await api.disconnect()
  }
}

/** Asserts that a transaction did what its kind says: a proof of something else would show nothing. */
async function judge(request, status, logs) {
  assert.equal(status, request === revert ? 'reverted' : 'success', `status of ${JSON.stringify(request.data)}`)
  if (request.to === Token.address) assert.equal(logs.length, 1, 'an ERC-20 transfer has a log')
  const [index] = PRECOMPILES[precompiles.indexOf(request)] ?? []
  if (!index) return
  const noted = await reader.readContract({ ...Zoo, functionName: 'slots', args: [index] })
  assert.ok(!NOTHING.includes(toHex(noted, { size: 32 })), `precompile ${index} fails`)
}

/** Makes a block of these transactions; returns its number. */
async function block(transactions, tries = TRIES) {
  const before = await head()
  if (transactions.length === 0) {
    await until(async () => (await head()) > before, 'an empty block')
    return before + 1n
  }
  const nonce = await reader.getTransactionCount({ address: account(0).address, blockTag: 'pending' })
  const hashes = await Promise.all(transactions.map(async (request, index) => {
    const fees = { maxFeePerGas: 60_000_000_000n, maxPriorityFeePerGas: 1_000_000n }
    const raw = await account(0).signTransaction({ ...request, ...fees, type: 'eip1559', chainId: 97304, nonce: nonce + index })
    return node.call('eth_sendRawTransaction', [raw])
  }))
  const receipts = await Promise.all(hashes.map(receipt))
  for (const [index, { status, logs }] of receipts.entries()) await judge(transactions[index], status, logs)
  const numbers = receipts.map(({ blockNumber }) => blockNumber)
  if (numbers.every((one) => one === numbers[0])) return numbers[0]
  if (tries > 1) return block(transactions, tries - 1)
  throw new Error(`the transactions are in blocks ${numbers}`)
}

/** Writes a case for each block, in a file that is there whole or not at all. */
async function writeCases(path, first, last) {
  const cases = []
  for (let number = first; number <= last; number++) {
    const witness = await node.call('bzk_blockWitness', [toHex(number)])
    cases.push(JSON.stringify({ name: `block ${number}`, chainId: chain(node).id, witness }))
  }
  await writeFile(`${path}.part`, `${cases.join('\n')}\n`)
  await rename(`${path}.part`, path)
}

/** Block of the only transaction that an account has sent since block `before`. */
async function blockOf(address, before) {
  for (let number = await head(); number > before; number--) {
    const { transactions } = await reader.getBlock({ blockNumber: number, includeTransactions: true })
    if (transactions.some(({ from }) => from.toLowerCase() === address.toLowerCase())) return number
  }
  throw new Error(`no block after ${before} has a transaction of ${address}`)
}

/** Runs `bzk-bridge` with the key of an account that does nothing else; gives the block that it made. */
async function bridge(...args) {
  const [before, payer] = [await head(), await devnet.keyFile('payer', privateKey(5))]
  await devnet.user(payer, ...args)
  return blockOf(account(5).address, before)
}

/** A deposit on Bitcoin that the relay knows and nobody has claimed. */
async function deposit() {
  const own = join(dir, 'own.jsonl')
  const { address } = await devnet.user(null, 'deposit-address', '--recipient', account(5).address,
    '--refund-key-file', join(dir, 'refund.key'), '--deposits', own)
  await devnet.bitcoin.pay([[address, DEPOSIT_SATS]])
  await devnet.bitcoin.mine(1)
  const status = () => devnet.user(null, 'status', '--deposits', own)
  await until(async () => (await status()).deposits[0]?.confirmations >= 1, 'the relay to learn of the block', 120)
  return own
}

/** What makes the blocks of the bridge. */
const BRIDGED = {
  claim: (own) => bridge('claim', '--deposits', own),
  withdrawal: () => bridge('withdraw', '--to', HOME, '--sats', '100000', '--max-fee-sats', '20000'),
}

try {
  const unknown = kinds.filter((kind) => !KINDS[kind] && !BRIDGED[kind])
  if (unknown.length > 0) throw new Error(`no such kinds: ${unknown}; there are ${Object.keys({ ...KINDS, ...BRIDGED })}`)
  const own = kinds.includes('claim') ? await deposit() : undefined
  const blocks = []
  for (const [index, kind] of kinds.entries()) {
    if (index === kinds.lastIndexOf('empty') + 1) await rest()
    blocks.push(await (BRIDGED[kind]?.(own) ?? block(KINDS[kind])))
    console.error(`block ${blocks.at(-1)} is ${kind}`)
  }
  if (process.env.BZK_CASES) await writeCases(process.env.BZK_CASES, blocks[0], blocks.at(-1))
  console.log(`${node.url} ${blocks[0]} ${blocks.at(-1)}`)
} catch (error) {
  console.error(error)
  await stop(1)
}
