// Governance as polkadot-js sees it, on every track: preimage, proposal, deposit, votes, enactment.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { blake2AsHex } from '@polkadot/util-crypto'
import { encodeFunctionData } from 'viem'
import { account } from '../lib/accounts.js'
import { deployLoad } from '../lib/load.js'
import { startNode, until } from '../lib/node.js'
import { deposit, ends, fate, followEnactments, passAll, submit, vote } from '../lib/referenda.js'
import { FAST, writeSpec } from '../lib/spec.js'
import { chainUntil, connectApi, refusedAll, send, ZYRA } from '../lib/substrate.js'

// Eight seconds are a day: the longest wait, root's day of confirmation and day until enactment, is short.
const DAY_BLOCKS = 4
const MILLION = 1_000_000n * ZYRA
let dir, node, api, keys, people, enacted

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzk-spec-'))
  const chain = await writeSpec(dir, 'bitcoinzk_fast', (patch) => {
    patch.sequencers.calendar = { ...FAST, dayBlocks: DAY_BLOCKS }
    // Root is a referendum's alone.
    delete patch.sudo
  })
  node = await startNode(['--chain', chain, '--alice', '--validator', '--force-authoring',
    '--node-key', 'a1'.repeat(32)]);
  ({ api, keys } = await connectApi(node))
  people = { proposer: keys.bob, voters: [keys.alice, keys.bob, keys.dave] }
  enacted = await followEnactments(api)
})

after(async () => {
  enacted?.stop()
  await api?.disconnect()
  await node?.stop()
  await rm(dir, { recursive: true, force: true })
})

const free = async (who) => (await api.query.system.account(who)).data.free.toBigInt()
const final = async () =>
  (await api.rpc.chain.getHeader(await api.rpc.chain.getFinalizedHead())).number.toNumber()
const origin = (name) => ({ Origins: name })
const transfer = () => send(api, api.tx.balances.transferKeepAlive(keys.dave.address, ZYRA), keys.charlie)
const note = (hash) => api.query.preimage.requestStatusFor(hash)

test('every track decides what is its own, and no more', async (t) => {
  const { alice, bob, charlie, dave } = keys
  const treasury = (await send(api, api.tx.balances.transferKeepAlive(
    api.consts.treasury.potAccount, MILLION), charlie), api.consts.treasury.potAccount)
  const spend = (zyra) => api.tx.treasury.spend(null, BigInt(zyra) * ZYRA, bob.address, null)

  // Two that are being decided, for the tracks that end others.
  const idle = [api.tx.system.remark('0x01'), api.tx.system.remark('0x02')]
  const [cancelled, killed] = await submit(api, charlie, idle.map((call) => ({ origin: origin('Spender'), call })))
  await deposit(api, charlie, [cancelled, killed])

  const proposals = {
    root: { origin: { system: 'Root' }, call: api.tx.ethereum.setBlockGasLimit(90_000_000) },
    stakingAdmin: { origin: origin('StakingAdmin'), call: api.tx.staking.setMinCommission(70_000_000) },
    treasurer: { origin: origin('Treasurer'), call: spend(50_000) },
    spender: { origin: origin('Spender'), call: spend(10_000) },
    greedy: { origin: origin('Spender'), call: spend(10_001) },
    usurper: { origin: origin('Guardian'), call: api.tx.ethereum.setBlockGasLimit(60_000_000) },
    guardian: { origin: origin('Guardian'), call: api.tx.txPause.pause(['Balances', 'transfer_keep_alive']) },
    canceller: { origin: origin('Canceller'), call: api.tx.referenda.cancel(cancelled) },
    killer: { origin: origin('Killer'), call: api.tx.referenda.kill(killed) },
    unwanted: { origin: origin('Guardian'), call: api.tx.txPause.pause(['Balances', 'transfer_all']) },
  }
  const names = Object.keys(proposals)
  const indices = await submit(api, bob, Object.values(proposals))
  const at = Object.fromEntries(names.map((name, i) => [name, indices[i]]))
  const wanted = indices.filter((index) => index !== at.unwanted)

  await t.test('votes count by conviction and by delegation', async () => {
    await send(api, api.tx.convictionVoting.delegate(0, dave.address, 'Locked2x', 100_000_000n * ZYRA), charlie)
    await Promise.all([vote(api, alice, [at.root], { conviction: 'Locked3x' }), vote(api, dave, [at.root]),
      vote(api, bob, [at.root], { aye: false, conviction: 'None' })])
    const { tally } = (await api.query.referenda.referendumInfoFor(at.root)).unwrap().asOngoing
    const sum = (million) => BigInt(million) * MILLION
    assert.equal(tally.ayes.toBigInt(), sum(3 * 200 + 200 + 2 * 100))
    assert.equal(tally.nays.toBigInt(), sum(20))
    // What was put in for it, without conviction.
    assert.equal(tally.support.toBigInt(), sum(200 + 200 + 100))
  })

  await Promise.all(people.voters.map((voter) =>
    vote(api, voter, wanted.filter((index) => index !== at.root))))
  await Promise.all([vote(api, alice, [at.unwanted], { aye: false }), vote(api, dave, [at.unwanted], { aye: false }),
    vote(api, bob, [at.unwanted])])
  await assert.rejects(send(api, api.tx.referenda.refundDecisionDeposit(cancelled), charlie), /referenda.Unfinished/)
  await deposit(api, bob, indices)

  const result = async (name) => {
    await ends(api, at[name], 'Approved')
    return enacted.result(at[name])
  }

  await t.test('canceller: a referendum ends, its deposits go back', async () => {
    assert.equal(await result('canceller'), 'Ok')
    assert.equal(await fate(api, cancelled), 'Cancelled')
    const before = await free(charlie.address)
    await send(api, api.tx.utility.batchAll([api.tx.referenda.refundDecisionDeposit(cancelled),
      api.tx.referenda.refundSubmissionDeposit(cancelled)]), charlie)
    // 100 for the decision, 10 for the submission, less a fee.
    assert.ok(await free(charlie.address) - before > 109n * ZYRA)
  })

  await t.test('killer: a referendum ends, its deposits are the treasury\'s', async () => {
    assert.equal(await result('killer'), 'Ok')
    assert.equal(await fate(api, killed), 'Killed')
    await assert.rejects(send(api, api.tx.referenda.refundDecisionDeposit(killed), charlie), /referenda.NoDeposit/)
  })

  await t.test('spender: small sums, paid to whom they are for; larger ones are refused', async () => {
    assert.equal(await result('spender'), 'Ok')
    assert.equal(await result('greedy'), 'treasury.InsufficientPermission')
  })

  await t.test('treasurer: any sum', async () => {
    assert.equal(await result('treasurer'), 'Ok')
    const [pot, before] = [await free(treasury), await free(bob.address)]
    assert.equal((await api.query.treasury.spendCount()).toNumber(), 2)
    await send(api, api.tx.utility.batchAll([api.tx.treasury.payout(0), api.tx.treasury.payout(1)]), charlie)
    assert.equal(await free(bob.address) - before, 60_000n * ZYRA)
    // An era may end meanwhile and add to it.
    assert.ok(await free(treasury) - pot >= -60_000n * ZYRA)
    await assert.rejects(send(api, api.tx.treasury.payout(0), charlie), /treasury.AlreadyAttempted|InvalidIndex/)
  })

  await t.test('staking admin: parameters of staking', async () => {
    assert.equal(await result('stakingAdmin'), 'Ok')
    assert.equal((await api.query.staking.minCommission()).toNumber(), 70_000_000)
  })

  await t.test('guardian: a call is paused; root\'s power it has not', async () => {
    assert.equal(await result('guardian'), 'Ok')
    await assert.rejects(transfer(), /system.CallFiltered|1010/)
    assert.equal(await result('usurper'), 'BadOrigin')
    await send(api, api.tx.system.remark('0x00'), charlie)
  })

  await t.test('what the votes refuse does not happen, and the deposit goes back', async () => {
    await ends(api, at.unwanted, 'Rejected')
    assert.ok((await api.query.txPause.pausedCalls(['Balances', 'transfer_all'])).isNone)
    await send(api, api.tx.referenda.refundDecisionDeposit(at.unwanted), bob)
  })

  await t.test('root: any parameter', async () => {
    assert.equal(await result('root'), 'Ok')
    assert.equal((await api.query.ethereum.blockGasLimit()).toNumber(), 90_000_000)
  })

  await t.test('a vote with conviction stays locked after the decision', async () => {
    const track = { system: 0, StakingAdmin: 10, Treasurer: 11, Spender: 12, Guardian: 13, Canceller: 20, Killer: 21 }
    const of = (name) => track[proposals[name].origin.Origins ?? 'system']
    await send(api, api.tx.utility.batchAll([
      ...names.map((name) => api.tx.convictionVoting.removeVote(of(name), at[name])),
      ...Object.values(track).map((id) => api.tx.convictionVoting.unlock(id, alice.address)),
    ]), alice)
    const { frozen } = (await api.query.system.account(alice.address)).data
    assert.equal(frozen.toBigInt(), 200n * MILLION)
    await assert.rejects(send(api, api.tx.balances.transferAllowDeath(bob.address, 150n * MILLION), alice), /Frozen/)
  })

  await t.test('a preimage that was called can be taken back', async () => {
    const { hash } = proposals.greedy.call.method
    assert.ok((await note(hash)).isSome)
    await send(api, api.tx.preimage.unnotePreimage(hash), bob)
    assert.ok((await note(hash)).isNone)
  })
})

test('the guardian\'s track alone leaves tx-pause, enters safe-mode and leaves it; finality goes on', async () => {
  const guardian = (call) => passAll(api, people, [{ origin: origin('Guardian'), call }])
  const { charlie } = keys
  for (const call of [api.tx.safeMode.forceEnter(), api.tx.safeMode.forceExit(),
    api.tx.txPause.pause(['Balances', 'transfer_allow_death']), api.tx.txPause.unpause(['Balances', 'transfer_keep_alive'])]) {
    await assert.rejects(send(api, call, charlie), /BadOrigin/)
  }
  await assert.rejects(send(api, api.tx.safeMode.enter(), charlie), /safeMode.NotConfigured/)

  const paused = await final()
  await chainUntil(async () => await final() > paused, 'finality under tx-pause', 60)
  assert.ok((await api.query.txPause.pausedCalls(['Balances', 'transfer_keep_alive'])).isSome)
  const unpause = api.tx.txPause.unpause(['Balances', 'transfer_keep_alive'])
  const [index] = await guardian(unpause)
  assert.equal(await enacted.result(index), 'Ok')
  await transfer()

  const [enter] = await guardian(api.tx.safeMode.forceEnter())
  assert.equal(await enacted.result(enter), 'Ok')
  await assert.rejects(transfer(), /system.CallFiltered|1010/)
  const known = await final()
  const [leave] = await guardian(api.tx.safeMode.forceExit())
  assert.ok(await final() > known, 'finality in safe-mode')
  // Of a safe-mode that has ended by itself it would not be.
  assert.equal(await enacted.result(leave), 'Ok')
  await transfer()
})

test('bad proposals are refused with the reason', async () => {
  const { charlie } = keys
  const remark = api.tx.system.remark('0x03').method
  const lookup = { Lookup: { hash: remark.hash, len: remark.encodedLength } }
  await refusedAll(api, charlie, [
    [api.tx.referenda.submit({ system: 'None' }, lookup, { After: 0 }), /referenda.NoTrack/],
    [api.tx.referenda.placeDecisionDeposit(9_999), /referenda.NotOngoing/],
    [api.tx.convictionVoting.vote(9_999, { Standard: { vote: { aye: true }, balance: ZYRA } }), /convictionVoting.NotOngoing/],
    [api.tx.preimage.unnotePreimage(remark.hash), /preimage.NotNoted/],
  ])
  const bytes = remark.toHex()
  await send(api, api.tx.preimage.notePreimage(bytes), charlie)
  await refusedAll(api, charlie, [[api.tx.preimage.notePreimage(bytes), /preimage.AlreadyNoted/]])
  // A byte more than a preimage may have, and more than ordinary transactions may fill of a block: it is not let in.
  const before = await free(charlie.address)
  await assert.rejects(send(api, api.tx.preimage.notePreimage(`0x${'00'.repeat(4 * 1024 * 1024 + 1)}`), charlie),
    /^(RpcError|Error): 1010: Invalid Transaction: Transaction would exhaust the block limits$/)
  assert.equal(await free(charlie.address), before)
})

// scripts/next-runtime.sh builds the runtime with a higher version.
const CODE = process.env.BZK_NEXT_RUNTIME
test('a referendum upgrades the runtime while blocks go on',
  { skip: CODE ? false : 'set BZK_NEXT_RUNTIME to a runtime with a higher version' }, async () => {
    const code = await readFile(CODE)
    const before = api.runtimeVersion.specVersion.toNumber()
    const { Token } = await deployLoad(node)
    const token = (functionName, args) =>
      ({ from: account(0).address, to: Token.address, data: encodeFunctionData({ abi: Token.abi, functionName, args }) })
    const asked = {
      balance: token('balanceOf', [account(0).address]),
      pays: token('transfer', [account(1).address, 5n]),
      // The sender has less: reverts.
      overdraws: token('transfer', [account(1).address, 10n ** 37n]),
      plain: { from: account(0).address, to: account(1).address, value: '0x1' },
    }
    const answer = (method, call) => node.call(method, [call, 'latest'])
      .catch(({ code, message, data }) => ({ code, message, data }))
    const answers = async () => Object.fromEntries(await Promise.all(Object.entries(asked).flatMap(([name, call]) =>
      ['eth_call', 'eth_estimateGas'].map(async (method) => [`${method} ${name}`, await answer(method, call)]))))
    const natively = await answers()
    assert.equal(BigInt(natively['eth_call balance']), 10n ** 36n)
    assert.equal(natively['eth_call overdraws'].code, 3)
    assert.equal(natively['eth_estimateGas plain'], '0x5208')
    const [index] = await passAll(api, people, [
      { origin: { system: 'Root' }, call: api.tx.system.authorizeUpgrade(blake2AsHex(code, 256)) }])
    assert.equal(await enacted.result(index), 'Ok')
    await assert.rejects(send(api, api.tx.system.applyAuthorizedUpgrade('0x00'), keys.charlie), /Unauthorized|1010/)
    // Only sent: polkadot-js reads the events of a block with the code that follows it, which is another one here.
    await api.tx.system.applyAuthorizedUpgrade(`0x${code.toString('hex')}`).signAndSend(keys.charlie, { nonce: -1 })
    await chainUntil(async () =>
      (await node.call('state_getRuntimeVersion')).specVersion > before, 'the new version')
    const head = Number(await node.call('eth_blockNumber'))
    await until(async () => Number(await node.call('eth_blockNumber')) > head, 'Ethereum blocks go on', 60)
    // This node is older than the runtime now: plain calls run the chain's code, and nothing is traced.
    assert.deepEqual(await answers(), natively)
    const refused = { code: -32002, message: /update the node/ }
    await assert.rejects(node.call('debug_traceCall', [asked.balance, 'latest', {}]), refused)
    await assert.rejects(node.call('eth_createAccessList', [asked.balance, 'latest']), refused)
    await assert.rejects(node.call('eth_call', [asked.balance, 'latest', { [Token.address]: { code: '0x' } }]), refused)
    await until(async () => api.runtimeVersion.specVersion.toNumber() > before, 'polkadot-js follows', 60)
    await transfer()
    const known = await final()
    await until(async () => await final() > known + 1, 'finality goes on', 60)
  })
