//! How deep in Bitcoin's chain the contract wants transactions to be. To look first costs nothing; to ask the contract
//! costs a proof and an execution.

use anyhow::Result;
use bzk_l2_client::{
    contracts::{BitcoinRelay, BtcBridge, BITCOIN_RELAY, BTC_BRIDGE},
    L2Client,
};

/// The relay's tip, and the contract's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depths {
    /// Height of the relay's tip.
    pub tip: u32,
    /// Confirmations of small, medium and large amounts.
    pub confirmations: [u8; 3],
    /// The largest amounts that are small and medium, in sats.
    pub limits: [u64; 2],
}

impl Depths {
    /// What holds at the latest block.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn read(l2: &L2Client) -> Result<Self> {
        let tip = l2.call(BITCOIN_RELAY, &BitcoinRelay::tipCall {}).await?;
        let terms = l2.call(BTC_BRIDGE, &BtcBridge::termsCall {}).await?;
        let (low, high) = (terms.lowConfirmations, terms.highConfirmations);
        Ok(Self {
            tip: tip.height,
            confirmations: [low, terms.mediumConfirmations, high],
            limits: [terms.lowLimit, terms.mediumLimit],
        })
    }

    /// The height of the last block in which a deposit of so many sats can be claimed. The contract may want more when
    /// others were claimed from the same block.
    pub fn of_deposit(&self, sats: u64) -> u32 {
        let [low, medium, high] = self.confirmations;
        let [small, middling] = self.limits;
        self.last_with(match sats {
            sats if sats <= small => low,
            sats if sats <= middling => medium,
            _ => high,
        })
    }

    /// The height of the last block in which a payout can be settled.
    pub fn of_payout(&self) -> u32 {
        self.last_with(self.confirmations[1])
    }

    fn last_with(&self, confirmations: u8) -> u32 {
        // The last block itself has one confirmation.
        self.tip.saturating_add(1).saturating_sub(confirmations.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_amounts_must_be_deeper() {
        let depths = Depths { tip: 100, confirmations: [1, 3, 12], limits: [1_000, 50_000] };
        let heights = [0, 1_000, 1_001, 50_000, 50_001].map(|sats| depths.of_deposit(sats));
        assert_eq!(heights, [100, 100, 98, 98, 89]);
        assert_eq!(depths.of_payout(), 98);
        assert_eq!(Depths { tip: 1, ..depths }.of_payout(), 0);
    }
}
