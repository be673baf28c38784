// Starts a development node, puts a random load on it, prints its URL and stays until it is killed.
// Usage: node lib/loaded-node.js TRANSACTIONS SEED
import { startNode } from './node.js'
import { runLoad } from './load.js'

const node = await startNode()
const stop = async (code) => {
  await node.stop()
  process.exit(code)
}
process.on('SIGTERM', () => stop(0))
process.on('SIGINT', () => stop(0))
try {
  await runLoad(node, Number(process.argv[2]), Number(process.argv[3]))
  console.log(node.url)
} catch (error) {
  console.error(error)
  await stop(1)
}
