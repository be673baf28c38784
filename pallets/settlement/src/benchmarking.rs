//! Benchmarks of the calls and hooks.

use crate::{
    Authorities, BatchId, BatchIds, BatchLimits, Batches, Call, Claim, Config, Ids, Limits, Open,
    Pallet, ProofRecord, SignatureOf, Stage,
};
use bzk_batch::Statement;
use frame_benchmarking::v2::*;
use frame_support::{
    pallet_prelude::TransactionSource,
    traits::{EnsureOrigin, EnsureOriginWithArg, Get},
};
use frame_system::RawOrigin;
use pallet_ethereum::{ChainHead, ClosedBlock, OnBlock};
use sp_core::{H160, H256};
use sp_runtime::RuntimeAppPublic;

const EVIDENCE: H256 = H256::repeat_byte(0xee);

/// A root or hash that belongs to `number`.
fn hash(number: u64) -> H256 {
    H256(sp_core::U256::from(number).to_big_endian())
}

fn block(number: u64) -> ClosedBlock {
    let hash = hash(number);
    ClosedBlock {
        head: ChainHead { number, hash, timestamp_s: number, gas_limit: 30_000_000 },
        parent_state: self::hash(number.saturating_sub(1)),
        state: hash,
        transactions: 1,
        cycles: 1,
    }
}

/// Closes `count` batches of one block; returns the last one's id.
fn close<T: Config>(count: u64) -> BatchId {
    Open::<T>::kill();
    BatchIds::<T>::put(Ids::default());
    BatchLimits::<T>::put(Limits { blocks: 1, ..Default::default() });
    (1..=count).for_each(|number| Pallet::<T>::on_block(&block(number)));
    count.saturating_sub(1)
}

fn record<T: Config>(batch: BatchId) -> ProofRecord {
    let span = Batches::<T>::get(batch).expect("the batch is closed").span;
    let statement = Statement {
        chain_id: T::ChainId::get(),
        first: span.first,
        last: span.last,
        old_state: span.old_state,
        new_state: span.new_state,
        old_accumulator: [1; 4],
        new_accumulator: [2; 4],
        prover: H160::repeat_byte(0xaa),
    };
    ProofRecord { proof_hash: EVIDENCE, statement }
}

fn signed<T: Config>(batch: BatchId, record: &ProofRecord) -> (T::AuthorityId, SignatureOf<T>) {
    let authority = T::AuthorityId::generate_pair(None);
    T::Authorities::add(authority.clone());
    let payload = Pallet::<T>::proof_payload(batch, 0, record);
    let signature = authority.sign(&payload).expect("the key was just made");
    (authority, signature)
}

fn prove<T: Config>(batch: BatchId) {
    Batches::<T>::mutate(batch, |found| {
        found.as_mut().expect("the batch is closed").proof = Some(record::<T>(batch));
    });
}

fn certify<T: Config>(batch: BatchId) {
    Batches::<T>::mutate(batch, |found| {
        found.as_mut().expect("the batch is closed").certificate = Some(EVIDENCE);
    });
}

#[benchmarks]
mod benches {
    use super::*;

    /// A block that closes its batch, for which the oldest one goes.
    #[benchmark]
    fn on_block() {
        let most = u64::from(T::MaxBatches::get());
        close::<T>(most);
        BatchIds::<T>::mutate(|ids| ids.unsettled = 1);

        #[block]
        {
            Pallet::<T>::on_block(&block(most.saturating_add(1)));
        }

        assert!(Batches::<T>::contains_key(most) && !Batches::<T>::contains_key(0));
    }

    #[benchmark]
    fn record_proof() {
        let batch = close::<T>(1);
        let record = record::<T>(batch);
        let (authority, signature) = signed::<T>(batch, &record);

        #[extrinsic_call]
        _(RawOrigin::Authorized, batch, record, authority, signature);

        assert!(Batches::<T>::get(batch).is_some_and(|batch| batch.proof.is_some()));
    }

    #[benchmark]
    fn authorize_record_proof() -> Result<(), BenchmarkError> {
        let batch = close::<T>(1);
        let record = record::<T>(batch);
        let (authority, signature) = signed::<T>(batch, &record);

        #[block]
        {
            let source = TransactionSource::External;
            Pallet::<T>::authorize_record_proof(source, &batch, &record, &authority, &signature)
                .map_err(|_| "refused")?;
        }
        Ok(())
    }

    #[benchmark]
    fn certify() -> Result<(), BenchmarkError> {
        let batch = close::<T>(1);
        let claim = Claim { batch, evidence: EVIDENCE };
        let origin = T::CertifyOrigin::try_successful_origin(&claim).map_err(|_| "no origin")?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, batch, EVIDENCE);

        assert!(Batches::<T>::get(batch).is_some_and(|batch| batch.stage() == Stage::Certified));
        Ok(())
    }

    #[benchmark]
    fn settle() -> Result<(), BenchmarkError> {
        let batch = close::<T>(1);
        super::certify::<T>(batch);
        prove::<T>(batch);
        let claim = Claim { batch, evidence: EVIDENCE };
        let origin = T::SettleOrigin::try_successful_origin(&claim).map_err(|_| "no origin")?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, batch, EVIDENCE);

        assert!(Batches::<T>::get(batch).is_some_and(|batch| batch.stage() == Stage::Settled));
        Ok(())
    }

    #[benchmark]
    fn forget_proof() -> Result<(), BenchmarkError> {
        let batch = close::<T>(1);
        prove::<T>(batch);
        let origin = T::AdminOrigin::try_successful_origin().map_err(|_| "no origin")?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, batch);

        assert!(Batches::<T>::get(batch).is_some_and(|batch| batch.proof.is_none()));
        Ok(())
    }

    #[benchmark]
    fn set_limits() -> Result<(), BenchmarkError> {
        let limits = Limits { blocks: 7, ..Default::default() };
        let origin = T::AdminOrigin::try_successful_origin().map_err(|_| "no origin")?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, limits);

        assert_eq!(BatchLimits::<T>::get(), limits);
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
