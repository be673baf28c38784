// The blocks of a node as the bridge's invariants see them, each with the state after it.
import { parseEventLogs } from 'viem'
import { EVENTS } from './books.js'
import { messagesOf } from './nonces.js'
import { connectApi } from './substrate.js'

// The digest's item of the Ethereum block that a block has closed: consensus, engine `fron`, 32 bytes.
const CLOSED = /^0x0466726f6e80([0-9a-f]{64})$/

/** Reads over HTTP, call by call, so that it survives the node's restarts. */
export class BridgeBlocks {
  constructor(node, bridge) {
    Object.assign(this, { node, bridge })
  }

  /** Learns the runtime's types, once. */
  async connect() {
    const { api } = await connectApi(this.node)
    await api.disconnect()
    const { accounts } = api.query.evm
    this.key = accounts.key(this.bridge)
    const account = api.registry.createLookupType(accounts.creator.meta.type.asMap.value)
    const reserves = api.call.bridgeApi.reserves.meta.type
    const decoded = (type) => (hex) => api.registry.createType(type, hex)
    this.types = { account: decoded(account), reserves: decoded(reserves), extrinsic: decoded('Extrinsic') }
    return this
  }

  runs() {
    return this.node.runs()
  }

  async number(hash) {
    return Number((await this.node.call('chain_getHeader', hash)).number)
  }

  async final() {
    return this.number([await this.node.call('chain_getFinalizedHead')])
  }

  best() {
    return this.number([])
  }

  async block(number) {
    const { node, types } = this
    const hash = await node.call('chain_getBlockHash', [number])
    const [{ block }, account, reserves] = await Promise.all([
      node.call('chain_getBlock', [hash]),
      node.call('state_getStorage', [this.key, hash]),
      node.call('state_call', ['BridgeApi_reserves', '0x', hash]),
    ])
    return {
      hash,
      parentHash: block.header.parentHash,
      logs: await this.logs(block.header),
      balance: types.account(account).balance.toBigInt(),
      reserves: plain(types.reserves(reserves)),
      messages: messagesOf(block.extrinsics.map(types.extrinsic)),
    }
  }

  /** The bridge's logs in the Ethereum block that a block has closed. */
  async logs({ digest }) {
    const closed = digest.logs.map((item) => item.match(CLOSED)).find((found) => found)
    if (!closed) return []
    const logs = await this.node.call('eth_getLogs', [{ blockHash: `0x${closed[1]}`, address: this.bridge }])
    return parseEventLogs({ abi: EVENTS, logs })
  }
}

const plain = ({ claimed, settled, locked, backing, sweepFees, paidAhead, coins }) => ({
  claimed: claimed.toBigInt(),
  settled: settled.toBigInt(),
  locked: locked.toBigInt(),
  backing: backing.toBigInt(),
  sweepFees: sweepFees.toBigInt(),
  paidAhead: paidAhead.toBigInt(),
  coins: coins.map(({ txid, vout, sats }) => ({ outpoint: `${txid.toHex()}:${vout}`, sats: sats.toBigInt() })),
})
