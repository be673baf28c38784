//! Elections of validators: mined off chain by the validators' nodes, checked on chain.

use super::sequencers::{EpochSlots, MAX_VALIDATORS};
use crate::{
    units::{MICRO_ZYRA, ZYRA},
    AccountId, Balance, Balances, BlockNumber, Runtime, RuntimeEvent, Staking, TransactionPayment,
};
use alloc::{vec, vec::Vec};
use frame_election_provider_support::{
    bounds::{ElectionBounds, ElectionBoundsBuilder},
    onchain, BoundedSupportsOf, ElectionDataProvider, ElectionProvider, InstantElectionProvider,
    PageIndex, SequentialPhragmen, VoterOf,
};
use frame_support::{
    dispatch::DispatchClass,
    parameter_types,
    traits::{ConstBool, ConstU128, ConstU32, Get},
    weights::Weight,
};
use frame_system::EnsureRoot;
use pallet_election_provider_multi_phase::{GeometricDepositBase, MinerConfig, SolutionAccuracyOf};
use sp_runtime::{transaction_validity::TransactionPriority, PerU16, Perbill, Percent};

/// Most candidates that one nominator names.
pub(super) const MAX_NOMINATIONS: u32 =
    <NposSolution16 as frame_election_provider_support::NposSolution>::LIMIT as u32;

/// Most stakers that an election looks at, the biggest first.
const MAX_VOTERS: u32 = 12_500;

/// Most candidates that an election looks at.
const MAX_TARGETS: u32 = super::staking::MAX_CANDIDATES;

/// The same for the election on chain, which only happens when nobody sent a solution. It looks at every candidate: they
/// come in the order of their keys, and who makes a few hundred accounts with low ones would crowd the others out.
const MAX_FALLBACK_VOTERS: u32 = 1_000;

frame_election_provider_support::generate_solution_type!(
    #[compact]
    pub struct NposSolution16::<
        VoterIndex = u32,
        TargetIndex = u16,
        Accuracy = PerU16,
        MaxVoters = ConstU32<MAX_VOTERS>,
    >(16)
);

parameter_types! {
    /// What an election looks at.
    pub Bounds: ElectionBounds = ElectionBoundsBuilder::default()
        .voters_count(MAX_VOTERS.into())
        .targets_count(MAX_TARGETS.into())
        .build();
    /// What the fallback looks at.
    pub FallbackBounds: ElectionBounds = ElectionBoundsBuilder::default()
        .voters_count(MAX_FALLBACK_VOTERS.into())
        .targets_count(MAX_TARGETS.into())
        .build();
    /// A quarter of an epoch each for signed and for unsigned solutions.
    pub Phase: BlockNumber = u32::try_from(EpochSlots::get() / 4).unwrap_or(BlockNumber::MAX).max(1);
    /// For how many blocks a node waits before it sends its solution again: it does ten times in a phase, or in each
    /// block of a short one. The first time comes to nothing on a busy node, whose pool drops a solution that it cannot
    /// yet check against the block which opened the phase.
    pub OffchainRepeat: BlockNumber = Phase::get() / 10;
    /// Solutions come before ordinary transactions.
    pub const MinerPriority: TransactionPriority = TransactionPriority::MAX / 2;
    /// A solution may take this of a block's time.
    pub SolutionWeight: Weight = super::RuntimeBlockWeights::get()
        .get(DispatchClass::Normal)
        .max_extrinsic
        .unwrap_or_default();
    /// And this of its bytes.
    pub SolutionBytes: u32 = Perbill::from_percent(90)
        * *super::RuntimeBlockLength::get().max.get(DispatchClass::Normal);
    /// Deposit of the first signed solution that waits.
    pub const DepositBase: Balance = 10 * ZYRA;
    /// Each further one costs this much more.
    pub const DepositIncrease: Percent = Percent::from_percent(10);
}

/// The election on chain: at genesis, and where the mined one failed.
pub struct OnChain;

impl onchain::Config for OnChain {
    type Sort = ConstBool<true>;
    type System = Runtime;
    type Solver = SequentialPhragmen<AccountId, SolutionAccuracyOf<Runtime>>;
    type MaxBackersPerWinner = ConstU32<MAX_VOTERS>;
    type MaxWinnersPerPage = ConstU32<MAX_VALIDATORS>;
    type DataProvider = Staking;
    type WeightInfo = frame_election_provider_support::weights::SubstrateWeight<Runtime>;
    type Bounds = FallbackBounds;
}

/// Elects the first validators.
pub(super) type GenesisElections = onchain::OnChainExecution<OnChain>;

/// The election on chain where no solution came in time.
///
/// It asks staking and not the snapshot. The snapshot may hold [`MAX_VOTERS`], more than a block can elect from; and
/// there is none when the chain stood still while it was due, after which every election would fail until root helps.
pub struct Fallback;

impl ElectionProvider for Fallback {
    type AccountId = AccountId;
    type BlockNumber = BlockNumber;
    type Error = onchain::Error;
    type MaxWinnersPerPage = ConstU32<MAX_VALIDATORS>;
    type MaxBackersPerWinner = ConstU32<MAX_VOTERS>;
    type MaxBackersPerWinnerFinal = ConstU32<MAX_VOTERS>;
    type Pages = ConstU32<1>;
    type DataProvider = Staking;

    fn elect(page: PageIndex) -> Result<BoundedSupportsOf<Self>, Self::Error> {
        GenesisElections::elect(page)
    }

    fn duration() -> Self::BlockNumber {
        GenesisElections::duration()
    }

    fn start() -> Result<(), Self::Error> {
        GenesisElections::start()
    }

    fn status() -> Result<Option<Weight>, ()> {
        GenesisElections::status()
    }
}

impl InstantElectionProvider for Fallback {
    fn instant_elect(
        _voters: Vec<VoterOf<Staking>>,
        _targets: Vec<AccountId>,
        _desired_targets: u32,
    ) -> Result<BoundedSupportsOf<Self>, Self::Error> {
        Self::elect(0)
    }

    // Nor has the caller to read the snapshot.
    fn bother() -> bool {
        false
    }
}

impl MinerConfig for Runtime {
    type AccountId = AccountId;
    type Solution = NposSolution16;
    type MaxVotesPerVoter = <Staking as ElectionDataProvider>::MaxVotesPerVoter;
    type MaxLength = SolutionBytes;
    type MaxWeight = SolutionWeight;
    type MaxWinners = ConstU32<MAX_VALIDATORS>;
    type MaxBackersPerWinner = ConstU32<MAX_VOTERS>;

    fn solution_weight(voters: u32, targets: u32, active_voters: u32, degree: u32) -> Weight {
        use pallet_election_provider_multi_phase::WeightInfo;
        <Runtime as pallet_election_provider_multi_phase::Config>::WeightInfo::submit_unsigned(
            voters,
            targets,
            active_voters,
            degree,
        )
    }
}

/// Sizes of the benchmarks.
pub struct BenchmarkSizes;

impl pallet_election_provider_multi_phase::BenchmarkingConfig for BenchmarkSizes {
    const VOTERS: [u32; 2] = [1_000, 2_000];
    const TARGETS: [u32; 2] = [500, 1_000];
    const ACTIVE_VOTERS: [u32; 2] = [500, 800];
    const DESIRED_TARGETS: [u32; 2] = [50, 100];
    const SNAPSHOT_MAXIMUM_VOTERS: u32 = MAX_VOTERS;
    const MINER_MAXIMUM_VOTERS: u32 = 1_000;
    const MAXIMUM_TARGETS: u32 = 300;
}

impl pallet_election_provider_multi_phase::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type Currency = Balances;
    type EstimateCallFee = TransactionPayment;
    type UnsignedPhase = Phase;
    type SignedPhase = Phase;
    type BetterSignedThreshold = ();
    type OffchainRepeat = OffchainRepeat;
    type MinerTxPriority = MinerPriority;
    type MinerConfig = Self;
    type SignedMaxSubmissions = ConstU32<10>;
    type SignedMaxWeight = SolutionWeight;
    type SignedMaxRefunds = ConstU32<3>;
    type SignedRewardBase = ConstU128<ZYRA>;
    type SignedDepositByte = ConstU128<MICRO_ZYRA>;
    type SignedDepositWeight = ();
    type MaxWinners = ConstU32<MAX_VALIDATORS>;
    type MaxBackersPerWinner = ConstU32<MAX_VOTERS>;
    type SignedDepositBase = GeometricDepositBase<Balance, DepositBase, DepositIncrease>;
    type ElectionBounds = Bounds;
    // A lost deposit is burnt, a reward newly made.
    type SlashHandler = ();
    type RewardHandler = ();
    type DataProvider = Staking;
    type Fallback = Fallback;
    type GovernanceFallback = GenesisElections;
    type Solver = SequentialPhragmen<AccountId, SolutionAccuracyOf<Self>>;
    type ForceOrigin = EnsureRoot<AccountId>;
    type BenchmarkingConfig = BenchmarkSizes;
    type WeightInfo = pallet_election_provider_multi_phase::weights::SubstrateWeight<Runtime>;
}
