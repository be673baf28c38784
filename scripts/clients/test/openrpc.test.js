// Answers against the OpenRPC schemas of ethereum/execution-apis, as the npm package
// @metamask/api-specs carries them.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { MetaMaskOpenRPCDocument } from '@metamask/api-specs'
import Ajv from 'ajv'
import { account } from '../lib/accounts.js'
import { runLoad } from '../lib/load.js'
import { startNode } from '../lib/node.js'
import { compile } from '../lib/solidity.js'

const { methods, components } = structuredClone(MetaMaskOpenRPCDocument)
// Added to the specification since, and not yet in the package.
const { FilterResults, Log, TransactionInfo } = components.schemas
Log.properties.blockTimestamp ??= { $ref: '#/components/schemas/uint' }
TransactionInfo.allOf[0].properties.blockTimestamp ??= { $ref: '#/components/schemas/uint' }
TransactionInfo.allOf[0].required.push('blockTimestamp')
// An empty list is one of logs and one of hashes.
FilterResults.anyOf = FilterResults.oneOf
delete FilterResults.oneOf
const ajv = new Ajv({ strict: false, allErrors: true })
ajv.addSchema({ $id: 'spec', components })

/** `schema` with its references pointing into the specification. */
const anchored = (schema) =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"spec#/components/'))
const component = (name) => ({ $ref: `#/components/schemas/${name}` })
const array = (items) => ({ type: 'array', items })
const orNull = (schema) => ({ oneOf: [{ type: 'null' }, schema] })

// Methods of execution-apis that MetaMask leaves out, in the specification's own types.
const MORE = {
  eth_createAccessList: {
    type: 'object', required: ['accessList', 'gasUsed'],
    properties: { accessList: component('AccessList'), gasUsed: component('uint') },
  },
  eth_getBlockReceipts: orNull(array(component('ReceiptInfo'))),
  eth_maxPriorityFeePerGas: component('uint'),
  net_version: { type: 'string', pattern: '^[0-9]+$' },
  debug_getRawBlock: component('bytes'),
  debug_getRawHeader: component('bytes'),
  debug_getRawReceipts: array(component('bytes')),
  debug_getRawTransaction: component('bytes'),
}
const schemas = new Map(methods.filter(({ result }) => result)
  .map(({ name, result }) => [name, result.schema]).concat(Object.entries(MORE)))
const compiled = new Map()
const called = new Set()

/** Calls `method`; its answer must be as the schema says, and is returned. */
async function valid(method, params = []) {
  const answer = await node.call(method, params)
  conforms(method, answer, params)
  return answer
}

/** Fails unless an answer to `method` is as the schema says. */
function conforms(method, answer, params = []) {
  assert.ok(schemas.has(method), `${method} is not in the specification`)
  if (!compiled.has(method)) compiled.set(method, ajv.compile(anchored(schemas.get(method))))
  const check = compiled.get(method)
  called.add(method)
  if (check(answer)) return
  assert.fail(`${method}(${JSON.stringify(params)}) = ${JSON.stringify(answer).slice(0, 600)}
    ${ajv.errorsText(check.errors.slice(0, 8))}`)
}

let node, hashes, last, token
const absent = `0x${'12'.repeat(32)}`
const { address } = account(0)

before(async () => {
  node = await startNode()
  hashes = await runLoad(node, 120, 3)
  last = await node.call('eth_blockNumber')
  const logs = await node.call('eth_getLogs', [{ fromBlock: '0x0' }])
  token = logs[0].address
})
after(() => node?.stop())

test('a schema refuses what is wrong', async () => {
  const check = ajv.compile(anchored(schemas.get('eth_getTransactionReceipt')))
  const receipt = await node.call('eth_getTransactionReceipt', [hashes[0]])
  assert.ok(check(receipt))
  for (const wrong of [{ ...receipt, gasUsed: 21000 }, { ...receipt, gasUsed: '0x05' }, { ...receipt, blockHash: undefined, extra: 1 }]) {
    assert.ok(!check(JSON.parse(JSON.stringify(wrong))))
  }
})

test('the node and its fees', async () => {
  for (const method of ['web3_clientVersion', 'net_version', 'eth_chainId', 'eth_blockNumber', 'eth_syncing',
    'eth_accounts', 'eth_gasPrice', 'eth_maxPriorityFeePerGas']) await valid(method)
  await valid('eth_feeHistory', ['0x5', 'latest', [10, 50]])
  await valid('eth_feeHistory', ['0x1', '0x0', []])
})

test('every block, transaction and receipt of a random load', async () => {
  for (let number = 0; number <= Number(last); number++) {
    const at = `0x${number.toString(16)}`
    const block = await valid('eth_getBlockByNumber', [at, true])
    await valid('eth_getBlockByHash', [block.hash, false])
    await valid('eth_getBlockReceipts', [at])
    for (const method of ['eth_getBlockTransactionCountByNumber', 'eth_getUncleCountByBlockNumber']) await valid(method, [at])
    for (const method of ['eth_getBlockTransactionCountByHash', 'eth_getUncleCountByBlockHash']) await valid(method, [block.hash])
    for (const method of ['debug_getRawBlock', 'debug_getRawHeader', 'debug_getRawReceipts']) await valid(method, [at])
  }
  for (const hash of hashes) {
    const { blockHash, blockNumber, transactionIndex } = await valid('eth_getTransactionByHash', [hash])
    await valid('eth_getTransactionReceipt', [hash])
    await valid('debug_getRawTransaction', [hash])
    await valid('eth_getTransactionByBlockHashAndIndex', [blockHash, transactionIndex])
    await valid('eth_getTransactionByBlockNumberAndIndex', [blockNumber, transactionIndex])
  }
})

test('what does not exist is null', async () => {
  for (const [method, params] of [
    ['eth_getBlockByHash', [absent, true]], ['eth_getBlockByNumber', ['0xffffff', true]],
    ['eth_getTransactionByHash', [absent]], ['eth_getTransactionReceipt', [absent]],
    ['eth_getTransactionByBlockHashAndIndex', [absent, '0x0']], ['eth_getTransactionByBlockNumberAndIndex', [last, '0xffff']],
    ['eth_getBlockTransactionCountByHash', [absent]], ['eth_getBlockTransactionCountByNumber', ['0xffffff']],
    ['eth_getUncleCountByBlockHash', [absent]], ['eth_getUncleCountByBlockNumber', ['0xffffff']],
  ]) assert.equal(await valid(method, params), null, method)
})

test('accounts, proofs and calls', async () => {
  for (const who of [address, token, '0x00000000000000000000000000000000deadbeef']) {
    for (const method of ['eth_getBalance', 'eth_getTransactionCount', 'eth_getCode']) {
      for (const at of ['latest', 'earliest', 'pending', 'safe', 'finalized', last]) await valid(method, [who, at])
    }
    await valid('eth_getStorageAt', [who, '0x2', 'latest'])
    await valid('eth_getProof', [who, ['0x2', '0x1234'], 'latest'])
  }
  const { bytecode } = compile('Token.sol', 'Token')
  for (const request of [{ from: address, to: token, data: '0x18160ddd' }, { from: address, data: bytecode }]) {
    for (const method of ['eth_call', 'eth_estimateGas', 'eth_createAccessList']) await valid(method, [request, 'latest'])
  }
})

test('filters, logs and a transaction', async () => {
  const wanted = { fromBlock: '0x0', toBlock: 'latest' }
  assert.ok((await valid('eth_getLogs', [wanted])).length > 0)
  const [logs, blocks, pending] = [await valid('eth_newFilter', [wanted]), await valid('eth_newBlockFilter'),
    await valid('eth_newPendingTransactionFilter')]
  assert.ok((await valid('eth_getFilterLogs', [logs])).length > 0)
  const nonce = Number(await valid('eth_getTransactionCount', [address, 'pending']))
  const raw = await account(0).signTransaction({ chainId: 97304, nonce, to: address, gas: 21000n,
    maxFeePerGas: 60_000_000_000n, maxPriorityFeePerGas: 1n })
  const hash = await valid('eth_sendRawTransaction', [raw])
  const found = await node.call('eth_getTransactionByHash', [hash])
  // The schema wants the place in a block, which a waiting transaction does not have: null, as in geth.
  const place = { blockHash: absent, blockNumber: '0x1', blockTimestamp: '0x1', transactionIndex: '0x0' }
  const waits = found.blockHash === null
  if (waits) for (const field of Object.keys(place)) assert.equal(found[field] ?? null, null, field)
  conforms('eth_getTransactionByHash', waits ? { ...found, ...place } : found)
  for (const filter of [logs, blocks, pending]) await valid('eth_getFilterChanges', [filter])
  for (const filter of [logs, blocks, pending]) assert.equal(await valid('eth_uninstallFilter', [filter]), true)
})

test('every eth method of the specification was asked that needs no wallet', () => {
  // Wallets answer these; subscriptions need a websocket and return an opaque id.
  const wallet = /^(wallet_|personal_|eth_(sign|sendTransaction|requestAccounts|decrypt|getEncryptionPublicKey|coinbase|subscribe|unsubscribe))/
  const left = [...schemas.keys()].filter((name) => !called.has(name) && !wallet.test(name))
  assert.deepEqual(left, [])
})
