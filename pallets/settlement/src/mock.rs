//! A runtime with this pallet, Ethereum blocks for it, and a node with a prover.

use crate::{self as pallet_settlement, BatchId, Batches, Call, Limits, ProofRecord};
use bzk_batch::Statement;
use frame_support::{
    derive_impl, parameter_types,
    traits::{AsEnsureOriginWithArg, Authorize, ConstU32, ConstU64},
};
use frame_system::{mocking::MockUncheckedExtrinsic, offchain};
use pallet_ethereum::{ChainHead, ClosedBlock, OnBlock};
use sp_core::{H160, H256};
use sp_runtime::{
    testing::{TestSignature, UintAuthorityId},
    traits::Dispatchable,
    transaction_validity::{TransactionSource, TransactionValidityError, ValidTransaction},
    BuildStorage, RuntimeAppPublic,
};

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Settlement: pallet_settlement,
    }
);

/// Chain id of the mock.
pub(crate) const CHAIN_ID: u64 = 97_304;
/// Most batches that it keeps.
pub(crate) const MAX_BATCHES: u32 = 4;

parameter_types! {
    pub static AuthorityKeys: Vec<u64> = vec![1, 2];
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
}

impl crate::Authorities<UintAuthorityId> for AuthorityKeys {
    fn contains(id: &UintAuthorityId) -> bool {
        Self::get().contains(&id.0)
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn add(id: UintAuthorityId) {
        Self::mutate(|keys| keys.push(id.0));
    }
}

impl<LocalCall> offchain::CreateTransactionBase<LocalCall> for Test
where
    RuntimeCall: From<LocalCall>,
{
    type Extrinsic = MockUncheckedExtrinsic<Test>;
    type RuntimeCall = RuntimeCall;
}

impl<LocalCall> offchain::CreateTransaction<LocalCall> for Test
where
    RuntimeCall: From<LocalCall>,
{
    type Extension = ();

    fn create_transaction(call: RuntimeCall, extension: ()) -> Self::Extrinsic {
        MockUncheckedExtrinsic::<Test>::new_transaction(call, extension)
    }
}

impl<LocalCall> offchain::CreateAuthorizedTransaction<LocalCall> for Test
where
    RuntimeCall: From<LocalCall>,
{
    fn create_extension() {}
}

impl pallet_settlement::Config for Test {
    type ChainId = ConstU64<CHAIN_ID>;
    type AuthorityId = UintAuthorityId;
    type Authorities = AuthorityKeys;
    type CertifyOrigin = AsEnsureOriginWithArg<frame_system::EnsureRoot<u64>>;
    type SettleOrigin = AsEnsureOriginWithArg<frame_system::EnsureRoot<u64>>;
    type AdminOrigin = frame_system::EnsureRoot<u64>;
    type MaxBatches = ConstU32<MAX_BATCHES>;
    type WeightInfo = ();
}

/// A chain that has just begun.
pub(crate) fn new_test_ext() -> sp_io::TestExternalities {
    RuntimeGenesisConfig::default().build_storage().unwrap().into()
}

/// Runs `test` with batches of two blocks, then checks every invariant.
pub(crate) fn run(test: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        System::set_block_number(1);
        let limits = Limits { blocks: 2, ..Default::default() };
        Settlement::set_limits(RuntimeOrigin::root(), limits).unwrap();
        test();
        Settlement::check_state().unwrap();
    });
}

/// State root after a block.
pub(crate) fn state(number: u64) -> H256 {
    H256::from_low_u64_be(0x5000 + number)
}

/// The Ethereum block `number`, a minute after the one before.
pub(crate) fn block(number: u64) -> ClosedBlock {
    let hash = H256::from_low_u64_be(number);
    let head = ChainHead { number, hash, timestamp_s: 60 * number, gas_limit: 30_000_000 };
    let (parent_state, state) = (state(number - 1), state(number));
    ClosedBlock { head, parent_state, state, transactions: 10, cycles: 1_000 }
}

/// Adds blocks.
pub(crate) fn blocks(numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        Settlement::on_block(&block(number));
        Settlement::check_state().unwrap();
    }
}

/// A proof of `batch`; of some blocks when there is no such batch.
pub(crate) fn record(batch: BatchId) -> ProofRecord {
    let span = Batches::<Test>::get(batch).map(|found| found.span);
    span.map_or(record_of(15, 16), |span| record_of(span.first, span.last))
}

/// A proof of blocks.
pub(crate) fn record_of(first: u64, last: u64) -> ProofRecord {
    let statement = Statement {
        chain_id: CHAIN_ID,
        first,
        last,
        old_state: state(first - 1),
        new_state: state(last),
        old_accumulator: [1, 2, 3, 4],
        new_accumulator: [5, 6, 7, 8],
        prover: H160::repeat_byte(0xaa),
    };
    ProofRecord { proof_hash: H256::repeat_byte(0x99), statement }
}

/// `record_proof`, signed by the authority `key`.
pub(crate) fn sealed(batch: BatchId, record: ProofRecord, key: u64) -> Call<Test> {
    let forgotten = Batches::<Test>::get(batch).map_or(0, |found| found.forgotten);
    let payload = Settlement::proof_payload(batch, forgotten, &record);
    let authority = UintAuthorityId(key);
    let signature: TestSignature = authority.sign(&payload).unwrap();
    Call::record_proof { batch, record, authority, signature }
}

/// What the pool says of `call`.
pub(crate) fn validate(call: Call<Test>) -> Result<ValidTransaction, TransactionValidityError> {
    let call = RuntimeCall::Settlement(call);
    call.authorize(TransactionSource::External).expect("records are authorised").map(|(ok, _)| ok)
}

/// Sends `call` as a general transaction: authorised, then dispatched.
pub(crate) fn submit(call: Call<Test>) -> Result<(), TransactionValidityError> {
    validate(call.clone())?;
    let origin = frame_system::RawOrigin::Authorized.into();
    RuntimeCall::Settlement(call).dispatch(origin).expect("what is authorised can be applied");
    Ok(())
}

/// Certifies and proves a batch.
pub(crate) fn complete(batch: BatchId) {
    Settlement::certify(RuntimeOrigin::root(), batch, H256::repeat_byte(0xce)).unwrap();
    submit(sealed(batch, record(batch), 1)).unwrap();
}

/// Completes and settles a batch.
pub(crate) fn settle(batch: BatchId) {
    complete(batch);
    Settlement::settle(RuntimeOrigin::root(), batch, H256::repeat_byte(0x11)).unwrap();
}
