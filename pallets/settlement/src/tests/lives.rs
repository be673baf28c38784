//! Batches are closed, certified, proven and settled.

use super::*;
use pallet_ethereum::{limits::MAX_BLOCK_CYCLES, OnBlock};
use sp_runtime::DispatchError::BadOrigin;

const NAME: H256 = H256::repeat_byte(0x42);

fn root() -> RuntimeOrigin {
    RuntimeOrigin::root()
}

fn stage(batch: BatchId) -> Stage {
    Batches::<Test>::get(batch).unwrap().stage()
}

fn limits(change: impl FnOnce(&mut Limits)) {
    let mut limits = Limits { blocks: 100, transactions: 1_000, cycles: 100_000, age_s: 6_000 };
    change(&mut limits);
    assert_ok!(Settlement::set_limits(root(), limits));
}

#[test]
fn batch_ends_with_the_block_that_reaches_a_limit() {
    let cases: [fn(&mut Limits); 4] = [
        |limits| limits.blocks = 3,
        |limits| limits.transactions = 21,
        |limits| limits.cycles = 3_000,
        |limits| limits.age_s = 120,
    ];
    for change in cases {
        run(|| {
            limits(change);
            blocks(1..=2);
            assert_eq!(BatchIds::<Test>::get().next, 0);
            blocks(3..=4);
            let batch = Batches::<Test>::get(0).unwrap();
            assert_eq!((batch.span.first, batch.span.last), (1, 3));
            assert_eq!((batch.span.old_state, batch.span.new_state), (state(0), state(3)));
            assert_eq!(batch.span.last_hash, block(3).head.hash);
            assert_eq!(batch.closed_at, 1);
            let (span, batch) = (batch.span, 0);
            let closed = Event::Closed { batch, span, transactions: 30, cycles: 3_000 };
            System::assert_has_event(closed.into());
            assert_eq!(Open::<Test>::get().unwrap().span.first, 4);
        });
    }
}

#[test]
fn first_batch_of_an_upgraded_chain_starts_at_its_next_block() {
    run(|| {
        blocks(1_000..=1_001);
        assert_eq!(Batches::<Test>::get(0).unwrap().span.old_state, state(999));
    });
}

#[test]
fn batch_goes_from_closed_to_settled() {
    run(|| {
        blocks(1..=2);
        assert_eq!(stage(0), Stage::Closed);
        assert_ok!(Settlement::certify(root(), 0, NAME));
        assert_eq!(stage(0), Stage::Certified);
        assert_ok!(submit(sealed(0, record(0), 1)));
        assert_eq!(stage(0), Stage::Proven);
        assert_ok!(Settlement::settle(root(), 0, NAME));
        assert_eq!(stage(0), Stage::Settled);
        assert_eq!(BatchIds::<Test>::get(), Ids { oldest: 0, unsettled: 1, next: 1 });
        System::assert_has_event(Event::Certified { batch: 0, certificate: NAME }.into());
        System::assert_last_event(Event::Settled { batch: 0, transaction: NAME }.into());
    });
}

#[test]
fn proof_that_comes_before_the_certificate_counts_with_it() {
    run(|| {
        blocks(1..=2);
        assert_ok!(submit(sealed(0, record(0), 1)));
        assert_eq!(stage(0), Stage::Closed);
        assert_ok!(Settlement::certify(root(), 0, NAME));
        assert_eq!(stage(0), Stage::Proven);
    });
}

#[test]
fn attack_batch_is_not_settled_without_certificate_and_proof_nor_out_of_order_nor_twice() {
    run(|| {
        blocks(1..=4);
        assert_noop!(Settlement::settle(root(), 0, NAME), Error::<Test>::NotCertified);
        assert_ok!(Settlement::certify(root(), 0, NAME));
        assert_noop!(Settlement::certify(root(), 0, NAME), Error::<Test>::AlreadyCertified);
        assert_noop!(Settlement::settle(root(), 0, NAME), Error::<Test>::NotProven);
        complete(1);
        assert_noop!(Settlement::settle(root(), 1, NAME), Error::<Test>::OutOfOrder);
        assert_ok!(submit(sealed(0, record(0), 1)));
        assert_ok!(Settlement::settle(root(), 0, NAME));
        assert_noop!(Settlement::settle(root(), 0, NAME), Error::<Test>::OutOfOrder);
        assert_ok!(Settlement::settle(root(), 1, NAME));
        assert_noop!(Settlement::settle(root(), 2, NAME), Error::<Test>::NoSuchBatch);
        assert_noop!(Settlement::certify(root(), 2, NAME), Error::<Test>::NoSuchBatch);
    });
}

#[test]
fn attack_nobody_but_the_origins_certifies_settles_forgets_or_sets_limits() {
    run(|| {
        blocks(1..=2);
        complete(0);
        for origin in [RuntimeOrigin::signed(1), RuntimeOrigin::none()] {
            assert_noop!(Settlement::certify(origin.clone(), 0, NAME), BadOrigin);
            assert_noop!(Settlement::settle(origin.clone(), 0, NAME), BadOrigin);
            assert_noop!(Settlement::forget_proof(origin.clone(), 0), BadOrigin);
            assert_noop!(Settlement::set_limits(origin, Limits::default()), BadOrigin);
        }
    });
}

#[test]
fn settled_batches_go_when_their_place_is_needed() {
    run(|| {
        blocks(1..=8);
        settle(0);
        settle(1);
        blocks(9..=10);
        assert_eq!(BatchIds::<Test>::get(), Ids { oldest: 1, unsettled: 2, next: 5 });
        assert_noop!(Settlement::certify(root(), 0, NAME), Error::<Test>::NoSuchBatch);
    });
}

#[test]
fn open_batch_grows_while_all_places_are_taken() {
    run(|| {
        blocks(1..=13);
        assert_eq!(BatchIds::<Test>::get(), Ids { oldest: 0, unsettled: 0, next: 4 });
        assert_eq!(Open::<Test>::get().unwrap().span.blocks(), 5);
        settle(0);
        blocks([14]);
        let span = Batches::<Test>::get(4).unwrap().span;
        assert_eq!((span.first, span.last), (9, 14));
        assert_eq!(Open::<Test>::get(), None);
    });
}

#[test]
fn forgotten_proof_is_replaced_until_the_batch_is_settled() {
    run(|| {
        blocks(1..=2);
        assert_noop!(Settlement::forget_proof(root(), 0), Error::<Test>::NotProven);
        complete(0);
        assert_ok!(Settlement::forget_proof(root(), 0));
        System::assert_last_event(Event::ProofForgotten { batch: 0 }.into());
        assert_eq!(stage(0), Stage::Certified);
        let other = ProofRecord { proof_hash: NAME, ..record(0) };
        assert_ok!(submit(sealed(0, other, 2)));
        assert_eq!(Batches::<Test>::get(0).unwrap().proof, Some(other));
        assert_ok!(Settlement::settle(root(), 0, NAME));
        assert_noop!(Settlement::forget_proof(root(), 0), Error::<Test>::OutOfOrder);
    });
}

#[test]
fn limits_under_which_a_batch_would_not_end_are_refused() {
    run(|| {
        for change in [
            (|limits| limits.blocks = 0) as fn(&mut Limits),
            |limits| limits.blocks = MAX_BLOCKS + 1,
            |limits| limits.transactions = 0,
            |limits| limits.cycles = 0,
            |limits| limits.cycles = MAX_BLOCK_CYCLES + 1,
        ] {
            let mut limits = Limits::default();
            change(&mut limits);
            let call = Settlement::set_limits(root(), limits);
            assert_noop!(call, Error::<Test>::UnsoundLimits);
        }
        let limits = Limits { blocks: MAX_BLOCKS, cycles: MAX_BLOCK_CYCLES, ..Default::default() };
        assert_ok!(Settlement::set_limits(root(), limits));
        System::assert_last_event(Event::LimitsSet { limits }.into());
    });
}

#[test]
fn a_block_beyond_all_numbers_overflows_nothing() {
    run(|| {
        let mut block = block(u64::MAX);
        (block.transactions, block.cycles) = (u32::MAX, u64::MAX);
        Settlement::on_block(&block);
        assert_eq!(Batches::<Test>::get(0).unwrap().span.first, u64::MAX);
    });
}
