// A validator that runs twice, and what it costs.
import assert from 'node:assert/strict'
import { u8aToHex } from '@polkadot/util'
import { until } from './node.js'
import { chainUntil, findEvents } from './substrate.js'

/**
 * Gives `twin`, a validator's machine, the BABE key of the `name`d one in `keys` of a chain with four validators; waits
 * for the slash and checks that it is the one for a block of the same slot, that it hits nobody else, and that it ends
 * the validator's era. `api` is another node's.
 */
export async function equivocate({ api, keys }, twin, name) {
  const who = keys[name.toLowerCase()]
  const ledger = async (at) => (await at.query.staking.ledger(who.address)).unwrap().active.toBigInt()
  const before = await ledger(api)
  const known = (await api.rpc.chain.getHeader(await api.rpc.chain.getFinalizedHead())).number.toNumber()
  // The second machine follows the chain like the others. Only then it gets a copy of the key, so that from the next of
  // its slots on two blocks of one slot come to nodes that know the parent of both.
  await until(async () => await twin.call('chain_getBlockHash', []) === (await api.rpc.chain.getBlockHash()).toHex(),
    'the second node is in step', 120)
  await twin.call('author_insertKey', ['babe', `//${name}`, u8aToHex(who.publicKey)])

  // A quarter of the slots are its. Of two branches that begin with its two blocks either may win: only what is final
  // stays.
  await chainUntil(async () => await ledger(await api.at(await api.rpc.chain.getFinalizedHead())) < before, 'the slash', 120)
  const [{ data: [kind] }] = await findEvents(api, 'offences.Offence', known)
  assert.match(kind.toUtf8(), /^babe:equivocatio/)
  const slashes = await findEvents(api, 'staking.Slashed', known)
  for (const { data: [offender] } of slashes) assert.equal(offender.toString(), who.address)
  const amounts = slashes.map(({ data: [, amount] }) => amount.toBigInt())
  // One of four: (3 * 1/4)^2 of the stake, to the share's rounding.
  assert.ok(before * 9n / 16n - amounts[0] < 1000n, `${amounts}`)
  assert.equal(await ledger(slashes.at(-1).at), before - amounts.reduce((sum, amount) => sum + amount))
  // Out for the era in which it happened; an offence in an era's last slots is reported in the next one.
  const [{ data: [, , happened], at }] = await findEvents(api, 'staking.SlashReported', known)
  if (happened.toNumber() === (await at.query.staking.activeEra()).unwrap().index.toNumber()) {
    const [{ data: [disabled] }] = await findEvents(api, 'session.ValidatorDisabled', known)
    assert.equal(disabled.toString(), who.address)
  }
}
