// The nonces that signers have shown on chain, and what was signed with them.
import assert from 'node:assert/strict'

/** Reads all `threshold.sign` calls from the first block on and holds them to DESIGN §11, invariant 4: nobody shows a
 *  nonce twice, and nobody sends shares twice for one set of nonces. Gives how many sets of nonces there were, and how
 *  many were signed with. */
export async function noncesOf(api) {
  const head = (await api.rpc.chain.getHeader()).number.toNumber()
  const shown = new Set()
  const open = new Map()
  let [sets, signed] = [0, 0]
  for (let number = 1; number <= head; number++) {
    const { block } = await api.rpc.chain.getBlock(await api.rpc.chain.getBlockHash(number))
    for (const { method } of block.extrinsics) {
      if (method.section !== 'threshold' || method.method !== 'sign') continue
      const [session, { sender, message }] = method.args
      const who = `${session} ${sender}`
      if (message.isNonces) {
        const pairs = message.asNonces.flatMap(({ hiding, binding }) => [hiding.toHex(), binding.toHex()])
        for (const nonce of pairs) {
          assert.ok(!shown.has(nonce), `nonce ${nonce} of member ${sender} shown again in session ${session}`)
          shown.add(nonce)
        }
        open.set(who, true)
        sets++
      } else if (message.isShares) {
        assert.ok(open.get(who), `member ${sender} signed twice with one set of nonces in session ${session}`)
        open.set(who, false)
        signed++
      }
    }
  }
  return { drawn: sets, signed }
}
