//! Keeps the relay contract at Bitcoin's tip.

use anyhow::{bail, Context, Result};
use bzk_bitcoin::bitcoin::{consensus::serialize, hashes::Hash, BlockHash};
use bzk_bitcoin_client::BitcoinClient;
use bzk_l2_client::{
    alloy_primitives::U256,
    alloy_sol_types::SolError,
    contracts::{BitcoinRelay, BITCOIN_RELAY},
    Error as L2Error, L2Client,
};
use std::ops::{Range, RangeInclusive};

/// Headers of one transaction when the relay catches up: a few million gas.
pub const BATCH: u32 = 100;

/// The contract replaces no more blocks than this: it would have forgotten what to judge them by.
pub const MAX_REORG: u32 = 8_192 - 2_016 - 1;

/// So far back from the tip every height is compared.
const NEAR: u32 = 6;

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The relay is where Bitcoin is, or another relayer was faster.
    UpToDate,
    /// The relay has the blocks up to this height.
    Advanced {
        /// Height of the relay's tip.
        height: u32,
    },
    /// A header is more than two hours ahead of the L2's clock, which stands still until the chain's first block.
    TooNew,
    /// Bitcoin is on another branch that does not have more work yet than what the relay has.
    NotHeavier,
}

/// Where the chains part, as far as heights tell.
///
/// # Errors
/// The back end is further behind than the contract would let it go back: most likely it is not done with its own
/// blocks.
fn common_range(start: u32, relay_tip: u32, bitcoin_tip: u32) -> Result<RangeInclusive<u32>> {
    let lowest = start.max(relay_tip.saturating_sub(MAX_REORG));
    if bitcoin_tip < lowest {
        bail!(
            "the Bitcoin back end is at height {bitcoin_tip}, the relay contract at {relay_tip}: wait until the back \
             end has all blocks, or see that both are on one network"
        );
    }
    Ok(lowest..=relay_tip.min(bitcoin_tip))
}

/// The heights to submit: from where the chains part, as many as `batch`; but a branch that replaces blocks goes whole,
/// because the contract takes it only if it has more work than they have together.
pub fn next_span(relay_tip: u32, fork: u32, bitcoin_tip: u32, batch: u32) -> Range<u32> {
    let replaced = relay_tip.saturating_sub(fork);
    let available = bitcoin_tip.saturating_sub(fork);
    let count = if replaced == 0 { available.min(batch) } else { available };
    fork + 1..fork + 1 + count
}

/// Submits what the relay lacks, at most one transaction.
///
/// # Errors
/// Either side cannot be reached, the contract refuses a header, or the chains part deeper than it can follow.
pub async fn step(bitcoin: &dyn BitcoinClient, l2: &L2Client) -> Result<Progress> {
    let tip = l2.call(BITCOIN_RELAY, &BitcoinRelay::tipCall {}).await.context("relay's tip")?;
    let bitcoin_tip = bitcoin.tip().await?;
    let range = common_range(tip.start, tip.height, bitcoin_tip.height)?;
    let fork = fork_height(bitcoin, l2, range).await?;
    let span = next_span(tip.height, fork, bitcoin_tip.height, BATCH);
    if span.is_empty() {
        return Ok(Progress::UpToDate);
    }
    let headers = bitcoin.headers(span.start, span.end - span.start).await?;
    let (Some(first), Some(last)) = (headers.first(), headers.last()) else {
        return Ok(Progress::UpToDate);
    };
    tracing::debug!(from = span.start, parent = %first.prev_blockhash, "submitting headers");
    let call = BitcoinRelay::submitCall {
        height: span.start,
        headers: headers.iter().flat_map(serialize).collect::<Vec<u8>>().into(),
    };
    match l2.send(BITCOIN_RELAY, &call, U256::ZERO).await {
        Ok(included) => {
            let height = fork + u32::try_from(headers.len())?;
            tracing::info!(height, hash = %last.block_hash(), gas = included.gas_used, "headers accepted");
            Ok(Progress::Advanced { height })
        }
        Err(L2Error::Reverted { data, .. }) if is::<BitcoinRelay::NothingNew>(&data) => {
            Ok(Progress::UpToDate)
        }
        Err(L2Error::Reverted { data, .. }) if is::<BitcoinRelay::NotHeavier>(&data) => {
            Ok(Progress::NotHeavier)
        }
        Err(L2Error::Reverted { data, .. }) if is::<BitcoinRelay::TimeTooNew>(&data) => {
            Ok(Progress::TooNew)
        }
        // Another relayer's was before it in the block, most likely; if not, the next round is told why.
        Err(L2Error::Failed(hash)) => {
            tracing::debug!(%hash, "headers were not needed");
            Ok(Progress::UpToDate)
        }
        Err(error) => Err(error).with_context(|| format!("headers from height {}", span.start)),
    }
}

/// The height of the last block that both have, in a range. Branches are short, so the last heights come first; then
/// the range is halved, because what is common to both is so from its first block on.
async fn fork_height(
    bitcoin: &dyn BitcoinClient,
    l2: &L2Client,
    range: RangeInclusive<u32>,
) -> Result<u32> {
    let (lowest, highest) = range.into_inner();
    for height in (lowest.max(highest.saturating_sub(NEAR))..=highest).rev() {
        if agree(bitcoin, l2, height).await? {
            return Ok(height);
        }
    }
    if !agree(bitcoin, l2, lowest).await? {
        bail!(
            "the relay contract and the Bitcoin back end have no block in common from height {lowest} to {highest}: \
             are they on one network?"
        );
    }
    let (mut common, mut apart) = (lowest, highest);
    while apart - common > 1 {
        let middle = common + (apart - common) / 2;
        match agree(bitcoin, l2, middle).await? {
            true => common = middle,
            false => apart = middle,
        }
    }
    Ok(common)
}

/// Whether both have the same block at a height.
async fn agree(bitcoin: &dyn BitcoinClient, l2: &L2Client, height: u32) -> Result<bool> {
    let relay = l2.call(BITCOIN_RELAY, &BitcoinRelay::hashAtCall { height }).await?;
    let ours = bitcoin.headers(height, 1).await?;
    let ours = ours.first().map(|header| header.block_hash());
    Ok(ours == Some(BlockHash::from_byte_array(relay.0)))
}

fn is<E: SolError>(data: &[u8]) -> bool {
    data.starts_with(&E::SELECTOR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn catching_up_goes_in_batches() {
        assert_eq!(next_span(10, 10, 500, 100), 11..111);
        assert_eq!(next_span(10, 10, 15, 100), 11..16);
        assert!(next_span(10, 10, 10, 100).is_empty());
        // The back end lags behind the relay.
        assert!(next_span(10, 8, 8, 100).is_empty());
    }

    #[test]
    fn back_end_that_is_not_done_is_told_from_one_that_lags() {
        assert_eq!(common_range(0, 100, 103).unwrap(), 0..=100);
        // A branch that is shorter, or a node a little late.
        assert_eq!(common_range(0, 100, 97).unwrap(), 0..=97);
        assert_eq!(common_range(800_000, 900_000, 900_001).unwrap(), 893_825..=900_000);
        assert_eq!(common_range(899_000, 900_000, 900_001).unwrap(), 899_000..=900_000);
        for syncing in [0, 400_000, 893_824] {
            let error = common_range(800_000, 900_000, syncing).unwrap_err().to_string();
            assert!(error.contains(&syncing.to_string()) && error.contains("wait"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn prop_branch_goes_whole_from_the_fork(
            fork in 0u32..1_000, replaced in 0u32..300, grown in 0u32..300, batch in 1u32..200,
        ) {
            let span = next_span(fork + replaced, fork, fork + grown, batch);
            prop_assert_eq!(span.start, fork + 1);
            prop_assert!(span.end <= fork + grown + 1);
            if replaced > 0 {
                prop_assert_eq!(span.end, fork + grown + 1);
            } else {
                prop_assert_eq!(span.end - span.start, grown.min(batch));
            }
        }
    }
}
