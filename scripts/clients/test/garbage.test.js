// Every method of the Ethereum RPC, with random parameters and with right ones that were damaged: each gets an answer, or
// an error that says why, and the node goes on.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { encodeFunctionData, pad } from 'viem'
import { account, sign } from '../lib/accounts.js'
import { deployLoad, random } from '../lib/load.js'
import { startNode } from '../lib/node.js'

const RANDOM_ROUNDS = 40
const DAMAGED_ROUNDS = 60
const BATCH = 50
const SEED = Number(process.env.BZK_SEED ?? 11)
const OURS = /^(bridge|bzk|debug|eth|net|trace|txpool|web3)_(?!(un)?subscribe)/
let node, right, known

before(async () => {
  node = await startNode()
  const { Token } = await deployLoad(node, ['Token'])
  const [log] = await node.call('eth_getLogs', [{ fromBlock: '0x0', address: Token.address }])
  const raw = await sign(2, 0, { to: account(3).address, value: 1n })
  const from = account(1).address
  const word = pad('0x5', { size: 32 })
  const request = { from, to: Token.address, gas: '0x186a0', value: '0x0',
    data: encodeFunctionData({ abi: Token.abi, functionName: 'balanceOf', args: [from] }),
    accessList: [{ address: Token.address, storageKeys: [word] }] }
  const stateOverrides = { [from]: { balance: '0xffffffffffff', nonce: '0x0', stateDiff: { [word]: word } } }
  const blockOverrides = { number: '0xffff', time: '0xffffffff', gasLimit: '0xffffff', feeRecipient: from,
    prevRandao: word, baseFeePerGas: '0x0' }
  const logs = { fromBlock: '0x0', toBlock: 'latest', address: [Token.address], topics: [null, [log.topics[1]]] }
  const block = await node.call('debug_getRawBlock', [log.blockNumber])
  right = [
    ['eth_call', [request, 'latest', stateOverrides, blockOverrides]],
    ['eth_estimateGas', [request, 'latest', stateOverrides]],
    ['eth_createAccessList', [request, 'latest']],
    ['eth_simulateV1', [{ blockStateCalls: [{ stateOverrides, calls: [request] }], traceTransfers: true }, 'latest']],
    ['eth_getLogs', [logs]],
    ['eth_newFilter', [logs]],
    ['eth_feeHistory', ['0x5', 'latest', [10, 50]]],
    ['eth_getProof', [Token.address, ['0x0', word], 'latest']],
    ['eth_getBalance', [from, { blockHash: log.blockHash, requireCanonical: true }]],
    ['eth_getTransactionByBlockHashAndIndex', [log.blockHash, '0x0']],
    ['debug_traceCall', [request, 'latest', { tracer: 'callTracer', timeout: '1s', stateOverrides }]],
    ['debug_traceTransaction', [log.transactionHash, { tracer: 'prestateTracer', tracerConfig: { diffMode: true } }]],
    ['debug_traceBlock', [block, { tracer: 'callTracer' }]],
    ['trace_call', [request, ['trace', 'stateDiff'], 'latest']],
    ['trace_callMany', [[[request, ['trace']]], 'latest']],
    ['trace_filter', [{ fromBlock: '0x0', toBlock: 'latest', fromAddress: [from], after: 0, count: 5 }]],
    ['trace_rawTransaction', [raw, ['trace']]],
    ['bzk_blockWitness', [log.blockNumber]],
  ]
  known = [from, Token.address, log.blockHash, log.transactionHash, log.topics[0], raw, block]
})
after(() => node?.stop())

const WORDS = ['', '0x', '0x0', '0x00', '0x1', '0xzz', '-0x1', 'latest', 'pending', 'finalized', 'earliest', '1e999',
  'callTracer', 'trace', '\u0000', '\u{1f642}', `0x${'ff'.repeat(32)}`, `0x${'f'.repeat(65)}`, 'a'.repeat(20_000)]
const NUMBERS = [0, 1, -1, 0.5, 2 ** 53, 1e308]
const FIELDS = ['accessList', 'address', 'after', 'balance', 'blockHash', 'blockOverrides', 'blockStateCalls', 'calls',
  'code', 'count', 'data', 'from', 'fromBlock', 'gas', 'gasPrice', 'nonce', 'number', 'state', 'stateDiff',
  'stateOverrides', 'time', 'to', 'toBlock', 'topics', 'tracer', 'tracerConfig', 'type', 'validation', 'value']

const pick = (dice, list) => list[dice.below(list.length)]

/** Any value that JSON has, with what methods ask for among it. */
function any(dice, depth = 4) {
  switch (dice.below(depth > 0 ? 8 : 5)) {
    case 0: return pick(dice, [null, true, false])
    case 1: return pick(dice, NUMBERS)
    case 2: return pick(dice, WORDS)
    case 3: return pick(dice, known)
    case 4: return dice.bytes(dice.below(70))
    case 5: return Array.from({ length: dice.below(4) }, () => any(dice, depth - 1))
    default: return Object.fromEntries(
      Array.from({ length: dice.below(4) }, () => [pick(dice, FIELDS), any(dice, depth - 1)]))
  }
}

/** `value` with a part of it changed; what it is a part of stays. */
function damaged(dice, value) {
  const parts = value !== null && typeof value === 'object' ? Object.keys(value) : []
  if (parts.length > 0 && dice.below(8) > 0) {
    const copy = structuredClone(value)
    const part = pick(dice, parts)
    copy[part] = damaged(dice, copy[part])
    return copy
  }
  if (typeof value === 'string' && value.length > 0 && dice.below(2) > 0) {
    const at = dice.below(value.length)
    return value.slice(0, at) + pick(dice, ['0', 'f', 'x', '']) + value.slice(at + 1)
  }
  return any(dice)
}

/** The answers to calls `[method, params]`, in their order. */
async function ask(calls) {
  const body = JSON.stringify(calls.map(([method, params], id) => ({ jsonrpc: '2.0', id, method, params })))
  const told = `seed ${SEED}: ${body.slice(0, 2000)}`
  const response = await fetch(node.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    .catch((error) => { throw new Error(`no answer (${error.message}) to ${told}`) })
  const answers = await response.json()
  assert.ok(Array.isArray(answers), `${JSON.stringify(answers)} for ${told}`)
  return calls.map((_, id) => answers.find((answer) => answer.id === id))
}

/** Sends all calls; every one has a result, or an error with a code and a text. */
async function survive(calls) {
  let refused = 0
  for (let at = 0; at < calls.length; at += BATCH) {
    const some = calls.slice(at, at + BATCH)
    for (const [i, answer] of (await ask(some)).entries()) {
      const told = `seed ${SEED}: ${JSON.stringify(some[i]).slice(0, 500)} -> ${JSON.stringify(answer)?.slice(0, 500)}`
      assert.ok(answer, told)
      if (answer.error === undefined) continue
      assert.ok(Number.isInteger(answer.error.code) && answer.error.message.length > 0, told)
      refused++
    }
  }
  assert.ok(node.runs())
  assert.equal(await node.call('eth_chainId'), '0x17c18')
  console.log(`${calls.length} calls, ${refused} refused`)
}

test('every method survives random parameters', async () => {
  const { methods } = await node.call('rpc_methods')
  const ours = methods.filter((method) => OURS.test(method))
  assert.ok(ours.length > 60, `${ours}`)
  const dice = random(SEED)
  const params = () => Array.from({ length: dice.below(5) }, () => any(dice))
  await survive(ours.flatMap((method) => Array.from({ length: RANDOM_ROUNDS }, () => [method, params()])))
})

test('right requests are taken, and damaged ones survived', async () => {
  for (const [i, { error }] of (await ask(right)).entries()) {
    assert.equal(error, undefined, `${right[i][0]}: ${error?.code} ${error?.message}`)
  }
  const dice = random(SEED + 1)
  await survive(right.flatMap(([method, params]) =>
    Array.from({ length: DAMAGED_ROUNDS }, () => [method, damaged(dice, params)])))
})
