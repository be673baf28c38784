//! Whether a coin is worth what it costs to spend.
//!
//! Coins go by size class, and all of a class are worth it or none: in a list with the larger classes first, those
//! that are worth it stand in front whatever the fee rate is.

use bitcoin::{FeeRate, Weight};

/// The number of size classes.
pub const SIZE_CLASSES: u8 = 4;

/// The least amount of the first size class, in sats: a coin of it is worth it at the highest rate.
pub const LARGE_SATS: u64 = 131_072;

/// Least amounts of all classes but the last, in sats.
const FLOORS: [u64; 3] = [LARGE_SATS, 32_768, 8_192];

/// Weight of an input that a key path signature spends.
const INPUT: Weight = Weight::from_wu(230);

/// Weight of a transaction that spends one coin to one P2TR output.
const ALONE: Weight = Weight::from_wu(444);

/// The least that a P2TR output holds, in sats.
const DUST_SATS: u64 = 330;

/// The class of a coin of `sats`: 0 for the largest coins.
pub fn size_class(sats: u64) -> u8 {
    let above = FLOORS.iter().filter(|floor| sats < **floor).count();
    u8::try_from(above).unwrap_or(SIZE_CLASSES)
}

/// Whether the least coin of a class can pay at `rate` for being moved alone. The last class has no least coin.
pub fn is_worth(class: u8, rate: FeeRate) -> bool {
    let cost = rate.fee_wu(ALONE).map_or(u64::MAX, |fee| fee.to_sat().saturating_add(DUST_SATS));
    FLOORS.get(usize::from(class)).is_some_and(|floor| *floor >= cost)
}

/// What a coin adds to the fee of the transaction that spends it, in sats.
pub fn input_fee(rate: FeeRate) -> u64 {
    rate.fee_wu(INPUT).map_or(u64::MAX, |fee| fee.to_sat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payout::{MAX_RATE, MIN_RATE};

    #[test]
    fn larger_coins_come_first_and_the_largest_are_always_worth_it() {
        let classes = [u64::MAX, 131_072, 131_071, 32_768, 32_767, 8_192, 8_191, 0].map(size_class);
        assert_eq!(classes, [0, 0, 1, 1, 2, 2, 3, 3]);
        assert!(is_worth(0, MAX_RATE));
        assert!((0..3).all(|class| is_worth(class, MIN_RATE)));
        assert!((3..=u8::MAX).all(|class| !is_worth(class, MIN_RATE)));
    }

    #[test]
    fn small_coins_are_worth_it_while_fees_are_low() {
        let rate = FeeRate::from_sat_per_vb_u32;
        assert!(is_worth(2, rate(70)) && !is_worth(2, rate(71)));
        assert!(is_worth(1, rate(292)) && !is_worth(1, rate(293)));
        assert_eq!(input_fee(rate(10)), 575);
    }
}
