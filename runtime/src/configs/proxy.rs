//! Accounts that act for others, within limits.

use crate::{units::MILLI_ZYRA, Balances, Runtime, RuntimeCall, RuntimeEvent, System};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::traits::{ConstU128, ConstU32, InstanceFilter};
use scale_info::TypeInfo;
use sp_runtime::traits::BlakeTwo256;

/// What a proxy may do.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum ProxyType {
    /// Everything.
    #[default]
    Any,
    /// Everything that pays nobody: [`Self::Governance`], [`Self::Staking`], [`Self::CancelProxy`] and names. No joint
    /// accounts: an approval may be the last one that a payment waits for.
    NonTransfer,
    /// Propose and vote.
    Governance,
    /// Bond, nominate, validate, session keys and coinbase. It also says where rewards and tips go from then on.
    Staking,
    /// Refuse what other proxies have announced.
    CancelProxy,
}

impl InstanceFilter<RuntimeCall> for ProxyType {
    fn filter(&self, call: &RuntimeCall) -> bool {
        match self {
            Self::Any => true,
            // A list of what is allowed, so that a new pallet is refused until somebody thinks of it.
            Self::NonTransfer => {
                Self::Governance.filter(call)
                    || Self::Staking.filter(call)
                    || Self::CancelProxy.filter(call)
                    || matches!(call, RuntimeCall::Identity(_))
            }
            Self::Governance => matches!(
                call,
                RuntimeCall::Referenda(_)
                    | RuntimeCall::ConvictionVoting(_)
                    | RuntimeCall::Preimage(_)
                    | RuntimeCall::Utility(_)
            ),
            Self::Staking => matches!(
                call,
                RuntimeCall::Staking(_)
                    | RuntimeCall::Session(_)
                    | RuntimeCall::Sequencers(_)
                    | RuntimeCall::VoterList(_)
                    | RuntimeCall::NominationPools(_)
                    | RuntimeCall::Utility(_)
            ),
            Self::CancelProxy => {
                matches!(call, RuntimeCall::Proxy(pallet_proxy::Call::reject_announcement { .. }))
            }
        }
    }

    fn is_superset(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (_, Self::Any) => false,
            (Self::NonTransfer, _) => true,
            _ => self == other,
        }
    }
}

impl pallet_proxy::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type Currency = Balances;
    type ProxyType = ProxyType;
    type ProxyDepositBase = ConstU128<{ 500 * MILLI_ZYRA }>;
    type ProxyDepositFactor = ConstU128<{ 50 * MILLI_ZYRA }>;
    type MaxProxies = ConstU32<32>;
    type WeightInfo = pallet_proxy::weights::SubstrateWeight<Runtime>;
    type MaxPending = ConstU32<32>;
    type CallHasher = BlakeTwo256;
    type AnnouncementDepositBase = ConstU128<{ 500 * MILLI_ZYRA }>;
    type AnnouncementDepositFactor = ConstU128<{ 100 * MILLI_ZYRA }>;
    type BlockNumberProvider = System;
}
