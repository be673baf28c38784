// The contracts that a genesis deploys, as their own script writes them.
import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { FORGE } from './foundry.js'

export const BITCOIN_RELAY = '0x425a4b0000000000000000000000000000000002'
const CONTRACTS = fileURLToPath(new URL('../../../contracts', import.meta.url))

/**
 * The accounts that `contracts/script/Genesis.s.sol` writes with these variables; says there what they are. One at a time:
 * forge's cache is one file.
 */
export async function genesisAccounts(variables) {
  // Forge writes nowhere else.
  const file = `genesis/made-${process.pid}.json`
  const options = { cwd: CONTRACTS, env: { ...process.env, ...variables, GENESIS_OUT: file }, maxBuffer: 1 << 26 }
  try {
    // Built first: the script deploys what it finds in out/.
    for (const args of [['build', 'src', 'script'], ['script', 'script/Genesis.s.sol']]) {
      await promisify(execFile)('flock', ['foundry.toml', FORGE, ...args], options)
    }
    return JSON.parse(await readFile(join(CONTRACTS, file)))
  } finally {
    await rm(join(CONTRACTS, file), { force: true })
  }
}
