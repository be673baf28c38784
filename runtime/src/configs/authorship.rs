//! Names the author of the current block.

use crate::{AccountId, Babe, Runtime};
use frame_support::traits::FindAuthor;
use sp_runtime::ConsensusEngineId;

/// Turns BABE's index of the author into the account whose key signs the blocks.
///
/// With a fixed set the session key stands for its owner; pallet-session takes this over.
pub struct AuthorKey;

impl FindAuthor<AccountId> for AuthorKey {
    fn find_author<'a, I>(digests: I) -> Option<AccountId>
    where
        I: 'a + IntoIterator<Item = (ConsensusEngineId, &'a [u8])>,
    {
        let index = Babe::find_author(digests)?;
        let authorities = pallet_babe::Authorities::<Runtime>::get();
        let (key, _) = authorities.get(usize::try_from(index).ok()?)?;
        Some(AccountId::new(key.clone().into_inner().0))
    }
}

impl pallet_authorship::Config for Runtime {
    type FindAuthor = AuthorKey;
    type EventHandler = ();
}
