// Runs the blocks that a test's nodes made through the prover's kernel: what fails there can never be proven. Only where
// scripts/clients.sh was asked for it: BZK_CHECKED is the file that takes a line for each check.
import { execFile } from 'node:child_process'
import { appendFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { promisify } from 'node:util'

const { BZK_CHECKED, PROVER_BIN } = process.env
// A kernel that runs away takes all memory; so it ends with an error instead.
const MEMORY_KIB = 14_000_000
const hex = (number) => `0x${number.toString(16)}`

/** Hashes of the blocks that this process has checked. All before one of them are checked too. */
const checked = new Set()
let last = Promise.resolve()

/**
 * Checks the blocks of a running node that no node of this process has shown before. The parent's state of each must be
 * there. Throws what the kernel says of the blocks that it refuses.
 */
export function checkBlocks(node) {
  if (!BZK_CHECKED) return undefined
  // One after the other: nodes of a network end together, with the same blocks.
  last = last.catch(() => {}).then(() => check(node))
  return last
}

async function check(node) {
  const head = Number(await node.call('eth_blockNumber'))
  const hashes = []
  for (let number = head; number > 0; number--) {
    const { hash } = await node.call('eth_getBlockByNumber', [hex(number), false])
    if (checked.has(hash)) break
    hashes.push(hash)
  }
  if (hashes.length === 0) return
  const begin = Date.now()
  const run = ['--l2-rpc', node.url, '--from', String(head - hashes.length + 1), '--to', String(head)]
  const { stdout } = await promisify(execFile)(
    'bash', ['-c', `ulimit -v ${MEMORY_KIB}; exec "$@"`, 'bash', PROVER_BIN, 'check', ...run], { maxBuffer: 1 << 27 },
  ).catch(({ stdout = '', stderr, message }) => {
    const refused = stdout.split('\n').filter((line) => line && !line.includes(': ok,'))
    throw new Error(`the prover's kernel, ${run.join(' ')}: ${refused.join('\n')} ${stderr || message}`)
  })
  hashes.forEach((hash) => checked.add(hash))
  const transactions = [...stdout.matchAll(/: ok, (\d+) transactions/g)].reduce((sum, [, count]) => sum + Number(count), 0)
  const test = basename(process.argv[1], '.test.js')
  await appendFile(BZK_CHECKED, `${test} ${hashes.length} ${transactions} ${(Date.now() - begin) / 1000}\n`)
}
