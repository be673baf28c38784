// The bridge's books, kept a second time from the contract's logs. Invariant 1: what circulates is what was claimed less
// what was settled, and the coins cover it. Invariant 2: no outpoint is claimed twice, no withdrawal is paid twice.
import { parseAbi } from 'viem'

const WEI_PER_SAT = 10n ** 10n

/** The contract's logs by which BTC comes, waits and leaves. `cover` has none; nobody calls it here. */
export const EVENTS = parseAbi([
  'event Claimed(bytes32 indexed txid, uint32 vout, address indexed recipient, uint32 indexed epoch, uint64 amount, uint64 fees, bytes32 leaf, bytes32 blockHash, uint32 height)',
  'event WithdrawalRequested(uint64 indexed id, address indexed owner, uint64 amount, uint64 maxFee, uint32 height, bytes script)',
  'event WithdrawalSettled(uint64 indexed id, bytes32 indexed txid, uint32 vout, uint64 paid, uint32 height)',
  'event WithdrawalReopened(uint64 indexed id, uint32 height)',
  'event WithdrawalUnlocked(uint64 indexed id, address indexed owner, uint64 amount)',
])
// From which state each log takes a withdrawal, and to which.
const STEPS = {
  WithdrawalRequested: [undefined, 'locked'],
  WithdrawalSettled: ['locked', 'settled'],
  WithdrawalReopened: ['settled', 'locked'],
  WithdrawalUnlocked: ['locked', 'unlocked'],
}

/** What was claimed and withdrawn up to a block. */
export class Books {
  constructor() {
    Object.assign(this, { claims: new Set(), withdrawals: new Map(), claimed: 0n })
  }

  /**
   * Takes the blocks in turn, genesis first; gives what does not hold at this one, as texts.
   * `logs` are decoded by `EVENTS`; `balance` of the contract is wei, all other amounts are sats.
   */
  apply({ logs, balance, reserves }) {
    this.genesis ??= balance
    return [...logs.flatMap((log) => this.enter(log)), ...this.contract(balance, reserves), ...this.coins(reserves)]
  }

  enter({ eventName, args }) {
    if (eventName === 'Claimed') {
      const outpoint = `${args.txid}:${args.vout}`
      const again = this.claims.has(outpoint)
      this.claims.add(outpoint)
      this.claimed += args.amount
      return again ? [`2: ${outpoint} is claimed twice`] : []
    }
    const [from, to] = STEPS[eventName]
    const { state, amount } = this.withdrawals.get(args.id) ?? { amount: args.amount ?? 0n }
    this.withdrawals.set(args.id, { state: to, amount })
    return state === from ? [] : [`2: withdrawal ${args.id} was ${state ?? 'unknown'} and is ${to}`]
  }

  /** Sum of the withdrawals that are in a state. */
  sum(wanted) {
    return [...this.withdrawals.values()].reduce((sum, { state, amount }) => sum + (state === wanted ? amount : 0n), 0n)
  }

  /** The contract against its logs, and its balance against its own totals. */
  contract(balance, { claimed, settled, locked }) {
    const [was, is] = [this.genesis + (settled + locked) * WEI_PER_SAT, balance + claimed * WEI_PER_SAT]
    const sums = [['claimed', claimed, this.claimed], ['settled', settled, this.sum('settled')],
      ['locked', locked, this.sum('locked')]]
    return [
      ...sums.filter(([, total, sum]) => total !== sum).map(([name, total, sum]) =>
        `1: ${name} is ${total} sats and the logs sum up to ${sum}`),
      ...(is === was ? [] : [`1: balance + claimed is ${is} wei, genesis + settled + locked is ${was}`]),
      ...(settled + locked <= claimed ? []
        : [`1: ${settled} settled + ${locked} locked are more than ${claimed} claimed`]),
    ]
  }

  /**
   * What the pallet has against what the contract owes. What sweeps have cost, and payouts above what they charged,
   * is the committee's; what is paid ahead is paid, though whoever proved the payout left it out.
   */
  coins({ claimed, settled, backing, sweepFees, paidAhead, coins }) {
    const outpoints = new Set(coins.map(({ outpoint }) => outpoint))
    const sum = coins.reduce((sum, { sats }) => sum + sats, 0n)
    return [
      ...(outpoints.size === coins.length ? [] : ['1: a coin is counted twice']),
      ...(sum === backing ? [] : [`1: backing is ${backing} sats and the coins sum up to ${sum}`]),
      ...(backing + sweepFees + paidAhead >= claimed - settled ? []
        : [`1: ${backing} sats, ${sweepFees} of sweeps and ${paidAhead} paid ahead do not cover ${claimed - settled}`]),
    ]
  }
}
