// A chain with many validators and nominators, and a node that authors for all of them.
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Keyring } from '@polkadot/api'
import { u8aToHex } from '@polkadot/util'
import { blake2AsU8a, cryptoWaitReady, encodeAddress } from '@polkadot/util-crypto'
import { writeSpec } from './spec.js'
import { ZYRA } from './substrate.js'

const NOMINATIONS = 16

/**
 * Keys of `count` validators; the stash is the account of the BABE key. They have seeds of their own: a node tries the
 * keys of all for each slot, and to derive each from a phrase would take it a good part of the slot.
 */
export async function manyValidators(count) {
  await cryptoWaitReady()
  const key = (type, seed) => new Keyring({ type }).addFromUri(seed)
  return Array.from({ length: count }, (_, i) => u8aToHex(blake2AsU8a(`validator ${i}`)))
    .map((seed) => ({ seed, babe: key('sr25519', seed), grandpa: key('ed25519', seed) }))
}

/** The candidates of one nominator: different ones, every fifth or so from a random one on. */
function candidates(validators) {
  const wanted = Math.min(NOMINATIONS, validators.length)
  const pick = (below) => Math.floor(Math.random() * below)
  const [first, step] = [pick(validators.length), 1 + pick(Math.floor(validators.length / wanted))]
  return Array.from({ length: wanted }, (_, i) => validators[(first + i * step) % validators.length].babe.address)
}

/** Writes the specification of a chain with these validators and so many nominators of 1,000 to 9,000 ZYRA. */
export function writeLargeSpec(dir, id, validators, nominators, calendar) {
  const people = Array.from({ length: nominators }, () => encodeAddress(randomBytes(32), 42))
  const zyra = (whole) => BigInt(whole) * ZYRA
  return writeSpec(dir, id, (patch) => {
    patch.sequencers = { calendar, missedLimit: 10_000 }
    patch.balances.balances = [
      ...patch.balances.balances.map(([who]) => [who, zyra(1_000_000)]),
      ...validators.map(({ babe }) => [babe.address, zyra(200_000)]),
      ...people.map((who) => [who, zyra(10_000)]),
    ]
    patch.session.keys = validators.map(({ babe, grandpa }) =>
      [babe.address, babe.address, { babe: babe.address, grandpa: grandpa.address }])
    patch.staking.validatorCount = validators.length
    patch.staking.stakers = [
      ...validators.map(({ babe: { address } }) => [address, address, zyra(100_000), 'Validator']),
      ...people.map((who) => [who, who, zyra(1_000 + Math.floor(Math.random() * 8_000)), { Nominator: candidates(validators) }]),
    ]
  })
}

/**
 * Fills the keystore of a node that has not started yet, as `author_insertKey` would: the BABE keys of all, and the
 * GRANDPA key of the first (a node votes with one).
 */
export async function writeKeystore(base, id, validators) {
  const folder = join(base, 'chains', id, 'keystore')
  await mkdir(folder, { recursive: true })
  const write = (type, { publicKey }, seed) => writeFile(
    join(folder, Buffer.from(type).toString('hex') + Buffer.from(publicKey).toString('hex')),
    JSON.stringify(seed), { mode: 0o600 })
  for (const { seed, babe } of validators) await write('babe', babe, seed)
  await write('gran', validators[0].grandpa, validators[0].seed)
}
