// Foundry's programs. Not npm's wrappers in node_modules/.bin: they end with 0 whatever the program ended with, and leave
// it running when they are killed.
import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CACHE } from './node.js'

const CONTRACTS = fileURLToPath(new URL('../../../contracts', import.meta.url))

export const [ANVIL, CAST, FORGE] = ['anvil', 'cast', 'forge'].map((tool) =>
  join(CACHE, `npm/node_modules/@foundry-rs/${tool}-linux-amd64/bin/${tool}`))

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
