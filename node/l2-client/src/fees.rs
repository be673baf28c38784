//! What a transaction offers for its gas.

use crate::Error;
use alloy_primitives::U256;

/// Wei per gas that is offered whatever the base fee is: that of a few wei doubles in a block or two.
const LEAST_MAX: u128 = 1_000_000_000;

/// Prices of a transaction, in wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fees {
    /// The most that is paid, base fee and tip together (`maxFeePerGas`).
    pub max: u128,
    /// What the block's author gets of it (`maxPriorityFeePerGas`).
    pub tip: u128,
}

/// What blocks ask for now, and what may be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Market {
    /// Base fee of the latest block, in wei per gas.
    pub base_fee: u64,
    /// The tip that the node suggests, in wei per gas.
    pub tip: u128,
    /// The most that may be offered, in wei per gas.
    pub ceiling: u128,
}

impl Fees {
    /// For a transaction that has not been sent: twice the base fee, so that six full blocks in a row do not price it
    /// out, but no more than the ceiling and than `balance`, in wei, can pay: an empty account can send while the base
    /// fee is zero.
    ///
    /// # Errors
    /// [`Error::TooDear`] while the base fee is above the ceiling.
    pub fn first(
        base_fee: u64,
        ceiling: u128,
        balance: U256,
        gas_limit: u64,
    ) -> Result<Self, Error> {
        let floor = u128::from(base_fee);
        if floor > ceiling {
            return Err(Error::TooDear { base_fee, ceiling });
        }
        let wanted = floor.saturating_mul(2).max(LEAST_MAX).min(ceiling);
        // Who is too poor hears so from the node.
        Ok(Self { max: wanted.min(affordable(balance, gas_limit)).max(floor), tip: 0 })
    }

    /// For the same transaction once more, so that a block takes it: at least what the pool wants of one that takes
    /// another's place, and what the base fee demands. `None` when the ceiling or the balance does not allow that.
    pub fn raised(self, market: &Market, balance: U256, gas_limit: u64) -> Option<Self> {
        let floor = u128::from(market.base_fee);
        let most = market.ceiling.min(affordable(balance, gas_limit));
        // Others' tips count for no more than the gas itself costs, nor for more than there is room for.
        let suggested = market.tip.min(floor).min(most.saturating_sub(floor));
        let tip = bumped(self.tip).max(suggested);
        let least = bumped(self.max).max(floor.saturating_add(tip));
        let wanted = floor.saturating_mul(2).saturating_add(tip).max(LEAST_MAX);
        (least <= most).then(|| Self { max: wanted.max(least).min(most), tip })
    }
}

/// Wei per gas that `balance` pays for so much gas.
fn affordable(balance: U256, gas_limit: u64) -> u128 {
    let price = balance.checked_div(U256::from(gas_limit)).unwrap_or(U256::MAX);
    u128::try_from(price).unwrap_or(u128::MAX)
}

/// The least price that takes the place of `price` in the pool: 10% more, as in geth, and more at all.
fn bumped(price: u128) -> u128 {
    price.saturating_add(price.div_ceil(10).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAS: u64 = 21_000;
    const NO_CEILING: u128 = u128::MAX;

    fn first(base_fee: u64, balance: U256) -> u128 {
        Fees::first(base_fee, NO_CEILING, balance, GAS).unwrap().max
    }

    #[test]
    fn fee_is_twice_the_base_fee_but_affordable() {
        assert_eq!(first(3_000_000_000, U256::MAX), 6_000_000_000);
        assert_eq!(first(0, U256::MAX), LEAST_MAX);
        assert_eq!(first(100, U256::from(GAS * 150)), 150);
        // Too poor: the node says so.
        assert_eq!(first(100, U256::ZERO), 100);
        assert_eq!(first(0, U256::ZERO), 0);
    }

    #[test]
    fn fee_keeps_below_the_ceiling() {
        let first = |ceiling| Fees::first(3_000_000_000, ceiling, U256::MAX, GAS);
        assert_eq!(first(5_000_000_000).unwrap().max, 5_000_000_000);
        assert_eq!(first(3_000_000_000).unwrap().max, 3_000_000_000);
        let error = first(2_999_999_999).unwrap_err().to_string();
        assert!(error.contains("3000000000") && error.contains("2999999999"), "{error}");
    }

    fn market(base_fee: u64, tip: u128, ceiling: u128) -> Market {
        Market { base_fee, tip, ceiling }
    }

    fn raised(fees: (u128, u128), market: Market) -> Option<(u128, u128)> {
        let (max, tip) = fees;
        let fees = Fees { max, tip }.raised(&market, U256::MAX, GAS);
        fees.map(|Fees { max, tip }| (max, tip))
    }

    #[test]
    fn replacement_covers_the_base_fee_and_the_pools_rule() {
        // Left behind by the base fee.
        let dear = market(4_000_000_000, 0, NO_CEILING);
        assert_eq!(raised((2_000_000_000, 0), dear), Some((8_000_000_001, 1)));
        // Not left behind: 10% on both, rounded up, and something at all.
        let cheap = market(0, 0, NO_CEILING);
        assert_eq!(raised((20_000_000_001, 101), cheap), Some((22_000_000_002, 112)));
        assert_eq!(raised((0, 0), cheap), Some((LEAST_MAX, 1)));
        // What others tip, up to the base fee.
        assert_eq!(raised((1, 0), market(7, 5, NO_CEILING)), Some((LEAST_MAX, 5)));
        assert_eq!(raised((1, 0), market(7, 500, NO_CEILING)), Some((LEAST_MAX, 7)));
    }

    #[test]
    fn replacement_stops_at_the_ceiling_and_at_the_balance() {
        let at = |ceiling| raised((100, 0), market(1_000, 0, ceiling));
        assert_eq!(at(1_500), Some((1_500, 1)));
        assert_eq!(at(1_001), Some((1_001, 1)));
        assert_eq!(at(1_000), None);
        // A suggested tip does not keep it from being sent.
        assert_eq!(raised((100, 0), market(1_000, 900, 1_300)), Some((1_300, 300)));
        let poor = Fees { max: 100, tip: 0 };
        let with =
            |price: u64| poor.raised(&market(1_000, 0, NO_CEILING), U256::from(GAS * price), GAS);
        assert_eq!(with(1_200), Some(Fees { max: 1_200, tip: 1 }));
        assert_eq!(with(1_000), None);
    }

    /// However often it is raised, each step satisfies the pool.
    #[test]
    fn each_replacement_satisfies_the_pool() {
        let mut fees = Fees { max: 0, tip: 0 };
        let market = market(1_000, 0, 1_000_000_000_000);
        let mut steps = 0;
        while let Some(next) = fees.raised(&market, U256::MAX, GAS) {
            for (old, new) in [(fees.max, next.max), (fees.tip, next.tip)] {
                assert!(new > old && new >= old * 110 / 100, "{fees:?} {next:?}");
            }
            assert!(next.max >= next.tip && next.max <= market.ceiling, "{next:?}");
            (fees, steps) = (next, steps + 1);
        }
        assert!(steps > 50, "{steps}");
    }
}
