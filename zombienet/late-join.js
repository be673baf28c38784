// Steps of late-join.zndsl: whether a node has executed the chain or taken a late state of it.
import assert from 'node:assert/strict'

/** The state that `node` has after block 1 knows the runtime's code. */
async function executed(node) {
  const first = await node.call('chain_getBlockHash', [1])
  return await node.call('state_getStorageSize', ['0x3a636f6465', first]) > 0
}

/** GRANDPA's voters have changed, so the warp proof has more than the last justification. */
export async function changed({ alice }) {
  const { setId } = await alice.call('grandpa_roundState')
  assert.ok(setId > 0)
}

/** The full node has the state of the first block; the other one has the same blocks, but not that. */
export async function compare({ alice, warp, full }) {
  assert.ok(await executed(alice) && await executed(full))
  await assert.rejects(executed(warp), /discarded|UnknownBlock/)
}
