// Steps of equivocation.zndsl.
import { equivocate } from '../scripts/clients/lib/equivocation.js'
import { connectApi } from '../scripts/clients/lib/substrate.js'

/** Until Bob has paid for running on `twin` too. */
export async function slash({ alice, twin }) {
  const chain = await connectApi(alice)
  await equivocate(chain, twin, 'Bob')
  await chain.api.disconnect()
}
