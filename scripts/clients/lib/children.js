// Programs that end with this process: a test that is cut short leaves no nodes behind.
import { spawn as start } from 'node:child_process'
import { constants } from 'node:os'

const running = new Set()
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')))
// A signal that nobody listens for ends a process before its `exit`.
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    if (process.listenerCount(signal) === 0) process.exit(128 + constants.signals[signal])
  })
}

/** As node:child_process has it. */
export function spawn(...args) {
  const child = start(...args)
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}
