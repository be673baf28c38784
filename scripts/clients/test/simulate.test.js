// eth_simulateV1 and the tracers over mined blocks give again what the blocks say.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { account } from '../lib/accounts.js'
import { runLoad } from '../lib/load.js'
import { startNode, until } from '../lib/node.js'

const hex = (number) => `0x${number.toString(16)}`
let node, blocks

before(async () => {
  node = await startNode()
  await runLoad(node, 200, 5)
  const head = Number(await node.call('eth_blockNumber'))
  const all = await Promise.all(Array.from({ length: head }, (_, i) =>
    node.call('eth_getBlockByNumber', [hex(i + 1), true])))
  blocks = all.filter((block) => block.transactions.length > 0)
  assert.ok(blocks.length > 0)
})
after(() => node?.stop())

/** A mined transaction as a call. */
function asCall({ from, to, value, nonce, gas, input, type, gasPrice, maxFeePerGas, maxPriorityFeePerGas, accessList }) {
  const fees = type === '0x2' ? { maxFeePerGas, maxPriorityFeePerGas } : { gasPrice }
  return { from, value, nonce, gas, input, ...fees, ...(to ? { to } : {}), ...(accessList ? { accessList } : {}) }
}

test('simulated blocks have the roots, gas and bloom of the mined ones', async () => {
  for (const block of blocks) {
    const { number, timestamp: time, gasLimit, miner: feeRecipient, mixHash: prevRandao, baseFeePerGas } = block
    const [simulated] = await node.call('eth_simulateV1', [{
      validation: true,
      blockStateCalls: [{
        blockOverrides: { number, time, gasLimit, feeRecipient, prevRandao, baseFeePerGas },
        calls: block.transactions.map(asCall),
      }],
    }, hex(Number(number) - 1)])
    for (const field of ['stateRoot', 'receiptsRoot', 'gasUsed', 'logsBloom', 'parentHash', 'baseFeePerGas']) {
      assert.equal(simulated[field], block[field], `${field} of block ${Number(number)}`)
    }
  }
})

test('traces use the gas of the receipts', async () => {
  for (const { number } of blocks) {
    const receipts = await node.call('eth_getBlockReceipts', [number])
    const traces = await node.call('debug_traceBlockByNumber', [number, { tracer: 'callTracer' }])
    assert.deepEqual(traces.map(({ result }) => result.gasUsed), receipts.map(({ gasUsed }) => gasUsed))
    const replayed = await node.call('trace_replayBlockTransactions', [number, ['trace', 'stateDiff']])
    const flat = await node.call('trace_block', [number])
    assert.deepEqual(replayed.map(({ transactionHash }) => transactionHash), receipts.map(({ transactionHash }) => transactionHash))
    assert.equal(flat.length, replayed.reduce((sum, { trace }) => sum + trace.length, 0))
  }
})

test('trace_callMany runs each call on what those before it left', async () => {
  const to = '0x00000000000000000000000000000000000ca110'
  const [rich, fresh] = [account(1).address, '0x00000000000000000000000000000000000ca111']
  const results = await node.call('trace_callMany', [[
    [{ from: rich, to: fresh, value: '0x64' }, ['trace', 'stateDiff']],
    [{ from: fresh, to, value: '0x28' }, ['trace']],
  ], 'latest'])
  assert.equal(results.length, 2)
  assert.deepEqual(results[0].stateDiff[fresh].balance, { '+': '0x64' })
  assert.equal(results[1].trace[0].action.value, '0x28')
  // Alone, the second has no money.
  await assert.rejects(node.call('trace_call', [{ from: fresh, to, value: '0x28' }, ['trace'], 'latest']), /insufficient funds/)
  assert.equal(await node.call('eth_getBalance', [fresh, 'latest']), '0x0')
  const call = [{ from: rich, to, value: '0x1' }, ['trace']]
  await assert.rejects(node.call('trace_callMany', [Array(1001).fill(call), 'latest']), { code: -32005 })
})

test('trace_rawTransaction tells what the transaction then does', async () => {
  const nonce = Number(await node.call('eth_getTransactionCount', [account(2).address, 'latest']))
  const raw = await account(2).signTransaction({ chainId: 97304, nonce, to: account(3).address, value: 9n,
    gas: 21000n, maxFeePerGas: 60_000_000_000n, maxPriorityFeePerGas: 1n })
  const { trace } = await node.call('trace_rawTransaction', [raw, ['trace']])
  const hash = await node.call('eth_sendRawTransaction', [raw])
  await until(() => node.call('eth_getTransactionReceipt', [hash]), 'receipt')
  const [mined] = await node.call('trace_transaction', [hash])
  assert.deepEqual(trace.map(({ action, result }) => ({ action, result })), [{ action: mined.action, result: mined.result }])
})
