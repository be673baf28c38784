// Compiles Solidity sources with solc from npm.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const CONTRACTS = join(dirname(fileURLToPath(import.meta.url)), '../contracts')
const cache = new Map()

/** Finds an import: our own folder first, then npm packages. */
function source(path) {
  try {
    return readFileSync(join(CONTRACTS, path), 'utf8')
  } catch {
    return readFileSync(join(CONTRACTS, '../node_modules', path), 'utf8')
  }
}

/**
 * Compiles `file` and returns `{ abi, bytecode }` of `contract` in it.
 * Code runs on a Cancun EVM without blobs, so that is the target.
 */
export function compile(file, contract) {
  if (!cache.has(file)) {
    const solc = require('solc')
    const input = {
      language: 'Solidity',
      sources: { [file]: { content: source(file) } },
      settings: {
        evmVersion: 'cancun',
        optimizer: { enabled: true, runs: 200 },
        outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
      },
    }
    const load = (path) => {
      try {
        return { contents: source(path) }
      } catch (error) {
        return { error: error.message }
      }
    }
    const output = JSON.parse(solc.compile(JSON.stringify(input), { import: load }))
    const errors = (output.errors ?? []).filter((e) => e.severity === 'error')
    if (errors.length > 0) throw new Error(errors.map((e) => e.formattedMessage).join('\n'))
    cache.set(file, output.contracts)
  }
  for (const contracts of Object.values(cache.get(file))) {
    const found = contracts[contract]
    if (found) return { abi: found.abi, bytecode: `0x${found.evm.bytecode.object}` }
  }
  throw new Error(`${contract} is not in ${file}`)
}

// `node solidity.js FILE CONTRACT` prints the creation code, for the load generator.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(compile(process.argv[2], process.argv[3]).bytecode)
}
