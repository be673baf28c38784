// Native execution (eth_call, eth_estimateGas) against the runtime's own, which is the reference.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { encodeFunctionData } from 'viem'
import { account } from '../lib/accounts.js'
import { deployLoad, random, randomTransaction } from '../lib/load.js'
import { startNode } from '../lib/node.js'

// The native code is that of this version; a chain that has been upgraded past the node may differ.
const SPEC_VERSION = 2
const CALLS = 150
let node, contracts, head

before(async () => {
  node = await startNode()
  contracts = await deployLoad(node)
  head = await node.call('chain_getBlockHash')
})
after(() => node?.stop())

const strip = (value) => value.slice(2).toLowerCase()
const little = (value, bytes) => Buffer.from(BigInt(value).toString(16).padStart(bytes * 2, '0'), 'hex').reverse().toString('hex')

/** SCALE's compact length. */
function compact(length) {
  if (length < 64) return little(length << 2, 1)
  if (length < 1 << 14) return little((length << 2) | 1, 2)
  return little(length * 4 + 2, 4)
}
const bytes = (value) => compact(strip(value).length / 2) + strip(value)
const option = (value, encode) => (value === undefined ? '00' : `01${encode(value)}`)

/** A `CallRequest` of the runtime API. */
function encodeRequest({ from, to, data = '0x', value = 0n, gas, gasPrice, accessList = [] }) {
  const list = compact(accessList.length) + accessList.map((item) =>
    strip(item.address) + compact(item.storageKeys.length) + item.storageKeys.map(strip).join('')).join('')
  return `0x${strip(from)}${option(to, strip)}${bytes(data)}${little(value, 32)}${option(gas, (g) => little(g, 8))}`
    + `${option(gasPrice, (p) => little(p, 16))}00${list}`
}

/** How the runtime ends the call, what it returns and the gas it used. */
async function byRuntime(request) {
  const answer = Buffer.from(strip(await node.call('state_call', ['EthereumRuntimeRPCApi_call', encodeRequest(request), head])), 'hex')
  if (answer[0] === 1) return { exit: 'refused' }
  const mode = answer[2] & 3
  const width = [1, 2, 4][mode]
  const length = answer.readUIntLE(2, width) >>> 2
  let at = 2 + width
  const output = `0x${answer.subarray(at, at += length).toString('hex')}`
  if (answer[at++] === 1) at += 20
  return { exit: ['succeeded', 'reverted', 'halted'][answer[1]], output, gas: answer.readBigUInt64LE(at) }
}

/** The same by the node's native code. */
async function byNode({ from, to, data, value = 0n, gas, gasPrice, accessList }) {
  const hex = (number) => `0x${number.toString(16)}`
  const call = { from, ...(to ? { to } : {}), data, value: hex(value), gas: hex(gas),
    ...(gasPrice === undefined ? {} : { gasPrice: hex(gasPrice) }), ...(accessList ? { accessList } : {}) }
  try {
    const output = await node.call('eth_call', [call, 'latest'])
    const { result } = { result: await node.call('debug_traceCall', [call, 'latest', { tracer: 'callTracer' }]) }
    return { exit: 'succeeded', output, gas: BigInt(result.gasUsed) }
  } catch (error) {
    if (error.code === 3) {
      const { gasUsed } = await node.call('debug_traceCall', [call, 'latest', { tracer: 'callTracer' }])
      return { exit: 'reverted', output: error.data, gas: BigInt(gasUsed) }
    }
    return { exit: /insufficient funds|intrinsic gas|initcode/.test(error.message) ? 'refused' : 'halted', text: error.message }
  }
}

test('the runtime is of the version that the native code is', async () => {
  const { specVersion } = await node.call('state_getRuntimeVersion')
  assert.equal(specVersion, SPEC_VERSION, 'the runtime has changed: does the native code hold for both?')
})

test(`${CALLS} random calls end alike, with the same output and gas`, async () => {
  const dice = random(11)
  const seen = {}
  for (let i = 0; i < CALLS; i++) {
    const { to, data = '0x', value = 0n, gas, accessList, gasPrice } = randomTransaction(dice, contracts)
    const request = { from: account(dice.below(10)).address, to, data, value, gas, accessList, gasPrice }
    const [runtime, native] = [await byRuntime(request), await byNode(request)]
    assert.equal(native.exit, runtime.exit, `${JSON.stringify(request, (_, v) => typeof v === 'bigint' ? `${v}` : v)}: ${native.text}`)
    if (native.output !== undefined) {
      assert.equal(native.output, runtime.output)
      assert.equal(native.gas, runtime.gas)
    }
    seen[native.exit] = (seen[native.exit] ?? 0) + 1
  }
  console.log(`ends: ${JSON.stringify(seen)}`)
  assert.ok(seen.succeeded > 0 && seen.reverted > 0 && seen.halted > 0)
})

test('block opcodes read the same block', async () => {
  const { Zoo } = contracts
  const data = encodeFunctionData({ abi: Zoo.abi, functionName: 'opcodes', args: [account(1).address] })
  const request = { from: account(0).address, to: Zoo.address, data, value: 1n, gas: 1_500_000n }
  assert.deepEqual(await byNode(request), await byRuntime(request))
})
