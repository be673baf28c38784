// Transactions that no client library would make: fields are encoded as they are given.
import { concatHex, keccak256, numberToHex, toRlp } from 'viem'

const quantity = (value) => (BigInt(value) === 0n ? '0x' : numberToHex(value))

/** The type-2 envelope of `fields` signed by `signer`; `forge` may replace parts of the signature. */
export async function rawTransaction(signer, fields, forge = {}) {
  const { chainId, nonce, maxPriorityFeePerGas, maxFeePerGas, gas, to, value, data } = fields
  const body = [
    ...[chainId, nonce, maxPriorityFeePerGas, maxFeePerGas, gas].map(quantity),
    to ?? '0x', quantity(value), data ?? '0x', [],
  ]
  const envelope = (list) => concatHex(['0x02', toRlp(list)])
  const signature = await signer.sign({ hash: keccak256(envelope(body)) })
  const parts = {
    v: BigInt(`0x${signature.slice(130)}`) - 27n,
    r: BigInt(signature.slice(0, 66)), s: BigInt(`0x${signature.slice(66, 130)}`), ...forge,
  }
  return envelope([...body, ...[parts.v, parts.r, parts.s].map(quantity)])
}
