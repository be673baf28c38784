// A bitcoind of one's own on regtest. It has no wallet: coins that anybody can spend pay what is asked for.
import { createHash } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { spawn } from './children.js'
import { CACHE, until } from './node.js'

// P2WSH of the script OP_TRUE; Core's own tests use this address.
const ANYBODY = 'bcrt1qft5p2uhsdcdc3l2ua4ap5qqfg4pjaqlp250x7us7a8qqhrxrxfsqseac85'
const ANYBODY_SCRIPT = `0020${createHash('sha256').update(Buffer.from('51', 'hex')).digest('hex')}`
const MATURITY = 100
const FEE_SATS = 1_000n

const little = (number, bytes) => {
  const buffer = Buffer.alloc(bytes)
  buffer[bytes === 8 ? 'writeBigUInt64LE' : 'writeUInt32LE'](number)
  return buffer.toString('hex')
}
const reversed = (txid) => Buffer.from(txid, 'hex').reverse().toString('hex')
const output = (script, sats) => little(sats, 8) + (script.length / 2).toString(16).padStart(2, '0') + script
const sats = (btc) => BigInt(Math.round(btc * 1e8))

/** A running node. It listens for peers on `p2pPort` and connects to that of `peer`, a running node; by default it has
 *  none. */
export class Bitcoin {
  constructor(dir, port, { p2pPort, peer } = {}) {
    Object.assign(this, { dir, port, p2pPort, peer, nextCoinbase: 1 })
    this.url = `http://127.0.0.1:${port}`
    this.cookie = join(dir, 'regtest/.cookie')
  }

  /** Starts the process and waits until it answers. */
  async start() {
    await mkdir(this.dir, { recursive: true })
    const path = join(this.dir, 'bitcoind.log')
    const log = openSync(path, 'a')
    this.process = spawn(process.env.BITCOIND_EXE ?? join(CACHE, 'bin/bitcoind'), [
      `-datadir=${this.dir}`, `-rpcport=${this.port}`, '-regtest', '-server', '-txindex=1', '-blockfilterindex=1',
      ...(this.p2pPort ? ['-listen=1', `-bind=127.0.0.1:${this.p2pPort}`] : ['-listen=0']),
      `-connect=${this.peer ? `127.0.0.1:${this.peer.p2pPort}` : 0}`, '-dnsseed=0', '-fixedseeds=0',
      '-discover=0', '-listenonion=0',
    ], { stdio: ['ignore', log, log] })
    closeSync(log)
    this.exited = new Promise((resolve) => this.process.once('exit', resolve))
    await until(() => !this.runs() || this.call('getblockcount').then((height) => height >= 0), `bitcoind on port ${this.port}`)
    if (!this.runs()) throw new Error(`bitcoind exited, see ${path}`)
    return this
  }

  runs() {
    return this.process.exitCode === null && this.process.signalCode === null
  }

  /** One JSON-RPC call; throws the node's error. */
  async call(method, ...params) {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(await readFile(this.cookie, 'utf8'))}` },
      body: JSON.stringify({ id: 1, method, params }),
    })
    const { result, error } = await response.json()
    if (error) throw Object.assign(new Error(`${method}: ${error.message}`), { code: error.code })
    return result
  }

  /** Mines blocks with what is in the mempool. Gives their hashes. */
  mine(count) {
    return this.call('generatetoaddress', count, ANYBODY)
  }

  /** Pays `[address, sats]` pairs from the oldest unspent coinbase. Gives the transaction's id. */
  async pay(payments) {
    const at = this.nextCoinbase++
    const lacking = at + MATURITY - await this.call('getblockcount')
    if (lacking > 0) await this.mine(lacking)
    const { tx: [coinbase] } = await this.call('getblock', await this.call('getblockhash', at), 2)
    const outputs = await Promise.all(payments.map(async ([address, amount]) => {
      const { isvalid, scriptPubKey, error } = await this.call('validateaddress', String(address))
      if (!isvalid) throw new Error(`${address} is no address on regtest: ${error}`)
      if (!/^\d+$/.test(amount)) throw new Error(`${amount} is no number of sats`)
      return output(scriptPubKey, BigInt(amount))
    }))
    const paid = payments.reduce((sum, [, amount]) => sum + BigInt(amount), FEE_SATS)
    outputs.push(output(ANYBODY_SCRIPT, sats(coinbase.vout[0].value) - paid))
    return this.call('sendrawtransaction', [
      '02000000', '0001', '01', reversed(coinbase.txid), little(0, 4), '00', 'fdffffff',
      outputs.length.toString(16).padStart(2, '0'), ...outputs, '01', '01', '51', '00000000',
    ].join(''))
  }

  /** The P2WPKH address of a hash that holds `number`: nobody's. */
  async address(number) {
    const hash = (0xbeef0000 + number).toString(16).padStart(40, '0')
    const { descriptor } = await this.call('getdescriptorinfo', `raw(0014${hash})`)
    return (await this.call('deriveaddresses', descriptor))[0]
  }

  /** Sats that confirmed outputs pay to an address. */
  async received(address) {
    const { total_amount: total } = await this.call('scantxoutset', 'start', [`addr(${address})`])
    return sats(total)
  }

  /** Ends the process in order and waits for it. */
  async stop() {
    if (this.process && this.runs()) this.process.kill('SIGTERM')
    await this.exited
  }
}
