//! Offences: two blocks in one slot, two votes in one round. Staking slashes them.

use crate::{Runtime, RuntimeCall, RuntimeEvent, Staking, UncheckedExtrinsic};
use frame_system::offchain::{CreateBare, CreateTransactionBase};
use pallet_session::historical::IdentificationTuple;

impl pallet_offences::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type IdentificationTuple = IdentificationTuple<Self>;
    type OnOffenceHandler = Staking;
}

/// Reports of offences and solutions of elections come from off-chain workers, without a signature.
impl<C> CreateTransactionBase<C> for Runtime
where
    RuntimeCall: From<C>,
{
    type Extrinsic = UncheckedExtrinsic;
    type RuntimeCall = RuntimeCall;
}

impl<C> CreateBare<C> for Runtime
where
    RuntimeCall: From<C>,
{
    fn create_bare(call: RuntimeCall) -> UncheckedExtrinsic {
        UncheckedExtrinsic::new_bare(call)
    }
}
