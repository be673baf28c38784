// What an author does with transactions that cost it time and pay nothing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { account, sign } from '../lib/accounts.js'
import { freePort, startNode, until } from '../lib/node.js'

// PUSH0, PUSH3 800 KiB, MSTORE8 as init code: more memory than a proof can carry, for 1,300,000 gas.
const UNPROVABLE = { data: '0x5f620c800053', gas: 3_000_000n }

test('attack_transaction_that_no_block_can_hold_is_run_once_and_holds_its_sender_back', async (t) => {
  const port = await freePort()
  const node = await startNode(['--dev', '--prometheus-port', String(port)])
  t.after(() => node.stop())
  const send = async (from, nonce, rest) => node.call('eth_sendRawTransaction', [await sign(from, nonce, rest)])
  const metric = async (name) => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1])
  }
  await assert.rejects(node.call('eth_estimateGas', [{ from: account(1).address, data: UNPROVABLE.data }]), /proving/)

  const hash = await send(1, 0, UNPROVABLE)
  const pay = { to: account(3).address, value: 1n, maxFeePerGas: 40_000_000_000n, maxPriorityFeePerGas: 3_000_000_000n }
  // Whatever it asks for then, also what it could pay for; each time another transaction.
  let value = 0n
  await until(() => send(1, 1, { ...pay, value: ++value }).then(() => false,
    ({ message }) => /earlier transaction of this sender.*proving limit/.test(message)), 'the sender is held back')
  await until(async () => await node.call('eth_getTransactionByHash', [hash]) === null, 'it is out of the pool')
  await assert.rejects(send(1, 0, UNPROVABLE), /proving limit/)

  const paid = await send(2, 0, pay)
  await until(() => node.call('eth_getTransactionReceipt', [paid]), 'a receipt of another sender')
  assert.equal(await node.call('eth_getTransactionCount', [account(1).address, 'latest']), '0x0')
  assert.equal(await metric('bzk_author_unprovable_total'), 1)
  assert.ok(await metric('bzk_author_wasted_seconds_total') > 0)
  await until(async () => await metric('bzk_author_held_back') === 1, 'the gauge')
})
