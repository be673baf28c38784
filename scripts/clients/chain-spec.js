// Prints the specification of a production chain. The node's README says what goes in.
// Usage: node scripts/clients/chain-spec.js PLAN.json CONTRACTS.json > chain.json
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { u8aToHex } from '@polkadot/util'
import { decodeAddress } from '@polkadot/util-crypto'
import { BINARY } from './lib/node.js'
import { json } from './lib/spec.js'
import { ZYRA } from './lib/substrate.js'

const SUPPLY = 1_000_000_000n * ZYRA
const EXISTENTIAL_DEPOSIT = ZYRA / 1_000n
const SUPPLY_BTC = 21_000_000n * 10n ** 18n
const SEATS = 100

function check(holds, reason) {
  if (!holds) throw new Error(reason)
}

/** Public key of an account; throws with the account where it is none. */
function key(account) {
  try {
    return u8aToHex(decodeAddress(account))
  } catch {
    throw new Error(`"${account}" is no account`)
  }
}

/** ZYRA in the smallest unit; whole ones only. */
function amount(zyra, whose) {
  check(Number.isSafeInteger(zyra) && zyra > 0, `"${zyra}" for ${whose} is no whole number of ZYRA`)
  return BigInt(zyra) * ZYRA
}

/**
 * The genesis of a production chain as a change of `patch`, that of the chain `local`: other people, the contracts of
 * another Bitcoin network, and what is not named as the runtime has it by default.
 */
function genesis(patch, { holders, validators }, contracts) {
  const known = new Set(patch.session.keys.flatMap(([who, , keys]) => [who, keys.babe, keys.grandpa]).map(key))
  const [treasury] = patch.balances.balances.map(([who]) => who).filter((who) => !known.has(key(who)))
  const accounts = [...Object.keys(holders), ...validators.flatMap(({ stash, babe, grandpa }) => [stash, babe, grandpa])]
  for (const account of accounts) check(!known.has(key(account)), `everybody knows the secret of ${account}`)

  const balances = Object.entries(holders).map(([who, zyra]) => [who, amount(zyra, who)])
  const rest = SUPPLY - balances.reduce((sum, [, value]) => sum + value, 0n)
  check(rest >= EXISTENTIAL_DEPOSIT, 'the holders have all ZYRA or more, and the treasury needs 0.001')
  check(validators.length >= 4, `${validators.length} validators: finality with one of them down needs four`)
  const stakers = validators.map(({ stash, stake }) => {
    check(amount(stake, stash) < amount(holders[stash], stash), `${stash} stakes all it has or more`)
    return [stash, stash, amount(stake, stash), 'Validator']
  })

  check(contracts.network !== 'regtest', 'anybody mines on regtest: run Genesis.s.sol with another BITCOIN_NETWORK')
  const evm = Object.entries(patch.evm.accounts).filter(([, { code }]) => code.length > 2)
  const bridge = contracts.accounts.map(({ address, nonce, balance, code, storage }) =>
    [address.toLowerCase(), { nonce, balance: `0x${BigInt(balance).toString(16)}`, code, storage }])
  const ledger = Object.fromEntries([...evm, ...bridge])
  const btc = Object.values(ledger).reduce((sum, { balance }) => sum + BigInt(balance), 0n)
  check(btc === SUPPLY_BTC, `${btc} wei in the genesis, not 21,000,000 BTC in the bridge`)

  const { sequencers, sudo, ethereum, btcBridge, ...same } = patch
  return {
    ...same,
    balances: { balances: [...balances, [treasury, rest]] },
    session: { keys: validators.map(({ stash, babe, grandpa }) => [stash, stash, { babe, grandpa }]) },
    staking: { ...patch.staking, validatorCount: SEATS, minimumValidatorCount: 4, stakers },
    evm: { accounts: ledger },
  }
}

const [plan, contracts] = await Promise.all(process.argv.slice(2, 4).map(async (file) => JSON.parse(await readFile(file))))
if (!contracts) throw new Error('usage: chain-spec.js PLAN.json CONTRACTS.json')
const { stdout } = await promisify(execFile)(BINARY, ['export-chain-spec', '--chain', 'local'], { maxBuffer: 1 << 27 })
const local = JSON.parse(stdout)
const runtimeGenesis = local.genesis.runtimeGenesis
runtimeGenesis.patch = genesis(runtimeGenesis.patch, plan, contracts)
const { name, id, bootNodes = [] } = plan
process.stdout.write(json({ ...local, name, id, protocolId: id, bootNodes, chainType: 'Live' }))
