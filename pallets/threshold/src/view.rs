//! What members read.

use crate::pallet::{
    Ceremony, Commitments, Config, EncryptedShares, Keys, Pallet, SessionNonces, SessionShares,
    Sessions,
};
use bzk_threshold::view::{CeremonyView, KeyView, SessionView, View};

impl<T: Config> Pallet<T> {
    /// All that a member needs to take part. For a runtime API: reads everything.
    pub fn view() -> View {
        let ceremony = Ceremony::<T>::get().map(|rotation| {
            let mut round1: alloc::vec::Vec<_> = Commitments::<T>::iter().collect();
            let mut round2: alloc::vec::Vec<_> = EncryptedShares::<T>::iter().collect();
            round1.sort_by_key(|(member, _)| *member);
            round2.sort_by_key(|(member, _)| *member);
            CeremonyView { ceremony: rotation.ceremony, round1, round2 }
        });
        let keys = Keys::<T>::iter()
            .map(|(epoch, live)| KeyView {
                epoch,
                key: live.key,
                committee: live.committee,
                transcript: live.transcript,
            })
            .collect();
        let sessions = Sessions::<T>::iter()
            .map(|(id, open)| {
                let mut nonces: alloc::vec::Vec<_> = SessionNonces::<T>::iter_prefix(id).collect();
                let mut shares: alloc::vec::Vec<_> = SessionShares::<T>::iter_prefix(id).collect();
                nonces.sort_by_key(|(member, _)| *member);
                shares.sort_by_key(|(member, _)| *member);
                SessionView { id, session: open.session, nonces, shares }
            })
            .collect();
        View { ceremony, keys, sessions }
    }
}
