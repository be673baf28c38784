// viem against a real node: what a dApp does.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import {
  concat, createPublicClient, createWalletClient, encodeFunctionData, getContractAddress, hashTypedData, http, parseEther,
  parseEventLogs, webSocket, zeroAddress,
} from 'viem'
import { account, chain } from '../lib/accounts.js'
import { startNode, until } from '../lib/node.js'
import { compile } from '../lib/solidity.js'

let node, reader, wallet
const [alice, bob, carol] = [account(0), account(1), account(3)]
const walletOf = (owner) => createWalletClient({ account: owner, chain: chain(node), transport: http() })
/** What Uniswap deployed, compiled then by solc 0.5.16. */
const uniswap = (name) => createRequire(import.meta.url)(`@uniswap/v2-core/build/${name}.json`)

before(async () => {
  node = await startNode()
  reader = createPublicClient({ chain: chain(node), transport: http() })
  wallet = walletOf(alice)
})
after(() => node?.stop())

const mined = (hash) => reader.waitForTransactionReceipt({ hash, pollingInterval: 200 })

async function create({ abi, bytecode }, args = [], from = wallet) {
  const receipt = await mined(await from.deployContract({ abi, bytecode, args }))
  assert.equal(receipt.status, 'success', 'the contract was not created')
  return { abi, address: receipt.contractAddress }
}
const deploy = (file, name, from) => create(compile(file, name), [], from)

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
  await assert.rejects(write(token, 'transfer', [bob.address, 1n], walletOf(account(2))), /ERC20InsufficientBalance/)
  const logs = await reader.getContractEvents({
    ...token, eventName: 'Transfer', args: { to: bob.address }, fromBlock: 0n,
  })
  assert.equal(logs.length, 1)
  assert.equal(logs[0].transactionHash, receipt.transactionHash)
})

test('an ERC-721 mints to its caller, and its owner alone gives it away', async () => {
  const nft = await deploy('Collectible.sol', 'Collectible')
  await write(nft, 'mint', [])
  assert.equal(await read(nft, 'ownerOf', [1n]), alice.address)
  await assert.rejects(read(nft, 'ownerOf', [2n]), /ERC721NonexistentToken/)
  await assert.rejects(write(nft, 'safeTransferFrom', [alice.address, nft.address, 1n]), /ERC721InvalidReceiver/)
  const { logs } = await write(nft, 'safeTransferFrom', [alice.address, bob.address, 1n])
  const [{ args }] = parseEventLogs({ abi: nft.abi, logs, eventName: 'Transfer' })
  assert.deepEqual(args, { from: alice.address, to: bob.address, tokenId: 1n })
  assert.equal(await read(nft, 'ownerOf', [1n]), bob.address)
  assert.deepEqual(await Promise.all([alice, bob].map(({ address }) => read(nft, 'balanceOf', [address]))), [0n, 1n])
  await assert.rejects(write(nft, 'transferFrom', [bob.address, alice.address, 1n]), /ERC721InsufficientApproval/)
})

test('a Uniswap v2 pair takes liquidity, swaps and gives it back', async () => {
  const { abi, bytecode } = uniswap('UniswapV2Factory')
  const owners = [alice, bob].map(walletOf)
  const [factory, ...tokens] = await Promise.all([create({ abi, bytecode: `0x${bytecode}` }, [alice.address], walletOf(carol)),
    ...owners.map(async (owner) => ({ ...await deploy('Token.sol', 'Token', owner), owner }))])
  const [a, b] = tokens.sort((one, other) => (BigInt(one.address) < BigInt(other.address) ? -1 : 1))
  await write(factory, 'createPair', [b.address, a.address])
  const pair = { abi: uniswap('UniswapV2Pair').abi, address: await read(factory, 'getPair', [a.address, b.address]) }
  await Promise.all([a, b].map(({ owner, ...token }) => write(token, 'transfer', [pair.address, 1_000_000n], owner)))
  await write(pair, 'mint', [alice.address])
  // The first thousand shares are nobody's.
  assert.equal(await read(pair, 'balanceOf', [alice.address]), 999_000n)
  await write(a, 'transfer', [pair.address, 1000n], a.owner)
  await assert.rejects(write(pair, 'swap', [0n, 997n, carol.address, '0x']), /UniswapV2: K/)
  await write(pair, 'swap', [0n, 996n, carol.address, '0x'])
  assert.equal(await read(b, 'balanceOf', [carol.address]), 996n)

  const { address: dave } = account(4)
  await assert.rejects(write(pair, 'burn', [dave]), /INSUFFICIENT_LIQUIDITY_BURNED/)
  await write(pair, 'transfer', [pair.address, 999_000n])
  const { logs } = await write(pair, 'burn', [dave])
  const [{ args: { amount0, amount1 } }] = parseEventLogs({ abi: pair.abi, logs, eventName: 'Burn' })
  // 999 of 1,000 parts of what it holds, rounded down.
  assert.deepEqual([amount0, amount1], [1_001_000n * 999n / 1000n, 999_004n * 999n / 1000n])
  assert.deepEqual(await Promise.all([a, b].map((token) => read(token, 'balanceOf', [dave]))), [amount0, amount1])
  assert.equal(await read(pair, 'totalSupply'), 1000n)
  assert.deepEqual((await read(pair, 'getReserves')).slice(0, 2), [1_001_000n - amount0, 999_004n - amount1])
})

// EIP-712 as Safe's contract hashes it.
const SAFE_TX = {
  SafeTx: ['address to', 'uint256 value', 'bytes data', 'uint8 operation', 'uint256 safeTxGas', 'uint256 baseGas',
    'uint256 gasPrice', 'address gasToken', 'address refundReceiver', 'uint256 nonce',
  ].map((field) => field.split(' ')).map(([type, name]) => ({ type, name })),
}

test('a Safe proxy is created by its factory, and pays what two owners have signed', async () => {
  const at = '@safe-global/safe-smart-account/contracts'
  const [safe, factory] = await Promise.all([deploy(`${at}/Safe.sol`, 'Safe'),
    deploy(`${at}/proxies/SafeProxyFactory.sol`, 'SafeProxyFactory', walletOf(bob))])
  const setup = encodeFunctionData({
    abi: safe.abi, functionName: 'setup',
    args: [[alice.address, bob.address], 2n, zeroAddress, '0x', zeroAddress, zeroAddress, 0n, zeroAddress],
  })
  const receipt = await write(factory, 'createProxyWithNonce', [safe.address, setup, 1n])
  const [log] = parseEventLogs({
    abi: factory.abi, logs: receipt.logs, eventName: 'ProxyCreation' })
  const proxy = { abi: safe.abi, address: log.args.proxy }
  assert.equal(await read(proxy, 'getThreshold'), 2n)
  assert.deepEqual(await read(proxy, 'getOwners'), [alice.address, bob.address])

  await mined(await wallet.sendTransaction({ to: proxy.address, value: parseEther('3') }))
  const payee = '0x000000000000000000000000000000000000cafe'
  const call = {
    to: payee, value: parseEther('2'), data: '0x', operation: 0, safeTxGas: 0n, baseGas: 0n, gasPrice: 0n,
    gasToken: zeroAddress, refundReceiver: zeroAddress,
  }
  const signed = (change = {}) => ({
    domain: { chainId: 97304, verifyingContract: proxy.address }, types: SAFE_TX, primaryType: 'SafeTx',
    message: { ...call, nonce: 0n, ...change },
  })
  // In the order of the signers' addresses, which the contract asks for.
  const signatures = async (signers, typed = signed()) => concat(await Promise.all(
    [...signers].sort((one, other) => (BigInt(one.address) < BigInt(other.address) ? -1 : 1))
      .map((signer) => signer.signTypedData(typed))))
  // Anybody may bring the signatures.
  const pay = async (bytes) => write(proxy, 'execTransaction', [...Object.values(call), await bytes], walletOf(carol))
  await assert.rejects(pay(signatures([alice])), /GS020/)
  await assert.rejects(pay(signatures([alice, carol])), /GS026/)
  await assert.rejects(pay(signatures([alice, bob], signed({ value: parseEther('1') }))), /GS026/)
  assert.equal(await reader.getBalance({ address: payee }), 0n)

  const { logs } = await pay(signatures([alice, bob]))
  const [{ args }] = parseEventLogs({ abi: proxy.abi, logs, eventName: 'ExecutionSuccess' })
  assert.equal(args.txHash, hashTypedData(signed()))
  assert.equal(await reader.getBalance({ address: payee }), parseEther('2'))
  assert.equal(await reader.getBalance({ address: proxy.address }), parseEther('1'))
  assert.equal(await read(proxy, 'nonce'), 1n)
  await assert.rejects(pay(signatures([alice, bob])), /GS026/)
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
  const { subscriptions } = await live.transport.getRpcClient()
  await until(() => subscriptions.size === 3, 'the subscriptions')
  const sent = []
  for (let i = 0; i < 3; i++) {
    sent.push((await write(token, 'transfer', [bob.address, BigInt(i + 1)])).transactionHash)
  }
  await until(() => logs.length === 3 && heads.length >= 3, 'three logs and heads')
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
