//! The tip that `eth_maxPriorityFeePerGas` and `eth_gasPrice` suggest, by geth's method: the 60th
//! percentile of the three lowest tips of each of the last 20 blocks.

use crate::{
    chain::{Chain, Record},
    error::RpcResult,
    types::B256,
};
use alloy_consensus::Transaction;
use parking_lot::Mutex;
use schnellru::{ByLength, LruMap};

/// Suggested before any block tells better, in wei per gas: 0.001 gwei, as geth's. A transfer
/// of 21,000 gas then tips 2.1 sats.
const DEFAULT: u128 = 1_000_000;
/// Never suggested more, in wei per gas: 500 gwei, as geth's.
const MAX: u128 = 500_000_000_000;
/// Tips below this are ignored, in wei per gas.
const IGNORED_BELOW: u128 = 2;
/// Blocks that are looked at; up to twice as many if some tell nothing.
const BLOCKS: usize = 20;
/// Tips taken from each block.
const PER_BLOCK: usize = 3;
/// Position of the suggestion among the tips.
const PERCENTILE: usize = 60;

struct Known {
    head: B256,
    tip: u128,
    /// By block hash, so that a new head costs one block and not twenty.
    samples: LruMap<B256, Vec<u128>>,
}

/// Suggests tips and remembers the last one.
pub struct TipOracle(Mutex<Known>);

impl Default for TipOracle {
    fn default() -> Self {
        let samples = LruMap::new(ByLength::new(4 * BLOCKS as u32));
        Self(Mutex::new(Known { head: B256::ZERO, tip: DEFAULT, samples }))
    }
}

impl TipOracle {
    /// The tip to offer now, in wei per gas.
    pub fn suggest(&self, chain: &Chain) -> RpcResult<u128> {
        let head = chain.head()?;
        let known = &mut *self.0.lock();
        if known.head != head.hash {
            let samples = &mut known.samples;
            known.tip = suggestion(head.number, known.tip, |number| {
                let Some(block) = chain.block_by_number(number)? else { return Ok(Vec::new()) };
                if let Some(sample) = samples.get(&block.hash) {
                    return Ok(sample.clone());
                }
                let record = chain.record(&block)?;
                let sample = lowest_tips(&record);
                samples.insert(block.hash, sample.clone());
                Ok(sample)
            })?;
            known.head = head.hash;
        }
        Ok(known.tip)
    }
}

/// The lowest tips of a block, without those of its producer.
fn lowest_tips(record: &Record) -> Vec<u128> {
    let header = &record.block.header;
    let base_fee = header.base_fee_per_gas.unwrap_or_default();
    let mut tips: Vec<_> = record
        .block
        .body
        .transactions
        .iter()
        .zip(&record.senders)
        .filter(|(_, sender)| **sender != header.beneficiary)
        .filter_map(|(tx, _)| tx.effective_tip_per_gas(base_fee))
        .filter(|tip| *tip >= IGNORED_BELOW)
        .collect();
    tips.sort_unstable();
    tips.truncate(PER_BLOCK);
    tips
}

/// geth's rule: a block that tells nothing counts as one sample of the last suggestion, and while
/// a block tells at most one tip, one more block is looked at.
fn suggestion(
    head: u64,
    last: u128,
    mut sample: impl FnMut(u64) -> RpcResult<Vec<u128>>,
) -> RpcResult<u128> {
    let mut tips = Vec::new();
    let mut number = head;
    let mut expected = BLOCKS.min(usize::try_from(head).unwrap_or(BLOCKS));
    let mut to_ask = (head.saturating_sub(expected as u64)) as usize;
    while expected > 0 {
        let mut found = sample(number)?;
        number = number.saturating_sub(1);
        expected -= 1;
        if found.is_empty() {
            found.push(last);
        }
        if found.len() == 1 && tips.len() + 1 + expected < 2 * BLOCKS && to_ask > 0 {
            expected += 1;
            to_ask -= 1;
        }
        tips.append(&mut found);
    }
    tips.sort_unstable();
    let position = tips.len().saturating_sub(1) * PERCENTILE / 100;
    Ok(tips.get(position).copied().unwrap_or(last).min(MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        feed::fixtures::{priced, record},
        types::Address,
    };

    #[test]
    fn lowest_tips_leave_out_the_producer_and_dust() {
        let mut record = record(5, 0, &[&[], &[], &[], &[], &[], &[]]);
        record.block.body.transactions = vec![
            priced(0, 1_000, 50),
            priced(1, 1_000, 1),
            priced(2, 1_000, 40),
            priced(3, 1_000, 3),
            priced(4, 1_000, 20),
            priced(5, 110, 60),
        ];
        record.senders[3] = Address::repeat_byte(0xfe);
        record.block.header.beneficiary = Address::repeat_byte(0xfe);
        // The last one pays 110 - 100 = 10.
        assert_eq!(lowest_tips(&record), [10, 20, 40]);
    }

    #[test]
    fn empty_chain_keeps_the_last_suggestion() {
        assert_eq!(suggestion(0, 7, |_| panic!("genesis has no transactions")), Ok(7));
        assert_eq!(suggestion(100, 7, |_| Ok(vec![])), Ok(7));
    }

    #[test]
    fn suggestion_is_the_sixtieth_percentile() {
        // 20 blocks of 3: tips 1..=60 in sum; index 59 * 60 / 100 = 35 -> 36.
        let sample =
            |number: u64| Ok((0..3).map(|i| u128::from((number - 81) * 3 + i + 1)).collect());
        assert_eq!(suggestion(100, 7, sample), Ok(36));
    }

    #[test]
    fn silent_blocks_make_it_look_further_but_not_for_ever() {
        let mut asked = 0;
        let silent = |_| {
            asked += 1;
            Ok(vec![])
        };
        suggestion(1_000, 7, silent).unwrap();
        assert_eq!(asked, 40);
        let mut asked = 0;
        let telling = |_| {
            asked += 1;
            Ok(vec![1, 2])
        };
        suggestion(1_000, 7, telling).unwrap();
        assert_eq!(asked, 20);
    }

    #[test]
    fn short_chain_is_not_left() {
        let mut asked = Vec::new();
        let sample = |number| {
            asked.push(number);
            Ok(vec![])
        };
        suggestion(3, 7, sample).unwrap();
        assert_eq!(asked, [3, 2, 1]);
    }

    #[test]
    fn suggestion_is_capped() {
        assert_eq!(suggestion(5, 7, |_| Ok(vec![u128::MAX])), Ok(MAX));
    }
}
