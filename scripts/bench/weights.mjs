// What calls of our pallets weigh: the generated `weights.rs`, line by line as scripts/weights.hbs writes them.
import { readFile } from 'node:fs/promises'

// FRAME's ParityDbWeight, which the runtime charges: nanoseconds.
const DATABASE_NS = { reads: 8_000, writes: 50_000 }
const number = (text) => Number(text.replaceAll('_', ''))

/**
 * Weights of a pallet by the name of a call or check and its size. Each is `{ wasm, total }` in milliseconds: the time
 * measured in the runtime's wasm, and what a block is charged, reads and writes of the database too.
 */
export async function pallet(folder) {
  const text = await readFile(new URL(`../../pallets/${folder}/src/weights.rs`, import.meta.url), 'utf8')
  return (name, size = 0) => {
    const body = text.match(new RegExp(`fn ${name}\\([^)]*\\) -> Weight \\{([^}]*)\\}`))?.[1]
    if (!body) throw new Error(`pallets/${folder} has no weight of ${name}`)
    // Each term is a number, or one for each unit of the size.
    const sum = (term) => [...body.matchAll(term)].reduce((all, [, each, many]) => all + number(each) * (many ? size : 1), 0)
    const wasm = sum(/from_parts\(([\d_]+), 0\)(\.saturating_mul)?/g) / 1e9
    const database = Object.entries(DATABASE_NS).map(([kind, ns]) =>
      ns * sum(new RegExp(`${kind}\\(\\(?([\\d_]*\\d)_u64(\\)\\.saturating_mul)?`, 'g')) / 1e6)
    return { wasm, total: wasm + database[0] + database[1] }
  }
}
