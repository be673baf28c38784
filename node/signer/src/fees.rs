//! Tells the chain, once a period, what the member's own Bitcoin node estimates that a payout should pay.
//!
//! It runs beside the member's machines and shares nothing with them but the session key: a Bitcoin node that hangs
//! delays no signature.

use crate::{member::place, node::Node};
use anyhow::Context;
use bzk_bitcoin_client::BitcoinClient;
use bzk_threshold::{
    bip340::SecretKey,
    committee::{Committee, Member},
    envelope::Envelope,
    fee::{FeeReport, PERIOD_BLOCKS},
};
use rand_core::{CryptoRng, RngCore};
use std::time::Duration;

/// Blocks in which a payout should be confirmed: half of what it takes until it is replaced.
const TARGET_BLOCKS: u16 = 3;

/// The highest rate that the chain takes, in sats per 1,000 vbytes.
const MAX_SAT_PER_KVB: u64 = 1_000_000;

/// How often the chain is looked at; a period lasts 100 seconds.
const INTERVAL: Duration = Duration::from_secs(20);

/// What a member reports.
pub struct Reporter {
    /// The chain.
    pub node: Node,
    /// The member's Bitcoin node.
    pub bitcoin: Box<dyn BitcoinClient>,
    /// The member's session key.
    pub key: SecretKey,
}

impl Reporter {
    /// Reports until the process ends. Errors of either node are waited out.
    pub async fn run(self) {
        let mut said = None;
        loop {
            match self.round(said).await {
                Ok(now) => said = now,
                Err(error) => eprintln!("fee rate: {error:#}"),
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Reports unless it has been `said`, which is the epoch and the period of the last report. Returns those.
    async fn round(&self, said: Option<(u32, u32)>) -> anyhow::Result<Option<(u32, u32)>> {
        let Some((block, committee)) = self.node.newest_committee()? else { return Ok(said) };
        let Some(member) = place(&committee, &self.key.public()) else { return Ok(said) };
        let now = Some((committee.epoch, block / PERIOD_BLOCKS));
        if now == said {
            return Ok(said);
        }
        let rate = self.bitcoin.fee_rate(TARGET_BLOCKS).await?;
        let sat_per_kvb = rate.to_sat_per_kwu().saturating_mul(4);
        let report = report(block, sat_per_kvb);
        let envelope = seal(&committee, member, report, &self.key, &mut rand_core::OsRng)
            .context("try again: bad luck")?;
        self.node.report_fee_rate(&envelope)?;
        Ok(now)
    }
}

/// The report of a rate in the period of `block`, within what the chain takes.
pub fn report(block: u32, sat_per_kvb: u64) -> FeeReport {
    let sat_per_kvb = sat_per_kvb.clamp(1, MAX_SAT_PER_KVB) as u32;
    FeeReport { period: block / PERIOD_BLOCKS, sat_per_kvb }
}

/// What the chain takes as `member`'s word; `None` with a probability of 2^-128.
pub fn seal(
    committee: &Committee,
    member: Member,
    report: FeeReport,
    key: &SecretKey,
    rng: &mut (impl RngCore + CryptoRng),
) -> Option<Envelope<FeeReport>> {
    Envelope::seal(&FeeReport::context(committee), member, report, key, rng)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bzk_threshold::bip340::recover;
    use rand_core::OsRng;

    #[test]
    fn report_is_of_the_period_and_within_bounds() {
        assert_eq!(report(0, 0), FeeReport { period: 0, sat_per_kvb: 1 });
        assert_eq!(report(149, 12_345), FeeReport { period: 2, sat_per_kvb: 12_345 });
        assert_eq!(report(150, u64::MAX), FeeReport { period: 3, sat_per_kvb: 1_000_000 });
    }

    #[test]
    fn member_finds_its_place_and_its_word_is_for_one_committee() {
        let keys: Vec<SecretKey> = (0..3).map(|_| SecretKey::random(&mut OsRng)).collect();
        let members: Vec<_> = keys.iter().map(SecretKey::public).collect();
        let members = members.try_into().unwrap();
        let committee = Committee { genesis: [7; 32], epoch: 4, attempt: 0, members };
        assert_eq!(place(&committee, &keys[2].public()), Some(Member(2)));
        assert_eq!(place(&committee, &SecretKey::random(&mut OsRng).public()), None);

        let envelope =
            seal(&committee, Member(2), report(500, 9_000), &keys[2], &mut OsRng).unwrap();
        let verifies = |committee: &Committee, member| {
            let key = committee.key(Member(member)).unwrap();
            envelope.verify(recover, &FeeReport::context(committee), key)
        };
        assert!(verifies(&committee, 2));
        assert!(!verifies(&committee, 1));
        assert!(!verifies(&Committee { epoch: 5, ..committee.clone() }, 2));
        assert!(!envelope.verify(recover, &committee.digest(), &keys[2].public()));
    }
}
