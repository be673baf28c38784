// Prometheus shows the Ethereum side of the node.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { account } from '../lib/accounts.js'
import { freePort, startNode, until } from '../lib/node.js'

test('gas, transactions, pool, index and calls are counted', async (t) => {
  const port = await freePort()
  const node = await startNode(['--dev', '--prometheus-port', String(port)])
  t.after(() => node.stop())
  const metrics = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const sum = (text, name) => [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))]
    .reduce((total, [, value]) => total + Number(value), 0)
  await node.call('eth_newBlockFilter')
  const raw = await account(0).signTransaction({ chainId: 97304, nonce: 0, to: account(1).address, value: 1n,
    gas: 21000n, maxFeePerGas: 10_000_000_000n, maxPriorityFeePerGas: 1n })
  const hash = await node.call('eth_sendRawTransaction', [raw])
  await until(() => node.call('eth_getTransactionReceipt', [hash]), 'receipt')
  const text = await until(async () => {
    const text = await metrics()
    return sum(text, 'bzk_eth_height') > 0 && sum(text, 'bzk_eth_open') === 1 && text
  }, 'gauges')
  assert.equal(sum(text, 'bzk_eth_gas_total'), 21000)
  assert.equal(sum(text, 'bzk_eth_transactions_total'), 1)
  assert.ok(sum(text, 'bzk_eth_blocks_total') >= 1)
  assert.ok(sum(text, 'bzk_eth_block_import_seconds_count') >= 1)
  assert.ok(sum(text, 'bzk_eth_trie_pages_total') > 0)
  assert.ok(sum(text, 'bzk_eth_index_written_bytes_total') > 500)
  for (const name of ['bzk_eth_pool', 'bzk_eth_executions', 'bzk_eth_cache_bytes', 'substrate_rpc_calls_time_sum']) {
    assert.match(text, new RegExp(`^${name}\\b`, 'm'), name)
  }
})
