// Accounts with a name, with several holders, and with somebody who acts for them, as polkadot-js sees them.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createKeyMulti, encodeAddress, sortAddresses } from '@polkadot/util-crypto'
import { startNode } from '../lib/node.js'
import { chainUntil, connectApi, errorName, send, ZYRA } from '../lib/substrate.js'

let node, api, keys

before(async () => {
  node = await startNode();
  ({ api, keys } = await connectApi(node))
})

after(async () => {
  await api?.disconnect()
  await node?.stop()
})

const balance = async (who) => (await api.query.system.account(who.address ?? who)).data
const free = async (who) => (await balance(who)).free.toBigInt()
const held = async (who) => (await balance(who)).reserved.toBigInt()
const refused = (tx, who, reason) => assert.rejects(send(api, tx, who), reason)
/** What the event `section.method` says became of the call inside, `Ok` or the error's name. */
function outcome(events, section, method) {
  const [{ event: { data: { result } } }] = events.filter(({ event }) => api.events[section][method].is(event))
  return result.isErr ? errorName(api, result.asErr) : 'Ok'
}

test('a name is set, judged and cleared, and its deposits come back', async () => {
  const { alice, bob, charlie, dave } = keys
  const { identity } = api.tx
  const FEE = 3n * ZYRA
  const names = (display) => identity.setIdentity({ display: { Raw: display }, web: { Raw: 'https://example.org' } })
  const registration = async () => (await api.query.identity.identityOf(charlie.address)).unwrap()
  const before = await held(charlie)

  await Promise.all([
    refused(identity.addRegistrar(bob.address), bob, /BadOrigin/),
    refused(identity.clearIdentity(), charlie, /identity.NoIdentity/),
    refused(identity.setSubs([[bob.address, { Raw: 'cold' }]]), dave, /identity.NotFound/),
    send(api, api.tx.sudo.sudo(identity.addRegistrar(bob.address)), alice),
  ])
  await Promise.all([
    send(api, identity.setFee(0, FEE), bob),
    send(api, names('Charlie'), charlie),
    refused(identity.setFee(0, 1), dave, /identity.InvalidIndex/),
  ])
  const deposit = await held(charlie) - before
  assert.ok(deposit > api.consts.identity.basicDeposit.toBigInt(), `${deposit}`)
  await refused(identity.requestJudgement(0, FEE - 1n), charlie, /identity.FeeChanged/)
  await refused(identity.requestJudgement(7, FEE), charlie, /identity.EmptyIndex/)
  await send(api, identity.requestJudgement(0, FEE), charlie)
  assert.equal(await held(charlie) - before, deposit + FEE)

  const { info } = await registration()
  const judge = (hash) => identity.provideJudgement(0, charlie.address, 'Reasonable', hash)
  await Promise.all([
    refused(judge(info.hash), dave, /identity.InvalidIndex/),
    refused(judge(`0x${'00'.repeat(32)}`), bob, /identity.JudgementForDifferentIdentity/),
    refused(identity.killIdentity(charlie.address), alice, /BadOrigin/),
  ])
  const poor = await free(bob)
  await send(api, judge(info.hash), bob)
  // Less the fee of the transaction.
  assert.ok(await free(bob) - poor > FEE - ZYRA, 'the registrar is paid')
  assert.equal(await held(charlie) - before, deposit)
  const [[registrar, judgement]] = (await registration()).judgements
  assert.deepEqual([registrar.toNumber(), judgement.type], [0, 'Reasonable'])

  await send(api, identity.setSubs([[dave.address, { Raw: 'cold' }]]), charlie)
  assert.equal((await api.query.identity.superOf(dave.address)).unwrap()[0].toString(), charlie.address)
  assert.equal(await held(charlie) - before, deposit + api.consts.identity.subAccountDeposit.toBigInt())
  // Nobody has judged the new name.
  await send(api, names('Somebody'), charlie)
  assert.equal((await registration()).judgements.length, 0)
  await send(api, identity.clearIdentity(), charlie)
  assert.ok((await api.query.identity.identityOf(charlie.address)).isNone)
  assert.ok((await api.query.identity.superOf(dave.address)).isNone)
  assert.equal(await held(charlie), before)
})

test('two of three move what is theirs together, and one alone nothing', async () => {
  const { alice, bob, charlie, dave } = keys
  const { multisig } = api.tx
  const all = [alice, bob, charlie].map(({ address }) => address)
  const joint = encodeAddress(createKeyMulti(all, 2), 42)
  const others = (who) => sortAddresses(all.filter((address) => address !== who.address), 42)
  const weight = { refTime: 2_000_000_000, proofSize: 10_000 }
  const call = api.tx.balances.transferKeepAlive(dave.address, 30n * ZYRA)
  const { hash } = call.method
  const pending = () => api.query.multisig.multisigs(joint, hash)
  const approve = (who, when, list = others(who)) => multisig.approveAsMulti(2, list, when, hash, weight)
  const complete = (who, when, list = others(who)) => multisig.asMulti(2, list, when, call, weight)

  await send(api, api.tx.balances.transferKeepAlive(joint, 100n * ZYRA), dave)
  const [before, poor] = [await held(alice), await free(dave)]
  await Promise.all([
    refused(multisig.asMulti(1, others(alice), null, call, weight), alice, /multisig.MinimumThreshold/),
    refused(approve(bob, null, others(bob).reverse()), bob, /multisig.SignatoriesOutOfOrder/),
    refused(approve(charlie, null, sortAddresses(all, 42)), charlie, /multisig.SenderInSignatories/),
  ])

  await send(api, approve(alice, null), alice)
  const { when } = (await pending()).unwrap()
  const { depositBase, depositFactor } = api.consts.multisig
  assert.equal(await held(alice) - before, depositBase.toBigInt() + 2n * depositFactor.toBigInt())
  assert.equal(await free(joint), 100n * ZYRA)
  await Promise.all([
    refused(complete(alice, when), alice, /multisig.AlreadyApproved/),
    refused(complete(bob, null), bob, /multisig.NoTimepoint/),
    refused(multisig.cancelAsMulti(2, others(charlie), when, hash), charlie, /multisig.NotOwner/),
  ])
  // Whoever is none of them speaks for another account.
  await refused(complete(dave, when, sortAddresses([alice.address, bob.address], 42)), dave, /multisig.UnexpectedTimepoint/)
  assert.equal(await free(joint), 100n * ZYRA)

  const fees = poor - await free(dave)
  assert.ok(fees < ZYRA)
  const events = await send(api, complete(bob, when), bob)
  assert.equal(outcome(events, 'multisig', 'MultisigExecuted'), 'Ok')
  assert.equal(await free(joint), 70n * ZYRA)
  assert.equal(await free(dave), poor - fees + 30n * ZYRA)
  assert.ok((await pending()).isNone)
  assert.equal(await held(alice), before)

  // Whoever began it takes it back.
  await send(api, approve(alice, null), alice)
  await send(api, multisig.cancelAsMulti(2, others(alice), (await pending()).unwrap().when, hash), alice)
  assert.equal(await held(alice), before)
  assert.equal(await free(joint), 70n * ZYRA)
})

test('a proxy does what its type says, for whom it was named and after the delay', async (t) => {
  const { alice, bob, charlie, dave } = keys
  const { proxy, utility } = api.tx
  const pay = api.tx.balances.transferKeepAlive(dave.address, ZYRA)
  const act = async (call, real = charlie, who = dave) =>
    outcome(await send(api, proxy.proxy(real.address, null, call), who), 'proxy', 'ProxyExecuted')

  await t.test('for staking it stakes and pays nobody', async () => {
    const before = await held(charlie)
    await send(api, proxy.addProxy(dave.address, 'Staking', 0), charlie)
    const { proxyDepositBase, proxyDepositFactor } = api.consts.proxy
    const deposit = proxyDepositBase.toBigInt() + proxyDepositFactor.toBigInt()
    assert.equal(await held(charlie) - before, deposit)
    await Promise.all([
      refused(proxy.addProxy(dave.address, 'Staking', 0), charlie, /proxy.Duplicate/),
      refused(proxy.addProxy(bob.address, 'Any', 0), bob, /proxy.NoSelfProxy/),
      refused(proxy.proxy(charlie.address, null, pay), alice, /proxy.NotProxy/),
      // Nor may Dave have another type than he was given.
      refused(proxy.proxy(charlie.address, 'Any', pay), dave, /proxy.NotProxy/),
    ])

    assert.equal(await act(api.tx.staking.bond(1_000n * ZYRA, 'Stash')), 'Ok')
    const { active } = (await api.query.staking.ledger(charlie.address)).unwrap()
    assert.equal(active.toBigInt(), 1_000n * ZYRA)
    const rich = await free(charlie)
    for (const call of [pay, utility.batchAll([pay]), proxy.addProxy(dave.address, 'Any', 0),
      api.tx.convictionVoting.delegate(0, dave.address, 'None', ZYRA)]) {
      assert.equal(await act(call), 'system.CallFiltered')
    }
    assert.equal(await free(charlie), rich)

    const after = await held(charlie)
    await send(api, proxy.removeProxy(dave.address, 'Staking', 0), charlie)
    assert.equal(after - await held(charlie), deposit)
    await refused(proxy.proxy(charlie.address, null, api.tx.staking.chill()), dave, /proxy.NotProxy/)
  })

  await t.test('with a delay it announces, and what was announced can be refused', async () => {
    const DELAY = 2
    const { hash } = pay.method
    const announced = proxy.proxyAnnounced(dave.address, bob.address, null, pay)
    await send(api, utility.batchAll([proxy.addProxy(dave.address, 'Any', DELAY),
      proxy.addProxy(charlie.address, 'CancelProxy', 0)]), bob)
    await refused(proxy.proxy(bob.address, null, pay), dave, /proxy.Unannounced/)
    // In one block, so too early.
    await refused(utility.batchAll([proxy.announce(bob.address, hash), announced]), dave, /proxy.Unannounced/)

    const [before, rich] = [await held(dave), await free(bob)]
    await send(api, proxy.announce(bob.address, hash), dave)
    assert.ok(await held(dave) > before)
    assert.equal(await act(pay, bob, charlie), 'system.CallFiltered')
    assert.equal(await act(proxy.rejectAnnouncement(dave.address, hash), bob, charlie), 'Ok')
    assert.equal(await held(dave), before)
    await refused(announced, alice, /proxy.Unannounced/)

    await send(api, proxy.announce(bob.address, hash), dave)
    const height = async () => (await api.rpc.chain.getHeader()).number.toNumber()
    const [[{ height: at }]] = await api.query.proxy.announcements(dave.address)
    // The next block counts.
    await chainUntil(async () => await height() + 1 >= at.toNumber() + DELAY, 'the delay', 60)
    // Anybody may have it done.
    assert.equal(outcome(await send(api, announced, alice), 'proxy', 'ProxyExecuted'), 'Ok')
    assert.equal(rich - await free(bob), ZYRA)
    assert.equal(await held(dave), before)
  })
})
