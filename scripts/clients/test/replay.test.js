// Blocks of a running node executed again by @ethereumjs/vm, which shares no code with revm.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { createBlockFromRLP } from '@ethereumjs/block'
import { Hardfork, Mainnet, createCustomCommon } from '@ethereumjs/common'
import { MerkleStateManager } from '@ethereumjs/statemanager'
import {
  bytesToHex, createAccount, createAddressFromString, hexToBytes, setLengthLeft, unpadBytes,
} from '@ethereumjs/util'
import { createVM, runBlock } from '@ethereumjs/vm'
import { account } from '../lib/accounts.js'
import { startNode } from '../lib/node.js'
import { runLoad } from '../lib/load.js'

const TRANSACTIONS = Number(process.env.BZK_REPLAY_TXS ?? 400)
const PREDEPLOYS = [
  '0x4e59b44847b379578588920ca78fbf26c0b4956c',
  '0xca11bde05977b3631167028862be2a173976ca11',
]
const BRIDGE = JSON.parse(await readFile(new URL('../../../contracts/genesis/regtest.json', import.meta.url))).accounts
let node

before(async () => { node = await startNode() })
after(() => node?.stop())

/** Puts the accounts of the genesis block into `state`; the caller compares the root. */
async function loadGenesis(state) {
  const people = Array.from({ length: 10 }, (_, i) => account(i).address)
  const addresses = [...PREDEPLOYS, ...BRIDGE.map(({ address }) => address), ...people]
  for (const address of addresses) {
    const at = createAddressFromString(address.toLowerCase())
    const ask = (method) => node.call(method, [address, '0x0'])
    const [balance, nonce, code] = await Promise.all(
      [ask('eth_getBalance'), ask('eth_getTransactionCount'), ask('eth_getCode')])
    await state.putAccount(at, createAccount({ balance: BigInt(balance), nonce: BigInt(nonce) }))
    if (code !== '0x') await state.putCode(at, hexToBytes(code))
  }
  for (const { address, storage } of BRIDGE) {
    for (const slot of Object.keys(storage)) {
      const value = hexToBytes(await node.call('eth_getStorageAt', [address, slot, '0x0']))
      await state.putStorage(createAddressFromString(address), setLengthLeft(hexToBytes(slot), 32), unpadBytes(value))
    }
  }
}

test('every block has the roots, gas and hash that an independent EVM computes', async () => {
  await runLoad(node, TRANSACTIONS)
  const common = createCustomCommon({ chainId: 97304 }, Mainnet, { hardfork: Hardfork.Cancun })
  const stateManager = new MerkleStateManager({ common })
  const chain = new Map()
  const blockchain = {
    getBlock: async (number) => chain.get(Number(number)),
    putBlock: async () => {},
    shallowCopy() { return this },
    validateHeader: async () => {},
  }
  const vm = await createVM({ common, stateManager, blockchain })
  await stateManager.checkpoint()
  await loadGenesis(stateManager)
  await stateManager.commit()
  // What the load does beneath its transactions.
  const precompiles = new Set()
  const types = new Set()
  let [deepest, created, ended] = [0, 0, 0]
  vm.evm.events.on('beforeMessage', ({ to, depth }) => {
    const target = to ? BigInt(to.toString()) : 0n
    if (target > 0n && target < 10n) precompiles.add(Number(target))
    deepest = Math.max(deepest, depth)
  })
  vm.evm.events.on('newContract', () => { created++ })

  const head = Number(await node.call('eth_blockNumber'))
  const at = async (number) => {
    const raw = await node.call('debug_getRawBlock', [`0x${number.toString(16)}`])
    return createBlockFromRLP(hexToBytes(raw), { common, setHardfork: false })
  }
  const genesis = await at(0)
  assert.equal(
    bytesToHex(await stateManager.getStateRoot()), bytesToHex(genesis.header.stateRoot),
    'genesis state')
  chain.set(0, genesis)
  let parent = genesis
  let transactions = 0
  let failed = 0
  for (let number = 1; number <= head; number++) {
    const block = await at(number)
    assert.equal(block.header.baseFeePerGas, parent.header.calcNextBaseFee(), `base fee of ${number}`)
    assert.equal(bytesToHex(block.header.parentHash), bytesToHex(parent.hash()))
    assert.ok(block.header.timestamp > parent.header.timestamp)
    await block.validateData()
    const known = await node.call('eth_getBlockByNumber', [`0x${number.toString(16)}`, false])
    assert.equal(known.hash, bytesToHex(block.hash()), `hash of ${number}`)
    // Throws when the state root, receipts root, gas used or bloom differ from the header's.
    const result = await runBlock(vm, { block, skipHeaderValidation: false })
    failed += result.receipts.filter((receipt) => receipt.status === 0).length
    transactions += block.transactions.length
    block.transactions.forEach(({ type }) => types.add(type))
    ended += result.results.filter(({ execResult }) => execResult.selfdestruct?.size > 0).length
    chain.set(number, block)
    parent = block
  }
  assert.ok(transactions >= TRANSACTIONS)
  assert.ok(failed > 0, 'the load holds failing transactions')
  assert.deepEqual([...precompiles].sort(), [1, 2, 3, 4, 5, 6, 7, 8, 9])
  assert.ok(deepest >= 50, `no call is deeper than ${deepest}`)
  assert.deepEqual([...types].sort(), [0, 1, 2])
  assert.ok(created > 0 && ended > 0, `${created} contracts created, SELFDESTRUCT in ${ended} transactions`)
  console.log(`${head} blocks, ${transactions} transactions (${failed} of them failing, calls ${deepest} deep, ` +
    `${created} contracts created, SELFDESTRUCT in ${ended} transactions) replayed`)
})
