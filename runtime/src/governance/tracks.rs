//! The tracks: what each origin needs to pass.
//!
//! The more an origin may do, the longer its votes take and the more approval they need. All periods
//! are in days of the chain's [`Calendar`], so a chain for tests votes in seconds with the same
//! rules. Curves: [Polkadot's OpenGov](https://wiki.polkadot.network/learn/learn-polkadot-opengov).

use super::origins::Origin;
use crate::{configs, units::ZYRA, Balance, BlockNumber, OriginCaller};
use alloc::borrow::Cow;
use frame_system::RawOrigin;
use pallet_referenda::{Curve, Track, TrackInfo, TracksInfo};
use pallet_sequencers::Calendar;
use sp_runtime::{str_array, FixedI64};

/// The tracks of pallet-referenda.
pub struct Tracks;

/// What differs between tracks; periods in hours.
struct Rules {
    id: u16,
    name: &'static str,
    max_deciding: u32,
    deposit: Balance,
    prepare_hours: u32,
    decision_hours: u32,
    confirm_hours: u32,
    enactment_hours: u32,
    approval: Curve,
    support: Curve,
}

const DAY: u32 = 24;

const fn percent(share: u128) -> FixedI64 {
    FixedI64::from_rational(share, 100)
}

/// The least approval. A curve is passed by who reaches it, and shares are rounded down to parts of 10^9; so that a
/// tie fails, the floor lies a millionth above the half.
const MORE_THAN_HALF: FixedI64 = FixedI64::from_rational(500_001, 1_000_000);

/// From nearly everybody down to more than half.
const QUALIFIED: Curve = Curve::make_reciprocal(4, 14, percent(80), MORE_THAN_HALF, percent(100));
/// Half of all ZYRA at first, falling to almost none.
const BROAD: Curve = Curve::make_linear(14, 14, percent(0), percent(50));
/// More than half, from everybody down.
const MAJORITY: Curve = Curve::make_linear(10, 14, MORE_THAN_HALF, percent(100));
/// Falls fast: a tenth of all ZYRA after half of the time.
const NARROW: Curve = Curve::make_reciprocal(7, 14, percent(10), percent(0), percent(50));
/// What must go fast needs many: never less than a tenth of all ZYRA.
const URGENT: Curve = Curve::make_reciprocal(1, 14, percent(20), percent(10), percent(50));

const RULES: [Rules; 7] = [
    Rules {
        id: 0,
        name: "root",
        // One alone would let any holder of a deposit keep an upgrade waiting for two weeks.
        max_deciding: 5,
        deposit: 100_000 * ZYRA,
        prepare_hours: 2,
        decision_hours: 14 * DAY,
        confirm_hours: DAY,
        enactment_hours: DAY,
        approval: QUALIFIED,
        support: BROAD,
    },
    Rules {
        id: 10,
        name: "staking_admin",
        max_deciding: 10,
        deposit: 5_000 * ZYRA,
        prepare_hours: 2,
        decision_hours: 14 * DAY,
        confirm_hours: 3,
        enactment_hours: 1,
        approval: MAJORITY,
        support: NARROW,
    },
    Rules {
        id: 11,
        name: "treasurer",
        max_deciding: 10,
        deposit: 1_000 * ZYRA,
        prepare_hours: 2,
        decision_hours: 14 * DAY,
        confirm_hours: 3,
        enactment_hours: DAY,
        approval: QUALIFIED,
        // It may spend all there is.
        support: BROAD,
    },
    Rules {
        id: 12,
        name: "spender",
        max_deciding: 50,
        deposit: 100 * ZYRA,
        prepare_hours: 2,
        decision_hours: 14 * DAY,
        confirm_hours: 12,
        enactment_hours: 3,
        approval: MAJORITY,
        support: NARROW,
    },
    Rules {
        id: 13,
        name: "guardian",
        max_deciding: 10,
        deposit: 10_000 * ZYRA,
        prepare_hours: 1,
        decision_hours: 3 * DAY,
        confirm_hours: 1,
        enactment_hours: 1,
        approval: QUALIFIED,
        support: URGENT,
    },
    Rules {
        id: 20,
        name: "canceller",
        max_deciding: 100,
        deposit: 10_000 * ZYRA,
        prepare_hours: 1,
        decision_hours: 7 * DAY,
        confirm_hours: 1,
        enactment_hours: 1,
        approval: MAJORITY,
        support: NARROW,
    },
    Rules {
        id: 21,
        name: "killer",
        max_deciding: 100,
        deposit: 50_000 * ZYRA,
        prepare_hours: 1,
        decision_hours: 7 * DAY,
        confirm_hours: 1,
        enactment_hours: 1,
        approval: MAJORITY,
        support: NARROW,
    },
];

impl Rules {
    fn on(&self, calendar: &Calendar) -> Track<u16, Balance, BlockNumber> {
        let hours = |hours| calendar.days(hours, DAY);
        Track {
            id: self.id,
            info: TrackInfo {
                name: str_array(self.name),
                max_deciding: self.max_deciding,
                decision_deposit: self.deposit,
                prepare_period: hours(self.prepare_hours),
                decision_period: hours(self.decision_hours),
                confirm_period: hours(self.confirm_hours),
                min_enactment_period: hours(self.enactment_hours),
                min_approval: self.approval.clone(),
                min_support: self.support.clone(),
            },
        }
    }
}

impl TracksInfo<Balance, BlockNumber> for Tracks {
    type Id = u16;
    type RuntimeOrigin = OriginCaller;

    fn tracks() -> impl Iterator<Item = Cow<'static, Track<u16, Balance, BlockNumber>>> {
        let calendar = configs::calendar();
        RULES.iter().map(move |rules| Cow::Owned(rules.on(&calendar)))
    }

    fn track_for(origin: &OriginCaller) -> Result<u16, ()> {
        match origin {
            OriginCaller::system(RawOrigin::Root) => Ok(0),
            OriginCaller::Origins(origin) => Ok(match origin {
                Origin::StakingAdmin => 10,
                Origin::Treasurer => 11,
                Origin::Spender => 12,
                Origin::Guardian => 13,
                Origin::Canceller => 20,
                Origin::Killer => 21,
            }),
            _ => Err(()),
        }
    }
}
