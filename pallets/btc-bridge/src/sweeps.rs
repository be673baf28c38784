//! Moves coins that no withdrawal moves in time: those whose refund path opens, and what is left of an old key.
//!
//! A sweep pays nobody but the committee. It is replaced as payouts are, so that it is in a block before the refund
//! paths of its coins open: who could take them back has had their BTC already. Its outputs are coins once somebody
//! has proven it to the contract by `confirm`, with [`sweep_id`](bzk_bitcoin::payout::sweep_id) for an id.
//!
//! What a sweep costs nobody pays for but the reserves, so coins that are not [worth it](is_worth) wait for lower
//! fees, until there is only a quarter of their refund delay left. What does not pay for its own input by then is
//! given up: at the charged rate, moving it would cost the reserves more than to lose it.

use crate::{
    handover::Closed,
    pallet::{Backing, BitcoinHeight, Coins, Config, Event, LiveEpochs, Pallet, SweepFees},
    payouts::{refused, Planned, PLANNED_COINS},
    types::{CoinKey, StoredCoin, MAX_INPUTS},
};
use alloc::vec::Vec;
use bzk_bitcoin::{
    bitcoin::FeeRate,
    input_fee, is_worth,
    payout::{self, Limits, PayoutError},
    Payout, LARGE_SATS, SIZE_CLASSES,
};
use bzk_threshold::service::SigningService;
use sp_runtime::DispatchError;

/// Coins that [`Pallet::sweep_due`] reads at most.
pub(crate) const DUE_READS: u64 = SIZE_CLASSES as u64 * crate::MAX_LIVE_KEYS as u64;

/// Coins that [`Pallet::plan_sweep`] counts at most, of those that the swept ones join.
pub(crate) const COUNTED: u64 = PLANNED_COINS as u64;

/// What is to be swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sweep {
    /// Whose coins.
    epoch: u32,
    /// Of which size classes: the first and the last one.
    classes: (u8, u8),
    /// Those to be spent by this Bitcoin height.
    before: u32,
    /// Whether those that are not worth it are given up.
    last: bool,
}

impl<T: Config> Pallet<T> {
    /// Whether coins must be moved now. The most urgent one is the first of its epoch and size class, and of those the
    /// most urgent one goes first: places are few, so neither large coins nor late claims of the old key's may keep
    /// others waiting until their refund path opens.
    pub(crate) fn sweep_due() -> Option<Sweep> {
        let (closed, rate) = (Self::closed(), Self::charged_rate());
        let due = LiveEpochs::<T>::get().into_iter().flat_map(|epoch| {
            let old = closed.filter(|old| old.epoch == epoch);
            (0..SIZE_CLASSES).filter_map(move |class| Self::due_of(epoch, old, class, rate))
        });
        due.min_by_key(|(spend_by, _)| *spend_by).map(|(_, sweep)| sweep)
    }

    /// The sweep of a size class of the coins of `epoch`, if there is one due, and by when the first of them must be
    /// spent; `old` is the epoch when it has closed.
    fn due_of(epoch: u32, old: Option<Closed>, class: u8, rate: FeeRate) -> Option<(u32, Sweep)> {
        let start = Coins::<T>::hashed_key_for(epoch, CoinKey::first_of(class));
        let (key, coin) = Coins::<T>::iter_prefix_from(epoch, start).next()?;
        if key.class() != class {
            return None;
        }
        let height = BitcoinHeight::<T>::get();
        let patience = u32::from(Self::refund_delay()).checked_div(4).unwrap_or_default();
        let (before, last) = match (is_worth(class, rate), old) {
            // The key is to be retired.
            (_, Some(old)) if height > old.claims_end => (u32::MAX, true),
            (true, Some(_)) => (u32::MAX, false),
            (true, None) => (height, false),
            (false, _) => (height.saturating_sub(patience), true),
        };
        let spend_by = coin.spend_by.unwrap_or(u32::MAX);
        let sweep = Sweep { epoch, classes: (class, class), before, last };
        (spend_by <= before).then_some((spend_by, sweep))
    }

    /// A key with more coins that are worth it than a payout spends. The first of them are merged when they do not
    /// suffice for the line, so that payouts reach what is behind them.
    pub(crate) fn crowded() -> Option<Sweep> {
        let rate = Self::charged_rate();
        LiveEpochs::<T>::get().into_iter().find_map(|epoch| {
            let behind = Coins::<T>::iter_key_prefix(epoch).nth(MAX_INPUTS as usize)?;
            let classes = (0, behind.class());
            let sweep = Sweep { epoch, classes, before: u32::MAX, last: false };
            is_worth(behind.class(), rate).then_some(sweep)
        })
    }

    /// Plans a sweep of as many coins as fit, and has it signed.
    pub(crate) fn plan_sweep(sweep: Sweep) -> Result<(), DispatchError> {
        let Sweep { epoch, classes: (first, until), before, last } = sweep;
        let key = T::Signing::key(epoch).ok_or("no key")?;
        let (change_epoch, change_key) = T::Signing::active().ok_or("no key")?;
        let rate = Self::charged_rate();
        let start = Coins::<T>::hashed_key_for(epoch, CoinKey::first_of(first));
        let due: Vec<StoredCoin> = Coins::<T>::iter_prefix_from(epoch, start)
            .take(PLANNED_COINS)
            .take_while(|(key, _)| key.class() <= until)
            .map(|(_, coin)| coin)
            .filter(|coin| coin.spend_by.unwrap_or(u32::MAX) <= before)
            .take(MAX_INPUTS as usize)
            .collect();
        let least = if last { input_fee(rate) } else { 0 };
        let (swept, mut left): (Vec<_>, Vec<_>) =
            due.into_iter().partition(|coin| coin.sats > least);
        let coins: Vec<payout::Coin> = swept.iter().filter_map(|coin| coin.coin(&key)).collect();
        let batch = payout::Batch {
            bridge: Self::bridge(),
            withdrawals: &[],
            anchor: Default::default(),
            change_key: change_key.0,
            sweep_before: u32::MAX,
        };
        let there = Coins::<T>::iter_key_prefix(change_epoch).take(PLANNED_COINS).count();
        let moved = if epoch == change_epoch { coins.len() } else { 0 };
        let pool = Limits::default().pool.saturating_sub(there.saturating_sub(moved));
        // No more outputs than there are large coins to be made.
        let sum = swept.iter().fold(0u64, |sum, coin| sum.saturating_add(coin.sats));
        let large = usize::try_from(sum.checked_div(LARGE_SATS).unwrap_or_default());
        let change_outputs = large.unwrap_or(usize::MAX).min(sweep_limits().change_outputs);
        let inputs = MAX_INPUTS as usize;
        let limits = Limits { inputs, pool, change_outputs, ..sweep_limits() };
        let pays = |payout: &Payout| {
            payout.version(Self::rate()).is_ok_and(|first| !first.output.is_empty())
        };
        match Payout::plan(&coins, &batch, rate, &limits) {
            Ok(payout) if pays(&payout) => {
                let withdrawals = Vec::new();
                Self::add_batch(Planned { epoch, payout, withdrawals }, Self::rate())?;
            }
            Ok(_) | Err(PayoutError::NotEnough { .. } | PayoutError::Empty) if last => {
                left.extend(swept);
            }
            Ok(_) => return Err("the coins are worth less than the fee".into()),
            Err(error) => return Err(refused(error)),
        }
        left.iter().for_each(|coin| Self::give_up(epoch, coin));
        Ok(())
    }

    /// Leaves a coin to whoever can still spend it. Its worth is booked as a cost of moving coins.
    fn give_up(epoch: u32, coin: &StoredCoin) {
        let Some(StoredCoin { txid, vout, sats, .. }) = Coins::<T>::take(epoch, coin.key()) else {
            return;
        };
        Backing::<T>::mutate(|sum| *sum = sum.saturating_sub(sats));
        SweepFees::<T>::mutate(|fees| *fees = fees.saturating_add(sats));
        Self::deposit_event(Event::CoinGivenUp { txid, vout, sats });
    }
}

/// Sizes of a sweep: a coin of little worth is better moved than given away.
pub(crate) fn sweep_limits() -> Limits {
    Limits { change_sats: 0, ..Limits::default() }
}
