//! From one group key to the next: the old one names it to the contract, its coins are spent first, and once
//! it has none it is retired.

use crate::{
    pallet::{
        Batches, BitcoinHeight, ClosesAt, Coins, Config, Epochs, Event, LiveEpochs, OpenBatches,
        Pallet, PendingHandover,
    },
    types::Handover,
};
use bzk_bitcoin::Message;
use bzk_threshold::{
    element::{Signature, XOnly},
    service::SigningService,
    signing::request::Input,
};

/// Bitcoin blocks for which deposits to the old key count: two weeks. The contract takes at most twice that.
const HANDOVER_BLOCKS: u32 = 2_016;

/// A key to which nobody deposits any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    /// Its epoch.
    pub(crate) epoch: u32,
    /// The contract's epoch of it.
    named: u32,
    /// Last Bitcoin height at which a deposit to it can be claimed.
    pub(crate) claims_end: u32,
}

impl<T: Config> Pallet<T> {
    /// The committee has another key: its members may sign with it from now on, and the contract is to know.
    pub(crate) fn adopt(epoch: u32, key: XOnly) {
        Self::forget_reports();
        LiveEpochs::<T>::mutate(|live| {
            if live.is_full() {
                live.remove(0);
            }
            // There is room now.
            let _ = live.try_push(epoch);
        });
        // The first key is named by the genesis key, which is not ours.
        if Self::contract_state().epoch > 0 {
            let closes_at = BitcoinHeight::<T>::get().saturating_add(HANDOVER_BLOCKS);
            Self::forget_handover();
            PendingHandover::<T>::put(Handover {
                next_key: key,
                closes_at,
                nonce: u32::MAX,
                session: None,
                signature: None,
            });
        }
    }

    /// Asks for the signature of the message, again if the contract has taken another one in between, or nobody has
    /// brought it before the last height in it.
    /// Returns whether there was something to do.
    pub(crate) fn hand_over() -> bool {
        let Some(pending) = PendingHandover::<T>::get() else { return false };
        let state = Self::contract_state();
        let in_time = pending.closes_at >= BitcoinHeight::<T>::get();
        if pending.session.is_some() && pending.nonce == state.nonce && in_time {
            return false;
        }
        let Some(signer) = Epochs::<T>::get(state.epoch) else { return false };
        // The clock begins anew, so that a signature that came late is not refused.
        let closes_at = BitcoinHeight::<T>::get().saturating_add(HANDOVER_BLOCKS);
        let message = Message::Rotate { next_key: pending.next_key.0, closes_at };
        let sighash = message.digest(&Self::bridge(), state.epoch, state.nonce).0;
        let inputs = alloc::vec![Input { sighash, root: None }];
        let Ok(session) = T::Signing::request(signer, inputs) else { return false };
        Self::forget_handover();
        let session = Some(session);
        let (nonce, signature) = (state.nonce, None);
        PendingHandover::<T>::put(Handover { closes_at, nonce, session, signature, ..pending });
        true
    }

    /// What is asked for is not needed any more.
    fn forget_handover() {
        let session = PendingHandover::<T>::take().and_then(|pending| pending.session);
        session.into_iter().for_each(Self::drop_session);
    }

    /// Takes the signatures of a session if it was the message's.
    pub(crate) fn handover_signed(session: u64, signatures: &[Signature]) -> bool {
        let Some(pending) = PendingHandover::<T>::get() else { return false };
        if pending.session != Some(session) {
            return false;
        }
        let signature = signatures.first().copied();
        PendingHandover::<T>::put(Handover { signature, ..pending });
        Self::deposit_event(Event::HandoverSigned { next_key: pending.next_key.0 });
        true
    }

    /// Asks again for the message if the session that failed was its own.
    pub(crate) fn handover_failed(session: u64) {
        PendingHandover::<T>::mutate(|pending| {
            if let Some(pending) = pending.as_mut().filter(|p| p.session == Some(session)) {
                pending.session = None;
            }
        });
    }

    /// The contract follows `key` from its epoch `epoch` on. Returns false when it is not ours.
    pub(crate) fn rotated(epoch: u32, key: [u8; 32], previous_closes_at: u32) -> bool {
        // Nobody deposits to the key of epoch 0.
        if let Some(previous) = epoch.checked_sub(1).filter(|previous| *previous > 0) {
            // The contract takes no deposit with more confirmations than half of the refund delay.
            let half = u32::from(Self::refund_delay()).checked_div(2).unwrap_or_default();
            let claims_end = previous_closes_at.saturating_add(half);
            ClosesAt::<T>::insert(previous, (previous_closes_at, claims_end));
        }
        let ours = LiveEpochs::<T>::get()
            .into_iter()
            .find(|live| T::Signing::key(*live) == Some(XOnly(key)));
        let Some(ours) = ours else { return false };
        Epochs::<T>::insert(epoch, ours);
        if PendingHandover::<T>::get().is_some_and(|pending| pending.next_key.0 == key) {
            Self::forget_handover();
        }
        true
    }

    /// Retires the old key when no deposit to it can be claimed any more and nothing of it is left to spend.
    /// Returns whether it had to look for what is left.
    pub(crate) fn retire_old() -> bool {
        let Some(Closed { epoch: old, named, claims_end }) = Self::closed() else { return false };
        if BitcoinHeight::<T>::get() <= claims_end {
            return false;
        }
        let spent = || {
            Coins::<T>::iter_key_prefix(old).next().is_none()
                && !OpenBatches::<T>::get()
                    .into_iter()
                    .filter_map(Batches::<T>::get)
                    .any(|batch| batch.epoch == old)
        };
        if spent() && T::Signing::retire(old).is_ok() {
            LiveEpochs::<T>::mutate(|live| live.retain(|epoch| *epoch != old));
            // Should a claim come nevertheless, nobody could spend its coin: without an epoch it halts.
            Epochs::<T>::remove(named);
            ClosesAt::<T>::remove(named);
        }
        true
    }

    /// The old key, once no deposit to it counts any more. One that counts may still be claimed.
    pub(crate) fn closed() -> Option<Closed> {
        let live = LiveEpochs::<T>::get();
        let epoch = *live.first().filter(|_| live.len() > 1)?;
        let named = Self::contract_state().epoch.checked_sub(1)?;
        let (closes_at, claims_end) = ClosesAt::<T>::get(named)?;
        let closed =
            Epochs::<T>::get(named) == Some(epoch) && closes_at < BitcoinHeight::<T>::get();
        closed.then_some(Closed { epoch, named, claims_end })
    }
}
