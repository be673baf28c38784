//! The invariants of the crate documentation, checked.

use crate::pallet::{
    Backing, Batches, Coins, Config, FeeReports, OpenBatches, OpenSweeps, PaidAhead, Pallet,
    Parked, Reopened, Requests, Versions, Withdrawals,
};
use crate::types::ParkedKey;
use alloc::collections::BTreeSet;
use bzk_bitcoin::bitcoin::{consensus::deserialize, Transaction};
use bzk_threshold::service::Members;
use frame_support::ensure;
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet.
    ///
    /// # Errors
    /// Names the invariant that does not hold.
    pub fn check_state() -> Result<(), TryRuntimeError> {
        let mut outpoints = BTreeSet::new();
        let mut sum = 0u64;
        let free = Coins::<T>::iter().map(|(_, key, coin)| {
            (coin.key() == key).then_some(coin).ok_or("1: coin out of its place")
        });
        let open = Batches::<T>::iter_values()
            .filter(|batch| batch.settled.is_none())
            .flat_map(|batch| batch.inputs.into_iter().map(Ok));
        for coin in free.chain(open) {
            let coin = coin?;
            ensure!(outpoints.insert((coin.txid, coin.vout)), "1: outpoint twice");
            sum = sum.saturating_add(coin.sats);
        }
        ensure!(sum == Backing::<T>::get(), "2: backing");

        for (id, withdrawal) in Withdrawals::<T>::iter() {
            let Some(batch) = withdrawal.batch else { continue };
            let batch = Batches::<T>::get(batch).ok_or("3: no such batch")?;
            ensure!(batch.withdrawals.contains(&id), "3: batch without the withdrawal");
        }
        let (mut paid, mut ahead, mut sweeps) = (BTreeSet::new(), 0u64, 0u32);
        for (number, batch) in Batches::<T>::iter() {
            ensure!(batch.withdrawals.iter().all(|id| paid.insert(*id)), "3: paid by two batches");
            let listed = OpenBatches::<T>::get().contains(&number);
            ensure!(listed == batch.settled.is_none(), "3: list of open batches");
            Self::check_versions(number, &batch)?;
            if listed && batch.is_sweep() {
                sweeps = sweeps.saturating_add(1);
            }
            if batch.settled.is_some() {
                ahead = ahead.saturating_add(Self::paid_ahead(&batch));
            }
        }
        ensure!(sweeps == OpenSweeps::<T>::get(), "3: number of open sweeps");
        ensure!(ahead == PaidAhead::<T>::get(), "7: paid ahead");
        for key in Parked::<T>::iter_keys() {
            let waits = Withdrawals::<T>::get(key.id()).is_some_and(|found| {
                found.batch.is_none() && ParkedKey::new(key.id(), &found) == key
            });
            ensure!(waits, "8: parked without waiting");
        }
        let both = Reopened::<T>::iter_keys().any(Withdrawals::<T>::contains_key);
        ensure!(!both, "9: reopened and known");
        for (number, version) in Requests::<T>::iter_values() {
            let version = Versions::<T>::get(number, version).ok_or("4: no such version")?;
            ensure!(version.signatures.is_empty(), "4: signed twice");
            let batch = Batches::<T>::get(number).ok_or("4: no such batch")?;
            ensure!(batch.settled.is_none(), "4: signed for nothing");
        }
        let reports = FeeReports::<T>::get();
        let ascending = reports.iter().zip(reports.iter().skip(1)).all(|(a, b)| a.0 < b.0);
        ensure!(ascending, "6: order of the reports");
        let members = T::Members::committee().map(|committee| committee.size()).unwrap_or(0);
        ensure!(reports.iter().all(|(member, _)| member.0 < members), "6: report of a stranger");
        Ok(())
    }

    fn check_versions(number: u64, batch: &crate::Batch) -> Result<(), TryRuntimeError> {
        let mut first: Option<Transaction> = None;
        for version in 0..batch.versions {
            let version = Versions::<T>::get(number, version).ok_or("5: version is missing")?;
            let transaction: Transaction =
                deserialize(&version.unsigned).map_err(|_| "5: not a transaction")?;
            let first = first.get_or_insert_with(|| transaction.clone());
            ensure!(first.input == transaction.input, "5: inputs differ");
            let same = first
                .output
                .iter()
                .zip(&transaction.output)
                .take(batch.payments())
                .all(|(a, b)| a == b);
            ensure!(same, "5: payments differ");
        }
        Ok(())
    }
}
