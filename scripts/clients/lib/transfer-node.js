// Starts a development node, sends transfers one block after the other, waits for an empty block behind them,
// prints its URL and the numbers of the first and the last of these blocks, and stays until it is killed.
// Usage: node lib/transfer-node.js TRANSFERS
import { createPublicClient, createWalletClient, http } from 'viem'
import { account, chain } from './accounts.js'
import { startNode, until } from './node.js'

const node = await startNode()
const stop = async (code) => {
  await node.stop()
  process.exit(code)
}
process.on('SIGTERM', () => stop(0))
process.on('SIGINT', () => stop(0))
try {
  const reader = createPublicClient({ chain: chain(node), transport: http() })
  const wallet = createWalletClient({ account: account(0), chain: chain(node), transport: http() })
  const blocks = []
  for (let i = 0; i < Number(process.argv[2]); i++) {
    const hash = await wallet.sendTransaction({ to: account(1 + i % 9).address, value: 1000n, gas: 21000n })
    const { blockNumber } = await reader.waitForTransactionReceipt({ hash, pollingInterval: 200 })
    blocks.push(blockNumber)
  }
  const empty = blocks.at(-1) + 1n
  await until(async () => (await reader.getBlockNumber()) >= empty, 'an empty block')
  console.log(`${node.url} ${blocks[0]} ${empty}`)
} catch (error) {
  console.error(error)
  await stop(1)
}
