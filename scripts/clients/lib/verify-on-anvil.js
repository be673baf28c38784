// Deploys the verifier of a forge project on anvil, sends it the project's proof as a transaction, then the same
// proof with one bit changed; prints one JSON object with gas and sizes.
// Usage: node lib/verify-on-anvil.js PROJECT
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MOST_GAS, Verifier } from './verifier.js'

// The bound at 15 queries.
const MOST_VERIFY_GAS = 3_800_000n

const project = process.argv[2]
const verifier = await Verifier.start(project)
try {
  const { contract, evaluator, reader } = verifier
  const words = await readFile(join(project, 'data/inputs.bin'))
  const inputs = Array.from({ length: words.length / 32 },
    (_, i) => BigInt(`0x${words.subarray(32 * i, 32 * i + 32).toString('hex')}`))
  const proof = await readFile(join(project, 'data/proof.bin'))
  const send = (inputs, proof) => verifier.verify(inputs, `0x${proof.toString('hex')}`)

  const accepted = await send(inputs, proof)
  assert.equal(accepted.status, 'success', 'the contract refuses the proof')
  const changed = Buffer.from(proof)
  changed[changed.length >> 1] ^= 1
  assert.equal((await send(inputs, changed)).status, 'reverted', 'a changed proof is accepted')
  const other = inputs.with(11, inputs[11] ^ 1n)
  assert.equal((await send(other, proof)).status, 'reverted', 'a changed state root is accepted')

  // What every transaction of these bytes pays, the evaluator's two calls, and the rest.
  const trace = await reader.request({ method: 'debug_traceTransaction',
    params: [accepted.transactionHash, { tracer: 'callTracer' }] })
  const sent = Buffer.from(trace.input.slice(2), 'hex')
  const calldata = sent.reduce((sum, byte) => sum + (byte === 0 ? 4 : 16), 21_000)
  const [inputs_hash, constraints] = trace.calls
    .filter(({ to }) => to.toLowerCase() === evaluator.address.toLowerCase()).map(({ gasUsed }) => Number(gasUsed))
  const transcript_and_fri = Number(accepted.gasUsed) - calldata - inputs_hash - constraints

  const largest_tx_gas = Math.max(Number(accepted.gasUsed), contract.gas, evaluator.gas)
  assert.ok(accepted.gasUsed <= MOST_VERIFY_GAS, `verification takes ${accepted.gasUsed} gas, at most ${MOST_VERIFY_GAS}`)
  assert.ok(largest_tx_gas < MOST_GAS, `a transaction takes ${largest_tx_gas} gas`)
  console.log(JSON.stringify({
    verify_gas: Number(accepted.gasUsed),
    gas_split: { calldata, inputs_hash, constraints, transcript_and_fri },
    proof_bytes: proof.length,
    verifier_bytes: contract.bytes,
    evaluator_bytes: evaluator.bytes,
    largest_tx_gas,
  }))
} finally {
  verifier.stop()
}
