// The whole system on one machine, real parts: bitcoind on regtest, a node, the signers of a committee, a relayer.
import { execFile } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { hexToU8a, u8aToHex } from '@polkadot/util'
import { schnorr } from '@noble/curves/secp256k1.js'
import { createWalletClient, encodeAbiParameters, http, keccak256, parseAbi, publicActions } from 'viem'
import { account, chain, privateKey } from './accounts.js'
import { Bitcoin } from './bitcoin.js'
import { Books } from './books.js'
import { BridgeBlocks } from './bridge-blocks.js'
import { writeSpecAtTip } from './checkpoint.js'
import { spawn } from './children.js'
import { Node, PROGRAMS, freePort, until } from './node.js'
import { Nonces } from './nonces.js'
import { connectApi, send } from './substrate.js'
import { Watcher } from './watcher.js'

export const BRIDGE = '0x425a4b0000000000000000000000000000000003'
const BRIDGE_ABI = parseAbi([
  'function rotate(bytes32 nextKey, uint32 closesAt, bytes signature)',
  'function totals() view returns (uint64 claimed, uint64 settled, uint64 locked, uint64 deficit)',
  'function state() view returns (uint64 withdrawals, uint64 outflow, uint32 outflowTime, uint32 epoch, uint32 nonce, bool paused)',
])
const WORDS = (count) => Array(count).fill({ type: 'bytes32' })
const word = (number) => `0x${BigInt(number).toString(16).padStart(64, '0')}`
// Regtest's genesis key, private key 3, can name the first group key and do nothing else.
const GENESIS_KEY = word(3)
// Prefunded accounts: the relayer's, the one that names the first key, and the one that may use proofs.
const [RELAYER, STARTER, PROVER] = [9, 8, 7]
// A prover needs minutes for a block, so there are few, and few in a batch.
const HEARTBEAT_MS = 600_000
const LIMITS = { blocks: 4, transactions: 100, cycles: 2_000_000_000, ageS: 600 }

/** The devnet's parts. `start` brings them up one after the other; `stop` ends them the other way round. */
export class Devnet {
  /**
   * `dir` holds all data; each port that is not given is a free one. The signers take the bitcoinds in turn; these are
   * peers of the first, which mines and is the relayer's. `prover`: program and arguments of one, to which those of its
   * service are added. Every block is held to the bridge's invariants if it is `watched`.
   */
  constructor(dir, { signers = 4, bitcoinds = 1, ports = {}, prover, watched = true, say = () => {} } = {}) {
    Object.assign(this, { dir, count: signers, bitcoinds, ports, prover, watched, say, signers: [], parts: [] })
    this.deposits = join(dir, 'deposits.jsonl')
  }

  async start() {
    await mkdir(this.dir, { recursive: true })
    const port = async (name) => this.ports[name] ?? freePort()
    const p2pPort = this.bitcoinds > 1 ? await freePort() : undefined
    this.bitcoin = new Bitcoin(join(this.dir, 'bitcoin'), await port('bitcoin'), { p2pPort })
    this.parts.push(this.bitcoin)
    await this.bitcoin.start()
    if (await this.bitcoin.call('getblockcount') < 101) await this.bitcoin.mine(101)
    this.say(`bitcoind   ${this.bitcoin.url} (regtest, cookie ${this.bitcoin.cookie})`)
    this.peers = [this.bitcoin]
    for (let index = 1; index < this.bitcoinds; index++) await this.startPeer(index)

    const dir = join(this.dir, 'node')
    const spec = await this.specification(dir)
    await mkdir(dir, { recursive: true })
    const metrics = await port('metrics')
    const args = ['--dev', ...(spec ? ['--chain', spec] : []), '--prometheus-port', String(metrics)]
    const listen = this.prover && `127.0.0.1:${await port('prover')}`
    if (listen) args.push('--prover-url', `http://${listen}`, '--prover-address', account(PROVER).address)
    this.node = new Node(dir, args, await port('rpc'), await port('p2p'))
    this.parts.push({ stop: () => this.node.end() })
    await this.node.start()
    this.say(`node       ${this.node.url} (metrics http://127.0.0.1:${metrics}/metrics)`)
    if (this.watched) await this.watch()

    if (listen) await this.startProver(listen)
    await this.startRelayer()
    this.say(`relayer    deposits ${this.deposits}`)
    for (let index = 0; index < this.count; index++) await this.startSigner(index)
    this.say(`signers    ${this.count}, stores ${join(this.dir, 'signer-*')}`)
    await this.makeKey()
    return this
  }

  /**
   * The file of the chain that the node in `dir` runs; none for the preset. With a prover a new chain begins at Bitcoin's
   * tip.
   */
  async specification(dir) {
    const spec = join(this.dir, 'bitcoinzk_at_tip.json')
    if (existsSync(spec)) return spec
    return this.prover && !existsSync(dir) ? writeSpecAtTip(this.dir, this.bitcoin) : undefined
  }

  /** Holds every block from genesis on to the invariants of books.js and nonces.js. */
  async watch() {
    this.nonces = new Nonces()
    const blocks = await new BridgeBlocks(this.node, BRIDGE).connect()
    this.watcher = new Watcher(blocks, [new Books(), this.nonces]).start()
  }

  /** Starts another bitcoind, and waits until it has the first one's chain. */
  async startPeer(index) {
    const peer = new Bitcoin(join(this.dir, `bitcoin-${index}`), await freePort(), { peer: this.bitcoin })
    this.parts.push(peer)
    await peer.start()
    const tip = await this.bitcoin.call('getbestblockhash')
    await until(async () => await peer.call('getbestblockhash') === tip, 'the peers to agree')
    this.peers.push(peer)
    this.say(`bitcoind   ${peer.url} (a peer of the first)`)
  }

  /** The bitcoind of a signer. */
  bitcoinOf(index) {
    return this.peers[index % this.peers.length]
  }

  /**
   * Starts the prover, and has the chain close small batches. The first one before anything else happens, so that its
   * proof is there as soon as can be.
   */
  async startProver(listen) {
    const { program, args } = this.prover
    this.run('prover', program, ['serve', ...args, '--l2-rpc', this.node.url, '--listen', listen])
    this.proverUrl = `http://${listen}`
    const { api, keys } = await connectApi(this.node)
    const sudo = (...calls) => send(api, api.tx.sudo.sudo(api.tx.utility.batchAll(calls)), keys.alice)
    try {
      const { ethereum, settlement } = api.tx
      await sudo(ethereum.setHeartbeat(HEARTBEAT_MS), settlement.setLimits({ ...LIMITS, blocks: 1 }))
      const { address } = account(PROVER)
      await this.wallet(account(PROVER)).sendTransaction({ to: address })
      await until(async () => (await api.query.settlement.batchIds()).next.toNumber() > 0, 'the first batch to close', 60)
      await sudo(settlement.setLimits(LIMITS))
    } finally {
      await api.disconnect()
    }
    this.say(`prover     ${this.proverUrl} (log ${join(this.dir, 'prover.log')}; polkadot-js: settlement.batches)`)
  }

  /** Starts a program of ours, named or by its path; its output goes to a file. */
  run(name, program, args) {
    const log = openSync(join(this.dir, `${name}.log`), 'a')
    const path = program.includes('/') ? program : join(PROGRAMS, program)
    const child = spawn(path, args, { stdio: ['ignore', log, log] })
    closeSync(log)
    const exited = new Promise((resolve) => child.once('exit', resolve))
    const part = { name, child, exited, stop: async (signal = 'SIGTERM') => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill(signal)
        // A part that a test has stopped would not hear it.
        child.kill('SIGCONT')
      }
      await exited
    } }
    this.parts.push(part)
    return part
  }

  /** Starts a relayer that pays with the prefunded account of an index; gives the part. */
  async startRelayer(payer = RELAYER) {
    const name = payer === RELAYER ? 'relayer' : `relayer-${payer}`
    const key = await this.keyFile(name, privateKey(payer))
    await writeFile(this.deposits, '', { flag: 'a' })
    const part = this.run(name, 'bzk-relayer', ['run', ...this.chains(), '--key-file', key,
      '--deposits', this.deposits, '--poll-secs', '2', '--metrics', await this.metrics(name)])
    if (payer === RELAYER) this.relayer = part
    return part
  }

  /** Writes a private key to a file for its owner alone; gives the path. */
  async keyFile(name, secret) {
    const path = join(this.dir, `${name}.key`)
    await writeFile(path, secret, { mode: 0o600 })
    return path
  }

  /** An address for the metrics of a part. */
  async metrics(name) {
    const address = `127.0.0.1:${await freePort()}`
    this.say(`metrics    http://${address}/metrics (${name})`)
    return address
  }

  chains() {
    return ['--bitcoin-rpc', this.bitcoin.url, '--bitcoin-cookie', this.bitcoin.cookie, '--l2-rpc', this.node.url]
  }

  signerArgs(index) {
    const dir = join(this.dir, `signer-${index}`)
    return ['--store', join(dir, 'store'), '--passphrase-file', join(dir, 'passphrase')]
  }

  /** Runs a command of a signer that is not running; gives what it prints. */
  async signerTool(index, ...args) {
    const { stdout } = await promisify(execFile)(join(PROGRAMS, 'bzk-signer'), [...this.signerArgs(index), ...args])
    return stdout.trim()
  }

  async signer(index, ...args) {
    return `0x${await this.signerTool(index, ...args)}`
  }

  /** Makes the store of a signer unless there is one, and starts it. */
  async startSigner(index) {
    const dir = join(this.dir, `signer-${index}`)
    await mkdir(dir, { recursive: true })
    await writeFile(join(dir, 'passphrase'), `development ${index}`, { mode: 0o600 })
    this.signers[index] = { key: await this.signer(index, 'key').catch(() => this.signer(index, 'keygen')) }
    this.signers[index].possession = async (genesis, owner) =>
      this.signer(index, 'possession', '--genesis', genesis, '--account', owner)
  }

  async runSigner(index) {
    const bitcoin = this.bitcoinOf(index)
    const metrics = await this.metrics(`signer ${index}`)
    const part = this.run(`signer-${index}`, 'bzk-signer',
      [...this.signerArgs(index), 'run', '--l2-rpc', this.node.url, '--bitcoin-rpc', bitcoin.url,
        '--bitcoin-cookie', bitcoin.cookie, '--interval-ms', '500', '--metrics', metrics])
    Object.assign(this.signers[index], { part, metrics })
  }

  /** Registers the signers, has them make a key, and has the genesis key name it to the contract. */
  async makeKey() {
    const { api, keys, keyring } = await connectApi(this.node)
    try {
      const owners = await this.owners(api, keys, keyring)
      const genesis = api.genesisHash.toHex()
      await Promise.all(owners.map(async (owner, index) => {
        const registered = await api.query.threshold.signers(owner.address)
        if (registered.isNone) {
          const { key, possession } = this.signers[index]
          const proof = await possession(genesis, u8aToHex(owner.publicKey))
          await send(api, api.tx.threshold.register(key, proof), owner)
        }
        await this.runSigner(index)
      }))
      const active = async () => (await api.query.threshold.active()).unwrapOr(null)
      if (await active() === null) {
        const begin = api.tx.utility.batchAll([
          api.tx.threshold.appoint(owners.map((owner) => owner.address)), api.tx.threshold.rotate(),
        ])
        const start = Date.now()
        await send(api, api.tx.sudo.sudo(begin), keys.alice)
        await until(async () => await active() !== null, 'the committee\'s key', 300)
        this.dkgSeconds = (Date.now() - start) / 1000
      }
      const live = (await api.query.threshold.keys(await active())).unwrap()
      this.groupKey = live.key.key.toHex()
      await this.nameFirstKey()
      this.say(`committee  group key ${this.groupKey}`)
    } finally {
      await api.disconnect()
    }
  }

  /** Whose the signers are: the development accounts, then as many more, which Alice funds. */
  async owners(api, keys, keyring) {
    const more = Math.max(0, this.count - Object.keys(keys).length)
    const owners = Object.values(keys).slice(0, this.count)
      .concat(Array.from({ length: more }, (_, index) => keyring.addFromUri(`//Signer//${index}`)))
    const bond = api.consts.threshold.bond.toBigInt()
    const balances = await api.query.system.account.multi(owners.map(({ address }) => address))
    const poor = owners.filter((_, index) => {
      const { free, reserved } = balances[index].data
      return free.toBigInt() + reserved.toBigInt() < bond
    })
    if (poor.length > 0) {
      const gifts = poor.map(({ address }) => api.tx.balances.transferKeepAlive(address, 2n * bond))
      await send(api, api.tx.utility.batchAll(gifts), keys.alice)
    }
    return owners
  }

  /** A client of the L2 with one of the prefunded accounts, or the one given. */
  wallet(of = account(STARTER)) {
    return createWalletClient({ account: of, chain: chain(this.node), transport: http(this.node.url),
      pollingInterval: 500 }).extend(publicActions)
  }

  bridge(functionName) {
    return this.wallet().readContract({ address: BRIDGE, abi: BRIDGE_ABI, functionName })
  }

  async nameFirstKey() {
    const [, , , epoch, nonce] = await this.bridge('state')
    if (epoch !== 0) return
    const body = keccak256(encodeAbiParameters(WORDS(2), [this.groupKey, word(0)]))
    const message = keccak256(encodeAbiParameters(WORDS(6),
      [word(97304), word(BRIDGE), word(1), word(epoch), word(nonce), body]))
    const signature = u8aToHex(schnorr.sign(hexToU8a(message), hexToU8a(GENESIS_KEY)))
    const wallet = this.wallet()
    const hash = await wallet.writeContract({ address: BRIDGE, abi: BRIDGE_ABI, functionName: 'rotate',
      args: [this.groupKey, 0, signature] })
    const receipt = await wallet.waitForTransactionReceipt({ hash })
    if (receipt.status !== 'success') throw new Error('the contract refused the first group key')
  }

  /** Runs `bzk-bridge` as a user does; gives what it prints. Throws what it prints when it fails. */
  async command(keyFile, ...args) {
    const key = keyFile ? ['--account-key-file', keyFile] : []
    const run = promisify(execFile)(join(PROGRAMS, 'bzk-bridge'),
      ['--network', 'regtest', ...this.chains(), ...key, ...args])
    const { stdout } = await run.catch(({ stderr, message }) => { throw new Error(stderr || message) })
    return stdout
  }

  /** As `command`; gives its answer. */
  async user(keyFile, ...args) {
    return JSON.parse(await this.command(keyFile, '--json', ...args))
  }

  /** Ends all parts in order, also those behind one that fails. Throws if an invariant did not hold. */
  async stop() {
    const ends = [() => this.watcher?.stop(), ...this.parts.reverse().map((part) => () => part.stop())]
    this.parts = []
    const failures = []
    for (const end of ends) await Promise.resolve().then(end).catch((error) => failures.push(error))
    if (failures.length > 0) throw failures[0]
  }
}
