// Stake as polkadot-js sees it: nominate, join a pool, an era ends, rewards are paid.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startNode } from '../lib/node.js'
import { FAST, writeSpec } from '../lib/spec.js'
import { chainUntil, connectApi, send, ZYRA } from '../lib/substrate.js'

let dir, node, api, keys

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzk-spec-'))
  const chain = await writeSpec(dir, 'bitcoinzk_fast', (patch) => { patch.sequencers.calendar = FAST })
  node = await startNode(['--chain', chain, '--alice', '--validator', '--force-authoring',
    '--node-key', 'a1'.repeat(32)]);
  ({ api, keys } = await connectApi(node))
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
  await send(api, api.tx.staking.nominate([alice.address]), bob)
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
  await chainUntil(async () => (await api.query.staking.erasValidatorReward(era)).isSome, 'the end of the era')

  const before = await free(bob)
  await send(api, api.tx.staking.payoutStakers(alice.address, era), charlie)
  assert.ok(await free(bob) > before, 'the nominator is paid')
  const pending = await api.call.nominationPoolsApi.pendingRewards(dave.address)
  assert.ok(pending.toBigInt() > 0n, 'the member has a share')
  const poor = await free(dave)
  await send(api, api.tx.nominationPools.claimPayout(), dave)
  assert.ok(await free(dave) > poor, 'and takes it')
})
