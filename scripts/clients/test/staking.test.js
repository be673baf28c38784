// Stake as polkadot-js sees it: nominate, join a pool, an era ends, rewards are paid.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startNode } from '../lib/node.js'
import { FAST, writeSpec } from '../lib/spec.js'
import { chainUntil, connectApi, refusedAll, send, ZYRA } from '../lib/substrate.js'

let dir, node, api, keys, keyring

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzk-spec-'))
  const chain = await writeSpec(dir, 'bitcoinzk_fast', (patch) => { patch.sequencers.calendar = FAST })
  node = await startNode(['--chain', chain, '--alice', '--validator', '--force-authoring',
    '--node-key', 'a1'.repeat(32)]);
  ({ api, keys, keyring } = await connectApi(node))
})

after(async () => {
  await api?.disconnect()
  await node?.stop()
  await rm(dir, { recursive: true, force: true })
})

const free = async (who) => (await api.query.system.account(who.address)).data.free.toBigInt()

test('nominators and pool members are paid for an era', async () => {
  const { alice, bob, charlie, dave } = keys
  await send(api, api.tx.staking.bond(1_000_000n * ZYRA, 'Stash'), bob)
  // Naming somebody twice counts once.
  await send(api, api.tx.staking.nominate([alice.address, alice.address]), bob)
  await send(api, api.tx.nominationPools.create(
    1_000_000n * ZYRA, charlie.address, charlie.address, charlie.address), charlie)
  await send(api, api.tx.nominationPools.nominate(1, [alice.address]), charlie)
  await send(api, api.tx.nominationPools.join(1_000_000n * ZYRA, 1), dave)
  await assert.rejects(send(api, api.tx.nominationPools.join(ZYRA, 1), bob), /nominationPools.Restricted/)
  await assert.rejects(send(api, api.tx.staking.bond(5_000n * ZYRA, 'Stash'), dave), /staking.Restricted/)

  // The first era in which both back Alice, then its end.
  const backing = async () => {
    const era = (await api.query.staking.activeEra()).unwrap().index.toNumber()
    const overview = await api.query.staking.erasStakersOverview(era, alice.address)
    return overview.isSome && overview.unwrap().nominatorCount.toNumber() === 2 ? era : undefined
  }
  const era = await chainUntil(async () => (await backing()) ?? false, 'an era with both')
  const { others } = (await api.query.staking.erasStakersPaged(era, alice.address, 0)).unwrap()
  const backed = others.filter(({ who }) => who.toString() === bob.address).map(({ value }) => value.toBigInt())
  assert.equal(backed.length, 1)
  // To the rounding of votes.
  assert.ok(1_000_000n * ZYRA - backed[0] < 1000n, `${backed}`)
  await chainUntil(async () => (await api.query.staking.erasValidatorReward(era)).isSome, 'the end of the era')

  const before = await free(bob)
  await send(api, api.tx.staking.payoutStakers(alice.address, era), charlie)
  assert.ok(await free(bob) > before, 'the nominator is paid')
  const pending = await api.call.nominationPoolsApi.pendingRewards(dave.address)
  assert.ok(pending.toBigInt() > 0n, 'the member has a share')
  const poor = await free(dave)
  await send(api, api.tx.nominationPools.claimPayout(), dave)
  assert.ok(await free(dave) > poor, 'and takes it')
  await assert.rejects(send(api, api.tx.staking.payoutStakers(alice.address, era), charlie), /staking.AlreadyClaimed/)
  await assert.rejects(send(api, api.tx.staking.payoutStakers(alice.address, 9_999), charlie), /staking.InvalidEraToReward/)
})

test('bad stakes are refused with the reason, and nothing is lost', async () => {
  const small = keyring.addFromUri('//small')
  const { alice, bob } = keys
  const all = 20_000n * ZYRA
  await send(api, api.tx.balances.transferKeepAlive(small.address, all), keys.charlie)
  const refused = (...calls) => refusedAll(api, small, calls)
  const { staking, nominationPools: pools } = api.tx
  await refused(
    [staking.nominate([alice.address]), /staking.NotController/],
    [staking.bond(1, 'Stash'), /staking.InsufficientBond/],
    [pools.join(ZYRA / 2n, 1), /nominationPools.MinimumBondNotMet/],
    [pools.join(ZYRA, 99), /nominationPools.PoolNotFound/],
    [pools.create(ZYRA, small.address, small.address, small.address), /nominationPools.MinimumBondNotMet/],
  )
  await send(api, staking.bond(50n * ZYRA, 'Stash'), small)
  await refused(
    [staking.bond(50n * ZYRA, 'Stash'), /staking.AlreadyBonded/],
    [staking.nominate([alice.address]), /staking.InsufficientBond/],
    [staking.validate({ commission: 0, blocked: false }), /staking.InsufficientBond/],
  )
  await send(api, staking.bondExtra(100n * ZYRA), small)
  await refused(
    [staking.nominate([]), /staking.EmptyTargets/],
    [staking.nominate(Array(17).fill(alice.address)), /staking.TooManyTargets/],
  )
  await send(api, staking.nominate([alice.address]), small)
  // A second nomination takes the place of the first, and binds nothing more.
  await send(api, staking.nominate([alice.address]), small)
  const { targets } = (await api.query.staking.nominators(small.address)).unwrap()
  assert.deepEqual(targets.map(String), [alice.address])
  assert.equal((await api.query.staking.ledger(small.address)).unwrap().total.toBigInt(), 150n * ZYRA)
  await refused(
    // What is left would be too little for a nominator.
    [staking.unbond(100n * ZYRA), /staking.InsufficientBond/],
    [staking.setMinCommission(0), /BadOrigin/],
    [staking.cancelDeferredSlash(0, [0]), /BadOrigin/],
    [staking.reapStash(bob.address, 0), /staking.FundedTarget/],
    [api.tx.session.setKeys({ babe: alice.publicKey, grandpa: alice.publicKey }, '0x'), /session.InvalidProof/],
    [api.tx.session.purgeKeys(), /session.NoKeys/],
  )
  // Fees, and nothing else.
  const { data } = await api.query.system.account(small.address)
  assert.ok(data.free.toBigInt() + data.reserved.toBigInt() > all - ZYRA)
})
