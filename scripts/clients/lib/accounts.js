// The development preset's prefunded accounts (mnemonic "test test ... junk").
import { mnemonicToAccount } from 'viem/accounts'
import { defineChain } from 'viem'

export const MNEMONIC = 'test test test test test test test test test test test junk'

// Deriving one takes 100 ms, and the load asks for one per transaction.
const derived = new Map()

/** The `index`-th prefunded account. */
export function account(index) {
  if (!derived.has(index)) derived.set(index, mnemonicToAccount(MNEMONIC, { addressIndex: index }))
  return derived.get(index)
}

/** The private key of the `index`-th prefunded account, as 0x hex. */
export const privateKey = (index) =>
  `0x${Buffer.from(account(index).getHdKey().privateKey).toString('hex')}`

/** A raw transaction of the `from`-th prefunded account: a transfer's gas and fees that are enough, unless `rest` differs. */
export const sign = (from, nonce, rest) => account(from).signTransaction({ chainId: 97304, nonce, gas: 21000n,
  maxFeePerGas: 20_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n, ...rest })

/** Our chain as viem describes one. */
export const chain = (node) =>
  defineChain({
    id: 97304,
    name: 'BitcoinZK development',
    nativeCurrency: { name: 'Bitcoin', symbol: 'BTC', decimals: 18 },
    rpcUrls: { default: { http: [node.url], webSocket: [node.ws] } },
    contracts: { multicall3: { address: '0xcA11bde05977b3631167028862bE2a173976CA11' } },
  })
