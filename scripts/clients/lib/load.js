// A reproducible random load over everything that the profile has.
import { concat, createPublicClient, createWalletClient, encodeFunctionData, http, keccak256, toHex } from 'viem'
import { account, chain } from './accounts.js'
import { compile } from './solidity.js'
import { until } from './node.js'

/** A small seeded generator (mulberry32): the same seed gives the same load. */
export function random(seed) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
  let turns = 0
  return {
    below: (n) => next() % n,
    bytes: (n) => toHex(Uint8Array.from({ length: n }, () => next() & 255)),
    /** 0 to `n` - 1 in turn, so that a short load has all of them. */
    turn: (n) => turns++ % n,
  }
}

/** Deploys the contracts that the load calls, or some of them. */
export async function deployLoad(node, names = ['Token', 'Zoo']) {
  const reader = createPublicClient({ chain: chain(node), transport: http() })
  const wallet = createWalletClient({ account: account(0), chain: chain(node), transport: http() })
  const deployed = {}
  for (const name of names) {
    const { abi, bytecode } = compile(`${name}.sol`, name)
    const hash = await wallet.deployContract({ abi, bytecode })
    const receipt = await reader.waitForTransactionReceipt({ hash, pollingInterval: 200 })
    deployed[name] = { abi, address: receipt.contractAddress }
  }
  return deployed
}

const PRECOMPILE_INPUTS = (dice) => [
  [1, dice.bytes(128)], [2, dice.bytes(dice.below(200))], [3, dice.bytes(dice.below(100))],
  [4, dice.bytes(dice.below(300))],
  [5, `0x${'00'.repeat(31)}20${'00'.repeat(31)}01${'00'.repeat(31)}20${dice.bytes(65).slice(2)}`],
  [6, `0x${'00'.repeat(31)}01${'00'.repeat(31)}02${'00'.repeat(31)}01${'00'.repeat(31)}02`],
  [6, dice.bytes(128)],
  [7, `0x${'00'.repeat(31)}01${'00'.repeat(31)}02${dice.bytes(32).slice(2)}`],
  [8, '0x'], [8, dice.bytes(100)],
  // Rounds, state and message, whether it is the last block. The prover's meter counts rounds also where all else is
  // wrong, as the length is in the second.
  [9, concat([toHex(dice.below(30), { size: 4 }), dice.bytes(208), toHex(dice.below(2), { size: 1 })])],
  [9, concat([toHex(dice.below(30), { size: 4 }), dice.bytes(208)])],
]

/** One random transaction as viem takes it. */
export function randomTransaction(dice, { Token, Zoo }) {
  const zoo = (functionName, args, rest = {}) => ({
    to: Zoo.address, data: encodeFunctionData({ abi: Zoo.abi, functionName, args }), gas: 1_500_000n, ...rest,
  })
  const fresh = `0x${keccak256(dice.bytes(8)).slice(26)}`
  const precompile = () => {
    const inputs = PRECOMPILE_INPUTS(dice)
    const [i, input] = inputs[dice.turn(inputs.length)]
    return zoo('precompile', [BigInt(i), input])
  }
  const picks = [
    () => ({ to: fresh, value: BigInt(dice.below(1e9)), gas: 21000n }),
    () => ({ to: account(dice.below(10)).address, value: 1n, gas: 30000n }),
    () => ({ to: Token.address, gas: 100_000n,
      data: encodeFunctionData({ abi: Token.abi, functionName: 'transfer', args: [fresh, BigInt(dice.below(3))] }) }),
    () => zoo('store', [BigInt(dice.below(20)), BigInt(dice.below(20)), BigInt(dice.below(3))]),
    () => zoo('log', [BigInt(dice.below(9)), dice.bytes(dice.below(600))]),
    () => zoo('create', [dice.bytes(32)], { value: BigInt(dice.below(100)) }),
    () => zoo('flash', [], { value: BigInt(dice.below(100)) }),
    () => zoo('endOld', [BigInt(dice.below(50))]),
    // A call takes 24,000 gas and leaves 1/64: the deepest run out of it on the way down.
    () => zoo('dive', [BigInt(dice.below(64))], { gas: BigInt(1 + dice.below(4)) * 1_000_000n }),
    precompile, precompile,
    () => zoo('opcodes', [dice.below(2) ? fresh : Token.address], { value: 1n }),
    () => zoo('fail', [BigInt(dice.below(2))]),
    () => zoo('burnAll', [], { gas: 60_000n }),
    () => ({ data: dice.bytes(dice.below(60)), gas: 200_000n }),
    () => ({ data: compile('Burner.sol', 'Burner').bytecode, gas: 500_000n }),
  ]
  const request = picks[dice.below(picks.length)]()
  const kind = dice.below(4)
  if (kind === 0) return { ...request, type: 'legacy', gasPrice: 50_000_000_000n }
  if (kind === 1) {
    // One address and one slot cost 4,300 gas before execution.
    return { ...request, gas: request.gas + 4300n, type: 'eip2930', gasPrice: 50_000_000_000n,
      accessList: [{ address: Zoo.address, storageKeys: [toHex(dice.below(20), { size: 32 })] }] }
  }
  return { ...request, maxFeePerGas: 60_000_000_000n, maxPriorityFeePerGas: BigInt(dice.below(2e9)) }
}

/** Sends `count` random transactions from the ten accounts and waits until all are included. */
export async function runLoad(node, count, seed = 1) {
  const contracts = await deployLoad(node)
  const dice = random(seed)
  const reader = createPublicClient({ chain: chain(node), transport: http() })
  const nonces = await Promise.all(
    Array.from({ length: 10 }, (_, i) => reader.getTransactionCount({ address: account(i).address })))
  const hashes = []
  for (let i = 0; i < count; i++) {
    const from = dice.below(10)
    const request = { ...randomTransaction(dice, contracts), chainId: 97304, nonce: nonces[from]++ }
    const raw = await account(from).signTransaction(request)
    hashes.push(await node.call('eth_sendRawTransaction', [raw]))
    if (i % 100 === 99) await included(node, hashes.at(-1))
  }
  for (const hash of hashes) await included(node, hash)
  return hashes
}

const included = (node, hash) =>
  until(() => node.call('eth_getTransactionReceipt', [hash]), `receipt of ${hash}`, 120)
