// Prints number and length of the block with most extrinsics from number FIRST to LAST.
// Usage: fullest-block.mjs URL FIRST LAST
import { call } from '../clients/lib/node.js'

const [url, first, last] = process.argv.slice(2)

const rpc = (method, ...params) => call(url, method, params)
let [fullest, most] = [Number(first), 0]
for (let number = Number(first); number <= Number(last); number++) {
  const { block } = await rpc('chain_getBlock', await rpc('chain_getBlockHash', number))
  if (block.extrinsics.length > most) [fullest, most] = [number, block.extrinsics.length]
}
console.log(fullest, most)
