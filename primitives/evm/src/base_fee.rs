//! The base fee of the next block (EIP-1559).

/// The gas target is the gas limit divided by this.
pub const ELASTICITY: u64 = 2;

/// The base fee moves by at most one part in this many per block.
pub const MAX_CHANGE_DENOMINATOR: u64 = 8;

/// The base fee of the block after one with these values, in wei per gas.
///
/// There is no floor: the fee may be 0, and from 0 it rises by at least 1 after each block that is
/// more than half full.
pub fn next(gas_limit: u64, gas_used: u64, base_fee: u64) -> u64 {
    let target = gas_limit / ELASTICITY;
    let scaled = u128::from(base_fee).saturating_mul(u128::from(gas_used.abs_diff(target)));
    let divisor = u128::from(target).saturating_mul(u128::from(MAX_CHANGE_DENOMINATOR));
    // A block without a gas limit has no target; it leaves the fee as it is.
    let Some(change) = scaled.checked_div(divisor) else {
        return base_fee;
    };
    let change = u64::try_from(change).unwrap_or(u64::MAX);
    match gas_used.cmp(&target) {
        core::cmp::Ordering::Greater => base_fee.saturating_add(change.max(1)),
        core::cmp::Ordering::Equal => base_fee,
        core::cmp::Ordering::Less => base_fee.saturating_sub(change),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_eips::eip1559::{calc_next_block_base_fee, BaseFeeParams};
    use proptest::prelude::*;

    #[test]
    fn vectors_of_go_ethereum_hold() {
        // consensus/misc/eip1559/eip1559_test.go, TestCalcBaseFee.
        assert_eq!(next(20_000_000, 10_000_000, 1_000_000_000), 1_000_000_000);
        assert_eq!(next(20_000_000, 9_000_000, 1_000_000_000), 987_500_000);
        assert_eq!(next(20_000_000, 11_000_000, 1_000_000_000), 1_012_500_000);
    }

    #[test]
    fn fee_of_zero_stays_until_a_block_is_more_than_half_full() {
        assert_eq!(next(8_000_000, 0, 0), 0);
        assert_eq!(next(8_000_000, 4_000_000, 0), 0);
        assert_eq!(next(8_000_000, 4_000_001, 0), 1);
    }

    #[test]
    fn small_fee_falls_only_when_the_change_is_a_whole_wei() {
        assert_eq!(next(8_000_000, 0, 7), 7);
        assert_eq!(next(8_000_000, 0, 8), 7);
    }

    #[test]
    fn extreme_values_do_not_wrap() {
        assert_eq!(next(0, 0, 5), 5);
        assert_eq!(next(u64::MAX, u64::MAX, u64::MAX), u64::MAX);
        assert_eq!(next(1, 1, 5), 5);
    }

    proptest! {
        #[test]
        fn prop_fee_equals_that_of_alloy(
            gas_limit in 5_000u64..u64::from(u32::MAX),
            part in 0u64..=1_000,
            base_fee in 0u64..1 << 56,
        ) {
            let gas_used = (u128::from(gas_limit) * u128::from(part) / 1_000) as u64;
            let expected =
                calc_next_block_base_fee(gas_used, gas_limit, base_fee, BaseFeeParams::ethereum());
            prop_assert_eq!(next(gas_limit, gas_used, base_fee), expected);
        }
    }
}
