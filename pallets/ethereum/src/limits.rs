//! Bounds of what governance may set, and the steps of the header's gas limit.

use crate::{Config, Pallet};
use bzk_evm::{profile::KERNEL_WORD_LIMIT, tx::TRANSACTION_GAS};
use frame_support::{dispatch::DispatchClass, traits::Get};

/// Largest block number, timestamp and gas limit: the prover's kernel reads 32-bit numbers.
pub const MAX_HEADER_FIELD: u64 = KERNEL_WORD_LIMIT - 1;

/// Least gas limit of a header, Ethereum's rule.
pub const MIN_GAS_LIMIT: u64 = 5_000;

/// A header's gas limit differs from its parent's by less than one part in this many.
const GAS_LIMIT_BOUND_DIVISOR: u64 = 1_024;

/// Least cycle limit of a block that governance may set: enough for every transaction that costs
/// no more than a plain transfer with the largest calldata.
pub const MIN_BLOCK_CYCLES: u64 = 10_000_000;

/// Cycle limit of a block at genesis. What a full block takes to prove: `node/prover/README.md`.
///
/// From above it is bounded by time: a block at the limit takes one worker on two cores less than a
/// day, after which the layer 1 lets everybody prove. From below by the base fee: half of the
/// genesis' gas limit in plain transfers has to fit, or full blocks would not make it rise.
pub const GENESIS_BLOCK_CYCLES: u64 = 64_000_000;

/// Greatest cycle limit of a block that governance may set: one that is proven before users leave.
///
/// Proofs are made of segments of 2^17 cycles, each at worst 273 CPU s with its join
/// (`node/prover/README.md`). So a block of this limit takes 48 days of one core: the seven days
/// after which the layer 1 lets users exit, on seven. No limit may come near `u64::MAX`, which is
/// what the meter charges for what no prover proves in any time (`bzk_evm::meter::memory`).
pub const MAX_BLOCK_CYCLES: u64 = 2_000_000_000;

/// Shortest heartbeat that governance may set.
pub const MIN_HEARTBEAT_MS: u64 = 1_000;

/// Longest heartbeat that governance may set: a day.
pub const MAX_HEARTBEAT_MS: u64 = 24 * 60 * 60 * 1_000;

/// The gas limit of a block whose parent has `parent`, on its way to `target`.
///
/// As in geth, a block moves by at most `parent / 1024 - 1`, so that every Ethereum client accepts
/// the header.
pub fn next_gas_limit(parent: u64, target: u64) -> u64 {
    let step = (parent / GAS_LIMIT_BOUND_DIVISOR).saturating_sub(1);
    target
        .clamp(MIN_GAS_LIMIT, MAX_HEADER_FIELD)
        .clamp(parent.saturating_sub(step), parent.saturating_add(step))
}

impl<T: Config> Pallet<T> {
    /// Largest gas limit of a block that governance may set: what one transaction can use without
    /// weighing more than an extrinsic may, and below 2^32.
    pub fn max_gas_limit() -> u64 {
        let limit = T::BlockWeights::get().get(DispatchClass::Normal).max_extrinsic;
        let time = limit.map_or(u64::MAX, |limit| limit.ref_time());
        let beyond_transfer = time
            .saturating_sub(Self::base_weight().ref_time())
            .checked_div(T::WeightPerGas::get())
            .unwrap_or(u64::MAX);
        beyond_transfer.saturating_add(TRANSACTION_GAS).min(MAX_HEADER_FIELD)
    }

    pub(crate) fn is_gas_limit(gas_limit: u64) -> bool {
        (MIN_GAS_LIMIT..=Self::max_gas_limit()).contains(&gas_limit)
    }
}

pub(crate) fn is_cycle_limit(cycle_limit: u64) -> bool {
    (MIN_BLOCK_CYCLES..=MAX_BLOCK_CYCLES).contains(&cycle_limit)
}

pub(crate) fn is_heartbeat(heartbeat_ms: u64) -> bool {
    (MIN_HEARTBEAT_MS..=MAX_HEARTBEAT_MS).contains(&heartbeat_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genesis::GAS_LIMIT;
    use bzk_evm::meter::cost;
    use proptest::prelude::*;

    /// Cycles of a segment, and the CPU seconds that the dearest one takes with its join
    /// (`node/prover/README.md`).
    const SEGMENT_CYCLES: u64 = 1 << 17;
    const SEGMENT_CPU_S: u64 = 273;

    fn proof_cpu_s(cycles: u64) -> u64 {
        (cycles / SEGMENT_CYCLES + 1) * SEGMENT_CPU_S
    }

    #[test]
    fn block_at_the_limit_is_proven_in_time() {
        const DAY_S: u64 = 24 * 60 * 60;
        assert!(proof_cpu_s(GENESIS_BLOCK_CYCLES) / 2 < DAY_S, "a day on two cores");
        assert!(proof_cpu_s(MAX_BLOCK_CYCLES) / 7 < 7 * DAY_S, "a week on seven cores");
    }

    #[test]
    fn block_full_of_transfers_raises_the_base_fee() {
        // Which rises above half of the gas limit.
        let transfers = GAS_LIMIT / 2 / TRANSACTION_GAS + 1;
        assert!(transfers * cost::TRANSACTION <= GENESIS_BLOCK_CYCLES);
    }

    #[test]
    fn gas_limit_arrives_at_its_target_and_stays() {
        let mut limit = 30_000_000;
        for _ in 0..1_000 {
            limit = next_gas_limit(limit, 60_000_000);
        }
        assert_eq!(limit, 60_000_000);
        assert_eq!(next_gas_limit(limit, 60_000_000), 60_000_000);
    }

    #[test]
    fn gas_limit_moves_by_the_step_of_geth() {
        assert_eq!(next_gas_limit(30_000_000, 60_000_000), 30_000_000 + 29_295);
        assert_eq!(next_gas_limit(30_000_000, 20_000_000), 30_000_000 - 29_295);
        assert_eq!(next_gas_limit(30_000_000, 30_000_100), 30_000_100);
    }

    proptest! {
        #[test]
        fn prop_every_client_accepts_the_next_gas_limit(
            parent in MIN_GAS_LIMIT..=MAX_HEADER_FIELD,
            target: u64,
        ) {
            let next = next_gas_limit(parent, target);
            prop_assert!(next.abs_diff(parent) < parent / GAS_LIMIT_BOUND_DIVISOR);
            prop_assert!((MIN_GAS_LIMIT..=MAX_HEADER_FIELD).contains(&next));
        }
    }
}
