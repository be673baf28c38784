//! Follows the contracts' logs. It runs when an Ethereum block is closed: a few storage operations per log,
//! each paid for by the gas of a transaction that had to bring proof or lock BTC.

use crate::{
    abi::{new_tip, BridgeLog, Script},
    pallet::{
        Backing, Batches, BitcoinHeight, CheckDue, Closing, Coins, Config, Epochs, Event, Halted,
        OpenBatches, OpenSweeps, PaidAhead, Pallet, Reopened, Requests, SweepFees, Versions,
        Withdrawals,
    },
    types::{Batch, Halt, StoredCoin, StoredWithdrawal},
};
use bzk_bitcoin::{
    bitcoin::{consensus::deserialize, Transaction},
    payout::sweep_id,
};
use bzk_threshold::{
    element::{Signature, XOnly},
    service::OnSigning,
};
use frame_support::traits::Get;
use pallet_ethereum::{ChainHead, OnLogs};
use sp_core::{H160, H256};

/// Settled batches that are forgotten when one is added, at most: more than one, so that they get fewer.
const FORGOTTEN_AT_ONCE: u32 = 2;

impl<T: Config> OnLogs for Pallet<T> {
    fn on_log(block: &ChainHead, address: H160, topics: &[H256], data: &[u8]) {
        if address == T::Bridge::get() {
            if let Some(log) = BridgeLog::decode(topics, data) {
                Self::follow(block.number, log);
            }
        } else if address == T::Relay::get() {
            if let Some(height) = new_tip(topics) {
                BitcoinHeight::<T>::put(height);
                CheckDue::<T>::put(());
            }
        }
    }
}

impl<T: Config> Pallet<T> {
    pub(crate) fn follow(block: u64, log: BridgeLog) {
        match log {
            BridgeLog::Claimed { txid, vout, epoch, sats, root, height } => {
                let delay = u32::from(Self::refund_delay());
                // Half of the delay: the other half is for getting the payout confirmed.
                let spend_by = height.saturating_add(delay.checked_div(2).unwrap_or_default());
                let (root, spend_by) = (Some(root), Some(spend_by));
                let coin = StoredCoin { txid, vout, sats, root, spend_by };
                match Epochs::<T>::get(epoch) {
                    Some(epoch) => {
                        Self::add_coin(epoch, coin);
                        Self::deposit_event(Event::CoinReceived { txid, vout, sats });
                    }
                    None => Self::stop(Halt::UnknownKey),
                }
            }
            BridgeLog::Requested { id, sats, max_fee_sats, height, script } => {
                Self::requested(id, (sats, max_fee_sats), height, block, script);
            }
            BridgeLog::Settled { id, txid, height } => Self::settled(id, &txid, height),
            BridgeLog::Confirmed { id, txid, height } => Self::confirmed(id, &txid, height),
            BridgeLog::Reopened { id, height } => Self::reopened(id, height),
            BridgeLog::Unlocked { id } => Self::unlocked(id),
            BridgeLog::Deficit { sats: 0 } => {
                if Halted::<T>::get() == Some(Halt::Deficit) {
                    Halted::<T>::kill();
                    Self::deposit_event(Event::Resumed);
                    CheckDue::<T>::put(());
                }
            }
            BridgeLog::Deficit { .. } => Self::stop(Halt::Deficit),
            BridgeLog::Rotated { epoch, key, previous_closes_at } => {
                if !Self::rotated(epoch, key, previous_closes_at) {
                    Self::stop(Halt::UnknownKey);
                }
            }
        }
    }

    pub(crate) fn add_coin(epoch: u32, coin: StoredCoin) {
        Backing::<T>::mutate(|sum| *sum = sum.saturating_add(coin.sats));
        Coins::<T>::insert(epoch, coin.key(), coin);
    }

    fn requested(
        id: u64,
        (sats, max_fee_sats): (u64, u64),
        height: u32,
        block: u64,
        script: Script,
    ) {
        let (batch, closed) = (None, false);
        let withdrawal =
            StoredWithdrawal { script, sats, max_fee_sats, height, block, batch, closed };
        Self::let_wait(id, &withdrawal);
        Withdrawals::<T>::insert(id, withdrawal);
        Self::deposit_event(Event::WithdrawalQueued { id });
    }

    fn settled(id: u64, txid: &[u8; 32], height: u32) {
        let Some(withdrawal) = Withdrawals::<T>::get(id) else { return Reopened::<T>::remove(id) };
        let Some(number) = withdrawal.batch else {
            // Somebody else has paid it, with a transaction that says so.
            return Self::leave(id, &withdrawal);
        };
        Self::mined(number, txid, height);
        Self::set_closed(id, true);
    }

    /// A transaction is in Bitcoin's chain that may be the payout of a withdrawal, or a sweep.
    fn confirmed(id: u64, txid: &[u8; 32], height: u32) {
        let payout = Withdrawals::<T>::get(id).and_then(|found| found.batch);
        Self::mined(payout.unwrap_or(sweep_id(id)), txid, height);
    }

    /// Notes whether the contract has closed a withdrawal: settled it, by this payout or another one, or given it back.
    fn set_closed(id: u64, closed: bool) {
        let Some(mut withdrawal) = Withdrawals::<T>::get(id) else { return };
        if withdrawal.closed == closed {
            return;
        }
        withdrawal.closed = closed;
        let payout = withdrawal.batch.and_then(Batches::<T>::get);
        if payout.is_some_and(|batch| batch.settled.is_some()) {
            PaidAhead::<T>::mutate(|sum| {
                *sum = match closed {
                    true => sum.saturating_sub(withdrawal.sats),
                    false => sum.saturating_add(withdrawal.sats),
                }
            });
        }
        Withdrawals::<T>::insert(id, withdrawal);
    }

    /// What a batch pays and the contract has yet to close, in sats.
    pub(crate) fn paid_ahead(batch: &Batch) -> u64 {
        let paid = batch.withdrawals.iter().filter_map(Withdrawals::<T>::get);
        paid.filter(|paid| !paid.closed).fold(0, |sum: u64, paid| sum.saturating_add(paid.sats))
    }

    /// Takes the change of a batch if `txid` is one of its versions.
    fn mined(number: u64, txid: &[u8; 32], height: u32) {
        let Some(mut batch) = Batches::<T>::get(number) else { return };
        let version = (0..batch.versions).find(|version| {
            Versions::<T>::get(number, version).is_some_and(|found| found.txid == *txid)
        });
        let Some(version) = version else { return };
        if batch.settled.is_some_and(|(settled, _)| settled == version) {
            // The other withdrawals of the batch.
            return;
        }
        // The block of another version has left the chain, and nobody has told the contract so.
        Self::unsettle(number, &mut batch);
        let Some(change) = Self::change_of(number, version) else { return };
        let spent = sum(&batch.inputs);
        let fee = Self::unpaid_fee(&batch, &change);
        Backing::<T>::mutate(|sum| *sum = sum.saturating_sub(spent));
        let gone = batch.gone.iter().find(|(other, _)| *other == version);
        let gone = gone.map(|(_, bits)| *bits).unwrap_or_default();
        for (coin, bit) in change.into_iter().zip(bits()) {
            // What other payouts have spent is theirs.
            if gone & bit == 0 {
                Self::add_coin(batch.change_epoch, coin);
            }
        }
        SweepFees::<T>::mutate(|fees| *fees = fees.saturating_add(fee));
        PaidAhead::<T>::mutate(|sum| *sum = sum.saturating_add(Self::paid_ahead(&batch)));
        let sweep = batch.is_sweep();
        batch.settled = Some((version, height));
        Batches::<T>::insert(number, batch);
        let was_open = OpenBatches::<T>::mutate(|open| {
            let before = open.len();
            open.retain(|other| *other != number);
            open.len() < before
        });
        if sweep && was_open {
            OpenSweeps::<T>::mutate(|count| *count = count.saturating_sub(1));
        }
        Self::drop_requests(number);
        Self::close(number, height);
        Self::deposit_event(match sweep {
            true => Event::CoinsSwept { batch: number, fee },
            false => Event::PayoutSettled { batch: number, version },
        });
    }

    /// What the version with this change costs above what its withdrawals were charged, in sats: a replacement may pay
    /// more, and change that is too little goes to the miner. Of a sweep it is the whole fee.
    fn unpaid_fee(batch: &Batch, change: &[StoredCoin]) -> u64 {
        let locked = batch.withdrawals.iter().filter_map(Withdrawals::<T>::get);
        let locked = locked.fold(0, |sum: u64, paid| sum.saturating_add(paid.sats));
        sum(&batch.inputs).saturating_sub(sum(change)).saturating_sub(locked)
    }

    /// The outputs of a version that come back to the committee.
    pub(crate) fn change_of(number: u64, version: u32) -> Option<alloc::vec::Vec<StoredCoin>> {
        let batch = Batches::<T>::get(number)?;
        let version = Versions::<T>::get(number, version)?;
        let transaction: Transaction = deserialize(&version.unsigned).ok()?;
        let change =
            transaction.output.iter().zip(0u32..).skip(batch.payments()).map(|(output, vout)| {
                let (txid, sats) = (version.txid, output.value.to_sat());
                StoredCoin { txid, vout, sats, root: None, spend_by: None }
            });
        Some(change.collect())
    }

    /// Remembers a settled batch for a while, and forgets those that are old: a few at a time, because they may be
    /// hundreds after a quiet day.
    pub(crate) fn close(number: u64, height: u32) {
        let mut closing = Closing::<T>::get();
        closing.retain(|(other, _)| *other != number);
        for _ in 0..FORGOTTEN_AT_ONCE {
            let Some((oldest, settled)) = closing.first().copied() else { break };
            let old = settled.saturating_add(crate::KEEP_BLOCKS) <= height;
            if !old && !closing.is_full() {
                break;
            }
            closing.remove(0);
            Self::forget(oldest);
        }
        // There is room: the oldest has gone.
        let _ = closing.try_push((number, height));
        Closing::<T>::put(closing);
    }

    fn forget(number: u64) {
        let Some(batch) = Batches::<T>::take(number) else { return };
        // Owed again: that is for people to look at, since nobody has proven it for so long.
        PaidAhead::<T>::mutate(|sum| *sum = sum.saturating_sub(Self::paid_ahead(&batch)));
        batch.withdrawals.iter().for_each(Withdrawals::<T>::remove);
        (0..batch.versions).for_each(|version| Versions::<T>::remove(number, version));
    }

    /// The block of a payout has left the chain. The payout is valid as before, so it is not made anew: who
    /// has it can mine it at any time. Of one that is forgotten no more is known than that it is not settled.
    fn reopened(id: u64, height: u32) {
        let Some(mut withdrawal) = Withdrawals::<T>::get(id) else {
            return Reopened::<T>::insert(id, height);
        };
        withdrawal.height = height;
        let number = withdrawal.batch;
        Withdrawals::<T>::insert(id, withdrawal);
        Self::set_closed(id, false);
        let Some(number) = number else { return Self::enqueue(id) };
        let Some(mut batch) = Batches::<T>::get(number) else { return };
        if !Self::unsettle(number, &mut batch) {
            return;
        }
        Batches::<T>::insert(number, batch);
        Closing::<T>::mutate(|closing| closing.retain(|(other, _)| *other != number));
        // New ones leave places free for these; should they be full, it is broadcast no more, but it stays.
        OpenBatches::<T>::mutate(|open| {
            let _ = open.try_push(number);
        });
        Self::deposit_event(Event::PayoutReopened { batch: number });
    }

    /// Takes the settlement of a batch back and returns whether there was one. Its change is no coin any more; what was
    /// made of it in the meantime is mined after it or never. That change is kept in mind: it is no coin either when
    /// the same version is in the chain again.
    fn unsettle(number: u64, batch: &mut Batch) -> bool {
        let Some((version, _)) = batch.settled.take() else { return false };
        PaidAhead::<T>::mutate(|sum| *sum = sum.saturating_sub(Self::paid_ahead(batch)));
        let spent = sum(&batch.inputs);
        Backing::<T>::mutate(|sum| *sum = sum.saturating_add(spent));
        let change = Self::change_of(number, version).unwrap_or_default();
        let fee = Self::unpaid_fee(batch, &change);
        SweepFees::<T>::mutate(|fees| *fees = fees.saturating_sub(fee));
        let mut gone = 0;
        for (coin, bit) in change.into_iter().zip(bits()) {
            match Coins::<T>::take(batch.change_epoch, coin.key()) {
                Some(coin) => Backing::<T>::mutate(|sum| *sum = sum.saturating_sub(coin.sats)),
                None => gone |= bit,
            }
        }
        batch.gone.retain(|(other, _)| *other != version);
        // There is room for all versions.
        let _ = batch.gone.try_push((version, gone));
        true
    }

    /// A withdrawal is given back when half of its delay has passed since the last payout was signed: that one is
    /// lost, or it is paid and nobody has proven it. Both are for people to look at.
    fn unlocked(id: u64) {
        let Some(withdrawal) = Withdrawals::<T>::get(id) else { return Reopened::<T>::remove(id) };
        match withdrawal.batch {
            None => Self::leave(id, &withdrawal),
            Some(batch) => {
                Self::set_closed(id, true);
                Self::deposit_event(Event::UnlockedInBatch { id, batch });
                Self::stop(Halt::Unlocked { id, batch });
            }
        }
    }

    /// Signs nothing from now on. The first reason stays until governance resumes. Only a deficit gives way
    /// to another one: it ends without governance, so it must not end what governance has to look at.
    pub(crate) fn stop(reason: Halt) {
        Halted::<T>::mutate(|halted| {
            if matches!(halted, None | Some(Halt::Deficit)) {
                *halted = Some(reason);
            }
        });
        Self::deposit_event(Event::Halted { reason });
    }
}

/// A bit for each change output: there are fewer than bits.
fn bits() -> impl Iterator<Item = u32> {
    (0..u32::BITS).filter_map(|at| 1u32.checked_shl(at))
}

/// What coins hold together, in sats.
fn sum(coins: &[StoredCoin]) -> u64 {
    coins.iter().fold(0u64, |sum, coin| sum.saturating_add(coin.sats))
}

impl<T: Config> OnSigning for Pallet<T> {
    fn signed(session: u64, signatures: alloc::vec::Vec<Signature>) {
        if !Self::handover_signed(session, &signatures) {
            Self::payout_signed(session, signatures);
        }
    }

    fn failed(session: u64) {
        Self::handover_failed(session);
        // A payout that nobody is asked to sign is found by `late`.
        Requests::<T>::remove(session);
    }

    fn key_adopted(epoch: u32, key: XOnly) {
        Self::adopt(epoch, key);
    }
}
