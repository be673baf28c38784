// What BZK_CHECK=1 does with a node's blocks (lib/kernel.js), over a chain and a prover that do as they are told.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, test } from 'node:test'

const dir = await mkdtemp(join(tmpdir(), 'bzk-kernel-'))
const [lines, runs] = [join(dir, 'lines'), join(dir, 'runs')]
Object.assign(process.env, { BZK_CHECKED: lines, PROVER_BIN: join(dir, 'prover') })
const { checkBlocks } = await import('../lib/kernel.js')
after(() => rm(dir, { recursive: true, force: true }))

/** A node whose block numbers have these names, from 1 on. */
const chain = (...names) => ({
  url: 'http://node',
  call: async (method, [number] = []) => (method === 'eth_blockNumber' ? `0x${names.length}` : { hash: names[number - 1] }),
})
const prover = (text, code) =>
  writeFile(process.env.PROVER_BIN, `#!/bin/sh\necho "$*" >>${runs}\necho '${text}'\nexit ${code}\n`, { mode: 0o700 })
const said = async (file) => (await readFile(file, 'utf8')).trim().split('\n')

beforeEach(async () => {
  await Promise.all([lines, runs].map((file) => writeFile(file, '')))
  await prover('block 1: ok, 3 transactions, 7 gas\nblock 2: ok, 2 transactions, 7 gas\n2 passed, 0 failed', 0)
})

test('every block is checked once, those of a fork too', async () => {
  await Promise.all([checkBlocks(chain('a', 'b')), checkBlocks(chain('a', 'b')), checkBlocks(chain('a', 'c', 'd'))])
  await checkBlocks(chain('a', 'c', 'd', 'e'))
  const range = (from, to) => `check --l2-rpc http://node --from ${from} --to ${to}`
  assert.deepEqual(await said(runs), [range(1, 2), range(2, 3), range(4, 4)])
  const [first] = await said(lines)
  assert.match(first, /^kernel 2 5 /)
})

test('a chain without blocks is not checked', async () => {
  await checkBlocks(chain())
  assert.deepEqual(await said(runs), [''])
})

test('a block that the kernel refuses is an error, and is checked again', async () => {
  await prover('block 1: ok, 0 transactions\nblock 2: FAILED: another root\n1 passed, 1 failed', 1)
  const node = chain('x', 'y')
  const refusal = (error) => {
    assert.match(error.message, /block 2: FAILED: another root/)
    assert.doesNotMatch(error.message, /block 1/)
    return true
  }
  await assert.rejects(checkBlocks(node), refusal)
  await assert.rejects(checkBlocks(node), refusal)
  assert.deepEqual(await said(lines), [''])
})
