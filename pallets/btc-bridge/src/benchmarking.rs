//! Benchmarks of the calls and of what a block does.

use crate::{
    Batch, Batches, BitcoinHeight, Call, ClosesAt, Coins, Config, CurrentPolicy, Dropped, Epochs,
    FeeReports, Halt, Halted, Handover, Line, LineEnds, LiveEpochs, NextBatch, OpenBatches, Pallet,
    PendingHandover, Policy, ReportedRate, Requests, StoredCoin, StoredWithdrawal, Versions,
    WaitingSince, Withdrawals, MAX_BATCH, MAX_INPUTS, MAX_OPEN, MAX_VERSIONS,
};
use alloc::{vec, vec::Vec};
use bzk_threshold::{
    committee::{Member, MAX_MEMBERS},
    element::{Signature, XOnly},
    envelope::Envelope,
    fee::{FeeReport, PERIOD_BLOCKS},
};
use frame_benchmarking::v2::*;
use frame_support::BoundedVec;
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use sp_runtime::{transaction_validity::TransactionSource, DispatchError};

/// Makes what is not this pallet's.
pub trait Prepare {
    /// Makes a key of the largest committee that can sign in `epoch`, the newest one.
    fn make_key(epoch: u32);
    /// A report of the first member of the newest key's committee.
    fn seal(report: FeeReport) -> Envelope<FeeReport>;
    /// Opens a session of the key of `epoch` that has all the messages it can have.
    fn open_session(epoch: u32) -> u64;
    /// Has the contract be in this epoch of its own.
    fn set_contract_epoch(epoch: u32);
}

/// Epoch of the key that is being left, and of the newest one.
const OLD: u32 = 0;
const NEW: u32 = 1;
/// Height of Bitcoin's chain.
const HEIGHT: u32 = 1_000;
/// What a coin of the newest key holds.
const COIN_SATS: u64 = 2_000_000;
/// What a small withdrawal is about.
const SMALL_SATS: u64 = 50_000;

/// Two keys live, and the contract follows the newer one.
fn prepare<T: Config>() {
    for epoch in [OLD, NEW] {
        T::Benchmark::make_key(epoch);
        Epochs::<T>::insert(epoch, epoch);
    }
    LiveEpochs::<T>::put(BoundedVec::truncate_from(vec![OLD, NEW]));
    T::Benchmark::set_contract_epoch(NEW);
    BitcoinHeight::<T>::put(HEIGHT);
    CurrentPolicy::<T>::put(Policy::default());
}

/// The coin of this number: a deposit that has time.
fn coin(number: u32, sats: u64) -> StoredCoin {
    let mut txid = [7; 32];
    let [a, b, c, d, ..] = &mut txid;
    [*a, *b, *c, *d] = number.to_be_bytes();
    StoredCoin { txid, vout: 0, sats, root: Some([9; 32]), spend_by: Some(HEIGHT + 1) }
}

fn add_coins<T: Config>(epoch: u32, count: u32, sats: u64) {
    for number in 0..count {
        Pallet::<T>::add_coin(epoch, coin(epoch * 1_000 + number, sats));
    }
}

fn request<T: Config>(id: u64, sats: u64, max_fee_sats: u64) {
    let script = BoundedVec::truncate_from([&[0x00, 20][..], &[id as u8; 20]].concat());
    // Requested at a height to come, so that it is in time whatever the contract's delay is.
    let height = HEIGHT + 1;
    let (block, batch, closed) = (0, None, false);
    let withdrawal = StoredWithdrawal { script, sats, max_fee_sats, height, block, batch, closed };
    Withdrawals::<T>::insert(id, withdrawal);
    Pallet::<T>::enqueue(id);
}

/// Withdrawals that together need as many coins as a payout takes. Each but the last is left out for its
/// fee, one after the other, when all of these coins have been looked at.
fn request_dear<T: Config>() {
    let small = u64::from(MAX_BATCH) - 1;
    for id in 0..small {
        let sharing = u64::from(MAX_BATCH) - id;
        // At 20 sats per vbyte, for the inputs but one, the payments, the data output and the change.
        let fee = 20 * (435 + (u64::from(MAX_INPUTS) - 1) * 115 / 2 + 31 * sharing);
        request::<T>(id, SMALL_SATS, fee / sharing);
    }
    let all = COIN_SATS * (u64::from(MAX_INPUTS) - 1) + 3 * COIN_SATS / 4;
    request::<T>(small, all - small * SMALL_SATS, COIN_SATS);
}

/// Plans a payout with as many inputs, payments and change outputs as there can be.
fn plan_largest<T: Config>(now: BlockNumberFor<T>) -> Result<(), DispatchError> {
    add_coins::<T>(NEW, MAX_INPUTS, COIN_SATS);
    let each = (COIN_SATS * u64::from(MAX_INPUTS) - COIN_SATS / 2) / u64::from(MAX_BATCH);
    (0..u64::from(MAX_BATCH)).for_each(|id| request::<T>(id, each, COIN_SATS));
    Pallet::<T>::plan_batch(now).map(|_| ())
}

/// Signs what was planned, with anything.
fn sign<T: Config>() {
    let signatures = BoundedVec::truncate_from(vec![Signature([1; 64]); MAX_INPUTS as usize]);
    Versions::<T>::mutate(0, 0, |version| {
        if let Some(version) = version {
            version.signatures = signatures;
        }
    });
}

/// As many reports as there can be, of the first period and no two the same, all above the policy's rate.
fn fee_reports<T: Config>() {
    let report = |member: u32| {
        let sat_per_kvb = 900_000 - member * 7_919 % MAX_MEMBERS;
        (Member(member as u16), FeeReport { period: 0, sat_per_kvb })
    };
    FeeReports::<T>::put(BoundedVec::truncate_from((0..MAX_MEMBERS).map(report).collect()));
}

/// A payout of the newest key with as many inputs as there can be, for nobody.
fn batch() -> Batch {
    let inputs: Vec<StoredCoin> = (0..MAX_INPUTS).map(|number| coin(number, 1)).collect();
    Batch {
        epoch: NEW,
        change_epoch: NEW,
        inputs: BoundedVec::truncate_from(inputs),
        withdrawals: BoundedVec::truncate_from((0..u64::from(MAX_BATCH)).collect()),
        versions: MAX_VERSIONS,
        height: HEIGHT,
        settled: None,
        gone: Default::default(),
    }
}

#[benchmarks]
mod benches {
    use super::*;

    #[benchmark]
    fn set_policy() {
        let policy = Policy { batch_blocks: 7, bump_blocks: 7, sats_per_vbyte: 7 };

        #[extrinsic_call]
        _(RawOrigin::Root, policy);

        assert_eq!(CurrentPolicy::<T>::get(), policy);
    }

    #[benchmark]
    fn halt() {
        #[extrinsic_call]
        _(RawOrigin::Root);

        assert_eq!(Halted::<T>::get(), Some(Halt::Ordered));
    }

    #[benchmark]
    fn resume() {
        Halted::<T>::put(Halt::Ordered);

        #[extrinsic_call]
        _(RawOrigin::Root);

        assert_eq!(Halted::<T>::get(), None);
    }

    #[benchmark]
    fn write_off() {
        Halted::<T>::put(Halt::Ordered);
        add_coins::<T>(NEW, MAX_INPUTS, COIN_SATS);
        let key = coin(NEW * 1_000, COIN_SATS).key();

        #[extrinsic_call]
        _(RawOrigin::Root, NEW, key);

        assert!(!Coins::<T>::contains_key(NEW, key));
    }

    /// All members that there can be have reported before.
    #[benchmark]
    fn report_fee_rate() {
        fee_reports::<T>();
        let report = FeeReport { period: 1, sat_per_kvb: 1 };
        let envelope =
            Envelope { sender: Member(0), message: report, signature: Signature([1; 64]) };

        #[extrinsic_call]
        _(RawOrigin::Authorized, envelope);

        assert_eq!(FeeReports::<T>::get().first(), Some(&(Member(0), report)));
    }

    #[benchmark]
    fn authorize_fee_report() -> Result<(), BenchmarkError> {
        prepare::<T>();
        fee_reports::<T>();
        frame_system::Pallet::<T>::set_block_number((PERIOD_BLOCKS + 1).into());
        let envelope = T::Benchmark::seal(FeeReport { period: 1, sat_per_kvb: 1 });

        #[block]
        {
            Pallet::<T>::authorize_fee_report(TransactionSource::External, &envelope)
                .map_err(|_| "it is due")?;
        }

        Ok(())
    }

    #[benchmark]
    fn update_rate() {
        prepare::<T>();
        fee_reports::<T>();
        let before = Pallet::<T>::sat_per_kvb();

        #[block]
        {
            Pallet::<T>::update_rate(PERIOD_BLOCKS.into());
        }

        assert_eq!(ReportedRate::<T>::get(), Some((before + before / 4, 1)));
    }

    /// There is a payout whose signatures are asked for as those of others are, a message that is signed, a line
    /// that has to wait, and an old key to which deposits may still be claimed.
    #[benchmark]
    fn idle() -> Result<(), BenchmarkError> {
        prepare::<T>();
        let now = BlockNumberFor::<T>::from(1u32);
        plan_largest::<T>(now)?;
        (1_000..1_015u64).for_each(|other| Requests::<T>::insert(other, (other, 0u32)));
        BitcoinHeight::<T>::put(2 * HEIGHT);
        ClosesAt::<T>::insert(OLD, (HEIGHT, 2 * HEIGHT));
        PendingHandover::<T>::put(Handover {
            next_key: XOnly([1; 32]),
            closes_at: u32::MAX,
            nonce: Pallet::<T>::contract_state().nonce,
            session: Some(u64::MAX),
            signature: Some(Signature([1; 64])),
        });
        Line::<T>::insert(99, 99);
        LineEnds::<T>::put((99, 100));
        WaitingSince::<T>::put(now);

        #[block]
        {
            Pallet::<T>::work(now);
        }

        assert_eq!(NextBatch::<T>::get(), 1);
        assert_eq!(Batches::<T>::get(0).map(|batch| batch.versions), Some(1));
        Ok(())
    }

    /// The old key's coins do not suffice. The line begins with withdrawals that have left, then come those
    /// of [`request_dear`].
    #[benchmark]
    fn plan() -> Result<(), BenchmarkError> {
        prepare::<T>();
        add_coins::<T>(OLD, 66, SMALL_SATS);
        add_coins::<T>(NEW, MAX_INPUTS, COIN_SATS);
        (0..u64::from(MAX_BATCH)).for_each(|gone| Pallet::<T>::enqueue(1_000 + gone));
        request_dear::<T>();

        #[block]
        {
            Pallet::<T>::plan_batch(1u32.into())?;
        }

        let planned = Batches::<T>::get(0).ok_or("nothing was planned")?;
        assert_eq!(planned.withdrawals.to_vec(), [u64::from(MAX_BATCH) - 1]);
        assert_eq!(planned.inputs.len(), MAX_INPUTS as usize);
        assert!(Coins::<T>::iter_prefix(NEW).next().is_none());
        Ok(())
    }

    #[benchmark]
    fn replace() -> Result<(), BenchmarkError> {
        prepare::<T>();
        let now = BlockNumberFor::<T>::from(1u32);
        plan_largest::<T>(now)?;
        sign::<T>();
        BitcoinHeight::<T>::put(2 * HEIGHT);

        #[block]
        {
            let number = Pallet::<T>::late(now).ok_or("it is late")?;
            Pallet::<T>::replace(number)?;
        }

        assert_eq!(Batches::<T>::get(0).map(|batch| batch.versions), Some(2));
        Ok(())
    }

    #[benchmark]
    fn end_dropped() {
        prepare::<T>();
        let session = T::Benchmark::open_session(NEW);
        Dropped::<T>::put(BoundedVec::truncate_from(vec![session; 64]));

        #[block]
        {
            Pallet::<T>::end_dropped();
        }

        assert_eq!(Dropped::<T>::get().len(), 63);
    }

    /// The message was asked for with another number of the contract's.
    #[benchmark]
    fn hand_over() {
        prepare::<T>();
        let (next_key, nonce) = (XOnly([1; 32]), u32::MAX);
        let (closes_at, session, signature) = (0, Some(u64::MAX), None);
        PendingHandover::<T>::put(Handover { next_key, closes_at, nonce, session, signature });

        #[block]
        {
            Pallet::<T>::hand_over();
        }

        assert_eq!(Dropped::<T>::get().to_vec(), [u64::MAX]);
        assert!(PendingHandover::<T>::get().is_some_and(|pending| pending.session.is_some()));
    }

    /// All payouts that there can be are looked through for one of the old key.
    #[benchmark]
    fn retire() {
        prepare::<T>();
        ClosesAt::<T>::insert(OLD, (HEIGHT - 2, HEIGHT - 1));
        (0..u64::from(MAX_OPEN)).for_each(|number| Batches::<T>::insert(number, batch()));
        OpenBatches::<T>::put(BoundedVec::truncate_from((0..u64::from(MAX_OPEN)).collect()));

        #[block]
        {
            Pallet::<T>::retire_old();
        }

        assert_eq!(LiveEpochs::<T>::get().to_vec(), [NEW]);
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
