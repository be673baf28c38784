// web3.py against a real node.
import { execFile } from 'node:child_process'
import { after, before, test } from 'node:test'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { privateKey } from '../lib/accounts.js'
import { CACHE, startNode } from '../lib/node.js'
import { compile } from '../lib/solidity.js'

const HERE = dirname(fileURLToPath(import.meta.url))
let node

before(async () => { node = await startNode() })
after(() => node?.stop())

test('web3.py deploys, calls, reads logs and sees reverts', async () => {
  const { abi, bytecode } = compile('Token.sol', 'Token')
  const input = JSON.stringify({ url: node.url, key: privateKey(0), other: privateKey(5), abi, bytecode })
  const run = promisify(execFile)(join(CACHE, 'python/bin/python'), [join(HERE, '../python/session.py')], { timeout: 120_000 })
  run.child.stdin.end(input)
  console.log((await run).stdout.trim())
})
