//! Moves coins that no withdrawal moves in time: those whose refund path opens, and what is left of an old key.
//!
//! A sweep pays nobody but the committee, so nothing waits for its confirmation: its outputs are coins as soon as
//! it is signed, and what spends them also pays miners for it. There is one version only, at the rate that payouts
//! are charged, because another one would take the outputs away that may be spent by then. Relayers broadcast it
//! for as long as settled payouts are remembered.

use crate::{
    pallet::{
        Backing, Batches, BitcoinHeight, Coins, Config, Event, LiveEpochs, OpenBatches, Pallet,
        SweepFees,
    },
    payouts::{refused, Planned, PLANNED_COINS},
    types::MAX_INPUTS,
};
use alloc::vec::Vec;
use bzk_bitcoin::{
    payout::{self, Limits},
    Payout,
};
use bzk_threshold::service::SigningService;
use sp_runtime::DispatchError;

/// What is to be swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sweep {
    /// Whose coins.
    epoch: u32,
    /// Those to be spent by this Bitcoin height.
    before: u32,
}

impl<T: Config> Pallet<T> {
    /// Whether coins must be moved now. The most urgent one is the first of its epoch.
    pub(crate) fn sweep_due() -> Option<Sweep> {
        let first = |epoch| Coins::<T>::iter_prefix_values(epoch).next();
        if let Some(old) = Self::closed().filter(|old| first(old.epoch).is_some()) {
            return Some(Sweep { epoch: old.epoch, before: u32::MAX });
        }
        let before = BitcoinHeight::<T>::get();
        LiveEpochs::<T>::get()
            .into_iter()
            .find(|epoch| {
                first(*epoch).and_then(|coin| coin.spend_by).is_some_and(|height| height <= before)
            })
            .map(|epoch| Sweep { epoch, before })
    }

    /// A key with more coins than a payout spends. The first of them are merged when they do not suffice for the
    /// line, so that payouts reach what is behind them.
    pub(crate) fn crowded() -> Option<Sweep> {
        LiveEpochs::<T>::get()
            .into_iter()
            .find(|epoch| Coins::<T>::iter_key_prefix(*epoch).nth(MAX_INPUTS as usize).is_some())
            .map(|epoch| Sweep { epoch, before: u32::MAX })
    }

    /// Plans a sweep of as many coins as fit, and has it signed.
    pub(crate) fn plan_sweep(Sweep { epoch, before }: Sweep) -> Result<(), DispatchError> {
        let key = T::Signing::key(epoch).ok_or("no key")?;
        let (_, change_key) = T::Signing::active().ok_or("no key")?;
        let coins: Vec<payout::Coin> = Coins::<T>::iter_prefix_values(epoch)
            .take(PLANNED_COINS)
            .filter_map(|coin| coin.coin(&key))
            .collect();
        let batch = payout::Batch {
            bridge: Self::bridge(),
            withdrawals: &[],
            anchor: Default::default(),
            change_key: change_key.0,
            sweep_before: before,
        };
        // A coin of little worth is better moved than given away.
        let limits = Limits { inputs: MAX_INPUTS as usize, change_sats: 0, ..Limits::default() };
        let rate = Self::charged_rate();
        let payout = Payout::plan(&coins, &batch, rate, &limits).map_err(refused)?;
        Self::add_batch(Planned { epoch, payout, withdrawals: Vec::new() }, rate)
    }

    /// Makes coins of the outputs of a batch if it is a sweep.
    pub(crate) fn sweep_signed(number: u64) {
        let Some(mut batch) = Batches::<T>::get(number) else { return };
        if !batch.withdrawals.is_empty() || batch.settled.is_some() {
            return;
        }
        let Some(coins) = Self::change_of(number, 0) else { return };
        let sum = |coins: &[crate::StoredCoin]| {
            coins.iter().fold(0u64, |sum, coin| sum.saturating_add(coin.sats))
        };
        let spent = sum(&batch.inputs);
        let fee = spent.saturating_sub(sum(&coins));
        Backing::<T>::mutate(|backing| *backing = backing.saturating_sub(spent));
        for coin in coins {
            Self::add_coin(batch.change_epoch, coin);
        }
        SweepFees::<T>::mutate(|fees| *fees = fees.saturating_add(fee));
        let height = BitcoinHeight::<T>::get();
        batch.settled = Some((0, height));
        Batches::<T>::insert(number, batch);
        OpenBatches::<T>::mutate(|open| open.retain(|other| *other != number));
        Self::close(number, height);
        Self::deposit_event(Event::CoinsSwept { batch: number, fee });
    }
}
