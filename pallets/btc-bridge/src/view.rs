//! What relayers, users and auditors read. For a runtime API: reads everything.

use crate::{
    pallet::{
        Backing, Batches, BitcoinHeight, Closing, Coins, Config, CurrentPolicy, Halted, LineEnds,
        LiveEpochs, OpenBatches, PaidAhead, Pallet, PendingHandover, Reopened, SweepFees, Versions,
        WaitingSince, Withdrawals,
    },
    payouts::OPEN,
    solvency::Totals,
    types::{Halt, StoredCoin, Version, MAX_BATCH},
};
use alloc::vec::Vec;
use bzk_bitcoin::{
    bitcoin::{
        consensus::{deserialize, serialize},
        FeeRate, Transaction,
    },
    output_script, payout,
};
use bzk_runtime_api::{
    CoinView, HaltView, HandoverView, PayoutView, QueueView, ReservesView, WithdrawalStatus,
};
use bzk_threshold::service::SigningService;
use sp_runtime::traits::{Saturating, UniqueSaturatedInto};

impl<T: Config> Pallet<T> {
    /// The newest signed version of each payout that is not settled: what is to be broadcast. Of a sweep all of
    /// them, the newest first: no withdrawal leads to the one that is in the chain. And payouts in the chain of which
    /// a withdrawal is still pending: whoever proves that needs to know which ones they pay.
    pub fn payouts() -> Vec<PayoutView> {
        let part = Closing::<T>::get().into_iter().map(|(number, _)| number).filter(|number| {
            Batches::<T>::get(number).is_some_and(|batch| Self::paid_ahead(&batch) > 0)
        });
        part.chain(OpenBatches::<T>::get()).flat_map(Self::signed_versions).collect()
    }

    /// The versions of a batch that [`Self::payouts`] shows.
    fn signed_versions(number: u64) -> Vec<PayoutView> {
        let Some(batch) = Batches::<T>::get(number) else { return Vec::new() };
        let shown = if batch.is_sweep() { usize::MAX } else { 1 };
        let mined = |version: &u32| batch.settled.is_none_or(|(mined, _)| mined == *version);
        let versions = (0..batch.versions).rev().filter(mined);
        let signed = versions.filter_map(|version| {
            let transaction = signed_transaction(&Versions::<T>::get(number, version)?)?;
            let withdrawals = batch.withdrawals.to_vec();
            let transaction = serialize(&transaction);
            Some(PayoutView { batch: number, version, withdrawals, transaction })
        });
        signed.take(shown).collect()
    }

    /// The committee's coins and its debts.
    pub fn reserves() -> ReservesView {
        let mut coins = Vec::new();
        for epoch in LiveEpochs::<T>::get() {
            let free = Coins::<T>::iter_prefix_values(epoch);
            coins.extend(free.map(|coin| Self::shown(epoch, None, &coin)));
        }
        for number in OpenBatches::<T>::get() {
            let Some(batch) = Batches::<T>::get(number) else { continue };
            let spent = batch.inputs.iter();
            coins.extend(spent.map(|coin| Self::shown(batch.epoch, Some(number), coin)));
        }
        let Totals { claimed, settled, locked, deficit } = Self::totals();
        ReservesView {
            coins,
            backing: Backing::<T>::get(),
            claimed,
            settled,
            locked,
            deficit,
            sweep_fees: SweepFees::<T>::get(),
            paid_ahead: PaidAhead::<T>::get(),
            height: BitcoinHeight::<T>::get(),
            halted: Halted::<T>::get().map(|halt| match halt {
                Halt::Deficit => HaltView::Deficit,
                Halt::Insolvent { .. } => HaltView::Insolvent,
                Halt::UnknownKey => HaltView::UnknownKey,
                Halt::Ordered => HaltView::Ordered,
                Halt::Unlocked { .. } => HaltView::Unlocked,
            }),
        }
    }

    fn shown(epoch: u32, batch: Option<u64>, coin: &StoredCoin) -> CoinView {
        let StoredCoin { txid, vout, sats, spend_by, .. } = *coin;
        let key = T::Signing::key(epoch).and_then(|key| coin.coin(&key));
        let script = key.map(|coin| output_script(&coin.output_key).into_bytes());
        let script = script.unwrap_or_default();
        CoinView { txid, vout, sats, script, epoch, spend_by, batch }
    }

    /// What withdrawals pay, and how long they wait.
    pub fn queue() -> QueueView {
        let policy = CurrentPolicy::<T>::get();
        let (first, end) = LineEnds::<T>::get();
        let waiting = end.saturating_sub(first);
        let due_in = WaitingSince::<T>::get().filter(|_| waiting > 0).map(|since| {
            let waited = frame_system::Pallet::<T>::block_number().saturating_sub(since);
            match waiting >= MAX_BATCH.into() {
                true => 0,
                false => policy.batch_blocks.saturating_sub(waited.unique_saturated_into()),
            }
        });
        let per_vbyte =
            |rate: FeeRate| u32::try_from(rate.to_sat_per_vb_ceil()).unwrap_or(u32::MAX);
        QueueView {
            sats_per_vbyte: per_vbyte(Self::rate()),
            charged_sats_per_vbyte: per_vbyte(Self::charged_rate()),
            waiting,
            due_in,
            batch_blocks: policy.batch_blocks,
            batch_size: MAX_BATCH,
            open: u32::try_from(Self::open_payouts()).unwrap_or(u32::MAX),
            most_open: OPEN as u32,
            bump_blocks: policy.bump_blocks,
        }
    }

    /// The signed message that names the next group key.
    pub fn handover() -> Option<HandoverView> {
        let pending = PendingHandover::<T>::get()?;
        let (next_key, closes_at) = (pending.next_key.0, pending.closes_at);
        Some(HandoverView { next_key, closes_at, signature: pending.signature?.0 })
    }

    /// Where a withdrawal is; `None` when it was never requested, was given back, or was settled long ago.
    pub fn withdrawal(id: u64) -> Option<WithdrawalStatus> {
        let Some(withdrawal) = Withdrawals::<T>::get(id) else {
            return Reopened::<T>::get(id).map(|height| WithdrawalStatus::Reopened { height });
        };
        let Some(batch) = withdrawal.batch else { return Some(WithdrawalStatus::Waiting) };
        let found = Batches::<T>::get(batch)?;
        if let Some((version, height)) = found.settled {
            let txid = Versions::<T>::get(batch, version)?.txid;
            return Some(WithdrawalStatus::Settled { txid, height });
        }
        let signed = (0..found.versions).rev().find_map(|version| {
            Versions::<T>::get(batch, version).filter(|version| !version.signatures.is_empty())
        });
        Some(match signed {
            Some(version) => WithdrawalStatus::Signed { batch, txid: version.txid },
            None => WithdrawalStatus::Signing { batch },
        })
    }
}

/// The transaction with its signatures; `None` while there are none.
fn signed_transaction(version: &Version) -> Option<Transaction> {
    let signatures: Vec<[u8; 64]> =
        version.signatures.iter().map(|signature| signature.0).collect();
    payout::sign(deserialize(&version.unsigned).ok()?, &signatures)
}
