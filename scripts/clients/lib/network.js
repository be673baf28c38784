// Networks of several authorities: two that are joined later, or as many as have a name.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startNode, until } from './node.js'
import { writeSpec } from './spec.js'

const ALICE = ['5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY', '5FA9nQDVg267DEd8m1ZypXLBnvN7SFxYwV7ndqSYGiN9TTpu']
const BOB = ['5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty', '5GoNkf6WdbxCFnPdAnYYQyCjAKPJgLNxXwPjwTh6DGg6gN3E']

/**
 * The development chain with two authorities. Each claims half of the slots as primary author, so a
 * partition that runs longer soon has the heavier chain; finality needs both.
 */
async function twoAuthorities(dir) {
  return writeSpec(dir, 'bitcoinzk_two', (patch) => {
    const [[, , stake]] = patch.staking.stakers
    patch.staking.stakers = [ALICE, BOB].map(([stash]) => [stash, stash, stake, 'Validator'])
    patch.session.keys = [ALICE, BOB].map(([babe, grandpa]) => [babe, babe, { babe, grandpa }])
    patch.babe.epochConfig.c = [3, 4]
  })
}

/** Starts Alice and Bob without a connection between them. */
export async function startPartitioned() {
  const dir = await mkdtemp(join(tmpdir(), 'bzk-spec-'))
  const chain = await twoAuthorities(dir)
  const args = (name, key) => ['--chain', chain, `--${name}`, '--force-authoring', '--reserved-only',
    // A development chain would keep the states of all forks.
    '--state-pruning', '256',
    '--rpc-methods', 'unsafe', '--node-key', key.repeat(32)]
  const alice = await startNode(args('alice', 'a1'))
  const bob = await startNode(args('bob', 'b2')).catch(async (error) => {
    await alice.stop()
    throw error
  })
  return { alice, bob, stop: async () => {
    await Promise.all([alice.stop(), bob.stop()])
    await rm(dir, { recursive: true, force: true })
  } }
}

/** Where other nodes of this machine reach `node`, as a multiaddress. Not by WebRTC: nodes do not dial that. */
export const addressOf = (node) => until(async () =>
  (await node.call('system_localListenAddresses')).find((address) => address.startsWith('/ip4/127.0.0.1/tcp/')), 'an address')

/** Lets the two nodes talk. */
export async function connect(a, b) {
  for (const [from, to] of [[a, b], [b, a]]) {
    await from.call('system_addReservedPeer', [await addressOf(to)])
  }
}

/**
 * Starts one validator for each of `people`, `{ name, as }`, that keeps connected to those before it; `as` is the
 * development account whose session keys it has, by default that of its name. `args` go to each.
 */
export async function startNetwork(chain, people, args = []) {
  const nodes = {}
  const stop = () => Promise.all(Object.values(nodes).map((node) => node.stop()))
  try {
    const peers = []
    for (const [index, { name, as = name }] of people.entries()) {
      const node = await startNode(['--chain', chain, `--${as}`, '--validator', '--rpc-methods', 'unsafe',
        '--node-key', `0${index + 1}`.repeat(32), ...(index ? ['--reserved-nodes', ...peers] : []), ...args])
      peers.push(await addressOf(node))
      nodes[name] = node
    }
  } catch (error) {
    await stop()
    throw error
  }
  return { nodes, stop }
}

// BABE's pre-digest: engine `BABE`, two bytes of length, then 1 for a primary slot.
const PRIMARY = /^0x0642414245....01/

/** Weight of the best chain as BABE counts it: its primary slots. */
export async function weight(node) {
  let header = await node.call('chain_getHeader')
  let primary = 0
  while (BigInt(header.number) > 0n) {
    if (header.digest.logs.some((log) => PRIMARY.test(log))) primary++
    header = await node.call('chain_getHeader', [header.parentHash])
  }
  return primary
}
