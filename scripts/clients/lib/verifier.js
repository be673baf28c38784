// The contracts that verify wrapped proofs, on an anvil of their own; and what shows them the proofs of a prover.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, readFile, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createPublicClient, createWalletClient, http, size } from 'viem'
import { foundry } from 'viem/chains'
import { account } from './accounts.js'
import { spawn } from './children.js'
import { ANVIL, FORGE } from './foundry.js'
import { call, freePort, until } from './node.js'

// Of every transaction, by the bound.
export const MOST_GAS = 12_000_000n
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const POLL_MS = 5_000

/** The verifier on anvil. */
export class Verifier {
  /** Starts anvil and deploys the contracts that forge has built in `project`. */
  static async start(project) {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const anvil = spawn(ANVIL, ['--silent', '--port', String(port)], { stdio: ['ignore', 'inherit', 'inherit'] })
    const reader = createPublicClient({ chain: foundry, transport: http(url) })
    const wallet = createWalletClient({ account: account(0), chain: foundry, transport: http(url) })
    const verifier = Object.assign(new Verifier(), { anvil, url, reader, wallet })
    try {
      await until(() => call(url, 'eth_chainId'), 'anvil')
      verifier.evaluator = await verifier.deploy(project, 'GateEvaluator', [])
      verifier.contract = await verifier.deploy(project, 'PlonkyVerifier', [verifier.evaluator.address])
    } catch (error) {
      verifier.stop()
      throw error
    }
    return verifier
  }

  mined(hash) {
    return this.reader.waitForTransactionReceipt({ hash, pollingInterval: 100 })
  }

  async deploy(project, name, args) {
    const { abi, bytecode } = JSON.parse(await readFile(join(project, `out/${name}.sol/${name}.json`)))
    const { contractAddress, gasUsed, status } =
      await this.mined(await this.wallet.deployContract({ abi, bytecode: bytecode.object, args }))
    assert.equal(status, 'success', `${name} is not deployed`)
    const code = await this.reader.getCode({ address: contractAddress })
    return { abi, address: contractAddress, gas: Number(gasUsed), bytes: size(code) }
  }

  /** Sends a proof with its public inputs as a transaction; gives the receipt. */
  async verify(inputs, proof) {
    const { address, abi } = this.contract
    const request = { address, abi, functionName: 'verify', args: [inputs, proof], gas: MOST_GAS }
    return this.mined(await this.wallet.writeContract(request))
  }

  stop() {
    this.anvil.kill()
  }
}

/** Has a prover (its program and the folder of its circuits) write the contracts into `folder`, and forge build them. */
async function build(program, circuits, folder) {
  const run = promisify(execFile)
  // As `scripts/prove.sh`.
  await cp(join(ROOT, 'node/prover/circuits/forge'), folder, { recursive: true })
  await rm(join(folder, 'bin'), { force: true })
  await symlink(join(ROOT, 'scripts/clients/bin'), join(folder, 'bin'))
  await run(program, ['export-verifier', '--circuits', circuits, folder])
  await run(FORGE, ['build'], { cwd: folder, maxBuffer: 1 << 26 })
  return folder
}

/**
 * Shows each proof of the prover at `url` to the contract, until the returned function is called. Builds and deploys it for
 * the first one, because a prover makes what the contract is made of with its first proof. Says what the contract did.
 */
export function judgeProofs({ url, program, circuits, folder, say }) {
  const judged = new Set()
  let verifier, ended = false, last
  const judge = async () => {
    for (const { id, state } of await call(url, 'prover_batches')) {
      if (ended || state !== 'proven' || judged.has(id)) continue
      verifier ??= await Verifier.start(await build(program, circuits, folder))
      const { inputs, proof } = await call(url, 'prover_proof', [id])
      const { status, gasUsed } = await verifier.verify(inputs.map(BigInt), proof)
      judged.add(id)
      const verdict = status === 'success' ? 'accepts' : 'REFUSES'
      say(`contract   ${verdict} the proof of batch ${id}, ${gasUsed} gas (anvil at ${verifier.url})`)
    }
  }
  const loop = async () => {
    while (!ended) {
      await judge().catch(({ message }) => {
        if (!ended && message !== last) say(`contract   ${message}`)
        last = message
      })
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }
  loop()
  return () => {
    ended = true
    verifier?.stop()
  }
}
