// Bad input gets a clear error; the node stays alive and its memory bounded.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { fromRlp, parseGwei, toHex, toRlp } from 'viem'
import WebSocket from 'ws'
import { account } from '../lib/accounts.js'
import { startNode, until } from '../lib/node.js'
import { rawTransaction } from '../lib/raw.js'

const SUBSCRIPTIONS = 10_000
const KINDS = ['newHeads', 'newPendingTransactions', 'logs', 'syncing']
// As many as a node keeps open (node/eth-rpc/src/limits.rs).
const FILTERS = 4_096
let node, resting

before(async () => {
  node = await startNode()
  resting = residentMiB()
})
after(() => node?.stop())

const residentMiB = () =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${node.process.pid}/status`, 'utf8'))[1]) / 1024

const base = {
  chainId: 97304, nonce: 0, to: account(1).address, value: 1n, gas: 21000n,
  maxFeePerGas: parseGwei('10'), maxPriorityFeePerGas: parseGwei('1'),
}
const submit = async (raw) => node.call('eth_sendRawTransaction', [await raw])
const send = (change, from = 9) => submit(account(from).signTransaction({ ...base, ...change }))
const sendRaw = (change, forge) => submit(rawTransaction(account(9), { ...base, ...change }, forge))

const refusals = [
  ['a wrong chain id', { chainId: 1 }, /invalid chain id/],
  ['too little gas', { gas: 20999n }, /intrinsic gas too low/],
  ['more gas than any block may have', { gas: 2n ** 32n, maxFeePerGas: 1n, maxPriorityFeePerGas: 0n }, /exceeds block gas limit/],
  ['a tip above the fee cap', { maxFeePerGas: 1n, maxPriorityFeePerGas: 2n }, /max priority fee per gas higher than max fee per gas/],
  ['a value that nobody has', { value: 10n ** 40n }, /insufficient funds for gas \* price \+ value/],
  ['a fee that could never be meant', { maxFeePerGas: 2n ** 127n, maxPriorityFeePerGas: 0n }, /exceeds the configured cap/],
  ['a fee beyond 128 bits', { maxFeePerGas: 2n ** 255n, maxPriorityFeePerGas: 0n }, /insufficient funds for gas \* price \+ value/],
  ['a nonce far ahead', { nonce: 1_000_000 }, /account limit exceeded/],
  ['the last nonce', { nonce: 2n ** 64n - 1n }, /nonce has max value/],
  ['a precompile as target', { to: '0x0000000000000000000000000000000000000006', gas: 100000n }, /precompile/],
  ['init code above the limit', { to: undefined, data: `0x${'00'.repeat(0xc001)}`, gas: 10_000_000n }, /max initcode size exceeded/],
  ['oversized data', { data: `0x${'00'.repeat(140_000)}`, gas: 10_000_000n }, /oversized data/],
]
for (const [what, change, error] of refusals) {
  test(`${what} is refused`, () => assert.rejects(sendRaw(change), error))
}

test('a nonce that was used is refused, and so is a cheap replacement', async () => {
  const hash = await send({ nonce: 0 }, 8)
  await until(() => node.call('eth_getTransactionReceipt', [hash]), 'receipt')
  await assert.rejects(send({ nonce: 0 }, 8), /nonce too low/)
  await send({ nonce: 5 }, 8)
  await assert.rejects(send({ nonce: 5 }, 8), /already known/)
  await assert.rejects(send({ nonce: 5, value: 2n }, 8), /replacement transaction underpriced/)
  await send({ nonce: 5, value: 2n, maxFeePerGas: parseGwei('20'), maxPriorityFeePerGas: parseGwei('2') }, 8)
})

test('blob and set-code transactions are refused by type', async () => {
  for (const raw of ['0x03f800', '0x04f800', '0x05c0']) {
    await assert.rejects(node.call('eth_sendRawTransaction', [raw]), /transaction type not supported/)
  }
})

test('blob and set-code transactions as clients sign them are refused by type, the sidecar with them', async () => {
  const zeros = (bytes) => `0x${'00'.repeat(bytes)}`
  const blob = { type: 'eip4844', maxFeePerBlobGas: 1n, blobVersionedHashes: [`0x01${'00'.repeat(31)}`] }
  const sidecars = [{ blob: zeros(131_072), commitment: zeros(48), proof: zeros(48) }]
  const delegation = await account(9).signAuthorization({ chainId: 97304, nonce: 1, contractAddress: account(1).address })
  for (const kind of [blob, { ...blob, sidecars }, { type: 'eip7702', authorizationList: [delegation] }]) {
    await assert.rejects(send(kind), { code: -32000, message: /transaction type not supported/ })
  }
})

test('garbage bytes are refused', async () => {
  for (const raw of ['0x', '0x00', '0xc0', '0x02', '0x02c0', `0x${'ff'.repeat(300)}`, '0xf86c', 'zz', '0x1']) {
    await assert.rejects(node.call('eth_sendRawTransaction', [raw]), (error) => {
      assert.ok([-32000, -32602].includes(error.code), `${raw}: ${error.code} ${error.message}`)
      return true
    })
  }
})

test('attack_state_call with more gas than any block has takes no more memory than one', async () => {
  // From nobody, creates with code that reads at 2^40, and 2^62 gas.
  const request = `0x${'00'.repeat(20)}00206501000000000051${'00'.repeat(32)}01${'00'.repeat(7)}40000000`
  assert.match(await node.call('state_call', ['EthereumRuntimeRPCApi_call', request]), /^0x0002/, 'halted')
})

test('attack_calls within calls without end are refused by every method that reads them', async () => {
  // `utility.batch` of one call each, down to a `system.remark`.
  const call = `${'1a0004'.repeat(200_000)}000000`
  const length = Buffer.alloc(4)
  length.writeUInt32LE((call.length / 2 + 1) * 4 + 2)
  const extrinsic = `0x${length.toString('hex')}05${call}`
  await assert.rejects(node.call('author_submitExtrinsic', [extrinsic]))
  await assert.rejects(node.call('payment_queryInfo', [extrinsic]))
  await assert.rejects(node.call('system_dryRun', [extrinsic]))
  await assert.rejects(node.call('state_call', ['TransactionPaymentCallApi_query_call_info', `0x${call}64000000`]))
  assert.equal(await node.call('eth_chainId'), '0x17c18')
})

test('a trace with more gas than any block has is refused, however much memory it would take', async () => {
  // Reads at 2^40, which 2^61 gas pay for.
  const bomb = await account(7).signTransaction({
    type: 'legacy', chainId: 97304, nonce: 0, gas: 2n ** 62n, gasPrice: 0n, data: '0x6501000000000051',
  })
  const [header, , ommers, withdrawals] = fromRlp(await node.call('debug_getRawBlock', ['latest']))
  ;[header[9], header[15]] = [toHex(2n ** 63n), '0x']
  const block = toRlp([header, [fromRlp(bomb)], ommers, withdrawals])
  await assert.rejects(node.call('debug_traceBlock', [block]), /the block has a gas limit of/)
  await assert.rejects(node.call('trace_rawTransaction', [bomb, ['trace']]), /exceeds block gas limit/)
  assert.ok(await node.call('eth_chainId', []))
})

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const signatures = [
  ['with s = 0', { s: 0n }, /invalid transaction v, r, s values/],
  ['with r beyond the group order', { r: ORDER }, /invalid (transaction v, r, s values|sender)/],
  ['with s in the upper half', { s: ORDER - 1n }, /invalid transaction v, r, s values/],
  // x = 5 is on no point of secp256k1.
  ['that no key makes', { r: 5n }, /invalid sender/],
  ['with a parity of 2', { v: 2n }, /invalid transaction/],
]
for (const [what, forge, error] of signatures) {
  test(`a signature ${what} is refused`, () => assert.rejects(sendRaw({}, forge), error))
}

test('a signature of another is a transaction of another, who has no money', () =>
  assert.rejects(sendRaw({}, { s: 1n }), /insufficient funds/))

test('garbage JSON gets a JSON-RPC error', async () => {
  for (const body of ['{', '[]', '{"jsonrpc":"2.0"}', '\u0000', '[1,2,3]', '{"method":1}']) {
    const response = await fetch(node.url, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body })
    const text = await response.text()
    assert.ok(response.status >= 400 || /"error"/.test(text), `${body} -> ${response.status} ${text}`)
  }
  assert.equal(await node.call('eth_chainId'), '0x17c18')
})

test('bodies that are huge or deep get an error, and the node goes on', async () => {
  const deep = `{"jsonrpc":"2.0","id":1,"method":"eth_call","params":${'['.repeat(200_000)}${']'.repeat(200_000)}}`
  const large = `{"jsonrpc":"2.0","id":1,"method":"eth_call","params":["0x${'00'.repeat(20 << 20)}"]}`
  for (const body of [deep, large]) {
    // A body over the limit may also be cut off while it is sent.
    const answer = await fetch(node.url, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body,
    }).then(async (response) => [response.status, await response.text()], () => [413, ''])
    assert.ok(answer[0] >= 400 || /"error"/.test(answer[1]), `${body.slice(0, 80)} -> ${answer}`)
  }
  assert.equal(await node.call('eth_chainId'), '0x17c18')
})

/** The answers to calls `[method, params]` in one request. */
const batch = async (calls) => {
  const body = JSON.stringify(calls.map(([method, params], id) => ({ jsonrpc: '2.0', id, method, params })))
  return (await fetch(node.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json()
}

test('a batch of 1,000 is answered and a longer one refused', async () => {
  const numbers = (length) => batch(Array(length).fill(['eth_blockNumber', []]))
  const answers = await numbers(1000)
  assert.ok(answers.length === 1000 && answers.every(({ result }) => /^0x/.test(result)))
  const { error } = await numbers(1001)
  assert.match(error.message, /batch/i)
})

test('huge ranges and filters are refused with the limit named', async () => {
  const logs = (toBlock) => node.call('eth_getLogs', [{ fromBlock: '0x0', toBlock, address: account(1).address }])
  await assert.rejects(logs('0xffffffff'),
    { code: -32602, message: 'exceed maximum block range: 100000 (requested 4294967296 blocks)' })
  await assert.rejects(logs('0xffff'), { code: -32602, message: 'block range extends beyond current head block' })
  const topics = Array.from({ length: 5000 }, (_, i) => `0x${i.toString(16).padStart(64, '0')}`)
  await assert.rejects(node.call('eth_getLogs', [{ topics: [topics] }]), /topic|limit|exceed|too many/i)
  // As geth does, a history of too many blocks is cut to the limit.
  const history = await node.call('eth_feeHistory', ['0xffffffffff', 'latest', []])
  assert.ok(history.gasUsedRatio.length <= 1024)
  const percentiles = (count) => Array.from({ length: count }, (_, i) => i / 50)
  await assert.rejects(
    node.call('eth_feeHistory', ['0x4', 'latest', percentiles(500)]), /percentile: over the query limit/)
  await assert.rejects(node.call('eth_feeHistory', ['0x4', 'latest', percentiles(5000)]), { code: -32602 })
  await assert.rejects(node.call('eth_getBlockByNumber', ['0xfffffffffffffffffff', false]), /.+/)
})

test(`of 5,000 filters ${FILTERS} are opened, and the rest when there is room again`, async () => {
  const all = async (calls) => {
    const answers = []
    for (let at = 0; at < calls.length; at += 1000) answers.push(...await batch(calls.slice(at, at + 1000)))
    return answers
  }
  const kinds = [['eth_newFilter', [{ address: account(7).address, topics: [null, `0x${'07'.repeat(32)}`] }]],
    ['eth_newBlockFilter', []], ['eth_newPendingTransactionFilter', []]]
  const opened = await all(Array.from({ length: 5000 }, (_, i) => kinds[i % kinds.length]))
  const ids = opened.slice(0, FILTERS).map(({ result }) => result)
  assert.equal(new Set(ids).size, FILTERS)
  assert.ok(ids.every((id) => /^0x[0-9a-f]+$/.test(id)))
  for (const { error } of opened.slice(FILTERS)) {
    assert.equal(error.code, -32005)
    assert.match(error.message, /^4096 filters are open: uninstall those that are not needed/)
  }
  // The node goes on, and every filter is served.
  const hash = await send({ nonce: 1 }, 8)
  await until(() => node.call('eth_getTransactionReceipt', [hash]), 'receipt under filters')
  const changes = (await all(ids.map((id) => ['eth_getFilterChanges', [id]]))).map(({ result }) => result)
  changes.forEach((found, i) => {
    if (i % kinds.length === 0) assert.deepEqual(found, [])
    else if (i % kinds.length === 1) assert.ok(found.length > 0, `block filter ${i}`)
    else assert.ok(found.includes(hash), `filter ${i} of pending transactions`)
  })
  assert.equal(await node.call('eth_uninstallFilter', [ids[0]]), true)
  ids[0] = await node.call('eth_newBlockFilter')
  await assert.rejects(node.call('eth_newBlockFilter'), { code: -32005 })
  assert.ok((await all(ids.map((id) => ['eth_uninstallFilter', [id]]))).every(({ result }) => result === true))
})

test(`${SUBSCRIPTIONS} open subscriptions leave the node alive and its memory bounded`, async () => {
  const before = residentMiB()
  const sockets = []
  let [confirmed, refused, told] = [0, 0, 0]
  const perSocket = SUBSCRIPTIONS
  for (let i = 0; i < SUBSCRIPTIONS / perSocket; i++) {
    const socket = new WebSocket(node.ws)
    await new Promise((resolve, reject) => { socket.once('open', resolve); socket.once('error', reject) })
    socket.on('message', (data) => {
      const message = JSON.parse(data)
      if (message.id === undefined) told++
      else if (message.result) confirmed++
      else refused++
    })
    socket.on('error', () => {})
    for (let id = 1; id <= perSocket; id++) {
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'eth_subscribe', params: [KINDS[id % KINDS.length]] }))
    }
    sockets.push(socket)
  }
  await until(() => confirmed + refused === SUBSCRIPTIONS, 'an answer to every subscription', 60)
  const hash = await send({ nonce: 2 }, 8)
  await until(() => node.call('eth_getTransactionReceipt', [hash]), 'receipt under load')
  // Each of those for heads and for pending transactions hears of it.
  await until(() => told >= SUBSCRIPTIONS / 2, 'what happened, told to every subscriber', 60)
  const grown = residentMiB() - before
  sockets.forEach((socket) => socket.terminate())
  console.log(`${confirmed} confirmed, ${refused} refused, ${grown.toFixed(0)} MiB more memory`)
  assert.equal(confirmed, SUBSCRIPTIONS)
  assert.ok(grown < 256, `${grown} MiB`)
})

test('after all of this the node holds little more memory than before it', () => {
  const grown = residentMiB() - resting
  console.log(`${grown.toFixed(0)} MiB more than the ${resting.toFixed(0)} MiB at the start`)
  assert.ok(grown < 256, `${grown} MiB`)
})
