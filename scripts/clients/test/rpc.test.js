// Methods that no client of the other tests calls, overrides, and the limits of what one client may have.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, test } from 'node:test'
import { concat, encodeFunctionData, keccak256, pad, parseGwei, toHex } from 'viem'
import WebSocket from 'ws'
import { account, sign } from '../lib/accounts.js'
import { deployLoad } from '../lib/load.js'
import { startNode, until } from '../lib/node.js'

const DEPTH = 2
const FRESH = '0x00000000000000000000000000000000000f4e54'
let node, contracts, receipt, hash

const zoo = (functionName, args) => encodeFunctionData({ abi: contracts.Zoo.abi, functionName, args })
const trace = (options) => node.call('debug_traceTransaction', options ? [hash, options] : [hash])
/** The slot of `key` in the mapping at `slot`. */
const entry = (key, slot) => keccak256(concat([pad(key), pad(toHex(slot))]))

before(async () => {
  node = await startNode()
  contracts = await deployLoad(node)
  hash = await node.call('eth_sendRawTransaction',
    [await sign(1, 0, { to: contracts.Zoo.address, data: zoo('dive', [BigInt(DEPTH)]), gas: 1_000_000n })])
  receipt = await until(() => node.call('eth_getTransactionReceipt', [hash]), 'receipt')
  assert.equal(receipt.status, '0x1')
})
after(() => node?.stop())

test('debug_traceTransaction: opcodes, calls, and what changed', async () => {
  const { failed, gas, returnValue, structLogs } = await trace()
  assert.equal(failed, false)
  assert.equal(gas, Number(receipt.gasUsed))
  assert.equal(BigInt(`0x${returnValue.replace(/^0x/, '')}`), BigInt(DEPTH))
  assert.equal(structLogs[0].pc, 0)
  assert.equal(Math.max(...structLogs.map(({ depth }) => depth)), DEPTH + 1)
  assert.equal(structLogs.filter(({ op }) => op === 'SSTORE').length, DEPTH + 1)

  let frame = await trace({ tracer: 'callTracer' })
  assert.equal(frame.gasUsed, receipt.gasUsed)
  for (let depth = DEPTH; depth >= 0; depth--) {
    assert.equal(frame.to, contracts.Zoo.address.toLowerCase())
    assert.equal(frame.input, zoo('dive', [BigInt(depth)]))
    assert.equal(BigInt(frame.output), BigInt(depth))
    frame = frame.calls?.[0]
  }
  assert.equal(frame, undefined)

  const { pre, post } = await trace({ tracer: 'prestateTracer', tracerConfig: { diffMode: true } })
  const [sender, contract] = [account(1).address, contracts.Zoo.address].map((address) => address.toLowerCase())
  const written = Array.from({ length: DEPTH + 1 }, (_, depth) => [entry(toHex(depth), 0), pad(receipt.blockNumber, { size: 32 })])
  assert.deepEqual(post[contract].storage, Object.fromEntries(written))
  const fee = BigInt(receipt.gasUsed) * BigInt(receipt.effectiveGasPrice)
  assert.equal(BigInt(pre[sender].balance) - BigInt(post[sender].balance), fee)
  assert.equal(post[sender].nonce, 1)
})

test('debug_traceBlock: by number, by hash and by the block itself it is the same', async () => {
  const options = { tracer: 'callTracer' }
  const byNumber = await node.call('debug_traceBlockByNumber', [receipt.blockNumber, options])
  assert.ok(byNumber.some(({ txHash }) => txHash === hash))
  assert.deepEqual(await node.call('debug_traceBlockByHash', [receipt.blockHash, options]), byNumber)
  const raw = await node.call('debug_getRawBlock', [receipt.blockNumber])
  assert.deepEqual(await node.call('debug_traceBlock', [raw, options]), byNumber)
  await assert.rejects(node.call('debug_traceBlock', ['0x00', options]), /could not decode block/)
  await assert.rejects(trace({ tracer: 'no such tracer' }), /tracer not found/)
})

test('bzk_blockWitness: whoever asks at the same time waits for his turn', async () => {
  const ask = () => node.call('bzk_blockWitness', [receipt.blockNumber])
  const [first, ...others] = await Promise.all(Array.from({ length: 8 }, ask))
  assert.ok(first.transactions.length > 0)
  others.forEach((other) => assert.deepEqual(other, first))
})

test('trace_get, trace_filter and trace_replayTransaction give what trace_block does', async () => {
  const { blockNumber } = receipt
  const all = await node.call('trace_block', [blockNumber])
  const mine = all.filter(({ transactionHash }) => transactionHash === hash)
  assert.deepEqual(mine.map(({ traceAddress }) => traceAddress), [[], [0], [0, 0]])
  assert.deepEqual(await node.call('trace_transaction', [hash]), mine)
  assert.deepEqual(await node.call('trace_get', [hash, ['0x0', '0x0']]), mine[2])
  assert.equal(await node.call('trace_get', [hash, ['0x5']]), null)
  const { trace: replayed } = await node.call('trace_replayTransaction', [hash, ['trace']])
  assert.deepEqual(replayed.map(({ action }) => action), mine.map(({ action }) => action))
  const filter = (rest) => node.call('trace_filter', [{ fromBlock: blockNumber, toBlock: blockNumber, ...rest }])
  assert.deepEqual(await filter({}), all)
  assert.deepEqual(await filter({ after: 1, count: 1 }), all.slice(1, 2))
  const contract = contracts.Zoo.address.toLowerCase()
  assert.deepEqual(await filter({ fromAddress: [contract] }), all.filter(({ action }) => action.from === contract))
  await assert.rejects(filter({ fromBlock: '0x5', toBlock: '0x1' }),
    { code: -32602, message: 'invalid parameters: fromBlock 5 is above toBlock 1' })
})

test('overrides of state and block hold for one call', async () => {
  const { Token } = contracts
  const data = encodeFunctionData({ abi: Token.abi, functionName: 'balanceOf', args: [FRESH] })
  const balance = async (...overrides) => BigInt(await node.call('eth_call', [{ to: Token.address, data }, 'latest', ...overrides]))
  // Slot 0 of OpenZeppelin's ERC20 is the mapping of balances.
  const slots = { [entry(FRESH, 0)]: pad('0x4d', { size: 32 }) }
  assert.equal(await balance({ [Token.address]: { stateDiff: slots } }), 77n)
  assert.equal(await balance({ [Token.address]: { state: slots } }), 77n)
  assert.equal(await balance(), 0n)

  // Returns NUMBER and TIMESTAMP.
  const clock = { [FRESH]: { code: '0x435f524260205260405ff3' } }
  const words = await node.call('eth_call', [{ to: FRESH }, 'latest', clock, { number: '0x1234', time: '0x5678' }])
  assert.equal(words, concat([pad('0x1234', { size: 32 }), pad('0x5678', { size: 32 })]))
  assert.equal(await node.call('eth_call', [{ to: FRESH }, 'latest']), '0x')
  assert.ok(BigInt(await node.call('eth_estimateGas', [{ to: FRESH, from: account(2).address }, 'latest', clock])) > 21000n)
  assert.equal(await node.call('eth_estimateGas', [{ to: FRESH, from: account(2).address }, 'latest']), '0x5208')

  const pay = { from: FRESH, to: account(2).address, value: '0x64' }
  await assert.rejects(node.call('eth_call', [pay, 'latest']), /insufficient funds/)
  assert.equal(await node.call('eth_call', [pay, 'latest', { [FRESH]: { balance: '0x64' } }]), '0x')
  const traced = await node.call('debug_traceCall', [pay, 'latest', { tracer: 'callTracer', stateOverrides: { [FRESH]: { balance: '0x64' } } }])
  assert.equal(traced.value, '0x64')
  await assert.rejects(node.call('eth_call', [pay, 'latest', { [FRESH]: { state: {}, stateDiff: {} } }]), { code: -32602 })
})

test('a call gets no more gas than the node gives one', async () => {
  // Returns GAS.
  const gas = async (request) =>
    BigInt(await node.call('eth_call', [{ to: FRESH, ...request }, 'latest', { [FRESH]: { code: '0x5a5f5260205ff3' } }]))
  assert.ok(await gas({ gas: '0x186a0' }) < 100_000n)
  for (const asked of [{}, { gas: '0xffffffffffff' }]) {
    const given = await gas(asked)
    assert.ok(given > 49_000_000n && given <= 50_000_000n, `${given}`)
  }
  // JUMPDEST PUSH0 JUMP: for ever, were it not for that.
  const endless = { [FRESH]: { code: '0x5b5f56' } }
  await assert.rejects(node.call('eth_call', [{ to: FRESH, gas: '0xffffffffffff' }, 'latest', endless]), /out of gas|timeout/)
})

test('headers are those of their blocks, and raw transactions those that were sent', async () => {
  const { blockHash, blockNumber, transactionIndex } = receipt
  const block = await node.call('eth_getBlockByHash', [blockHash, false])
  const header = await node.call('eth_getHeaderByHash', [blockHash])
  for (const field of ['hash', 'parentHash', 'stateRoot', 'number']) assert.ok(header[field], field)
  for (const field of Object.keys(header)) assert.deepEqual(header[field], block[field], field)
  assert.deepEqual(await node.call('eth_getHeaderByNumber', [blockNumber]), header)
  const raw = await node.call('eth_getRawTransactionByHash', [hash])
  assert.equal(keccak256(raw), hash)
  assert.equal(await node.call('eth_getRawTransactionByBlockHashAndIndex', [blockHash, transactionIndex]), raw)
  assert.equal(await node.call('eth_getRawTransactionByBlockNumberAndIndex', [blockNumber, transactionIndex]), raw)
  const absent = `0x${'12'.repeat(32)}`
  assert.equal(await node.call('eth_getHeaderByHash', [absent]), null)
  assert.equal(await node.call('eth_getHeaderByNumber', ['0xffffff']), null)
})

test('a block that is named by its hash may have to be canonical, and then answers as by its number', async () => {
  const { hash: blockHash, number } = await node.call('eth_getBlockByNumber', ['latest', false])
  const { address } = account(1)
  const balance = await node.call('eth_getBalance', [address, number])
  for (const requireCanonical of [true, false, undefined]) {
    assert.equal(await node.call('eth_getBalance', [address, { blockHash, requireCanonical }]), balance)
  }
  const absent = { blockHash: `0x${'12'.repeat(32)}`, requireCanonical: true }
  await assert.rejects(node.call('eth_getBalance', [address, absent]), { code: -32000, message: /not found/ })
})

test('net, web3, uncles and blobs', async () => {
  assert.equal(await node.call('web3_sha3', ['0x68656c6c6f20776f726c64']), keccak256('0x68656c6c6f20776f726c64'))
  assert.equal(await node.call('net_listening'), true)
  assert.equal(await node.call('net_peerCount'), '0x0')
  assert.equal(await node.call('eth_getUncleByBlockNumberAndIndex', [receipt.blockNumber, '0x0']), null)
  assert.equal(await node.call('eth_getUncleByBlockHashAndIndex', [receipt.blockHash, '0x0']), null)
  await assert.rejects(node.call('eth_blobBaseFee'), { code: -32004 })
  await assert.rejects(node.call('eth_noSuchMethod'), { code: -32601 })
})

test('eth_config tells one fork from genesis on, with the precompiles that there are', async () => {
  const { current, next, last } = await node.call('eth_config')
  assert.deepEqual([next, last], [null, null])
  assert.deepEqual([current.activationTime, current.chainId], [0, '0x17c18'])
  assert.match(current.forkId, /^0x[0-9a-f]{8}$/)
  assert.deepEqual(Object.values(current.precompiles).map(Number).sort(), [1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('of the same transaction many times at once one is taken and the others are known', async (t) => {
  const sealer = await startNode(['--dev', '--sealing', 'manual'])
  t.after(() => sealer.stop())
  const raw = await sign(3, 0, { to: account(4).address, value: 5n })
  const answers = await Promise.allSettled(Array.from({ length: 32 }, () => sealer.call('eth_sendRawTransaction', [raw])))
  const refused = answers.filter(({ status }) => status === 'rejected').map(({ reason }) => reason.message)
  assert.deepEqual(refused, Array(31).fill('already known'))
})

test('txpool and bzk_finality follow a transaction from the pool to finality', async (t) => {
  const sealer = await startNode(['--dev', '--sealing', 'manual'])
  t.after(() => sealer.stop())
  const [from, to] = [account(3), account(4).address]
  const send = async (nonce) => sealer.call('eth_sendRawTransaction', [await sign(3, nonce, { to, value: 5n })])
  const [next, later] = [await send(0), await send(2)]
  await until(async () => {
    const { pending, queued } = await sealer.call('txpool_status')
    return pending === '0x1' && queued === '0x1'
  }, 'one pending, one queued')
  const { transactions } = await sealer.call('eth_getBlockByNumber', ['pending', true])
  assert.deepEqual(transactions.map((tx) => tx.hash), [next])
  const byIndex = (kind, index) => sealer.call(`eth_get${kind}ByBlockNumberAndIndex`, ['pending', index])
  assert.deepEqual(await byIndex('Transaction', '0x0'), transactions[0])
  assert.equal(keccak256(await byIndex('RawTransaction', '0x0')), next)
  for (const kind of ['Transaction', 'RawTransaction']) assert.equal(await byIndex(kind, '0x1'), null)
  await assert.rejects(sealer.call('eth_getBlockReceipts', ['pending']),
    { code: -32000, message: 'pending receipts is not available' })
  const content = await sealer.call('txpool_content')
  assert.equal(content.pending[from.address]['0'].hash, next)
  assert.equal(content.queued[from.address]['2'].hash, later)
  const own = await sealer.call('txpool_contentFrom', [from.address])
  assert.deepEqual([own.pending['0'].hash, own.queued['2'].hash], [next, later])
  assert.deepEqual(await sealer.call('txpool_contentFrom', [to]), { pending: {}, queued: {} })
  const { pending } = await sealer.call('txpool_inspect')
  assert.equal(pending[from.address]['0'], `${to}: 5 wei + 21000 gas × 20000000000 wei`)

  const finality = async () => sealer.call('bzk_finality', [next])
  const reached = ({ steps }) => steps.filter((step) => step.reached).map(({ stage }) => stage)
  assert.equal(await sealer.call('bzk_finality', [`0x${'12'.repeat(32)}`]), null)
  const waiting = await finality()
  assert.deepEqual([waiting.stage, waiting.blockNumber, reached(waiting)], [null, null, []])
  await sealer.call('engine_createBlock', [true, false, null])
  const sequenced = await finality()
  assert.equal(sequenced.stage, 'sequenced')
  assert.equal(sequenced.blockHash, (await sealer.call('eth_getTransactionReceipt', [next])).blockHash)
  await sealer.call('engine_createBlock', [true, true, null])
  const final = await until(async () => {
    const now = await finality()
    return now.stage === 'final' && now
  }, 'finality')
  assert.deepEqual(reached(final), ['sequenced', 'final'])
  assert.equal(final.steps.length, 6)
})

test('what waits in the pool is never more than its sender can pay', async (t) => {
  const sealer = await startNode(['--dev', '--sealing', 'manual'])
  t.after(() => sealer.stop())
  const balance = BigInt(await sealer.call('eth_getBalance', [account(3).address, 'latest']))
  const fee = 21_000n * parseGwei('20')
  const pay = async (nonce, value, change) =>
    sealer.call('eth_sendRawTransaction', [await sign(3, nonce, { to: account(4).address, value, ...change })])
  const half = balance / 2n
  await pay(0, half)
  await assert.rejects(pay(1, half), { code: -32000, message: 'insufficient funds for gas * price + value: ' +
    `balance ${balance}, queued cost ${half + fee}, tx cost ${half + fee}, overshot ${2n * fee}` })
  await pay(1, half - 3n * fee)
  const dearer = { maxFeePerGas: parseGwei('60'), maxPriorityFeePerGas: parseGwei('2') }
  await assert.rejects(pay(0, half, dearer), { code: -32000,
    message: new RegExp(`queued cost ${2n * half - fee}, tx bumped ${2n * fee}, overshot ${fee}$`) })
  await pay(0, half - fee, dearer)
  await sealer.call('engine_createBlock', [true, false, null])
  assert.equal(await sealer.call('eth_getTransactionCount', [account(3).address, 'latest']), '0x2', 'the pool dropped none')
})

test('a call in a block knows the hashes of the 256 before it', async (t) => {
  const sealer = await startNode(['--dev', '--sealing', 'manual'])
  // Killed: the kernel need not run so many empty blocks, and the states of the first are gone.
  t.after(async () => { await sealer.end('SIGKILL'); await sealer.stop() })
  const head = async () => Number(await sealer.call('eth_blockNumber'))
  // Nothing is sent, so Ethereum's blocks come with the heartbeat: one in a few of those that are sealed.
  for (let i = 0; i < 2000 && await head() < 258; i++) await sealer.call('engine_createBlock', [true, false, null])
  const newest = await head()
  assert.ok(newest >= 258, `block ${newest}`)
  // Returns BLOCKHASH(NUMBER - CALLDATALOAD(0)).
  const code = { [FRESH]: { code: '0x5f354303405f5260205ff3' } }
  const blockHash = (at, depth) =>
    sealer.call('eth_call', [{ to: FRESH, input: pad(toHex(depth), { size: 32 }) }, toHex(at), code])
  for (const at of [newest, newest - 1]) {
    for (const depth of [1, 255, 256]) {
      const { hash } = await sealer.call('eth_getBlockByNumber', [toHex(at - depth), false])
      assert.equal(await blockHash(at, depth), hash, `${depth} before ${at}`)
    }
    for (const depth of [0, 257]) assert.equal(BigInt(await blockHash(at, depth)), 0n, `${depth} before ${at}`)
  }
})

/** One call over HTTP with these headers: status and headers of the answer. */
const bare = ({ port }, headers) => new Promise((resolve, reject) => {
  const body = '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}'
  const sent = request({ host: '127.0.0.1', port, method: 'POST', agent: false,
    headers: { 'content-type': 'application/json', 'content-length': body.length, ...headers } }, (answer) => {
    answer.resume()
    answer.on('end', () => resolve({ status: answer.statusCode, allowed: answer.headers['access-control-allow-origin'] }))
  })
  sent.on('error', reject)
  sent.end(body)
})

/** What the node tells a browser that asks whether a page may send JSON. */
const preflight = ({ port }, origin) => new Promise((resolve, reject) => {
  const headers = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' }
  const sent = request({ host: '127.0.0.1', port, method: 'OPTIONS', agent: false, headers }, (answer) => {
    answer.resume()
    const told = (name) => answer.headers[`access-control-allow-${name}`]
    answer.on('end', () => resolve({ status: answer.statusCode, origin: told('origin'), headers: told('headers') }))
  })
  sent.on('error', reject)
  sent.end()
})

test('a page of any origin may send JSON where all may', async () => {
  assert.deepEqual(await preflight(node, 'https://dapp.example'), { status: 200, origin: '*', headers: '*' })
})

test('a subscription is of a kind that there is', async () => {
  const socket = new WebSocket(node.ws)
  await new Promise((resolve, reject) => { socket.once('open', resolve); socket.once('error', reject) })
  const ask = (method, params) => new Promise((resolve) => {
    socket.once('message', (data) => resolve(JSON.parse(data)))
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))
  })
  // Silent as long as the node is not catching up.
  const { result } = await ask('eth_subscribe', ['syncing'])
  assert.match(result, /^0x[0-9a-f]+$/)
  assert.equal((await ask('eth_unsubscribe', [result])).result, true)
  assert.equal((await ask('eth_unsubscribe', [result])).result, false)
  assert.match((await ask('eth_subscribe', ['weather'])).error.message, /no "weather" subscription/)
  assert.equal((await ask('eth_subscribe', ['logs', { topics: 7 }])).error.code, -32602)
  socket.terminate()
})

test('origins, hosts and connections that are not allowed are turned away', async (t) => {
  const ours = 'https://dapp.example'
  const closed = await startNode(['--chain', 'dev', '--rpc-cors', ours, '--rpc-max-connections', '2'])
  t.after(() => closed.stop())
  assert.deepEqual(await bare(closed, { origin: ours }), { status: 200, allowed: ours })
  assert.equal((await bare(closed, { origin: 'https://evil.example' })).allowed, undefined)
  assert.equal((await preflight(closed, 'https://evil.example')).origin, undefined)
  assert.equal((await bare(closed, { host: `localhost:${closed.port}` })).status, 200)
  // What a page does whose name now leads to this machine.
  assert.equal((await bare(closed, { host: 'evil.example' })).status, 403)

  const sockets = await Promise.all([0, 1].map(() => new Promise((resolve, reject) => {
    const socket = new WebSocket(closed.ws)
    socket.once('open', () => resolve(socket))
    socket.once('error', reject)
  })))
  assert.equal((await bare(closed, {})).status, 429)
  sockets[0].terminate()
  await until(async () => (await bare(closed, {})).status === 200, 'a free place')
  sockets[1].terminate()
})
