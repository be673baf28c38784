//! The fee rate of payouts, by what the members report.

use super::*;
use bzk_threshold::{
    committee::Member,
    envelope::Envelope,
    fee::{FeeReport, PERIOD_BLOCKS},
};
use proptest::prelude::*;
use sp_runtime::transaction_validity::InvalidTransaction;

/// The rate of the policy.
const POLICY: u32 = 10_000;

/// Signers of seven members.
const QUORUM: u16 = 5;

fn period() -> u32 {
    BtcBridge::period(System::block_number())
}

fn report(member: u16, sat_per_kvb: u32) {
    submit(seal(Member(member), FeeReport { period: period(), sat_per_kvb })).unwrap();
}

/// Goes on to the first block of the next period.
fn next_period() {
    let blocks = u64::from(PERIOD_BLOCKS);
    pass(blocks - System::block_number() % blocks);
}

fn rate() -> u32 {
    BtcBridge::sat_per_kvb()
}

/// Whether the rate is the members', not the policy's.
fn reported() -> bool {
    ReportedRate::<Test>::exists()
}

/// How many reports count.
fn fresh() -> usize {
    BtcBridge::fresh_rates(period()).len()
}

#[test]
fn rate_follows_the_median_by_a_quarter_a_period() {
    run(|| {
        assert_eq!(rate(), POLICY);
        for step in [12_500, 15_625, 19_531, 20_000, 20_000] {
            let before = rate();
            for member in 0..MEMBERS {
                report(member, 17_000 + u32::from(member) * 1_000);
            }
            pass(1);
            assert_eq!(rate(), before, "no rate changes within a period");
            next_period();
            assert_eq!(rate(), step);
        }
        assert!(reported());
        (0..MEMBERS).for_each(|member| report(member, 1));
        next_period();
        assert_eq!(rate(), 16_000);
        let changed = Event::<Test>::FeeRateChanged { sat_per_kvb: 16_000 };
        System::assert_last_event(changed.into());
    });
}

#[test]
fn rate_stays_between_its_bounds() {
    run(|| {
        for (reported, bound) in [(1, 2_000), (1_000_000, 1_000_000)] {
            for _ in 0..40 {
                (0..MEMBERS).for_each(|member| report(member, reported));
                next_period();
                assert!((2_000..=1_000_000).contains(&rate()));
            }
            assert_eq!(rate(), bound);
        }
        assert_eq!(BtcBridge::charged_rate(), bzk_bitcoin::payout::MAX_RATE);
    });
}

/// As many honest members as sign are needed, and their median is theirs, whatever the others say.
#[test]
fn attack_lying_reports_leave_the_rate_among_the_honest_ones() {
    for lie in [1, 1_000_000] {
        run(|| {
            for _ in 0..20 {
                for member in 0..QUORUM {
                    report(member, 20_000 + u32::from(member));
                }
                (QUORUM..MEMBERS).for_each(|member| report(member, lie));
                next_period();
            }
            assert!((20_000..20_000 + u32::from(QUORUM)).contains(&rate()), "{}", rate());
        });
    }
}

#[test]
fn attack_few_reports_do_not_move_the_rate() {
    run(|| {
        (0..QUORUM - 1).for_each(|member| report(member, 900_000));
        next_period();
        assert_eq!(rate(), POLICY);
        assert!(!reported());
    });
}

/// With too few reports the rate stays for a while, then it is the policy's.
#[test]
fn old_reports_do_not_count() {
    run(|| {
        (0..MEMBERS).for_each(|member| report(member, 12_000));
        next_period();
        assert_eq!(rate(), 12_000);
        // Two keep silent from now on; the others' reports alone still suffice, and then they do not.
        for _ in 0..13 {
            (0..QUORUM - 1).for_each(|member| report(member, 12_000));
            next_period();
            assert_eq!(rate(), 12_000);
        }
        assert_eq!(fresh(), usize::from(QUORUM) - 1);
        (0..12).for_each(|_| next_period());
        assert_eq!((rate(), reported()), (POLICY, false));
    });
}

#[test]
fn another_committee_reports_anew() {
    run(|| {
        let sealed = seal(Member(3), FeeReport { period: 0, sat_per_kvb: 5_000 });
        (0..3).for_each(|member| report(member, 12_000));
        adopt(1);
        check();
        assert_eq!(fresh(), 0);
        assert_eq!(submit(sealed), Err(InvalidTransaction::BadProof.into()));
        report(0, 12_000);
        assert_eq!(fresh(), 1);
    });
}

#[test]
fn attack_reports_that_are_not_due_are_refused() {
    run(|| {
        next_period();
        next_period();
        let refused = |member, period, sat_per_kvb, why: InvalidTransaction| {
            let report = FeeReport { period, sat_per_kvb };
            assert_eq!(submit(seal(Member(member), report)), Err(why.into()));
        };
        let now = period();
        refused(0, now, 0, InvalidTransaction::Call);
        refused(0, now, 1_000_001, InvalidTransaction::Call);
        refused(0, now + 1, 9_000, InvalidTransaction::Future);
        refused(0, now - 2, 9_000, InvalidTransaction::Stale);
        refused(MEMBERS, now, 9_000, InvalidTransaction::BadSigner);
        refused(u16::MAX - 1, now, 9_000, InvalidTransaction::BadSigner);

        let late = FeeReport { period: now - 1, sat_per_kvb: 9_000 };
        submit(seal(Member(0), late)).unwrap();
        report(0, 9_000);
        refused(0, now, 9_001, InvalidTransaction::Stale);
        refused(0, now - 1, 9_001, InvalidTransaction::Stale);

        let sealed = seal(Member(1), FeeReport { period: now, sat_per_kvb: 9_000 });
        let forged = Envelope { sender: Member(2), ..sealed.clone() };
        assert_eq!(submit(forged), Err(InvalidTransaction::BadProof.into()));
        let message = FeeReport { period: now, sat_per_kvb: 9_001 };
        let changed = Envelope { message, ..sealed.clone() };
        assert_eq!(submit(changed), Err(InvalidTransaction::BadProof.into()));
        for origin in [RuntimeOrigin::signed(1), RuntimeOrigin::root(), RuntimeOrigin::none()] {
            frame_support::assert_noop!(
                BtcBridge::report_fee_rate(origin, sealed.clone()),
                sp_runtime::DispatchError::BadOrigin
            );
        }
        assert_eq!(submit(sealed), Ok(()));
    });
}

/// The rate of payouts, of their replacements and of what they are charged is the reported one.
#[test]
fn payouts_and_replacements_pay_the_reported_rate() {
    run(|| {
        deposit(1, 50_000_000);
        let paid = |version| Versions::<Test>::get(0, version).unwrap().rate;
        for _ in 0..12 {
            (0..MEMBERS).for_each(|member| report(member, 40_000));
            next_period();
        }
        withdraw(0, 1_000_000, 90_000);
        pass(5);
        assert_eq!(paid(0), 10_000, "40 sats per vbyte, in those per 1,000 weight units");
        sign();
        for _ in 0..12 {
            (0..MEMBERS).for_each(|member| report(member, 100_000));
            next_period();
        }
        new_tip(106);
        pass(2);
        assert_eq!(paid(1), 25_000, "more than a quarter above the first version");
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever is reported: a step is a quarter up or a fifth down at most, and within the bounds.
    #[test]
    fn prop_rate_moves_step_by_step(
        rates in prop::collection::vec(prop::collection::vec(0u32..1_200_000, 7), 1..8),
    ) {
        run(|| {
            for rates in rates {
                let before = rate();
                let sound = |sat_per_kvb: u32| (1..=1_000_000).contains(&sat_per_kvb);
                for (member, sat_per_kvb) in (0..).zip(rates) {
                    let report = FeeReport { period: period(), sat_per_kvb };
                    assert_eq!(submit(seal(Member(member), report)).is_ok(), sound(sat_per_kvb));
                }
                next_period();
                let now = rate();
                assert!((2_000..=1_000_000).contains(&now));
                assert!(now <= before + before / 4 && now >= before - before / 5);
            }
        });
    }
}
