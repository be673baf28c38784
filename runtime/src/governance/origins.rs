//! The powers below root. A referendum on a track gets the track's origin when it passes.
#![allow(missing_docs, reason = "the macro generates types without documentation")]

use core::marker::PhantomData;
use frame_support::traits::EnsureOrigin;

pub use pallet::*;

/// Holds the origins; it has no calls and no storage.
#[frame_support::pallet]
pub mod pallet {
    use frame_support::pallet_prelude::*;

    #[pallet::config]
    pub trait Config: frame_system::Config {}

    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// What a referendum can speak as.
    #[pallet::origin]
    #[derive(
        Clone,
        Copy,
        Debug,
        PartialEq,
        Eq,
        Encode,
        Decode,
        DecodeWithMemTracking,
        MaxEncodedLen,
        TypeInfo,
    )]
    pub enum Origin {
        /// Cancels slashes and sets the parameters of staking and pools.
        StakingAdmin,
        /// Spends any amount of the treasury.
        Treasurer,
        /// Spends small amounts of the treasury.
        Spender,
        /// Enters and leaves safe-mode, pauses and unpauses calls.
        Guardian,
        /// Cancels a referendum; the deposits go back.
        Canceller,
        /// Kills a referendum; the deposits are lost.
        Killer,
    }
}

impl Origin {
    /// Every origin.
    pub const ALL: [Self; 6] = [
        Self::StakingAdmin,
        Self::Treasurer,
        Self::Spender,
        Self::Guardian,
        Self::Canceller,
        Self::Killer,
    ];
}

/// Lets one of the origins through, by its number.
pub struct Ensure<const NUMBER: u8>(PhantomData<()>);

impl<O: Into<Result<Origin, O>> + From<Origin>, const NUMBER: u8> EnsureOrigin<O>
    for Ensure<NUMBER>
{
    type Success = ();

    fn try_origin(origin: O) -> Result<(), O> {
        origin.into().and_then(
            |found| {
                if found as u8 == NUMBER {
                    Ok(())
                } else {
                    Err(O::from(found))
                }
            },
        )
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn try_successful_origin() -> Result<O, ()> {
        Origin::ALL.into_iter().find(|origin| *origin as u8 == NUMBER).map(O::from).ok_or(())
    }
}

/// Lets [`Origin::StakingAdmin`] through.
pub type StakingAdmin = Ensure<{ Origin::StakingAdmin as u8 }>;
/// Lets [`Origin::Treasurer`] through.
pub type Treasurer = Ensure<{ Origin::Treasurer as u8 }>;
/// Lets [`Origin::Spender`] through.
pub type Spender = Ensure<{ Origin::Spender as u8 }>;
/// Lets [`Origin::Guardian`] through.
pub type Guardian = Ensure<{ Origin::Guardian as u8 }>;
/// Lets [`Origin::Canceller`] through.
pub type Canceller = Ensure<{ Origin::Canceller as u8 }>;
/// Lets [`Origin::Killer`] through.
pub type Killer = Ensure<{ Origin::Killer as u8 }>;
