// Heads and logs as a subscriber hears of them, and what they add up to.
import assert from 'node:assert/strict'
import WebSocket from 'ws'
import { until } from './node.js'

/** Collects the `heads` and `logs` that `node` announces over a websocket, until `close`. */
export async function listen(node) {
  const seen = { heads: [], logs: [] }
  const socket = new WebSocket(node.ws)
  await new Promise((resolve, reject) => { socket.once('open', resolve); socket.once('error', reject) })
  const lists = new Map()
  socket.on('message', (data) => {
    const { id, result, params } = JSON.parse(data)
    if (id !== undefined) lists.set(result, id === 1 ? seen.heads : seen.logs)
    else lists.get(params.subscription)?.push(params.result)
  })
  const subscribe = (id, params) =>
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'eth_subscribe', params }))
  subscribe(1, ['newHeads'])
  subscribe(2, ['logs', {}])
  await until(() => lists.size === 2, 'subscriptions')
  return { ...seen, close: () => socket.terminate() }
}

/**
 * Adds and removes logs as a client would; gives those that stay, in the order they came, and those that were removed.
 * Fails where one comes twice, or goes that was not there.
 */
export function replay(changes) {
  const key = (log) => `${log.blockHash} ${log.logIndex}`
  const live = new Map()
  for (const log of changes) {
    if (log.removed) {
      assert.deepEqual({ ...log, removed: false }, live.get(key(log)), 'removes what was never there')
      live.delete(key(log))
    } else {
      assert.ok(!live.has(key(log)), 'the same log twice')
      live.set(key(log), log)
    }
  }
  return { live: [...live.values()], gone: changes.filter((log) => log.removed) }
}
