//! `eth_feeHistory`: what blocks cost, with geth's arithmetic.

use crate::{
    chain::Record,
    error::{limit_exceeded, server, RpcResult},
};
use alloy_consensus::Transaction;
use alloy_rpc_types_eth::{FeeHistory, TxGasAndReward};
use bzk_evm::{base_fee, block::Header};
use std::time::Duration;

/// What one block cost.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct BlockFees {
    /// Wei per gas.
    pub base_fee: u64,
    /// That of the block after it, in wei per gas.
    pub next_base_fee: u64,
    /// Gas used over gas limit.
    pub gas_used_ratio: f64,
    /// Tip in wei per gas at each percentile that was asked for.
    pub rewards: Vec<u128>,
}

impl BlockFees {
    /// Of a block that is there.
    pub(super) fn of(record: &Record, percentiles: &[f64]) -> Self {
        let header = &record.block.header;
        Self { rewards: rewards(record, percentiles), ..Self::of_header(header) }
    }

    /// Of the block after `head`, as if it were going to be empty: the node builds a block only
    /// when its slot comes, so nothing better is known.
    pub(super) fn pending(head: &Header, percentiles: &[f64]) -> Self {
        let base_fee = Self::of_header(head).next_base_fee;
        Self {
            base_fee,
            next_base_fee: base_fee::next(head.gas_limit, 0, base_fee),
            gas_used_ratio: 0.0,
            rewards: vec![0; percentiles.len()],
        }
    }

    fn of_header(header: &Header) -> Self {
        let base_fee = header.base_fee_per_gas.unwrap_or_default();
        let gas_used_ratio = match header.gas_limit {
            0 => 0.0,
            limit => header.gas_used as f64 / limit as f64,
        };
        let next_base_fee = base_fee::next(header.gas_limit, header.gas_used, base_fee);
        Self { base_fee, next_base_fee, gas_used_ratio, rewards: Vec::new() }
    }
}

/// The tip at each percentile of gas, cheapest gas first; zeros for an empty block.
fn rewards(record: &Record, percentiles: &[f64]) -> Vec<u128> {
    let base_fee = record.block.header.base_fee_per_gas.unwrap_or_default();
    let mut gas_before = 0;
    let transactions = record.block.body.transactions.iter().zip(&record.receipts);
    let mut paid: Vec<_> = transactions
        .map(|(tx, receipt)| {
            let gas_used = receipt.cumulative_gas_used.saturating_sub(gas_before);
            gas_before = receipt.cumulative_gas_used;
            let reward = tx.effective_tip_per_gas(base_fee).unwrap_or_default();
            TxGasAndReward { gas_used, reward }
        })
        .collect();
    paid.sort();
    at_percentiles(&paid, record.block.header.gas_used, percentiles)
}

/// `paid` by rising reward, `percentiles` rising.
fn at_percentiles(paid: &[TxGasAndReward], gas_used: u64, percentiles: &[f64]) -> Vec<u128> {
    let mut rest = paid.iter();
    let (mut sum, mut reward) = rest.next().map_or((0, 0), |tx| (tx.gas_used, tx.reward));
    let at = |percentile: &f64| {
        // Rounds towards zero, as geth does.
        let threshold = (gas_used as f64 * percentile / 100.0) as u64;
        while sum < threshold {
            let Some(tx) = rest.next() else { break };
            sum = sum.saturating_add(tx.gas_used);
            reward = tx.reward;
        }
        reward
    };
    percentiles.iter().map(at).collect()
}

/// geth's checks of the wanted percentiles.
pub(super) fn check_percentiles(percentiles: &[f64], max: usize) -> RpcResult<()> {
    let refuse = |cause: std::fmt::Arguments<'_>| {
        Err(server(format_args!("invalid reward percentile: {cause}")))
    };
    if percentiles.len() > max {
        return refuse(format_args!("over the query limit {max}"));
    }
    if let Some(outside) = percentiles.iter().find(|value| !(0.0..=100.0).contains(*value)) {
        return refuse(format_args!("{outside:.6}"));
    }
    for (index, pair) in percentiles.windows(2).enumerate() {
        if let [before, after] = pair {
            if after <= before {
                let next = index.saturating_add(1);
                return refuse(format_args!("#{index}:{before:.6} >= #{next}:{after:.6}"));
            }
        }
    }
    Ok(())
}

/// An error once a query that has read `done` blocks took longer than it may.
pub(super) fn check_time(took: Duration, most: Duration, done: usize) -> RpcResult<()> {
    if took <= most {
        return Ok(());
    }
    Err(limit_exceeded(format_args!(
        "query exceeds max duration of {} s after {done} blocks: ask for fewer blocks at once",
        most.as_secs()
    )))
}

/// The answer for consecutive blocks from number `oldest` on.
pub(super) fn assemble(oldest: u64, blocks: Vec<BlockFees>, with_rewards: bool) -> FeeHistory {
    let Some(last) = blocks.last() else { return FeeHistory::default() };
    let next = last.next_base_fee;
    let fees = blocks.iter().map(|block| block.base_fee).chain([next]);
    FeeHistory {
        base_fee_per_gas: fees.map(u128::from).collect(),
        gas_used_ratio: blocks.iter().map(|block| block.gas_used_ratio).collect(),
        // There are no blobs; geth answers zeros for blocks without them.
        base_fee_per_blob_gas: vec![0; blocks.len().saturating_add(1)],
        blob_gas_used_ratio: vec![0.0; blocks.len()],
        oldest_block: oldest,
        reward: with_rewards.then(|| blocks.into_iter().map(|block| block.rewards).collect()),
    }
}

/// Numbers of the oldest and the newest block of an answer, and whether the pending block follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// First block; the block after `newest` if only the pending one is wanted.
    pub oldest: u64,
    /// Blocks that exist.
    pub count: u64,
    /// Whether the pending block is the last one.
    pub pending: bool,
}

impl Span {
    /// `count` blocks, of which the last is `newest` or, if `pending`, the one after it.
    pub(super) fn new(newest: u64, count: u64, pending: bool) -> Option<Self> {
        let existing = if pending { count.checked_sub(1)? } else { count };
        let count = existing.min(newest.saturating_add(1));
        let oldest = newest.saturating_add(1).saturating_sub(count);
        (count > 0 || pending).then_some(Self { oldest, count, pending })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        feed::fixtures::{priced, record, GAS},
        types::B256,
    };
    use proptest::prelude::*;

    fn paid(list: &[(u64, u128)]) -> Vec<TxGasAndReward> {
        list.iter()
            .map(|(gas_used, reward)| TxGasAndReward { gas_used: *gas_used, reward: *reward })
            .collect()
    }

    #[test]
    fn percentiles_are_weighted_by_gas() {
        // 100 gas in sum: 10 at tip 1, 30 at tip 2, 60 at tip 5.
        let paid = paid(&[(10, 1), (30, 2), (60, 5)]);
        let got = at_percentiles(&paid, 100, &[0.0, 10.0, 11.0, 40.0, 40.9, 41.0, 100.0]);
        assert_eq!(got, [1, 1, 2, 2, 2, 5, 5]);
    }

    #[test]
    fn percentile_beyond_the_gas_of_transactions_takes_the_last() {
        assert_eq!(at_percentiles(&paid(&[(10, 3)]), 100, &[50.0, 100.0]), [3, 3]);
    }

    #[test]
    fn empty_block_has_zero_rewards() {
        let fees = BlockFees::of(&record(5, 0, &[]), &[25.0, 75.0]);
        assert_eq!(fees.rewards, [0, 0]);
    }

    #[test]
    fn rewards_are_effective_tips_sorted_by_price() {
        let mut record = record(5, 0, &[&[], &[], &[]]);
        // Base fee 100: effective tips are 30 (of 30), 5 (cap 105), 10 (of 10).
        record.block.body.transactions =
            vec![priced(0, 1_000, 30), priced(1, 105, 50), priced(2, 1_000, 10)];
        let fees = BlockFees::of(&record, &[1.0, 34.0, 67.0]);
        assert_eq!(fees.rewards, [5, 10, 30]);
    }

    #[test]
    fn base_fee_falls_by_an_eighth_after_an_empty_block() {
        let mut record = record(5, 0, &[]);
        record.block.header.base_fee_per_gas = Some(1_000);
        let fees = BlockFees::of(&record, &[]);
        assert_eq!((fees.base_fee, fees.next_base_fee), (1_000, 875));
        assert_eq!(fees.gas_used_ratio, 0.0);
    }

    #[test]
    fn base_fee_rises_by_an_eighth_after_a_full_block() {
        let mut record = record(5, 0, &[]);
        record.block.header.base_fee_per_gas = Some(1_000);
        record.block.header.gas_used = record.block.header.gas_limit;
        let fees = BlockFees::of(&record, &[]);
        assert_eq!(fees.next_base_fee, 1_125);
        assert_eq!(fees.gas_used_ratio, 1.0);
    }

    #[test]
    fn answer_has_one_more_base_fee_than_blocks() {
        let record = record(7, 0, &[&[]]);
        // 50,000 of 30,000,000 gas: far below the target, so 100 falls to 88 (100 * 14,950,000 /
        // 15,000,000 / 8 = 12, rounded down).
        assert_eq!(GAS, 50_000);
        let fees = BlockFees::of(&record, &[50.0]);
        let history = assemble(7, vec![fees.clone(), fees], true);
        assert_eq!(history.base_fee_per_gas, [100, 100, 88]);
        assert_eq!(history.gas_used_ratio, [50_000.0 / 30_000_000.0; 2]);
        assert_eq!(history.reward, Some(vec![vec![10], vec![10]]));
        assert_eq!(history.oldest_block, 7);
        assert_eq!(history.base_fee_per_blob_gas, [0, 0, 0]);
        assert_eq!(history.blob_gas_used_ratio, [0.0, 0.0]);
    }

    #[test]
    fn reward_is_absent_unless_asked_for() {
        let history = assemble(7, vec![BlockFees::of(&record(7, 0, &[&[]]), &[])], false);
        let json = serde_json::to_value(history).unwrap();
        assert!(json.get("reward").is_none());
        assert_eq!(json["baseFeePerGas"], serde_json::json!(["0x64", "0x58"]));
        assert_eq!(json["oldestBlock"], "0x7");
    }

    #[test]
    fn pending_block_follows_as_an_empty_one() {
        let head = record(7, 0, &[]).block.header;
        let head = Header { base_fee_per_gas: Some(1_000), ..head };
        let fees = BlockFees::pending(&head, &[50.0]);
        // 1000 -> 875 -> 875 - 109 = 766.
        assert_eq!((fees.base_fee, fees.next_base_fee), (875, 766));
        assert_eq!(fees.rewards, [0]);
    }

    #[test]
    fn percentiles_must_rise_within_bounds() {
        let text = |list: &[f64]| check_percentiles(list, 3).unwrap_err().message().to_string();
        assert!(check_percentiles(&[0.0, 50.5, 100.0], 3).is_ok());
        assert_eq!(text(&[-1.0]), "invalid reward percentile: -1.000000");
        assert_eq!(text(&[100.5]), "invalid reward percentile: 100.500000");
        assert_eq!(text(&[1.0, 1.0]), "invalid reward percentile: #0:1.000000 >= #1:1.000000");
        assert_eq!(text(&[1.0; 4]), "invalid reward percentile: over the query limit 3");
        assert!(check_percentiles(&[f64::NAN], 3).is_err());
    }

    #[test]
    fn attack_history_of_full_blocks_ends_in_time_with_the_way_out() {
        let most = Duration::from_secs(5);
        assert!(check_time(most, most, 0).is_ok());
        let error = check_time(most + Duration::from_millis(1), most, 700).unwrap_err();
        assert_eq!(error.code(), -32005);
        assert!(error.message().contains("after 700 blocks: ask for fewer"), "{error:?}");
    }

    #[test]
    fn span_stops_at_genesis() {
        let span = |oldest, count, pending| Some(Span { oldest, count, pending });
        assert_eq!(Span::new(10, 3, false), span(8, 3, false));
        assert_eq!(Span::new(2, 100, false), span(0, 3, false));
        assert_eq!(Span::new(10, 0, false), None);
        assert_eq!(Span::new(10, 3, true), span(9, 2, true));
        assert_eq!(Span::new(10, 1, true), span(11, 0, true));
        assert_eq!(Span::new(0, 5, true), span(0, 1, true));
    }

    proptest! {
        #[test]
        fn prop_rewards_rise_with_percentiles(
            list in prop::collection::vec((1u64..1_000_000, any::<u128>()), 1..20),
            mut percentiles in prop::collection::vec(0.0f64..=100.0, 1..10),
        ) {
            let mut paid = paid(&list);
            paid.sort();
            percentiles.sort_by(f64::total_cmp);
            let gas = list.iter().map(|(gas, _)| gas).sum();
            let rewards = at_percentiles(&paid, gas, &percentiles);
            prop_assert!(rewards.is_sorted());
            prop_assert!(rewards.iter().all(|reward| list.iter().any(|(_, paid)| paid == reward)));
        }

        #[test]
        fn prop_span_holds_what_was_asked_for_or_reaches_genesis(newest: u64, count in 0u64..2_000, pending: bool) {
            match Span::new(newest, count, pending) {
                None => prop_assert_eq!(count, 0),
                Some(span) => {
                    prop_assert_eq!(span.oldest + span.count, newest.saturating_add(1));
                    let wanted = count - u64::from(pending);
                    prop_assert!(span.count == wanted || span.oldest == 0);
                },
            }
        }
    }

    #[test]
    fn fixtures_have_distinct_hashes() {
        assert_ne!(record(1, 0, &[]).hash, record(1, 1, &[]).hash);
        assert_ne!(record(1, 0, &[]).hash, B256::ZERO);
    }
}
