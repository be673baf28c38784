// Prints number and length of the block with most extrinsics among the newest.
// Usage: fullest-block.mjs URL COUNT
const [url, count] = process.argv.slice(2)

const rpc = async (method, ...params) => {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  return (await answer.json()).result
}

const head = Number((await rpc('chain_getHeader')).number)
let [fullest, most] = [head, 0]
for (let number = head; number > Math.max(0, head - Number(count)); number--) {
  const { block } = await rpc('chain_getBlock', await rpc('chain_getBlockHash', number))
  if (block.extrinsics.length > most) [fullest, most] = [number, block.extrinsics.length]
}
console.log(fullest, most)
