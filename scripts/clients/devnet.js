// `scripts/devnet.sh`: starts the system, mines regtest blocks, and ends everything in order on Ctrl-C.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { MNEMONIC } from './lib/accounts.js'
import { Devnet } from './lib/devnet.js'
import { PROGRAMS } from './lib/node.js'
import { judgeProofs } from './lib/verifier.js'

const number = (name, fallback) => Number(process.env[name] ?? fallback)
const given = process.argv[2]
const dir = given ? resolve(given) : await mkdtemp(join(tmpdir(), 'bzk-devnet-'))
const { BZK_CIRCUITS: circuits, PROVER_BIN: program } = process.env
const devnet = new Devnet(dir, {
  signers: number('BZK_SIGNERS', 4),
  bitcoinds: number('BZK_BITCOINDS', 1),
  prover: circuits && { program, args: ['--circuits', circuits, '--proofs', join(dir, 'proofs')] },
  ports: {
    rpc: number('BZK_RPC_PORT', 8545),
    p2p: number('BZK_P2P_PORT', 30333),
    metrics: number('BZK_METRICS_PORT', 9615),
    bitcoin: number('BZK_BITCOIN_PORT', 18443),
    prover: number('BZK_PROVER_PORT', 8560),
  },
  // Data of earlier runs would be read from genesis on.
  watched: false,
  say: (line) => console.log(`  ${line}`),
})

let mining, judging
let ending
function end(code) {
  ending ??= (async () => {
    clearInterval(mining)
    judging?.()
    await devnet.stop()
    if (!given) await rm(dir, { recursive: true, force: true })
    process.exit(code)
  })()
  return ending
}
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => end(0))

console.log('BitcoinZK development system')
try {
  await devnet.start()
} catch (error) {
  console.error(error)
  await end(1)
}
// A part that ends by itself ends the whole.
for (const { name, exited } of devnet.parts.filter(({ child }) => child)) {
  exited.then((code) => { if (!ending) { console.error(`${name} ended with ${code}`); end(1) } })
}
const seconds = number('BZK_BITCOIN_BLOCK_SECS', circuits ? 600 : 10)
if (seconds > 0) mining = setInterval(() => devnet.bitcoin.mine(1).catch(console.error), seconds * 1000)
if (circuits) {
  judging = judgeProofs({ url: devnet.proverUrl, program, circuits, folder: join(dir, 'verifier'), say: devnet.say })
}

const bridge = `${join(PROGRAMS, 'bzk-bridge')} --network regtest ${devnet.chains().join(' ')}`
console.log(`
  RPC (Ethereum and Substrate, HTTP and WebSocket)  ${devnet.node.url}
  chain id 97304, currency BTC (18 decimals); a Bitcoin block every ${seconds} s
  prefunded: the ten accounts of "${MNEMONIC}"
  polkadot-js: https://polkadot.js.org/apps/?rpc=${devnet.node.ws}
  data and logs: ${dir}

  BTC in:   ${bridge} deposit-address --recipient 0x... --refund-key-file refund.key --deposits ${devnet.deposits}
            then type here: pay ADDRESS SATS
  BTC out:  ${bridge} --account-key-file KEY withdraw --to ADDRESS --sats N --max-fee-sats 20000
  Ctrl-C ends everything.
`)
for await (const line of createInterface({ input: process.stdin })) {
  const [command, address, sats] = line.trim().split(/\s+/)
  if (command !== 'pay') {
    if (command) console.log('  pay ADDRESS SATS')
    continue
  }
  await devnet.bitcoin.pay([[address, sats]]).then((txid) => console.log(`  paid in ${txid}`),
    (error) => console.error(`  ${error.message}`))
}
