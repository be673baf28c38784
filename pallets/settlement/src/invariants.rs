//! The invariants of the pallet, checked after blocks in tests and by try-runtime.

use crate::{BatchIds, BatchLimits, Batches, Config, Open, Pallet, Stage};
use bzk_batch::Span;
use frame_support::{ensure, traits::Get};
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet's documentation.
    ///
    /// # Errors
    /// Names the invariant that does not hold.
    pub fn check_state() -> Result<(), TryRuntimeError> {
        ensure!(BatchLimits::<T>::get().are_sound(), "the limits are unsound");
        let ids = BatchIds::<T>::get();
        ensure!(ids.oldest <= ids.unsettled && ids.unsettled <= ids.next, "the ids are disordered");
        let count = ids.next.saturating_sub(ids.oldest);
        ensure!(count <= u64::from(T::MaxBatches::get()), "more batches than fit");
        ensure!(Batches::<T>::iter_keys().count() as u64 == count, "a batch too many or too few");

        let mut before: Option<Span> = None;
        for id in ids.oldest..ids.next {
            let batch = Batches::<T>::get(id).ok_or("a batch is missing")?;
            Self::check_follows(before.as_ref(), &batch.span)?;
            before = Some(batch.span);
            ensure!(batch.settlement.is_some() == (id < ids.unsettled), "settled out of order");
            if batch.stage() == Stage::Settled {
                let complete = batch.certificate.is_some() && batch.proof.is_some();
                ensure!(complete, "settled without certificate or proof");
            }
            if let Some(proof) = batch.proof {
                let is_about = proof.statement.is_about(T::ChainId::get(), &batch.span);
                ensure!(is_about, "a proof is about something else");
            }
        }
        Open::<T>::get().map_or(Ok(()), |open| Self::check_follows(before.as_ref(), &open.span))
    }

    fn check_follows(before: Option<&Span>, span: &Span) -> Result<(), TryRuntimeError> {
        ensure!(span.first > 0 && span.first <= span.last, "a batch without blocks");
        let Some(before) = before else { return Ok(()) };
        ensure!(before.last.checked_add(1) == Some(span.first), "a block is in no batch or in two");
        ensure!(before.new_state == span.old_state, "a batch starts from another state");
        Ok(())
    }
}
