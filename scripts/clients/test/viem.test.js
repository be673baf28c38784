// viem against a real node: what a dApp does.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  createPublicClient, createWalletClient, getContractAddress, http, parseEther, parseEventLogs,
  webSocket,
} from 'viem'
import { account, chain } from '../lib/accounts.js'
import { startNode, until } from '../lib/node.js'
import { compile } from '../lib/solidity.js'

let node, reader, wallet
const [alice, bob] = [account(0), account(1)]

before(async () => {
  node = await startNode()
  reader = createPublicClient({ chain: chain(node), transport: http() })
  wallet = createWalletClient({ account: alice, chain: chain(node), transport: http() })
})
after(() => node?.stop())

const mined = (hash) => reader.waitForTransactionReceipt({ hash, pollingInterval: 200 })

async function deploy(file, name, args = []) {
  const { abi, bytecode } = compile(file, name)
  const receipt = await mined(await wallet.deployContract({ abi, bytecode, args }))
  assert.equal(receipt.status, 'success', `${name} was not created`)
  return { abi, address: receipt.contractAddress }
}

const write = async (contract, functionName, args, from = wallet) => {
  const { request } = await reader.simulateContract({
    ...contract, functionName, args, account: from.account,
  })
  const receipt = await mined(await from.writeContract(request))
  assert.equal(receipt.status, 'success', `${functionName} failed`)
  return receipt
}
const read = (contract, functionName, args = []) =>
  reader.readContract({ ...contract, functionName, args })

test('a transfer moves value and pays the exact fee', async () => {
  const to = '0x000000000000000000000000000000000000beef'
  const before = await reader.getBalance({ address: alice.address })
  const receipt = await mined(await wallet.sendTransaction({ to, value: parseEther('1') }))
  assert.equal(receipt.gasUsed, 21000n)
  assert.equal(await reader.getBalance({ address: to }), parseEther('1'))
  const fee = receipt.gasUsed * receipt.effectiveGasPrice
  assert.equal(await reader.getBalance({ address: alice.address }), before - parseEther('1') - fee)
})

test('an ERC-20 transfers, logs and refuses what is not there', async () => {
  const token = await deploy('Token.sol', 'Token')
  const receipt = await write(token, 'transfer', [bob.address, 7n])
  const [log] = parseEventLogs({ abi: token.abi, logs: receipt.logs, eventName: 'Transfer' })
  assert.deepEqual(
    [log.args.from, log.args.to, log.args.value], [alice.address, bob.address, 7n])
  assert.equal(await read(token, 'balanceOf', [bob.address]), 7n)
  const poor = createWalletClient({ account: account(2), chain: chain(node), transport: http() })
  await assert.rejects(write(token, 'transfer', [bob.address, 1n], poor), /ERC20InsufficientBalance/)
  const logs = await reader.getContractEvents({
    ...token, eventName: 'Transfer', args: { to: bob.address }, fromBlock: 0n,
  })
  assert.equal(logs.length, 1)
  assert.equal(logs[0].transactionHash, receipt.transactionHash)
})

test('an ERC-721 mints to its caller', async () => {
  const nft = await deploy('Collectible.sol', 'Collectible')
  await write(nft, 'mint', [])
  assert.equal(await read(nft, 'ownerOf', [1n]), alice.address)
  await assert.rejects(read(nft, 'ownerOf', [2n]), /ERC721NonexistentToken/)
})

test('a constant-product pair takes liquidity and swaps', async () => {
  const a = await deploy('Token.sol', 'Token')
  const b = await deploy('Token.sol', 'Token')
  const pair = await deploy('Pair.sol', 'Pair', [a.address, b.address])
  for (const token of [a, b]) await write(token, 'transfer', [pair.address, 1_000_000n])
  await write(pair, 'mint', [alice.address])
  await write(a, 'transfer', [pair.address, 1000n])
  await assert.rejects(write(pair, 'swap', [0n, 1000n, bob.address]), /InvariantBroken/)
  await write(pair, 'swap', [0n, 996n, bob.address])
  assert.equal(await read(b, 'balanceOf', [bob.address]), 996n)
})

test('a Safe proxy is created by its factory and owned as asked', async () => {
  const at = '@safe-global/safe-smart-account/contracts'
  const safe = await deploy(`${at}/Safe.sol`, 'Safe')
  const factory = await deploy(`${at}/proxies/SafeProxyFactory.sol`, 'SafeProxyFactory')
  const { encodeFunctionData } = await import('viem')
  const zero = '0x0000000000000000000000000000000000000000'
  const setup = encodeFunctionData({
    abi: safe.abi, functionName: 'setup',
    args: [[alice.address, bob.address], 2n, zero, '0x', zero, zero, 0n, zero],
  })
  const receipt = await write(factory, 'createProxyWithNonce', [safe.address, setup, 1n])
  const [log] = parseEventLogs({
    abi: factory.abi, logs: receipt.logs, eventName: 'ProxyCreation' })
  const proxy = { abi: safe.abi, address: log.args.proxy }
  assert.equal(await read(proxy, 'getThreshold'), 2n)
  assert.deepEqual(await read(proxy, 'getOwners'), [alice.address, bob.address])
})

test('multicall and the CREATE2 deployer are predeployed', async () => {
  const balances = await reader.multicall({
    allowFailure: false,
    contracts: [alice, bob].map(({ address }) => ({
      address: '0xcA11bde05977b3631167028862bE2a173976CA11',
      abi: [{ type: 'function', name: 'getEthBalance', stateMutability: 'view',
        inputs: [{ type: 'address' }], outputs: [{ type: 'uint256' }] }],
      functionName: 'getEthBalance', args: [address],
    })),
  })
  assert.ok(balances.every((balance) => balance > 0n))
  const { bytecode } = compile('Burner.sol', 'Burner')
  const salt = `0x${'11'.repeat(32)}`
  const deployer = '0x4e59b44847b379578588920cA78FbF26c0B4956C'
  const { concat } = await import('viem')
  await mined(await wallet.sendTransaction({ to: deployer, data: concat([salt, bytecode]) }))
  const address = getContractAddress({ opcode: 'CREATE2', from: deployer, salt, bytecode })
  assert.ok((await reader.getCode({ address }))?.length > 2)
})

test('websocket subscriptions deliver heads without gaps, logs and pending transactions', async () => {
  const live = createPublicClient({ chain: chain(node), transport: webSocket(node.ws) })
  const [heads, logs, pending] = [[], [], []]
  const token = await deploy('Token.sol', 'Token')
  const stop = [
    live.watchBlocks({ onBlock: (block) => heads.push(block.number), emitMissed: false }),
    live.watchContractEvent({ ...token, onLogs: (found) => logs.push(...found) }),
    live.watchPendingTransactions({ onTransactions: (hashes) => pending.push(...hashes) }),
  ]
  await new Promise((resolve) => setTimeout(resolve, 500))
  const sent = []
  for (let i = 0; i < 3; i++) {
    sent.push((await write(token, 'transfer', [bob.address, BigInt(i + 1)])).transactionHash)
  }
  await until(() => logs.length === 3 && heads.length >= 3, 'three logs and heads', 20)
  stop.forEach((end) => end())
  assert.deepEqual(logs.map((log) => log.transactionHash), sent)
  for (let i = 1; i < heads.length; i++) assert.equal(heads[i], heads[i - 1] + 1n)
  assert.ok(sent.every((hash) => pending.includes(hash)), 'a pending transaction was not announced')
  ;(await live.transport.getRpcClient()).close()
})

test('fee estimation, access lists and proofs answer as viem expects', async () => {
  const fees = await reader.estimateFeesPerGas()
  assert.ok(fees.maxFeePerGas >= fees.maxPriorityFeePerGas)
  const history = await reader.getFeeHistory({ blockCount: 4, rewardPercentiles: [25, 75] })
  assert.equal(history.baseFeePerGas.length, history.gasUsedRatio.length + 1)
  const { accessList, gasUsed } = await reader.createAccessList({
    account: alice.address, to: bob.address, value: 1n })
  assert.deepEqual(accessList, [])
  assert.equal(gasUsed, 21000n)
  const proof = await reader.getProof({ address: alice.address, storageKeys: [] })
  assert.ok(proof.accountProof.length > 0)
})
