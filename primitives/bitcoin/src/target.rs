//! Compact targets and the work they stand for.

use alloy_primitives::U256;
use bitcoin::{CompactTarget, Target};

/// Decodes the `bits` of a header.
///
/// `None` for what Bitcoin Core's `DeriveTarget` refuses: negative, zero, above 2^256, or easier than `limit`.
/// rust-bitcoin's own conversion wraps around on overflow and misses the sign of short numbers, so both are looked at
/// first.
pub fn target_of(bits: CompactTarget, limit: Target) -> Option<Target> {
    let raw = bits.to_consensus();
    let (size, mantissa) = (raw >> 24, raw & 0x00ff_ffff);
    let overflows = size > 34 || (mantissa > 0xff && size > 33) || (mantissa > 0xffff && size > 32);
    let negative = mantissa & 0x0080_0000 != 0;
    if overflows || negative {
        return None;
    }
    let target = Target::from_compact(bits);
    (target != Target::ZERO && target <= limit).then_some(target)
}

/// The expected number of hashes for one block of `target`: floor(2^256 / (target + 1)), as `GetBlockProof`.
pub fn work_of(target: Target) -> U256 {
    U256::from_be_bytes(target.to_work().to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No limit; rust-bitcoin's `Target::MAX` is that of mainnet.
    fn highest() -> Target {
        Target::from_be_bytes([0xff; 32])
    }

    fn target(bits: u32) -> Option<U256> {
        let target = target_of(CompactTarget::from_consensus(bits), highest())?;
        Some(U256::from_be_bytes(target.to_be_bytes()))
    }

    // Bitcoin Core, src/test/arith_uint256_tests.cpp, bignum_SetCompact.
    #[test]
    fn compact_form_is_read_as_core_reads_it() {
        for zero in [0, 0x0012_3456, 0x0100_3456, 0x0200_0056, 0x0300_0000, 0x0400_0000] {
            assert_eq!(target(zero), None, "{zero:#x} is zero");
        }
        assert_eq!(target(0x0112_3456), Some(U256::from(0x12)));
        assert_eq!(target(0x0200_8000), Some(U256::from(0x80)));
        assert_eq!(target(0x0312_3456), Some(U256::from(0x12_3456)));
        assert_eq!(target(0x0412_3456), Some(U256::from(0x1234_5600)));
        assert_eq!(target(0x0500_9234), Some(U256::from(0x9234_0000u32)));
        assert_eq!(target(0x2012_3456), Some(U256::from(0x12_3456) << 232));
    }

    #[test]
    fn attack_overflowing_target_wraps_around() {
        for bits in [0xff12_3456, 0x2312_3456, 0x2212_3456, 0x2112_3456, 0x2201_0000, 0x2300_0001] {
            assert_eq!(target(bits), None, "{bits:#x} is above 2^256");
        }
        assert_eq!(target(0x2200_0001), Some(U256::from(1) << 248));
    }

    #[test]
    fn attack_negative_target() {
        assert_eq!(target(0x0492_3456), None);
        assert_eq!(target(0x01fe_dcba), None);
    }

    #[test]
    fn target_easier_than_the_network_allows_is_refused() {
        let limit = Target::MAX_ATTAINABLE_MAINNET;
        assert!(target_of(CompactTarget::from_consensus(0x1d00_ffff), limit).is_some());
        assert!(target_of(CompactTarget::from_consensus(0x1d01_0000), limit).is_none());
    }

    #[test]
    fn genesis_work_is_what_core_counts() {
        let target = target_of(CompactTarget::from_consensus(0x1d00_ffff), highest()).unwrap();
        assert_eq!(work_of(target), U256::from(0x1_0001_0001u64));
    }
}
