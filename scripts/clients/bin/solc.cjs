#!/usr/bin/env node
// solc for forge: the compiler from npm behind the two calls that forge makes.
const solc = require('solc')

if (process.argv.includes('--version')) {
  console.log(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}`)
} else if (process.argv.includes('--standard-json')) {
  const chunks = []
  process.stdin.on('data', (chunk) => chunks.push(chunk))
  process.stdin.on('end', () => {
    process.stdout.write(solc.compile(Buffer.concat(chunks).toString()), () => process.exit(0))
  })
} else {
  console.error('this solc knows --version and --standard-json')
  process.exit(1)
}
