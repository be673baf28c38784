//! What one client may ask of the node. Each bound keeps memory and time of one request finite.

use alloy_primitives::U256;
use std::time::Duration;

/// Bounds of the Ethereum RPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Widest span of one log query, in Ethereum blocks.
    pub log_blocks: u64,
    /// Wall-clock time of one log query.
    pub log_time: Duration,
    /// Most logs that one query or one filter poll returns.
    pub log_results: usize,
    /// Most addresses in one log filter.
    pub log_addresses: usize,
    /// Most alternatives at one topic position of a log filter.
    pub log_topics: usize,
    /// Gas of one `eth_call`, `eth_estimateGas`, simulation or traced call, in gas units. It alone
    /// bounds the time of an `eth_call`.
    pub call_gas: u64,
    /// Wall-clock time of one estimate, access list or simulation, looked at between its runs.
    pub call_time: Duration,
    /// Wall-clock time of one trace request.
    pub trace_time: Duration,
    /// Largest trace result, in bytes of its JSON form (approximate).
    pub trace_bytes: usize,
    /// Blocks in one `trace_filter` span, in Ethereum blocks.
    pub trace_blocks: u64,
    /// Traces that one `trace_filter` returns.
    pub trace_results: usize,
    /// Calls, traces and log queries that run at once; others wait for a place.
    pub concurrent_calls: usize,
    /// Blocks in one `eth_simulateV1` request.
    pub simulate_blocks: usize,
    /// Calls in one `eth_simulateV1` request, over all blocks.
    pub simulate_calls: usize,
    /// Filters open at once, over all clients.
    pub filters: usize,
    /// Time after which a filter that nobody polls is dropped.
    pub filter_idle: Duration,
    /// Entries that one filter keeps between two polls; a filter over the bound is dropped.
    pub filter_backlog: usize,
    /// Subscriptions open at once, over all clients.
    pub subscriptions: usize,
    /// Messages that wait for one slow subscriber; then its subscription ends.
    pub subscription_backlog: u32,
    /// Blocks in one `eth_feeHistory` answer.
    pub fee_history_blocks: u64,
    /// Wall-clock time of one `eth_feeHistory`.
    pub fee_history_time: Duration,
    /// Percentiles in one `eth_feeHistory` request.
    pub fee_history_percentiles: usize,
    /// Storage keys in one `eth_getProof` request.
    pub proof_keys: usize,
    /// Largest fee (gas limit * fee cap) that `eth_sendRawTransaction` lets through, in wei.
    /// `None` lets everything through.
    pub tx_fee_cap_wei: Option<U256>,
    /// Memory for decoded blocks, in bytes (approximate).
    pub cache_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            log_blocks: 100_000,
            log_time: Duration::from_secs(10),
            log_results: 20_000,
            log_addresses: 1_000,
            log_topics: 1_000,
            call_gas: 50_000_000,
            call_time: Duration::from_secs(5),
            trace_time: Duration::from_secs(20),
            trace_bytes: 100 * 1024 * 1024,
            trace_blocks: 100,
            trace_results: 10_000,
            concurrent_calls: 16,
            simulate_blocks: 256,
            simulate_calls: 1_000,
            filters: 4_096,
            filter_idle: Duration::from_secs(300),
            filter_backlog: 20_000,
            subscriptions: 20_000,
            subscription_backlog: 1_024,
            fee_history_blocks: 1_024,
            fee_history_time: Duration::from_secs(5),
            fee_history_percentiles: 100,
            proof_keys: 1_024,
            // One coin, as geth's one ether: a typing error must not cost a fortune.
            tx_fee_cap_wei: Some(U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0])),
            cache_bytes: 128 * 1024 * 1024,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fee_history_is_bounded_as_in_geth() {
        let limits = Limits::default();
        assert_eq!((limits.fee_history_blocks, limits.fee_history_percentiles), (1_024, 100));
    }
}
