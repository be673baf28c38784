// ethers 6 against a real node, with the RPC sequence that MetaMask makes.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Contract, ContractFactory, FetchRequest, JsonRpcProvider, NonceManager, Wallet, WebSocketProvider, parseEther } from 'ethers'
import { account, privateKey } from '../lib/accounts.js'
import { startNode, until } from '../lib/node.js'
import { compile } from '../lib/solidity.js'

let node, provider, signer

before(async () => {
  node = await startNode()
  provider = new JsonRpcProvider(node.url, undefined, { pollingInterval: 200 })
  signer = new NonceManager(new Wallet(privateKey(0), provider))
})
after(async () => {
  provider?.destroy()
  await node?.stop()
})

test('a contract is deployed, used and queried', async () => {
  const { abi, bytecode } = compile('Token.sol', 'Token')
  const token = await new ContractFactory(abi, bytecode, signer).deploy()
  await token.waitForDeployment()
  const receipt = await (await token.transfer(account(1).address, 5n)).wait()
  assert.equal(receipt.status, 1)
  assert.equal(await token.balanceOf(account(1).address), 5n)
  const events = await token.queryFilter(token.filters.Transfer(null, account(1).address), 0)
  assert.equal(events.length, 1)
})

test('filters over HTTP report new logs', async () => {
  const { abi, bytecode } = compile('Token.sol', 'Token')
  const token = await new ContractFactory(abi, bytecode, signer).deploy()
  await token.waitForDeployment()
  const filter = await provider.send('eth_newFilter', [{ address: await token.getAddress() }])
  await (await token.transfer(account(1).address, 5n)).wait()
  const changes = await provider.send('eth_getFilterChanges', [filter])
  assert.equal(changes.length, 1)
  assert.deepEqual(await provider.send('eth_getFilterChanges', [filter]), [])
  assert.equal((await provider.send('eth_getFilterLogs', [filter])).length, 1)
  assert.equal(await provider.send('eth_uninstallFilter', [filter]), true)
  await assert.rejects(provider.send('eth_getFilterChanges', [filter]), /filter not found/)
})

test('a websocket provider sees new blocks', async () => {
  const live = new WebSocketProvider(node.ws)
  const seen = []
  await live.on('block', (number) => seen.push(number))
  await (await signer.sendTransaction({ to: account(3).address, value: 1n })).wait()
  await until(() => seen.length > 0, 'a new block over websocket')
  await live.destroy()
})

test('a revert carries its reason', async () => {
  const { abi, bytecode } = compile('Token.sol', 'Token')
  const token = await new ContractFactory(abi, bytecode, signer).deploy()
  await token.waitForDeployment()
  const poor = new Contract(await token.getAddress(), abi, new Wallet(privateKey(5), provider))
  await assert.rejects(poor.transfer.staticCall(account(1).address, 1n), (error) => {
    assert.equal(error.code, 'CALL_EXCEPTION')
    assert.equal(error.revert.name, 'ERC20InsufficientBalance')
    return true
  })
  // Sending estimates first; there ethers leaves the custom error to be decoded from the data.
  await assert.rejects(poor.transfer(account(1).address, 1n), (error) => {
    assert.equal(error.code, 'CALL_EXCEPTION')
    assert.equal(error.action, 'estimateGas')
    assert.equal(token.interface.parseError(error.data).name, 'ERC20InsufficientBalance')
    return true
  })
})

test('MetaMask: from adding the network to a confirmed transaction', async (t) => {
  const user = new Wallet(privateKey(7))
  // From a browser's extension, each request alone.
  const request = new FetchRequest(node.url)
  request.setHeader('origin', 'chrome-extension://nkbihfbeogaeaoehlefnkodbefgpgknn')
  const wallet = new JsonRpcProvider(request, 97304, { batchMaxCount: 1, staticNetwork: true })
  t.after(() => wallet.destroy())
  const send = (method, params = []) => wallet.send(method, params)
  // Adding the network: the chain id is asked and compared.
  assert.equal(await send('eth_chainId'), '0x17c18')
  assert.equal(await send('net_version'), '97304')
  // The account tracker and the block tracker.
  const head = await send('eth_blockNumber')
  const block = await send('eth_getBlockByNumber', [head, false])
  assert.equal(block.number, head)
  assert.ok(block.baseFeePerGas, 'EIP-1559 is detected by baseFeePerGas')
  assert.ok(BigInt(await send('eth_getBalance', [user.address, head])) > 0n)
  assert.equal(await send('eth_getCode', [account(8).address, 'latest']), '0x')
  // The gas fee controller.
  const history = await send('eth_feeHistory', ['0x5', 'latest', [10, 20, 30]])
  assert.equal(history.reward?.length ?? 0, history.gasUsedRatio.length)
  const gasPrice = BigInt(await send('eth_gasPrice'))
  // Confirmation screen.
  const draft = { from: user.address, to: account(8).address, value: '0xde0b6b3a7640000' }
  assert.equal(await send('eth_estimateGas', [draft]), '0x5208')
  // As it asks for any transaction: with 95% of what a block may use.
  const most = `0x${(BigInt(block.gasLimit) * 19n / 20n).toString(16)}`
  assert.equal(await send('eth_estimateGas', [{ ...draft, gas: most, data: '0x' }]), '0x5208')
  // The nonce tracker: what is mined as of a block, and what is sent.
  const now = await send('eth_blockNumber')
  const nonce = Number(await send('eth_getTransactionCount', [user.address, 'pending']))
  assert.equal(Number(await send('eth_getTransactionCount', [user.address, now])), nonce)
  const tip = 1_000_000_000n
  const raw = await user.signTransaction({
    type: 2, chainId: 97304, nonce, to: account(8).address, value: parseEther('1'),
    gasLimit: 21000, maxFeePerGas: gasPrice * 2n + tip, maxPriorityFeePerGas: tip,
  })
  const before = BigInt(await send('eth_getBalance', [account(8).address, 'latest']))
  const hash = await send('eth_sendRawTransaction', [raw])
  // Pending screen: the transaction is known at once, the receipt comes later.
  assert.equal((await send('eth_getTransactionByHash', [hash])).hash, hash)
  const receipt = await until(() => send('eth_getTransactionReceipt', [hash]), 'the receipt')
  assert.equal(receipt.status, '0x1')
  const included = await send('eth_getBlockByHash', [receipt.blockHash, false])
  assert.ok(included.transactions.includes(hash))
  const after = BigInt(await send('eth_getBalance', [account(8).address, 'latest']))
  assert.equal(after - before, parseEther('1'))
  assert.equal(Number(await send('eth_getTransactionCount', [user.address, receipt.blockNumber])), nonce + 1)
})
