//! From Ethereum blocks to closed batches.

use crate::{
    Batch, BatchId, BatchIds, BatchLimits, Batches, Config, Event, Open, OpenBatch, Pallet,
};
use bzk_batch::Span;
use frame_support::traits::Get;
use pallet_ethereum::{ClosedBlock, OnBlock};

impl<T: Config> OnBlock for Pallet<T> {
    /// Adds the block to the open batch, and closes that when it is full and there is room.
    fn on_block(block: &ClosedBlock) {
        let open = Self::extended(Open::<T>::take(), block);
        let full = open.is_full(&BatchLimits::<T>::get(), block.head.timestamp_s);
        match full.then(Self::take_place).flatten() {
            Some(batch) => Self::close(batch, open),
            None => Open::<T>::put(open),
        }
    }
}

impl<T: Config> Pallet<T> {
    fn extended(open: Option<OpenBatch>, block: &ClosedBlock) -> OpenBatch {
        let mut open = open.unwrap_or(OpenBatch {
            span: Span {
                first: block.head.number,
                last: block.head.number,
                last_hash: block.head.hash,
                old_state: block.parent_state,
                new_state: block.state,
            },
            opened_s: block.head.timestamp_s,
            transactions: 0,
            cycles: 0,
        });
        open.span.last = block.head.number;
        open.span.last_hash = block.head.hash;
        open.span.new_state = block.state;
        open.transactions = open.transactions.saturating_add(block.transactions.into());
        open.cycles = open.cycles.saturating_add(block.cycles);
        open
    }

    /// The number of one more batch, for which the oldest one goes when all places are taken and that one is settled;
    /// `None` when it is not.
    fn take_place() -> Option<BatchId> {
        let taken = BatchIds::<T>::try_mutate(|ids| {
            if ids.next.saturating_sub(ids.oldest) >= u64::from(T::MaxBatches::get()) {
                if ids.oldest >= ids.unsettled {
                    return Err(());
                }
                Batches::<T>::remove(ids.oldest);
                ids.oldest = ids.oldest.saturating_add(1);
            }
            let batch = ids.next;
            ids.next = ids.next.saturating_add(1);
            Ok(batch)
        });
        taken.ok()
    }

    fn close(batch: BatchId, OpenBatch { span, transactions, cycles, .. }: OpenBatch) {
        let closed_at = frame_system::Pallet::<T>::block_number();
        let (certificate, proof, settlement) = (None, None, None);
        let closed = Batch { span, closed_at, certificate, proof, settlement, forgotten: 0 };
        Batches::<T>::insert(batch, closed);
        Self::deposit_event(Event::Closed { batch, span, transactions, cycles });
    }
}
