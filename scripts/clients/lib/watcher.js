// Holds every block of a chain to what must hold after each.
import { setTimeout as pause } from 'node:timers/promises'

const POLL_MS = 500
// What is wrong in one block is wrong in those after it.
const SHOWN = 10

/**
 * Takes the final blocks in turn, from genesis on. `chain` gives the numbers of the newest `final` and `best` block,
 * the `block` of a number, and whether it `runs`; each of `checks` takes a block and gives what does not hold.
 */
export class Watcher {
  constructor(chain, checks, pollMs = POLL_MS) {
    Object.assign(this, { chain, checks, pollMs, next: 0, violations: [] })
  }

  start() {
    this.running = this.run()
    return this
  }

  async run() {
    while (!this.ended) {
      // A node that is down is asked again: no block is passed over.
      await this.chain.final().then((number) => this.follow(number)).catch(() => {})
      await pause(this.pollMs)
    }
  }

  async follow(number) {
    while (this.next <= number) {
      const block = await this.chain.block(this.next)
      for (const text of this.look(block)) this.violations.push(`block ${this.next}: ${text}`)
      this.hash = block.hash
      this.next++
    }
  }

  look(block) {
    const linked = this.hash === undefined || block.parentHash === this.hash
    return [...(linked ? [] : ['a final block was replaced']), ...this.checks.flatMap((check) => check.apply(block))]
  }

  /** Ends with the blocks that are not final yet: one authority makes no forks. Throws what did not hold, and in which
   *  block. */
  async stop() {
    this.ended = true
    await this.running
    if (this.chain.runs()) await this.follow(await this.chain.best())
    const { length } = this.violations
    if (length === 0) return
    const more = length > SHOWN ? `\nand ${length - SHOWN} more` : ''
    throw new Error(`invariants do not hold:\n${this.violations.slice(0, SHOWN).join('\n')}${more}`)
  }
}
