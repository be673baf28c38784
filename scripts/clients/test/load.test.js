// Under a load that fills blocks every transaction that the pool took gets into one.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { PROGRAMS, startNode, until } from '../lib/node.js'

const run = promisify(execFile)
const TXS = process.env.BZK_LOAD_TXS ?? '40000'

test('no transaction is lost while blocks get final', async (t) => {
  const node = await startNode(['--dev'])
  t.after(() => node.stop())
  const { stdout } = await run(join(PROGRAMS, 'bzk-load'),
    ['--rpc', node.url, '--kind', 'transfer', '--seconds', '10', '--presigned', TXS, '--backlog', '8000'])
  const { included, refused, resent } = JSON.parse(stdout.trim().split('\n').at(-1))
  // Enough to have filled blocks; how fast it goes is for scripts/bench.sh.
  assert.ok(included > 1000, `${included} included`)
  assert.equal(refused, 0)
  assert.equal(resent, 0)
  await until(async () => {
    const { pending, queued } = await node.call('txpool_status')
    return Number(pending) + Number(queued) === 0
  }, 'the pool to be empty', 60)
})
