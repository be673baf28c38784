// Prints number and length of the heaviest block from number FIRST to LAST: full is what leaves no weight.
// Usage: fullest-block.mjs URL FIRST LAST
import { connectApi } from '../clients/lib/substrate.js'

const [url, first, last] = process.argv.slice(2)
const { api } = await connectApi({ ws: url.replace('http', 'ws') })
let fullest = { number: Number(first), weight: 0 }
for (let number = Number(first); number <= Number(last); number++) {
  const at = await api.at(await api.rpc.chain.getBlockHash(number))
  const weight = (await at.query.system.blockWeight()).normal.refTime.toNumber()
  if (weight > fullest.weight) fullest = { number, weight }
}
const { block } = await api.rpc.chain.getBlock(await api.rpc.chain.getBlockHash(fullest.number))
console.log(fullest.number, block.extrinsics.length)
await api.disconnect()
