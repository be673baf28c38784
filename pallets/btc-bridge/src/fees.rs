//! The fee rate of payouts: step by step to the median of what the members' Bitcoin nodes estimate.

use crate::pallet::{Config, CurrentPolicy, Event, FeeReports, Pallet, ReportedRate};
use alloc::vec::Vec;
use bzk_bitcoin::{
    bitcoin::FeeRate,
    payout::{MAX_RATE, MIN_RATE},
};
use bzk_threshold::{
    bip340::recover_on_host,
    committee::Member,
    envelope::Envelope,
    fee::{FeeReport, PERIOD_BLOCKS},
    service::Members,
};
use codec::Encode;
use frame_support::weights::Weight;
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
    traits::UniqueSaturatedInto,
    transaction_validity::{
        InvalidTransaction, TransactionPriority, TransactionSource, TransactionValidityError,
        ValidTransaction,
    },
    DispatchError, DispatchResult,
};

/// Periods for which a report counts: 20 minutes.
const FRESH_PERIODS: u32 = 12;

/// Blocks after which the pool drops a report: its period and the next one are over by then.
const LONGEVITY_BLOCKS: u64 = 2 * PERIOD_BLOCKS as u64;

/// Before everything that pays, after what signing waits for.
const PRIORITY: TransactionPriority = TransactionPriority::MAX / 4;

/// Sats per 1,000 vbytes that a sat per vbyte is.
const KVB: u32 = 1_000;

/// The lowest and the highest rate, in sats per 1,000 vbytes.
pub(crate) fn bounds() -> (u32, u32) {
    (sat_per_kvb(MIN_RATE), sat_per_kvb(MAX_RATE))
}

fn sat_per_kvb(rate: FeeRate) -> u32 {
    u32::try_from(rate.to_sat_per_kwu().saturating_mul(4)).unwrap_or(u32::MAX)
}

/// Whether what was said in the period `said` counts in `period`.
fn counts(said: u32, period: u32) -> bool {
    said.saturating_add(FRESH_PERIODS) >= period
}

impl<T: Config> Pallet<T> {
    pub(crate) fn period(block: BlockNumberFor<T>) -> u32 {
        let block: u32 = block.unique_saturated_into();
        block.checked_div(PERIOD_BLOCKS).unwrap_or_default()
    }

    /// Whether the pool takes a report and a block may hold it: of a member, one a period, in that period or
    /// the next one, because it may be on its way when the period ends.
    pub(crate) fn authorize_fee_report(
        _: TransactionSource,
        envelope: &Envelope<FeeReport>,
    ) -> Result<(ValidTransaction, Weight), TransactionValidityError> {
        let (sender, report) = (envelope.sender, envelope.message);
        let (_, most) = bounds();
        if report.sat_per_kvb == 0 || report.sat_per_kvb > most {
            return Err(InvalidTransaction::Call.into());
        }
        let period = Self::period(frame_system::Pallet::<T>::block_number());
        let said = FeeReports::<T>::get()
            .iter()
            .any(|(member, last)| *member == sender && last.period >= report.period);
        if said || report.period.saturating_add(1) < period {
            return Err(InvalidTransaction::Stale.into());
        }
        if report.period > period {
            return Err(InvalidTransaction::Future.into());
        }
        let committee = T::Members::committee().ok_or(InvalidTransaction::Stale)?;
        let key = committee.key(sender).ok_or(InvalidTransaction::BadSigner)?;
        if !envelope.verify(recover_on_host, &FeeReport::context(&committee), key) {
            return Err(InvalidTransaction::BadProof.into());
        }
        ValidTransaction::with_tag_prefix("BtcBridge")
            .priority(PRIORITY)
            .longevity(LONGEVITY_BLOCKS)
            .and_provides(("fee", committee.epoch, report.period, sender).encode())
            .propagate(true)
            .build()
            .map(|valid| (valid, Weight::zero()))
    }

    pub(crate) fn do_report_fee_rate(sender: Member, report: FeeReport) -> DispatchResult {
        FeeReports::<T>::try_mutate(|reports| {
            match reports.binary_search_by_key(&sender, |(member, _)| *member) {
                Ok(at) => {
                    if let Some((_, last)) = reports.get_mut(at) {
                        *last = report;
                    }
                    Ok(())
                }
                Err(at) => reports
                    .try_insert(at, (sender, report))
                    .map_err(|_| DispatchError::from("more reports than members")),
            }
        })
    }

    /// Whether a period begins with this block.
    pub(crate) fn period_begins(now: BlockNumberFor<T>) -> bool {
        let now: u32 = now.unique_saturated_into();
        now.checked_rem(PERIOD_BLOCKS) == Some(0)
    }

    /// Moves the rate towards the median of the fresh reports, a quarter up or a fifth down at most: reports
    /// that are far off, whoever has made them, move it slowly. As many reports are needed as signers, so
    /// that most of them are of honest members. With fewer, the rate stays for as long as a report counts;
    /// then it is the policy's.
    pub(crate) fn update_rate(now: BlockNumberFor<T>) {
        let (last, period) = (Self::sat_per_kvb(), Self::period(now));
        if let Some(median) = Self::median(period) {
            let quarter = last.checked_div(4).unwrap_or_default();
            let fifth = last.checked_div(5).unwrap_or_default();
            let next = median.clamp(last.saturating_sub(fifth), last.saturating_add(quarter));
            let (least, most) = bounds();
            ReportedRate::<T>::put((next.clamp(least, most), period));
        } else if ReportedRate::<T>::get().is_some_and(|(_, since)| !counts(since, period)) {
            ReportedRate::<T>::kill();
        }
        let sat_per_kvb = Self::sat_per_kvb();
        if sat_per_kvb != last {
            Self::deposit_event(Event::FeeRateChanged { sat_per_kvb });
        }
    }

    /// The median of the reports that count in `period`, the lower one of two; `None` if too few do.
    fn median(period: u32) -> Option<u32> {
        let mut rates = Self::fresh_rates(period);
        if rates.len() < usize::from(T::Members::committee()?.threshold()) {
            return None;
        }
        rates.sort_unstable();
        rates.get(rates.len().checked_sub(1)?.checked_div(2)?).copied()
    }

    /// The rates of the reports that count in `period`.
    pub(crate) fn fresh_rates(period: u32) -> Vec<u32> {
        FeeReports::<T>::get()
            .iter()
            .filter(|(_, report)| counts(report.period, period))
            .map(|(_, report)| report.sat_per_kvb)
            .collect()
    }

    /// What the first version of a payout pays, in sats per 1,000 vbytes.
    pub(crate) fn sat_per_kvb() -> u32 {
        let (least, most) = bounds();
        ReportedRate::<T>::get()
            .map(|(rate, _)| rate)
            .unwrap_or_else(|| CurrentPolicy::<T>::get().sats_per_vbyte.saturating_mul(KVB))
            .clamp(least, most)
    }

    /// The same as a rate of whole sats per 1,000 weight units, rounded up.
    pub(crate) fn rate() -> FeeRate {
        FeeRate::from_sat_per_kwu(u64::from(Self::sat_per_kvb()).div_ceil(4))
            .clamp(MIN_RATE, MAX_RATE)
    }

    /// What is charged: as much again as the first version pays stays in the pool and pays for replacements.
    pub(crate) fn charged_rate() -> FeeRate {
        Self::rate().checked_mul(2).unwrap_or(MAX_RATE).min(MAX_RATE)
    }

    /// The members of another committee report anew.
    pub(crate) fn forget_reports() {
        FeeReports::<T>::kill();
    }
}
