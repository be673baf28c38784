// What must hold of the bridge at any time.
import assert from 'node:assert/strict'

/** The invariants of DESIGN §11: what the contract owes is covered by coins that Bitcoin has. */
export async function checkInvariants(devnet) {
  const { bitcoin, node } = devnet
  const [claimed, settled, locked, deficit] = await devnet.bridge('totals')
  const reserves = await node.call('bridge_reserves')
  assert.equal(deficit, 0n)
  assert.equal(reserves.halted, null)
  assert.ok(settled + locked <= claimed)
  // What sweeps have cost is the committee's: no withdrawal pays for it.
  const covered = BigInt(reserves.backing) + BigInt(reserves.sweepFees)
  assert.ok(covered >= claimed - settled, `${covered} sats cover ${claimed - settled}`)
  let sum = 0n
  for (const { outpoint, sats, batch } of reserves.coins) {
    const [txid, vout] = outpoint.split(':')
    // A coin that a payout spends may be gone with it.
    const coin = await bitcoin.call('gettxout', txid, Number(vout), batch === null)
    assert.ok(coin || batch !== null, `${outpoint} does not exist`)
    if (coin) assert.equal(BigInt(Math.round(coin.value * 1e8)), BigInt(sats))
    sum += BigInt(sats)
  }
  assert.equal(sum, BigInt(reserves.backing))
}
