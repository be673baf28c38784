// What must hold of the bridge when nothing is wrong. lib/books.js and lib/nonces.js have what holds after every block.
import assert from 'node:assert/strict'

/** The bridge is in operation, and Bitcoin has its coins. */
export async function checkInvariants({ bitcoin, node }) {
  const { deficit, halted, coins } = await node.call('bridge_reserves')
  assert.equal(deficit, 0)
  assert.equal(halted, null)
  for (const { outpoint, sats, batch } of coins) {
    const [txid, vout] = outpoint.split(':')
    // A coin that a payout spends may be gone with it.
    const coin = await bitcoin.call('gettxout', txid, Number(vout), batch === null)
    assert.ok(coin || batch !== null, `${outpoint} does not exist`)
    if (coin) assert.equal(BigInt(Math.round(coin.value * 1e8)), BigInt(sats))
  }
}
