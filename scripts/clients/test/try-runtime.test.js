// A trial run of an upgrade: migrations and the invariants of all pallets on the state of a chain that has run.
import assert from 'node:assert/strict'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { startNode, until } from '../lib/node.js'
import { connectApi, send, ZYRA } from '../lib/substrate.js'

// scripts/next-runtime.sh try
const CODE = process.env.BZK_TRY_RUNTIME
const PROBE = ['TryRuntime_on_runtime_upgrade', '0x01']

test('the upgrade passes its checks on a state that has been used',
  { skip: CODE ? false : 'set BZK_TRY_RUNTIME to a runtime with the checks' }, async (t) => {
    const node = await startNode(['--dev', '--sealing', 'instant'])
    t.after(() => node.stop())
    const { api, keys } = await connectApi(node)
    const { bob, charlie, alice } = keys
    await send(api, api.tx.staking.bond(1_000n * ZYRA, 'Stash'), bob)
    await send(api, api.tx.staking.nominate([alice.address]), bob)
    await send(api, api.tx.nominationPools.create(2_000n * ZYRA, charlie.address, charlie.address, charlie.address), charlie)
    await send(api, api.tx.preimage.notePreimage('0x1234'), charlie)
    await api.disconnect()
    await assert.rejects(node.call('state_call', PROBE), /not found/)
    await node.end()

    // The same database, with the other code in the place of the chain's.
    node.args.push('--wasm-runtime-overrides', dirname(CODE))
    await node.start()
    const answer = await until(() => node.call('state_call', PROBE), 'the trial run', 120)
    // Two weights: what the migrations took, and what a block may take.
    assert.match(answer, /^0x[0-9a-f]+$/)
  })
