// cast and forge against a real node.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { account, privateKey } from '../lib/accounts.js'
import { CAST, FORGE } from '../lib/foundry.js'
import { startNode } from '../lib/node.js'

const HERE = join(dirname(fileURLToPath(import.meta.url)), '..')
let node, project

/** Runs a Foundry program in the project folder; returns what it printed. */
async function run(program, ...args) {
  const { stdout } = await promisify(execFile)(program, args, {
    cwd: project, env: { ...process.env, ETH_RPC_URL: node.url, FOUNDRY_DISABLE_NIGHTLY_WARNING: '1' },
  })
  return stdout.trim()
}

before(async () => {
  node = await startNode()
  project = await mkdtemp(join(tmpdir(), 'bzk-forge-'))
  await writeFile(join(project, 'foundry.toml'), `[profile.default]
solc = "${join(HERE, 'bin/solc.cjs')}"
offline = true
evm_version = "cancun"
`)
  await chmod(join(HERE, 'bin/solc.cjs'), 0o755)
  await mkdir(join(project, 'src'))
  await mkdir(join(project, 'script'))
  await writeFile(join(project, 'src/Counter.sol'), `// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;
contract Counter {
    uint256 public count;
    event Counted(uint256 count);
    function inc() external { emit Counted(++count); }
}
`)
  await writeFile(join(project, 'script/Deploy.s.sol'), `// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;
import {Counter} from "../src/Counter.sol";
interface Vm { function startBroadcast() external; function stopBroadcast() external; }
contract Deploy {
    bool public IS_SCRIPT = true;
    function run() external returns (Counter counter) {
        Vm vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
        vm.startBroadcast();
        counter = new Counter();
        counter.inc();
        counter.inc();
        vm.stopBroadcast();
    }
}
`)
})
after(async () => {
  await node?.stop()
  if (project) await rm(project, { recursive: true, force: true })
})

test('cast reads the chain', async () => {
  assert.equal(await run(CAST, 'chain-id'), '97304')
  assert.match(await run(CAST, 'balance', account(0).address), /^[0-9]{20,}$/)
  assert.match(await run(CAST, 'block', 'latest'), /stateRoot/)
  assert.equal(await run(CAST, 'nonce', account(4).address), '0')
})

test('forge create deploys, cast sends and calls', async () => {
  const out = await run(FORGE, 'create', 'src/Counter.sol:Counter', '--broadcast',
    '--rpc-url', node.url, '--private-key', privateKey(0))
  const [, address] = /Deployed to: (0x[0-9a-fA-F]{40})/.exec(out)
  const receipt = JSON.parse(await run(CAST, 'send', address, 'inc()', '--json',
    '--private-key', privateKey(0)))
  assert.equal(receipt.status, '0x1')
  assert.equal(await run(CAST, 'call', address, 'count()(uint256)'), '1')
  const logs = JSON.parse(await run(CAST, 'logs', '--json', '--from-block', '0', '--address', address))
  assert.equal(logs.length, 1)
  // cast executes the transaction itself, on state that it asks for; 0x371303c0 is inc().
  const trace = await run(CAST, 'run', receipt.transactionHash, '--quick')
  assert.match(trace, /::(inc|371303c0)\(\)/)
  assert.match(trace, new RegExp(`Gas used: ${Number(receipt.gasUsed)}\\b`))
  assert.ok(JSON.parse(await run(CAST, 'proof', address, '0x0')).accountProof.length > 0)
})

test('forge script broadcasts several transactions in order', async () => {
  const out = await run(FORGE, 'script', 'script/Deploy.s.sol:Deploy', '--broadcast',
    '--rpc-url', node.url, '--private-key', privateKey(1))
  assert.match(out, /ONCHAIN EXECUTION COMPLETE & SUCCESSFUL/i)
  assert.equal(await run(CAST, 'nonce', account(1).address), '3')
})
