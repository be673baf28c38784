//! The invariants of the crate documentation, checked.

use crate::{
    pallet::{
        Active, Commitments, Config, Deadlines, EncryptedShares, Keys, Pallet, SessionKeys,
        SessionNonces, SessionShares, Sessions, Signers,
    },
    types::{Duty, Purpose},
    MAX_LIVE_KEYS,
};
use alloc::{collections::BTreeSet, vec::Vec};
use bzk_threshold::{committee::MemberSet, dkg::ceremony::Phase};
use frame_support::ensure;
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet.
    ///
    /// # Errors
    /// Names the invariant that does not hold.
    pub fn check_state() -> Result<(), TryRuntimeError> {
        let mut signers: usize = 0;
        for (who, candidate) in Signers::<T>::iter() {
            ensure!(SessionKeys::<T>::get(candidate.key) == Some(who), "1: key of another");
            signers = signers.saturating_add(1);
        }
        ensure!(SessionKeys::<T>::iter().count() == signers, "1: key of nobody");

        for committee in Self::committees() {
            let owned = committee.members.iter().all(SessionKeys::<T>::contains_key);
            ensure!(owned, "2: a member without a bond");
        }

        let newest = Keys::<T>::iter_keys().max();
        ensure!(Keys::<T>::count() <= MAX_LIVE_KEYS, "3: too many keys");
        ensure!(Active::<T>::get() == newest, "3: active is not the newest");

        Self::check_deadlines()?;
        Self::check_ceremony()?;
        Self::check_sessions()
    }

    fn check_deadlines() -> Result<(), TryRuntimeError> {
        let deadlines = Deadlines::<T>::get();
        let timed = Self::ceremony().filter(|ceremony| ceremony.phase != Phase::Testing);
        let mut expected: BTreeSet<Vec<u8>> = Sessions::<T>::iter_keys()
            .map(|id| codec::Encode::encode(&Duty::Session(id)))
            .collect();
        expected.extend(timed.map(|_| codec::Encode::encode(&Duty::Ceremony)));
        let found: BTreeSet<_> =
            deadlines.iter().map(|(duty, _)| codec::Encode::encode(duty)).collect();
        ensure!(found.len() == deadlines.len() && found == expected, "4: deadlines");
        Ok(())
    }

    fn check_ceremony() -> Result<(), TryRuntimeError> {
        let commitments: MemberSet = Commitments::<T>::iter_keys().collect();
        let shares: MemberSet = EncryptedShares::<T>::iter_keys().collect();
        let none = MemberSet::default();
        let expected = Self::ceremony().map_or((none, none), |ceremony| {
            let all = MemberSet::all(ceremony.committee.size());
            match ceremony.phase {
                Phase::Commitments => (ceremony.posted, none),
                Phase::Shares => (all, ceremony.posted),
                _ => (all, all),
            }
        });
        ensure!((commitments, shares) == expected, "5: messages of the ceremony");
        Ok(())
    }

    fn check_sessions() -> Result<(), TryRuntimeError> {
        let mut tests: usize = 0;
        for (id, open) in Sessions::<T>::iter() {
            let nonces: MemberSet = SessionNonces::<T>::iter_key_prefix(id).collect();
            let shares: MemberSet = SessionShares::<T>::iter_key_prefix(id).collect();
            let expected = (open.session.signers, open.session.shared);
            ensure!((nonces, shares) == expected, "5: messages of a session");
            match open.purpose {
                Purpose::Test => tests = tests.saturating_add(1),
                Purpose::Request(epoch) => {
                    let transcript = Keys::<T>::get(epoch).map(|live| live.transcript);
                    ensure!(transcript == Some(open.session.request.group), "6: key of a session");
                }
            }
        }
        let open = |id| Sessions::<T>::contains_key(id);
        ensure!(SessionNonces::<T>::iter().all(|(id, _, _)| open(id)), "5: nonces of no session");
        ensure!(SessionShares::<T>::iter().all(|(id, _, _)| open(id)), "5: shares of no session");
        let testing = Self::ceremony().is_some_and(|ceremony| ceremony.phase == Phase::Testing);
        ensure!(tests == usize::from(testing), "6: test session");
        Ok(())
    }
}
