// Makes a long chain of blocks with a token transfer each, by a node with `--sealing manual`. Prints
// {"contract", "rare", "blocks", "seconds"}: `rare` is an account that gets one transfer of RARE.
// Usage: log-chain.mjs URL BLOCKS BYTECODE_FILE
import { readFileSync } from 'node:fs'
import { account } from '../clients/lib/accounts.js'
import { call, until } from '../clients/lib/node.js'

const [url, blocks, file] = process.argv.slice(2)
// transfer(address,uint256)
const TRANSFER = '0xa9059cbb'
const word = (hex) => hex.padStart(64, '0')
// Blocks between the head and the final one: what is final at once empties the pool of what comes next.
const BEHIND = 8
const PROGRESS = 1_000
const RARE = 1_000

const sender = account(0)
const fees = { chainId: 97304, maxFeePerGas: 10_000_000_000n, maxPriorityFeePerGas: 1n }
const sign = (nonce, request) => sender.signTransaction({ ...fees, nonce, ...request })
const heads = []

async function seal() {
  const { hash } = await call(url, 'engine_createBlock', [true, false, null])
  if (heads.push(hash) > BEHIND) await call(url, 'engine_finalizeBlock', [heads.shift(), null])
}

const started = Date.now()
const deployed = await call(url, 'eth_sendRawTransaction',
  [await sign(0, { data: `0x${readFileSync(file, 'utf8').trim().replace(/^0x/, '')}`, gas: 3_000_000n })])
await seal()
const { contractAddress: contract } = await until(() => call(url, 'eth_getTransactionReceipt', [deployed]), 'the token')
const [common, rare] = [account(1).address, account(2).address]
const transfer = (nonce) => {
  const payee = nonce % RARE ? common : rare
  return sign(nonce, { to: contract, gas: 100_000n, data: TRANSFER + word(payee.slice(2)) + word('1') })
}
let next = transfer(1)
let head = 0
// One that the pool has not ready yet when its block is made comes with the next one.
for (let nonce = 1; head < Number(blocks); nonce++) {
  await call(url, 'eth_sendRawTransaction', [await next])
  // Signed while the node works.
  next = transfer(nonce + 1)
  await seal()
  if (nonce % PROGRESS) continue
  head = Number(await call(url, 'eth_blockNumber'))
  console.error(`${head} of ${blocks} blocks`)
}
console.log(JSON.stringify({ contract, rare, blocks: head, seconds: (Date.now() - started) / 1000 }))
