// Brings the accounts that bzk-load pays to life, from number FIRST up to END, and waits until all are there.
// Usage: fill.mjs URL FIRST END
import { createPublicClient, createWalletClient, encodeFunctionData, http } from 'viem'
import { account, chain } from '../clients/lib/accounts.js'
import { until } from '../clients/lib/node.js'
import { compile } from '../clients/lib/solidity.js'

const [url, first, end] = [process.argv[2], ...process.argv.slice(3).map(Number)]
// Accounts that a transaction makes, and the gas of one: a call, its value, a new account.
const COUNT = 100
const GAS = 36_000n
// Prefunded accounts beside those that the loads use, and how many transactions each has in the pool: together less than
// half of a block's gas, so that the base fee stays below what a transaction of this size may pay at most.
const SENDERS = [1, 2, 3, 4, 5, 6]
const WAITING = 3
const fees = { maxFeePerGas: 250_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n }

const client = { chain: chain({ url }), transport: http(url) }
const reader = createPublicClient(client)
const { abi, bytecode } = compile('Filler.sol', 'Filler')
const deployed = await createWalletClient({ ...client, account: account(SENDERS[0]) })
  .deployContract({ abi, bytecode, value: BigInt(end - first), ...fees })
const { contractAddress } = await reader.waitForTransactionReceipt({ hash: deployed, pollingInterval: 200 })

const chunks = Array.from({ length: Math.ceil((end - first) / COUNT) }, (_, index) => first + index * COUNT)
await Promise.all(SENDERS.map(async (index) => {
  const sender = account(index)
  const mined = () => reader.getTransactionCount({ address: sender.address })
  let nonce = await mined()
  while (chunks.length > 0) {
    const from = chunks.shift()
    const count = Math.min(COUNT, end - from)
    const serializedTransaction = await sender.signTransaction({ ...fees, chainId: client.chain.id, nonce,
      to: contractAddress, gas: 60_000n + GAS * BigInt(count),
      data: encodeFunctionData({ abi, functionName: 'fill', args: [BigInt(from), BigInt(count)] }) })
    await reader.sendRawTransaction({ serializedTransaction })
    nonce++
    await until(async () => await mined() > nonce - WAITING, `the transactions of account ${index}`, 120)
  }
  await until(async () => await mined() === nonce, `the last transactions of account ${index}`, 120)
}))
const left = await reader.getBalance({ address: contractAddress })
if (left > 0n) throw new Error(`${left} of ${end - first} accounts were not made`)
