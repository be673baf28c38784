//! Repair of a lost share.

use super::{group::Group, rng};
use crate::{
    committee::{Member, MemberSet},
    element::Scalar,
    key::{GroupKey, KeyShare},
    repair::{self, Deal, Deals, Failure, Plan, Sum},
};
use alloc::{collections::BTreeMap, vec, vec::Vec};
use rand_chacha::ChaCha20Rng;

const LOST: Member = Member(2);

/// A repair with messages: member 2 of five has lost its share, the others help.
struct Repair {
    group: Group,
    key: GroupKey,
    shares: Vec<KeyShare>,
    plan: Plan,
    rng: ChaCha20Rng,
}

impl Repair {
    fn new() -> Self {
        let mut rng = rng(3);
        let group = Group::new(5, &mut rng);
        let (key, shares, transcript) = group.key(&mut rng);
        let helpers = MemberSet::all(5).without([LOST].into_iter().collect());
        let plan = Plan::new(transcript, &key, LOST, helpers, &mut rng).unwrap();
        Self { group, key, shares, plan, rng }
    }

    fn deal(&mut self, helper: Member) -> Deal {
        let share = &self.shares[helper.index()];
        Deal::make(&self.plan, &self.key, &self.group.committee, share, &mut self.rng).unwrap()
    }

    fn deals(&mut self) -> Deals {
        self.plan.helpers.iter().map(|helper| (helper, self.deal(helper))).collect()
    }

    fn sum(&mut self, helper: Member, deals: &Deals) -> Result<Sum, Failure> {
        let secret = &self.group.keys[helper.index()];
        let committee = &self.group.committee;
        Sum::make(&self.plan, &self.key, committee, helper, deals, secret, &mut self.rng)
    }

    fn sums(&mut self, deals: &Deals) -> BTreeMap<Member, Sum> {
        let helpers = self.plan.helpers.iter();
        helpers.map(|helper| (helper, self.sum(helper, deals).unwrap())).collect()
    }

    fn recover(&self, deals: &Deals, sums: &BTreeMap<Member, Sum>) -> Result<KeyShare, Failure> {
        repair::recover(&self.plan, &self.key, deals, sums, &self.group.keys[LOST.index()])
    }
}

#[test]
fn lost_share_is_rebuilt_from_messages() {
    let mut repair = Repair::new();
    let deals = repair.deals();
    let sums = repair.sums(&deals);
    assert_eq!(repair.recover(&deals, &sums), Ok(repair.shares[LOST.index()].clone()));
    // Nobody else can read the sums, with all messages at hand.
    for key in repair.group.keys.iter().enumerate().filter(|(at, _)| *at != LOST.index()) {
        assert!(repair::recover(&repair.plan, &repair.key, &deals, &sums, key.1).is_err());
    }
}

#[test]
fn attack_deal_of_another_share_names_the_dealer() {
    let mut repair = Repair::new();
    // Member 1 deals a share of its own making, consistent in itself.
    let other = Group::new(5, &mut repair.rng);
    let (key, shares, transcript) = other.key(&mut repair.rng);
    let plan = Plan { transcript, polynomial: key.digest(), ..repair.plan };
    let committee = &repair.group.committee;
    let forged = Deal::make(&plan, &key, committee, &shares[1], &mut repair.rng).unwrap();
    let mut deals = repair.deals();
    deals.insert(Member(1), forged);
    assert_eq!(repair.sum(Member(0), &deals), Err(Failure::Lied(Member(1))));
}

#[test]
fn attack_wrong_delta_names_the_dealer() {
    let mut repair = Repair::new();
    let mut deals = repair.deals();
    // What member 3 has for member 4 is not what it has committed to.
    let deal = deals.get_mut(&Member(3)).unwrap();
    deal.sealed.scalars[3].1 .0[31] ^= 1;
    assert_eq!(repair.sum(Member(4), &deals), Err(Failure::Lied(Member(3))));
    assert!(repair.sum(Member(0), &deals).is_ok());
}

#[test]
fn attack_wrong_sum_names_the_helper() {
    let mut repair = Repair::new();
    let deals = repair.deals();
    let mut sums = repair.sums(&deals);
    sums.get_mut(&Member(4)).unwrap().sealed.scalars[0].1 .0[31] ^= 1;
    assert_eq!(repair.recover(&deals, &sums), Err(Failure::Lied(Member(4))));
}

/// Member 0 shows the others two deals; nobody else is blamed for it.
#[test]
fn attack_two_deals_of_a_helper_blame_nobody_else() {
    let mut repair = Repair::new();
    let deals = repair.deals();
    let mut sums = repair.sums(&deals);
    let mut others = deals.clone();
    others.insert(Member(0), repair.deal(Member(0)));
    sums.insert(Member(3), repair.sum(Member(3), &others).unwrap());
    assert_eq!(repair.recover(&deals, &sums), Err(Failure::OtherDeals(Member(3))));
}

#[test]
fn attack_messages_of_another_repair_do_not_open() {
    let mut repair = Repair::new();
    let deals = repair.deals();
    repair.plan.id = [9; 32];
    assert_eq!(repair.sum(Member(0), &deals), Err(Failure::Lied(Member(0))));
}

#[test]
fn plans_of_other_members_or_keys_are_refused() {
    let mut repair = Repair::new();
    let plan = repair.plan;
    for helpers in [vec![0, 1, 3], vec![0, 1, 2, 3], vec![0, 1, 3, 5], vec![0, 1, 3, 120]] {
        let helpers = helpers.into_iter().map(Member).collect();
        assert!(!Plan { helpers, ..plan }.fits(&repair.key), "{helpers:?}");
    }
    assert!(!Plan { lost: Member(5), ..plan }.fits(&repair.key));
    repair.plan.polynomial = [0; 32];
    let share = repair.shares[0].clone();
    let committee = &repair.group.committee;
    assert_eq!(Deal::make(&repair.plan, &repair.key, committee, &share, &mut repair.rng), None);
}

/// What the helpers send to the member that lost its share; the first one lies if asked to.
fn sums(lie: bool) -> (crate::key::GroupKey, Vec<crate::key::KeyShare>, Vec<Scalar>) {
    let mut rng = rng(1);
    let group = Group::new(5, &mut rng);
    let (key, shares, _) = group.key(&mut rng);
    let helpers: MemberSet = [0, 1, 3, 4].map(Member).into_iter().collect();
    let dealt: BTreeMap<Member, BTreeMap<Member, Scalar>> = helpers
        .iter()
        .map(|helper| {
            let share = &shares[helper.index()];
            (helper, repair::deal(&key, share, helpers, Member(2), &mut rng).unwrap())
        })
        .collect();
    let mut sums: Vec<Scalar> = helpers
        .iter()
        .map(|helper| {
            let received: Vec<Scalar> = dealt.values().map(|deltas| deltas[&helper]).collect();
            repair::combine(&received).unwrap()
        })
        .collect();
    if lie {
        sums[0].0[31] ^= 1;
    }
    (key, shares, sums)
}

#[test]
fn lost_share_is_rebuilt() {
    let (key, shares, sums) = sums(false);
    assert_eq!(repair::finish(&key, Member(2), &sums), Some(shares[2].clone()));
}

#[test]
fn attack_lying_helper_cannot_plant_a_share() {
    let (key, _, sums) = sums(true);
    assert_eq!(repair::finish(&key, Member(2), &sums), None);
}

#[test]
fn too_few_helpers_are_refused() {
    let mut rng = rng(2);
    let group = Group::new(5, &mut rng);
    let (key, shares, _) = group.key(&mut rng);
    let few: MemberSet = [0, 1, 3].map(Member).into_iter().collect();
    assert!(repair::deal(&key, &shares[0], few, Member(2), &mut rng).is_none());
    let with_lost = MemberSet::all(5);
    assert!(repair::deal(&key, &shares[0], with_lost, Member(2), &mut rng).is_none());
}
