// The validator guide (node/collator/README.md), word by word, on a fresh data folder.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { account } from '../lib/accounts.js'
import { BINARY, Node, freePort, startNode, until } from '../lib/node.js'
import { FAST, writeSpec } from '../lib/spec.js'
import { chainUntil, connectApi, send, ZYRA } from '../lib/substrate.js'

const STAKE = 5_000_000n * ZYRA
let dir, alice, fresh, api, keys, stash

const run = async (...args) => (await promisify(execFile)(BINARY, args)).stdout
/** Session keys that the fresh node makes for `owner`, and the proof. */
async function rotate({ address }) {
  const { publicKey } = JSON.parse(await run('key', 'inspect', '--output-type', 'json', address))
  return fresh.call('author_rotateKeysWithOwner', [publicKey])
}

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzk-spec-'))
  const chain = await writeSpec(dir, 'bitcoinzk_fast', (patch) => {
    patch.sequencers.calendar = { ...FAST, bondingEras: 1 }
  })
  alice = await startNode(['--chain', chain, '--alice', '--validator', '--force-authoring',
    '--node-key', 'a1'.repeat(32), '--rpc-methods', 'unsafe'])
  const peer = await alice.call('system_localPeerId')
  const folder = join(dir, 'fresh')
  await mkdir(folder)
  await run('key', 'generate-node-key', '--chain', chain, '--base-path', folder)
  fresh = await new Node(folder, ['--chain', chain, '--validator',
    '--bootnodes', `/ip4/127.0.0.1/tcp/${alice.p2pPort}/p2p/${peer}`], await freePort(), await freePort()).start()
  let keyring
  ({ api, keys, keyring } = await connectApi(alice))
  stash = keyring.addFromUri('//fresh-stash')
})

after(async () => {
  await api?.disconnect()
  await Promise.all([alice?.stop(), fresh?.end()])
  await rm(dir, { recursive: true, force: true })
})

test('a fresh node becomes a sequencer', async (t) => {
  await send(api, api.tx.balances.transferKeepAlive(stash.address, STAKE + 1_000n * ZYRA), keys.bob)

  await t.test('wrong keys and too small a stake are refused, and nothing is lost', async () => {
    for (const { keys: session, proof } of [{ ...await rotate(stash), proof: '0x' }, await rotate(keys.bob)]) {
      await assert.rejects(send(api, api.tx.session.setKeys(session, proof), stash), /session.InvalidProof/)
    }
    await assert.rejects(send(api, api.tx.staking.validate({ commission: 0, blocked: false }), stash),
      /staking.NotController/)
  })

  await t.test('keys, bond, validate', async () => {
    const { keys: session, proof } = await rotate(stash)
    await send(api, api.tx.session.setKeys(session, proof), stash)
    await send(api, api.tx.staking.bond(STAKE, 'Stash'), stash)
    await send(api, api.tx.staking.validate({ commission: 50_000_000, blocked: false }), stash)
  })

  await t.test('it is elected, authors, and its vote is needed for finality', async () => {
    await chainUntil(async () =>
      (await api.query.session.validators()).some((who) => who.toString() === stash.address), 'election')
    await chainUntil(async () =>
      (await api.query.sequencers.records(stash.address)).unwrapOr({ authored: 0 }).authored > 0, 'a block')
    const head = (await api.rpc.chain.getHeader()).number.toNumber()
    await until(async () => {
      const final = await api.rpc.chain.getHeader(await api.rpc.chain.getFinalizedHead())
      return final.number.toNumber() > head
    }, 'finality with two voters', 60)
  })

  await t.test('fees arrive at its coinbase in the EVM', async () => {
    const coinbase = `0x${'c0'.repeat(20)}`
    await assert.rejects(send(api, api.tx.sequencers.setCoinbase(coinbase), stash), /sequencers.NoSuchAccount/)
    const sender = account(1)
    let nonce = Number(await alice.call('eth_getTransactionCount', [sender.address, 'latest']))
    const pay = async (to, value) => alice.call('eth_sendRawTransaction', [await sender.signTransaction({
      chainId: 97304, nonce: nonce++, to, value, gas: 21000n,
      maxFeePerGas: 20_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n,
    })])
    const funding = await pay(coinbase, 1n)
    await until(() => alice.call('eth_getTransactionReceipt', [funding]), 'the coinbase exists')
    await send(api, api.tx.sequencers.setCoinbase(coinbase), stash)
    await until(async () => {
      await pay(account(2).address, 1n)
      await new Promise((resolve) => setTimeout(resolve, 1000))
      return BigInt(await alice.call('eth_getBalance', [coinbase, 'latest'])) > 1n
    }, 'a tip', 120)
  })

  /** Whether it is in the set, by the last final block: its vote is needed for the block that ends its time. */
  const sits = async () => (await (await api.at(await api.rpc.chain.getFinalizedHead())).query.session.validators())
    .some((who) => who.toString() === stash.address)
  const funds = async () => (await api.query.system.account(stash.address)).data
  await t.test('its rewards are paid', async () => {
    const era = await chainUntil(async () => {
      const now = (await api.query.staking.activeEra()).unwrap().index.toNumber()
      const { individual } = await api.query.staking.erasRewardPoints(now)
      return [...individual.keys()].some((who) => who.toString() === stash.address) && now
    }, 'points')
    await chainUntil(async () => (await api.query.staking.erasValidatorReward(era)).isSome, 'the end of the era')
    const before = (await funds()).free.toBigInt()
    await send(api, api.tx.staking.payoutStakers(stash.address, era), keys.bob)
    assert.ok((await funds()).free.toBigInt() > before)
  })

  await t.test('it goes away with its whole stake', async () => {
    await send(api, api.tx.staking.chill(), stash)
    await chainUntil(async () => !(await sits()), 'a set without it')
    await fresh.end()
    await send(api, api.tx.staking.unbond(STAKE), stash)
    const { unlocking } = (await api.query.staking.ledger(stash.address)).unwrap()
    const [{ era }] = unlocking
    await chainUntil(async () => (await api.query.staking.currentEra()).unwrap().toNumber() >= era.toNumber(), 'the bonding time')
    await send(api, api.tx.staking.withdrawUnbonded(0), stash)
    await send(api, api.tx.session.purgeKeys(), stash)
    assert.ok((await api.query.staking.ledger(stash.address)).isNone)
    const { free, reserved } = await funds()
    assert.equal(reserved.toBigInt(), 0n)
    assert.ok(free.toBigInt() > STAKE + 999n * ZYRA, 'all but fees')
  })
})
