// kill -9 at random under load: the node restarts, index and state agree, nothing final is lost.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeFunctionData, pad } from 'viem'
import { account } from '../lib/accounts.js'
import { startNode, until } from '../lib/node.js'
import { deployLoad, random } from '../lib/load.js'

const KILLS = Number(process.env.BZK_KILLS ?? 50)
// A round is mostly waiting for blocks, so several nodes take turns on the machine.
const NODES = Math.min(5, KILLS)
const hex = (number) => `0x${number.toString(16)}`

test(`crash_kill9_under_load, ${KILLS} times`, async (t) => {
  const seed = Number(process.env.BZK_SEED ?? 7)
  const kills = Array.from({ length: NODES }, (_, i) => Math.floor((KILLS + i) / NODES))
  await Promise.all(kills.map(async (count, i) => {
    const node = await startNode()
    t.after(() => node.stop())
    await killed(node, random(seed + i), count)
  }))
})

/** Kills `node` so many times at random moments, and looks at it after each start. */
async function killed(node, dice, kills) {
  // Who holds the tokens; every other transaction moves some and leaves a log.
  const sender = account(0)
  const { Token } = await deployLoad(node, ['Token'])
  const payment = (nonce) => {
    const to = account(2 + nonce % 3).address
    const data = encodeFunctionData({ abi: Token.abi, functionName: 'transfer', args: [to, 1n] })
    return nonce % 2 ? { to, value: 1n, gas: 21_000n } : { to: Token.address, data, gas: 60_000n }
  }
  const payee = pad(account(2).address).toLowerCase()
  let logged = 0
  let lastFinal = 0n
  for (let round = 0; round < kills; round++) {
    let nonce = Number(await node.call('eth_getTransactionCount', [sender.address, 'latest']))
    let sending = true
    const load = (async () => {
      while (sending) {
        const raw = await sender.signTransaction({
          ...payment(nonce), chainId: 97304, nonce,
          maxFeePerGas: 10_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n,
        })
        // Refused while 64 of them wait; a nonce left out would stop the load for good.
        await node.call('eth_sendRawTransaction', [raw]).then(() => nonce++, () => {})
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    })()
    await new Promise((resolve) => setTimeout(resolve, 1500 + dice.below(3000)))
    const finalised = await until(async () => {
      const block = await node.call('eth_getBlockByNumber', ['finalized', true])
      return BigInt(block.number) > lastFinal && block
    }, `round ${round}: finality after block ${lastFinal}`, 60)
    lastFinal = BigInt(finalised.number)
    await new Promise((resolve) => setTimeout(resolve, dice.below(2000)))
    await node.end('SIGKILL')
    sending = false
    await load
    await node.start()

    const kept = await node.call('eth_getBlockByNumber', [finalised.number, true])
    assert.deepEqual(kept, finalised, `round ${round}: a final block is gone`)
    // Index and state agree: every transaction is found, each nonce and proof fits.
    const head = await node.call('eth_getBlockByNumber', ['latest', true])
    const first = BigInt(head.number) > 10n ? BigInt(head.number) - 9n : 1n
    const logs = []
    for (let at = first; at <= BigInt(head.number); at++) {
      const block = await node.call('eth_getBlockByNumber', [hex(at), true])
      const parent = await node.call('eth_getBlockByNumber', [hex(at - 1n), false])
      assert.equal(block.parentHash, parent.hash)
      for (const tx of block.transactions) {
        const receipt = await node.call('eth_getTransactionReceipt', [tx.hash])
        assert.equal(receipt.blockHash, block.hash)
        logs.push(...receipt.logs)
      }
      const last = block.transactions.at(-1)
      const proof = await node.call('eth_getProof', [sender.address, [], block.number])
      if (last) assert.equal(BigInt(proof.nonce), BigInt(last.nonce) + 1n)
    }
    // The index of logs finds what the receipts hold, by block, address and topic.
    const kinds = [[{}, logs], [{ address: Token.address }, logs],
      [{ topics: [null, null, payee] }, logs.filter(({ topics }) => topics[2] === payee)]]
    for (const [criteria, wanted] of kinds) {
      const found = await node.call('eth_getLogs', [{ fromBlock: hex(first), toBlock: head.number, ...criteria }])
      assert.deepEqual(found, wanted, `round ${round}: logs of ${JSON.stringify(criteria)}`)
    }
    logged += logs.length
    const proof = await node.call('eth_getProof', [sender.address, [], head.number])
    assert.equal(BigInt(proof.nonce),
      BigInt(await node.call('eth_getTransactionCount', [sender.address, head.number])))
    const raw = await sender.signTransaction({
      chainId: 97304, nonce: Number(proof.nonce), to: account(2).address, value: 2n, gas: 21000n,
      maxFeePerGas: 30_000_000_000n, maxPriorityFeePerGas: 3_000_000_000n,
    })
    const hash = await node.call('eth_sendRawTransaction', [raw])
    const receipt = await until(() => node.call('eth_getTransactionReceipt', [hash]), 'a new block', 60)
    assert.ok(BigInt(receipt.blockNumber) > BigInt(head.number))
  }
  assert.ok(logged > 0, 'the load leaves logs')
}
