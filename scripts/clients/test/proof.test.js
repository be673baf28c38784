// eth_getProof verified by an independent library against the state root of eth_getBlock.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { verifyMerkleProof } from '@ethereumjs/mpt'
import { RLP } from '@ethereumjs/rlp'
import { bytesToHex, hexToBytes } from '@ethereumjs/util'
import { createPublicClient, createWalletClient, http, keccak256, toHex, pad } from 'viem'
import { account, chain } from '../lib/accounts.js'
import { startNode } from '../lib/node.js'
import { compile } from '../lib/solidity.js'

let node, reader, wallet, token

before(async () => {
  node = await startNode()
  reader = createPublicClient({ chain: chain(node), transport: http() })
  wallet = createWalletClient({ account: account(0), chain: chain(node), transport: http() })
  const { abi, bytecode } = compile('Token.sol', 'Token')
  const hash = await wallet.deployContract({ abi, bytecode })
  token = (await reader.waitForTransactionReceipt({ hash, pollingInterval: 200 })).contractAddress
})
after(() => node?.stop())

/** The value that `proof` proves for `key` below `root`, or null when it proves absence. */
async function proven(root, key, proof) {
  return verifyMerkleProof(hexToBytes(keccak256(key)), proof.map(hexToBytes), {
    useKeyHashing: false, root: hexToBytes(root),
  })
}

async function proof(address, keys, block) {
  return node.call('eth_getProof', [address, keys, toHex(block.number)])
}

test('a present account is proven with its fields', async () => {
  const block = await reader.getBlock()
  for (const address of [account(0).address, token, '0xcA11bde05977b3631167028862bE2a173976CA11']) {
    const answer = await proof(address, [], block)
    const leaf = await proven(block.stateRoot, address, answer.accountProof)
    const [nonce, balance, storage, code] = RLP.decode(leaf).map((field) => bytesToHex(field))
    const number = (hex) => BigInt(hex === '0x' ? 0 : hex)
    assert.equal(number(nonce), BigInt(answer.nonce))
    assert.equal(number(balance), BigInt(answer.balance))
    assert.equal(storage, answer.storageHash)
    assert.equal(code, answer.codeHash)
    assert.equal(number(balance), await reader.getBalance({ address }))
  }
})

test('an absent account is proven absent', async () => {
  const block = await reader.getBlock()
  const answer = await proof('0x00000000000000000000000000000000deadbeef', [], block)
  assert.equal(
    await proven(block.stateRoot, '0x00000000000000000000000000000000deadbeef', answer.accountProof),
    null)
  assert.equal(answer.balance, '0x0')
})

test('storage slots are proven, present and absent', async () => {
  const block = await reader.getBlock()
  // Slot 2 holds the total supply of OpenZeppelin's ERC20; slot 0x1234 is empty.
  const answer = await proof(token, ['0x2', '0x1234'], block)
  const [, , root] = RLP.decode(await proven(block.stateRoot, token, answer.accountProof))
  assert.equal(bytesToHex(root), answer.storageHash, 'the storage is the one of the proven account')
  const [supply, empty] = answer.storageProof
  const value = await proven(answer.storageHash, pad('0x2', { size: 32 }), supply.proof)
  assert.equal(BigInt(bytesToHex(RLP.decode(value))), BigInt(supply.value))
  assert.equal(BigInt(supply.value), 10n ** 36n)
  assert.equal(await proven(answer.storageHash, pad('0x1234', { size: 32 }), empty.proof), null)
  assert.equal(empty.value, '0x0')
})

test('a proof with one flipped bit is refused', async () => {
  const block = await reader.getBlock()
  const { accountProof } = await proof(account(0).address, [], block)
  const last = accountProof.at(-1)
  const broken = [...accountProof.slice(0, -1), `${last.slice(0, -1)}${last.endsWith('0') ? '1' : '0'}`]
  await assert.rejects(proven(block.stateRoot, account(0).address, broken))
})
