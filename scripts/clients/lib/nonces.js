// The nonces that signers have shown on chain, and what was signed with them. Invariant 4: none is used twice.

/** What signers say in these extrinsics: of each `threshold.sign` the session, the member, and the nonces shown (hex)
 *  or that it has sent shares. */
export function messagesOf(extrinsics) {
  return extrinsics.filter(({ method: { section, method } }) => section === 'threshold' && method === 'sign')
    .map(({ method: { args: [session, { sender, message }] } }) => ({
      session: session.toString(),
      sender: sender.toString(),
      nonces: message.isNonces
        ? message.asNonces.flatMap(({ hiding, binding }) => [hiding.toHex(), binding.toHex()]) : undefined,
      shares: message.isShares,
    }))
}

/** The nonces up to a block: how many sets were `drawn`, and how many of these were `signed` with. */
export class Nonces {
  constructor() {
    Object.assign(this, { shown: new Set(), open: new Set(), drawn: 0, signed: 0 })
  }

  /** Takes the blocks in turn; gives who shows a nonce again or sends shares twice for one set of nonces, as texts. */
  apply({ messages }) {
    return messages.flatMap((message) => this.take(message))
  }

  take({ session, sender, nonces, shares }) {
    const who = `${session} ${sender}`
    if (nonces) {
      const again = nonces.filter((nonce) => this.shown.size === this.shown.add(nonce).size)
      this.open.add(who)
      this.drawn++
      return again.map((nonce) => `4: nonce ${nonce} of member ${sender} is shown again in session ${session}`)
    }
    if (!shares) return []
    this.signed++
    return this.open.delete(who) ? [] : [`4: member ${sender} signs without new nonces in session ${session}`]
  }
}
