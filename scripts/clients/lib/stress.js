// Contracts that fill one table of the prover faster than the CPU's: each is called once with enough gas.
import { concat, pad, toHex } from 'viem'

const bytes = (text) => `0x${text.replaceAll(/\s/g, '')}`
const word = (value, size) => pad(toHex(value), { size }).slice(2)

/** Code that runs `body` `count` times, with a number on the stack that `body` leaves there. */
const loop = (count, body) =>
  // PUSH4 count JUMPDEST body PUSH1 1 SWAP1 SUB DUP1 PUSH1 5 JUMPI STOP
  bytes(`63${word(count, 4)} 5b ${body} 6001 90 03 80 6005 57 00`)

/** Code that deploys `runtime`. */
export const creation = (runtime) => {
  const size = (runtime.length - 2) / 2
  // PUSH2 size DUP1 PUSH1 11 PUSH0 CODECOPY PUSH0 RETURN
  return concat([bytes(`61${word(size, 2)} 80 600b 5f 39 5f f3 00`), runtime])
}

// Copies its own code of 30,000 bytes to memory and calls itself, as often as the calldata says: all of it is in
// memory at once.
const nested = () => {
  const code = `5f35 80 15 601f 57 38 5f 5f 39 6001 90 03 5f 52 5f 5f 6020 5f 5f 30 5a f1 50 00`.replaceAll(' ', '')
  const head = `${code.padEnd(62, '0')}5b00`
  return bytes(head + '01'.repeat(30_000 - head.length / 2))
}

/** Runtime code and calldata by table. */
export const STRESS = {
  // Two hashes of 100,000 bytes.
  keccak: { code: loop(2, '620186a0 5f 20 50'), data: '0x' },
  // Hashes of nothing.
  sponge: { code: loop(2_000, '5f 5f 20 50'), data: '0x' },
  // DUP1 XOR, on a zero.
  logic: { code: loop(1_000, `5f${'8018'.repeat(100)}50`), data: '0x' },
  // DUP1 MOD: two rows.
  arithmetic: { code: loop(1_000, `5f${'8006'.repeat(100)}50`), data: '0x' },
  // PUSH32 POP: a row of byte packing and 32 of memory.
  packing: { code: loop(800, `7f${'ab'.repeat(32)}50`.repeat(100)), data: '0x' },
  memory: { code: nested(), data: `0x${word(10, 32)}` },
}
