// Deploys the verifier of a forge project on anvil, sends it the project's proof as a transaction, then the same
// proof with one bit changed; prints one JSON object with gas and sizes.
// Usage: node lib/verify-on-anvil.js PROJECT
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createPublicClient, createWalletClient, http, size } from 'viem'
import { foundry } from 'viem/chains'
import { account } from './accounts.js'
import { spawn } from './children.js'
import { CACHE, call, freePort, until } from './node.js'

const project = process.argv[2]
const port = await freePort()
const url = `http://127.0.0.1:${port}`
const anvil = spawn(join(CACHE, 'npm/node_modules/.bin/anvil'), ['--silent', '--port', String(port)],
  { stdio: ['ignore', 'inherit', 'inherit'] })
try {
  await until(() => call(url, 'eth_chainId'), 'anvil')
  const reader = createPublicClient({ chain: foundry, transport: http(url) })
  const wallet = createWalletClient({ account: account(0), chain: foundry, transport: http(url) })
  const mined = (hash) => reader.waitForTransactionReceipt({ hash, pollingInterval: 100 })

  const deploy = async (name, args) => {
    const { abi, bytecode } = JSON.parse(await readFile(join(project, `out/${name}.sol/${name}.json`)))
    const { contractAddress, gasUsed, status } =
      await mined(await wallet.deployContract({ abi, bytecode: bytecode.object, args }))
    assert.equal(status, 'success', `${name} is not deployed`)
    const code = await reader.getCode({ address: contractAddress })
    return { abi, address: contractAddress, gas: Number(gasUsed), bytes: size(code) }
  }
  const evaluator = await deploy('GateEvaluator', [])
  const verifier = await deploy('PlonkyVerifier', [evaluator.address])

  const words = await readFile(join(project, 'data/inputs.bin'))
  const inputs = Array.from({ length: words.length / 32 },
    (_, i) => BigInt(`0x${words.subarray(32 * i, 32 * i + 32).toString('hex')}`))
  const proof = await readFile(join(project, 'data/proof.bin'))
  const hex = (bytes) => `0x${bytes.toString('hex')}`
  const { address, abi } = verifier
  const send = (inputs, proof) =>
    wallet.writeContract({ address, abi, functionName: 'verify', args: [inputs, proof], gas: 12_000_000n }).then(mined)

  const accepted = await send(inputs, hex(proof))
  assert.equal(accepted.status, 'success', 'the contract refuses the proof')
  const changed = Buffer.from(proof)
  changed[changed.length >> 1] ^= 1
  assert.equal((await send(inputs, hex(changed))).status, 'reverted', 'a changed proof is accepted')
  const other = inputs.with(11, inputs[11] ^ 1n)
  assert.equal((await send(other, hex(proof))).status, 'reverted', 'a changed state root is accepted')

  // What every transaction of these bytes pays, the evaluator's two calls, and the rest.
  const trace = await reader.request({ method: 'debug_traceTransaction',
    params: [accepted.transactionHash, { tracer: 'callTracer' }] })
  const sent = Buffer.from(trace.input.slice(2), 'hex')
  const calldata = sent.reduce((sum, byte) => sum + (byte === 0 ? 4 : 16), 21_000)
  const [inputs_hash, constraints] = trace.calls
    .filter(({ to }) => to.toLowerCase() === evaluator.address.toLowerCase()).map(({ gasUsed }) => Number(gasUsed))
  const transcript_and_fri = Number(accepted.gasUsed) - calldata - inputs_hash - constraints

  console.log(JSON.stringify({
    verify_gas: Number(accepted.gasUsed),
    gas_split: { calldata, inputs_hash, constraints, transcript_and_fri },
    proof_bytes: proof.length,
    verifier_bytes: verifier.bytes,
    evaluator_bytes: evaluator.bytes,
    largest_tx_gas: Math.max(Number(accepted.gasUsed), verifier.gas, evaluator.gas),
  }))
} finally {
  anvil.kill()
}
