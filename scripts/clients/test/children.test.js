// A test that is cut short leaves no programs behind.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { until } from '../lib/node.js'

const CHILDREN = new URL('../lib/children.js', import.meta.url)
/** Whether a process is there; one that has ended and waits for its parent is not. */
const lives = (pid) => readFile(`/proc/${pid}/stat`, 'utf8')
  .then((stat) => !/\) [ZX] /.test(stat), () => false)

/** Runs `code` behind the start of a child; gives the process and the child's id. */
async function parent(code) {
  const source = `import { spawn } from '${CHILDREN}'
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' })
    ${code}
    console.log(child.pid)`
  const process = execFile('node', ['--input-type=module', '-e', source])
  const [line] = await once(process.stdout, 'data')
  return { process, exited: once(process, 'exit'), child: Number(line) }
}

const cases = [
  ['ends', 'setTimeout(() => process.exit(3), 1)', undefined, 3],
  ['throws', 'setTimeout(() => { throw new Error("for the test") }, 1)', undefined, 1],
  ['is told to end', '', 'SIGTERM', 143],
  ['ends its child itself', 'process.on("SIGTERM", () => { child.once("exit", () => process.exit(0)); child.kill() })', 'SIGTERM', 0],
]
for (const [how, code, signal, status] of cases) {
  test(`no child is left of a process that ${how}`, async () => {
    const { process, exited, child } = await parent(code)
    if (signal) process.kill(signal)
    assert.equal((await exited)[0], status)
    await until(async () => !await lives(child), 'the child\'s end')
  })
}
