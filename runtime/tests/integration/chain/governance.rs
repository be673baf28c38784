//! Referenda from proposal to enactment.

use super::Chain;
use bitcoinzk_runtime::{Balance, Balances, OriginCaller, Runtime, RuntimeCall};
use codec::Encode;
use frame_support::traits::{schedule::DispatchTime, Bounded};
use pallet_conviction_voting::{AccountVote, Conviction, Vote};
use pallet_referenda::{ReferendumCount, ReferendumInfo, ReferendumInfoFor};
use sp_io::hashing::blake2_256;
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie};

/// A referendum under way.
pub(crate) struct Referendum(pub(crate) u32);

impl Referendum {
    /// Bob notes the preimage of `call` and proposes it; Charlie pays for the decision.
    pub(crate) fn propose(
        chain: &mut Chain,
        origin: impl Into<OriginCaller>,
        call: RuntimeCall,
    ) -> Self {
        let bytes = call.encode();
        let proposal = Bounded::Lookup { hash: blake2_256(&bytes).into(), len: bytes.len() as u32 };
        chain.call(Bob, pallet_preimage::Call::note_preimage { bytes }).unwrap();
        let index = chain.query(ReferendumCount::<Runtime>::get);
        chain
            .call(
                Bob,
                pallet_referenda::Call::submit {
                    proposal_origin: Box::new(origin.into()),
                    proposal,
                    enactment_moment: DispatchTime::After(0),
                },
            )
            .unwrap();
        chain.call(Charlie, pallet_referenda::Call::place_decision_deposit { index }).unwrap();
        Self(index)
    }

    /// Alice votes with most of what she has, locked for as long as it goes.
    pub(crate) fn vote(&self, chain: &mut Chain, aye: bool) {
        let balance = chain.query(|| Balances::free_balance(Alice.to_account_id())) / 10 * 9;
        self.vote_by(chain, Alice, aye, balance);
    }

    /// `who` votes with so much, locked for as long as it goes.
    pub(crate) fn vote_by(
        &self,
        chain: &mut Chain,
        who: Sr25519Keyring,
        aye: bool,
        balance: Balance,
    ) {
        let vote = Vote { aye, conviction: Conviction::Locked6x };
        let vote = AccountVote::Standard { vote, balance };
        let call = pallet_conviction_voting::Call::vote { poll_index: self.0, vote };
        chain.call(who, call).unwrap();
    }

    /// Makes blocks until the vote is over; tells whether it passed.
    pub(crate) fn finish(&self, chain: &mut Chain) -> bool {
        let index = self.0;
        chain.run_until(2_000, || {
            !matches!(ReferendumInfoFor::<Runtime>::get(index), Some(ReferendumInfo::Ongoing(_)))
        });
        let info = chain.query(|| ReferendumInfoFor::<Runtime>::get(index));
        matches!(info, Some(ReferendumInfo::Approved(..)))
    }

    /// Proposes, votes aye and makes blocks until `done`.
    pub(crate) fn enact(
        chain: &mut Chain,
        origin: impl Into<OriginCaller>,
        call: RuntimeCall,
        done: impl FnMut() -> bool,
    ) {
        let referendum = Self::propose(chain, origin, call);
        referendum.vote(chain, true);
        assert!(referendum.finish(chain));
        chain.run_until(100, done);
    }
}
