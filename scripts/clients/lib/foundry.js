// Foundry's programs. Not npm's wrappers in node_modules/.bin: they end with 0 whatever the program ended with, and leave
// it running when they are killed.
import { join } from 'node:path'
import { CACHE } from './node.js'

export const [ANVIL, CAST, FORGE] = ['anvil', 'cast', 'forge'].map((tool) =>
  join(CACHE, `npm/node_modules/@foundry-rs/${tool}-linux-amd64/bin/${tool}`))
