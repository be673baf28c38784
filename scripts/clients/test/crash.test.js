// kill -9 at random under load: the node restarts, index and state agree, nothing final is lost.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { account } from '../lib/accounts.js'
import { startNode, until } from '../lib/node.js'
import { random } from '../lib/load.js'

const KILLS = Number(process.env.BZK_KILLS ?? 5)

test(`crash_kill9_under_load, ${KILLS} times`, async (t) => {
  const node = await startNode()
  t.after(() => node.stop())
  const dice = random(Number(process.env.BZK_SEED ?? 7))
  const sender = account(1)
  for (let round = 0; round < KILLS; round++) {
    let nonce = Number(await node.call('eth_getTransactionCount', [sender.address, 'latest']))
    let sending = true
    const load = (async () => {
      while (sending) {
        const raw = await sender.signTransaction({
          chainId: 97304, nonce: nonce++, to: account(2).address, value: 1n, gas: 21000n,
          maxFeePerGas: 10_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n,
        })
        await node.call('eth_sendRawTransaction', [raw]).catch(() => {})
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    })()
    await new Promise((resolve) => setTimeout(resolve, 2500 + dice.below(4000)))
    const finalised = await node.call('eth_getBlockByNumber', ['finalized', false])
    await node.end('SIGKILL')
    sending = false
    await load
    await node.start()

    const kept = await node.call('eth_getBlockByNumber', [finalised.number, false])
    assert.equal(kept?.hash, finalised.hash, `round ${round}: a final block is gone`)
    // Index and state agree at the head: every transaction is found, each nonce and proof fits.
    const head = await node.call('eth_getBlockByNumber', ['latest', true])
    for (const tx of head.transactions) {
      const receipt = await node.call('eth_getTransactionReceipt', [tx.hash])
      assert.equal(receipt.blockHash, head.hash)
    }
    const proof = await node.call('eth_getProof', [sender.address, [], head.number])
    assert.equal(BigInt(proof.nonce),
      BigInt(await node.call('eth_getTransactionCount', [sender.address, 'latest'])))
    for (let at = BigInt(head.number); at > 0n && at > BigInt(head.number) - 10n; at--) {
      const block = await node.call('eth_getBlockByNumber', [`0x${at.toString(16)}`, false])
      const parent = await node.call('eth_getBlockByNumber', [`0x${(at - 1n).toString(16)}`, false])
      assert.equal(block.parentHash, parent.hash)
    }
    const next = BigInt(head.number)
    const raw = await sender.signTransaction({
      chainId: 97304, nonce: Number(proof.nonce), to: account(2).address, value: 2n, gas: 21000n,
      maxFeePerGas: 30_000_000_000n, maxPriorityFeePerGas: 3_000_000_000n,
    })
    await node.call('eth_sendRawTransaction', [raw])
    await until(async () => BigInt(await node.call('eth_blockNumber')) > next, 'a new block', 60)
  }
})
