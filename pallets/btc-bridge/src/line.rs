//! The order in which withdrawals are paid.
//!
//! A withdrawal costs its owner nothing until it is paid, so those that no payout can pay at the present fee rate must
//! not stand before those that one can: somebody could ask for any number of them. They wait aside in [`Parked`],
//! who offers most first, and join the end of [`Line`] when fees have fallen. Whoever would fill the line itself has
//! to offer what a full payout of one coin charges each of its withdrawals, and pays it unless it takes more coins.

use crate::{
    pallet::{BitcoinHeight, Config, Line, LineEnds, Pallet, Parked, WaitingSince, Withdrawals},
    types::{ParkedKey, StoredWithdrawal, MAX_BATCH},
};
use alloc::vec::Vec;
use bzk_bitcoin::bitcoin::Weight as TransactionWeight;
use frame_support::{traits::Get, weights::Weight};
use frame_system::pallet_prelude::BlockNumberFor;

/// Places of the line that are looked at for one batch; those that wait for lower fees leave it.
pub(crate) const LOOKED: u64 = 2 * MAX_BATCH as u64;

/// Withdrawals that return to the line in one block at most.
const RETURNING: usize = 10;

/// What each withdrawal of a full payout weighs: a twentieth of 20 P2TR outputs, the longest that there are, the data
/// output, one input and eight change outputs. Who asks for less could never pay in the company of his like.
const LEAST: TransactionWeight = TransactionWeight::from_wu(271);

impl<T: Config> Pallet<T> {
    /// The least that a withdrawal must be ready to pay for the line, in sats.
    pub(crate) fn least_fee() -> u64 {
        Self::charged_rate().fee_wu(LEAST).map_or(u64::MAX, |fee| fee.to_sat())
    }

    /// Lets a new withdrawal wait: in the line, or aside.
    pub(crate) fn let_wait(id: u64, withdrawal: &StoredWithdrawal) {
        match withdrawal.max_fee_sats < Self::least_fee() {
            true => Parked::<T>::insert(ParkedKey::new(id, withdrawal), ()),
            false => Self::enqueue(id),
        }
    }

    /// Puts a withdrawal at the end of the line.
    pub(crate) fn enqueue(id: u64) {
        let (first, end) = LineEnds::<T>::get();
        Line::<T>::insert(end, id);
        LineEnds::<T>::put((first, end.saturating_add(1)));
        if !WaitingSince::<T>::exists() {
            WaitingSince::<T>::put(frame_system::Pallet::<T>::block_number());
        }
    }

    /// Forgets a withdrawal that was never in a batch. What is left of it in the line is passed over.
    pub(crate) fn leave(id: u64, withdrawal: &StoredWithdrawal) {
        Parked::<T>::remove(ParkedKey::new(id, withdrawal));
        Withdrawals::<T>::remove(id);
    }

    /// Takes those into the line that can pay now, and did not when they came.
    pub(crate) fn unpark() -> Weight {
        let least = Self::least_fee();
        let ready: Vec<ParkedKey> = Parked::<T>::iter_keys()
            .take(RETURNING)
            .take_while(|key| key.max_fee_sats() >= least)
            .collect();
        for key in &ready {
            Parked::<T>::remove(key);
            Self::enqueue(key.id());
        }
        let count = u64::try_from(ready.len()).unwrap_or(u64::MAX);
        // The rate, the policy, and one that stays; then the line's ends and since when it waits.
        let looked = T::DbWeight::get().reads(3);
        T::DbWeight::get().reads_writes(3, 4).saturating_mul(count).saturating_add(looked)
    }

    /// Takes withdrawals from the head of the line, as many as a payout takes.
    pub(crate) fn take_from_line(now: BlockNumberFor<T>) -> Vec<u64> {
        let (mut first, end) = LineEnds::<T>::get();
        let (mut ids, least) = (Vec::new(), Self::least_fee());
        let last = first.saturating_add(LOOKED).min(end);
        while first < last && ids.len() < MAX_BATCH as usize {
            let id = Line::<T>::take(first);
            first = first.saturating_add(1);
            // Those that were unlocked, or paid by somebody else, have left without a word.
            let found = id.and_then(|id| Some((id, Withdrawals::<T>::get(id)?)));
            let waits = |(_, found): &(u64, StoredWithdrawal)| {
                found.batch.is_none() && Self::in_time(found)
            };
            match found.filter(waits) {
                Some((id, found)) if found.max_fee_sats < least => {
                    Parked::<T>::insert(ParkedKey::new(id, &found), ());
                }
                Some((id, _)) => ids.push(id),
                None => {}
            }
        }
        LineEnds::<T>::put((first, end));
        match first < end {
            true => WaitingSince::<T>::put(now),
            false => WaitingSince::<T>::kill(),
        }
        ids
    }

    /// Whether a payout may still be signed: later than half of the payout delay it could be confirmed after
    /// the contract has given the BTC back.
    fn in_time(withdrawal: &StoredWithdrawal) -> bool {
        let half = u32::from(Self::payout_delay()).checked_div(2).unwrap_or_default();
        BitcoinHeight::<T>::get() < withdrawal.height.saturating_add(half)
    }
}
