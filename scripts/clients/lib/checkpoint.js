// A development chain whose relay begins at the tip of a bitcoind. To a prover each header before it is half a segment.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BITCOIN_RELAY, genesisAccounts } from './genesis.js'
import { writeSpec } from './spec.js'

// Of the difficulty's period, and of the headers whose median time the next one has to exceed.
const [PERIOD, EARLIER] = [2016, 10]

/** The checkpoint (contracts/script/Networks.sol) of the tip of `bitcoin`, above block 9. */
async function checkpoint(bitcoin) {
  const height = await bitcoin.call('getblockcount')
  const header = async (at, verbose) => bitcoin.call('getblockheader', await bitcoin.call('getblockhash', at), verbose)
  const first = await header(height - height % PERIOD, true)
  const before = Array.from({ length: EARLIER }, (_, index) => header(height - 1 - index, true))
  return {
    height,
    header: `0x${await header(height, false)}`,
    earlierTimes: (await Promise.all(before)).map(({ time }) => time),
    periodTime: first.time,
    periodBits: Number(`0x${first.bits}`),
  }
}

/** Writes the development chain's specification into `dir`, its relay at the tip of `bitcoin`; gives the file's path. */
export async function writeSpecAtTip(dir, bitcoin) {
  const file = join(dir, 'checkpoint.json')
  await writeFile(file, JSON.stringify(await checkpoint(bitcoin)))
  const { accounts } = await genesisAccounts({ BITCOIN_NETWORK: 'regtest', CHECKPOINT: file })
  const { storage } = accounts.find(({ address }) => address.toLowerCase() === BITCOIN_RELAY)
  return writeSpec(dir, 'bitcoinzk_at_tip', ({ evm }) => { evm.accounts[BITCOIN_RELAY].storage = storage })
}
