// The subcommands of the node: keys, specifications, and a chain that is exported, imported, taken back and removed.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { account } from '../lib/accounts.js'
import { BINARY, Node, freePort, until } from '../lib/node.js'

const ALICE = '0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d'
const GRANDPA = '0x88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee'
const [BLOCKS, FINAL] = [12, 6]
const SEALING = ['--dev', '--sealing', 'manual']
let dir

before(async () => { dir = await mkdtemp(join(tmpdir(), 'bzk-commands-')) })
after(() => rm(dir, { recursive: true, force: true }))

/** Runs a subcommand; gives its output, or throws with what it printed as an error. */
async function run(...args) {
  const { stdout } = await promisify(execFile)(BINARY, args, { maxBuffer: 1 << 27 })
  return stdout
}
const base = (name) => ['--base-path', join(dir, name)]
async function start(name, args) {
  await mkdir(join(dir, name), { recursive: true })
  return new Node(join(dir, name), args, await freePort(), await freePort()).start()
}
const hex = (number) => `0x${number.toString(16)}`
const block = (node, number) => node.call('eth_getBlockByNumber', [hex(number), true])
const info = async (name) => JSON.parse(await run('chain-info', '--chain', 'dev', ...base(name)))

test('benchmark hands its arguments to the runner of Parity, or says how to get it', async (t) => {
  const benchmark = (program, ...args) =>
    promisify(execFile)(BINARY, ['benchmark', ...args], { env: { ...process.env, FRAME_OMNI_BENCHER: program } })
  await assert.rejects(benchmark(join(dir, 'none'), 'pallet'), ({ code, stderr }) => {
    assert.equal(code, 1)
    assert.match(stderr, /no program .*none: install it \(cargo install --locked frame-omni-bencher@/)
    return true
  })
  await t.test('with the runner that scripts/weights.sh installs', async (t) => {
    const runner = join(process.env.BZK_CACHE ?? join(homedir(), '.cache/bitcoinzk'), 'tools/bin/frame-omni-bencher')
    if (!(await access(runner).then(() => true, () => false))) return t.skip(`SKIPPED: there is no ${runner}`)
    assert.match((await benchmark(runner, 'pallet', '--help')).stdout, /--extrinsic/)
  })
})

test('keys are made, inspected and inserted', async () => {
  const made = JSON.parse(await run('key', 'generate', '--output-type', 'json'))
  assert.equal(made.secretPhrase.split(' ').length, 12)
  const seen = JSON.parse(await run('key', 'inspect', '--output-type', 'json', made.secretPhrase))
  assert.equal(seen.publicKey, made.publicKey)
  assert.equal(JSON.parse(await run('key', 'inspect', '--output-type', 'json', '//Alice')).publicKey, ALICE)
  assert.match(await run('key', 'inspect', 'words that are no phrase'), /Invalid phrase/)

  for (const [type, scheme, suri] of [['babe', 'sr25519', '//Alice'], ['gran', 'ed25519', '//Alice'], ['babe', 'sr25519', made.secretPhrase]]) {
    await run('key', 'insert', '--chain', 'dev', ...base('keys'), '--key-type', type, '--scheme', scheme, '--suri', suri)
  }
  await assert.rejects(run('key', 'insert', '--chain', 'dev', ...base('keys'), '--key-type', 'toolong', '--scheme', 'sr25519',
    '--suri', '//Alice'), /KeyTypeInvalid/)
  // The node authors with them: there is no --alice.
  const node = await start('keys', ['--chain', 'dev', '--validator', '--force-authoring', '--rpc-methods', 'unsafe',
    '--unsafe-force-node-key-generation'])
  try {
    for (const [key, type] of [[ALICE, 'babe'], [GRANDPA, 'gran'], [made.publicKey, 'babe']]) {
      assert.equal(await node.call('author_hasKey', [key, type]), true)
    }
    await until(async () => Number((await node.call('chain_getHeader')).number) > 1, 'blocks', 60)
    const folder = join(dir, 'keys/chains/bitcoinzk_dev/keystore')
    assert.equal((await readdir(folder)).length, 3)
  } finally {
    await node.end()
  }
})

test('specifications: by both commands, readable and raw, they make the same chain', async () => {
  const readable = JSON.parse(await run('export-chain-spec', '--chain', 'local'))
  assert.equal(readable.genesis.runtimeGenesis.patch.session.keys.length, 4)
  assert.equal(readable.properties.tokenSymbol, 'ZYRA')
  const built = JSON.parse(await run('build-spec', '--chain', 'local', '--disable-default-bootnode'))
  assert.deepEqual(built.genesis, readable.genesis)
  await writeFile(join(dir, 'local.json'), JSON.stringify(readable))
  await writeFile(join(dir, 'raw.json'), await run('export-chain-spec', '--chain', join(dir, 'local.json'), '--raw'))
  const genesis = async (name, chain) => {
    const node = await start(name, ['--chain', chain])
    try {
      assert.equal(await node.call('system_chain'), 'BitcoinZK Local')
      return { hash: await node.call('chain_getBlockHash', [0]), block: await block(node, 0) }
    } finally {
      await node.end()
    }
  }
  const local = await genesis('local', 'local')
  assert.deepEqual(await genesis('raw', join(dir, 'raw.json')), local)
  await assert.rejects(run('export-chain-spec', '--chain', join(dir, 'absent.json')), /No such file|absent/)
  await writeFile(join(dir, 'wrong.json'), JSON.stringify({ ...readable, genesis: {} }))
  await assert.rejects(run('export-chain-spec', '--chain', join(dir, 'wrong.json')), /Error/)
})

test('a chain is exported, imported elsewhere, taken back and removed', async (t) => {
  const sent = []
  /** Seals a block with one transfer; `final` says whether it is final at once. */
  async function seal(node, final, value = 1n) {
    const from = account(1)
    const nonce = Number(await node.call('eth_getTransactionCount', [from.address, 'latest']))
    const raw = await from.signTransaction({ chainId: 97304, nonce, to: account(2).address, value, gas: 21000n,
      maxFeePerGas: 10_000_000_000n, maxPriorityFeePerGas: 1n })
    const hash = await node.call('eth_sendRawTransaction', [raw])
    // A node that has just started, or made a block, may yet have to look at it there.
    await until(async () => Number((await node.call('txpool_status')).pending) > 0, 'the transaction is ready')
    await node.call('engine_createBlock', [true, final, null])
    return hash
  }
  const first = await start('chain', SEALING)
  for (let i = 0; i < BLOCKS; i++) sent.push(await seal(first, i < FINAL))
  const head = await block(first, BLOCKS)
  const substrate = await first.call('chain_getBlockHash', [BLOCKS])
  assert.equal(head.transactions[0].hash, sent.at(-1))
  await first.end()
  // Sealed blocks run ahead of the clock, by less than a slot each; who imports them has to wait for their time.
  const ripe = Date.now() + (BLOCKS + 2) * 2000

  await t.test('chain-info tells best and final block', async () => {
    const { best_number: best, finalized_number: final } = await info('chain')
    assert.deepEqual([best, final], [BLOCKS, FINAL])
  })

  await t.test('export-blocks and import-blocks carry it over, with its Ethereum index', async () => {
    const file = join(dir, 'blocks.bin')
    await run('export-blocks', '--chain', 'dev', ...base('chain'), '--binary', file)
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, ripe - Date.now())))
    await run('import-blocks', '--chain', 'dev', ...base('copy'), '--binary', file)
    const copy = await start('copy', ['--chain', 'dev'])
    try {
      assert.equal(await copy.call('chain_getBlockHash', [BLOCKS]), substrate)
      assert.deepEqual(await block(copy, BLOCKS), head)
      for (const hash of sent) assert.equal((await copy.call('eth_getTransactionReceipt', [hash])).status, '0x1')
    } finally {
      await copy.end()
    }
    // A file that ends in the middle of a block, and one that is none.
    const bytes = await readFile(file)
    await writeFile(join(dir, 'half.bin'), bytes.subarray(0, bytes.length - 100))
    await writeFile(join(dir, 'noise.bin'), Buffer.alloc(5000, 0xa5))
    for (const bad of ['half.bin', 'noise.bin']) {
      await run('import-blocks', '--chain', 'dev', ...base(`from-${bad}`), '--binary', join(dir, bad)).catch(() => {})
      assert.ok((await info(`from-${bad}`)).best_number < BLOCKS, bad)
    }
  })

  await t.test('check-block runs a block again', () =>
    run('check-block', '--chain', 'dev', ...base('chain'), String(BLOCKS)))

  let end
  await t.test('revert takes back blocks that are not final, and their Ethereum blocks', async () => {
    await run('revert', '--chain', 'dev', ...base('chain'), '4')
    assert.equal((await info('chain')).best_number, BLOCKS - 4)
    const node = await start('chain', SEALING)
    try {
      assert.equal(Number(await node.call('eth_blockNumber')), BLOCKS - 4)
      assert.equal(await block(node, BLOCKS), null)
      assert.equal((await node.call('eth_getTransactionReceipt', [sent[BLOCKS - 5]])).status, '0x1')
      for (const hash of sent.slice(BLOCKS - 4)) {
        assert.equal(await node.call('eth_getTransactionReceipt', [hash]), null)
        assert.equal(await node.call('eth_getTransactionByHash', [hash]), null)
      }
      await assert.rejects(node.call('eth_getBalance', [account(1).address, { blockHash: head.hash, requireCanonical: true }]),
        /not currently canonical/)
      // The chain goes on another way.
      const other = await seal(node, true, 5n)
      let receipt
      // A block that begins a session takes no transactions.
      while (!(receipt = await node.call('eth_getTransactionReceipt', [other]))) {
        await node.call('engine_createBlock', [true, true, null])
      }
      const number = Number(receipt.blockNumber)
      const now = await block(node, number)
      assert.equal(now.transactions[0].hash, other)
      assert.equal(now.parentHash, (await block(node, number - 1)).hash)
      const logs = await node.call('eth_getBlockReceipts', [hex(number)])
      assert.equal(logs[0].transactionHash, other)
      const proof = await node.call('eth_getProof', [account(1).address, [], 'latest'])
      assert.equal(Number(proof.nonce), BLOCKS - 3)
      end = Number((await node.call('chain_getHeader')).number)
    } finally {
      await node.end()
    }
  })

  await t.test('revert stops at the last final block', async () => {
    await run('revert', '--chain', 'dev', ...base('chain'), '100')
    const { best_number: best, finalized_number: final } = await info('chain')
    assert.deepEqual([best, final], [end, end])
  })

  await t.test('export-state gives a specification that starts with the state of that block', async () => {
    const file = join(dir, 'state.json')
    await writeFile(file, await run('export-state', '--chain', 'dev', ...base('chain'), String(FINAL)))
    const node = await start('state', ['--chain', file])
    try {
      assert.equal(await node.call('eth_getBalance', [account(2).address, 'latest']),
        hex(10_000n * 10n ** 18n + BigInt(FINAL)))
    } finally {
      await node.end()
    }
  })

  await t.test('purge-chain removes the database and leaves the keys', async () => {
    await access(join(dir, 'chain/chains/bitcoinzk_dev/paritydb'))
    await run('purge-chain', '-y', '--chain', 'dev', ...base('chain'))
    await assert.rejects(access(join(dir, 'chain/chains/bitcoinzk_dev/paritydb')))
    await access(join(dir, 'chain/chains/bitcoinzk_dev/keystore'))
    assert.equal((await info('chain')).best_number, 0)
  })
})
