//! The two units of BTC and the only place that converts them.

use crate::{MAX_SATS, WEI_PER_SAT};
use alloy_primitives::U256;
use core::fmt;

/// An amount of BTC in satoshis, at most [`MAX_SATS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sats(u64);

impl Sats {
    /// No BTC.
    pub const ZERO: Self = Self(0);

    /// Takes a number of satoshis; `None` when more than can exist.
    pub const fn new(sats: u64) -> Option<Self> {
        if sats > MAX_SATS {
            None
        } else {
            Some(Self(sats))
        }
    }

    /// The number of satoshis.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The sum; `None` when more than can exist.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Self::new(sum),
            None => None,
        }
    }

    /// The difference; `None` when `other` is larger.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }
}

impl fmt::Display for Sats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sat", self.0)
    }
}

/// An amount of BTC in wei, the unit of the EVM ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wei(U256);

impl Wei {
    /// No BTC.
    pub const ZERO: Self = Self(U256::ZERO);

    /// Takes a number of wei.
    pub const fn new(wei: U256) -> Self {
        Self(wei)
    }

    /// The number of wei.
    pub const fn get(self) -> U256 {
        self.0
    }

    /// Splits into whole satoshis and the wei that are less than one satoshi; `None` when there
    /// are more satoshis than can exist.
    pub fn split(self) -> Option<(Sats, Self)> {
        let (sats, dust) = self.0.div_rem(U256::from(WEI_PER_SAT));
        let sats = Sats::new(u64::try_from(sats).ok()?)?;
        Some((sats, Self(dust)))
    }
}

impl From<Sats> for Wei {
    fn from(sats: Sats) -> Self {
        // Cannot wrap: 2^51 * 2^34 is far below 2^256.
        Self(U256::from(sats.0).wrapping_mul(U256::from(WEI_PER_SAT)))
    }
}

impl fmt::Display for Wei {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} wei", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bitcoin_is_ten_to_the_eighteen_wei() {
        let wei = Wei::from(Sats::new(100_000_000).unwrap());
        assert_eq!(wei.get(), U256::from(10).pow(U256::from(18)));
    }

    #[test]
    fn more_sats_than_exist_are_refused() {
        assert!(Sats::new(MAX_SATS).is_some());
        assert!(Sats::new(MAX_SATS + 1).is_none());
        let all = Sats::new(MAX_SATS).unwrap();
        assert!(all.checked_add(Sats::new(1).unwrap()).is_none());
        assert!(Sats::ZERO.checked_sub(Sats::new(1).unwrap()).is_none());
    }

    #[test]
    fn wei_split_into_sats_and_dust() {
        let wei = Wei::new(U256::from(7 * WEI_PER_SAT + 9));
        let (sats, dust) = wei.split().unwrap();
        assert_eq!((sats.get(), dust.get()), (7, U256::from(9)));
        assert!(Wei::new(U256::MAX).split().is_none());
    }

    #[test]
    fn every_amount_of_sats_survives_the_way_through_wei() {
        for sats in [0, 1, 546, 100_000_000, MAX_SATS] {
            let sats = Sats::new(sats).unwrap();
            assert_eq!(Wei::from(sats).split(), Some((sats, Wei::ZERO)));
        }
    }
}
