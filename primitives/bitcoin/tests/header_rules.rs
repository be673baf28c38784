//! Header rules on chains that the tests mine.

mod support;

use bzk_bitcoin::{
    bitcoin::{
        block::{Header, Version},
        hashes::Hash,
        BlockHash, CompactTarget, Network, TxMerkleNode,
    },
    Anchor, Change, HeaderTree, Refusal, Rules, FUTURE_LIMIT_SECS,
};
use proptest::prelude::*;
use support::{grow, mine, mine_version, small_network, EASY, NOW};

fn extend(tree: &mut HeaderTree, count: u32, seconds: u32) {
    for _ in 0..count {
        let tip = tree.tip().1.header;
        grow(tree, &tip, seconds);
    }
}

/// The bits that the next header on the tip needs, by the refusal of what is surely wrong.
fn expected_bits(tree: &HeaderTree, time: u32) -> u32 {
    let header = mine(tree.tip().0, time, EASY - 1);
    match tree.clone().insert(header, NOW) {
        Err(Refusal::WrongBits { expected, .. }) => expected.to_consensus(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn retarget_follows_the_time_of_the_period() {
    // 15 intervals of 2 s instead of 16 s in all: the quirk that a period counts one interval too few.
    for (seconds, expected) in [(1u32, 0x2003_bfff), (2, EASY), (100, EASY)] {
        let mut tree = HeaderTree::new(small_network(false, false));
        extend(&mut tree, 15, seconds);
        let time = tree.tip().1.header.time + 1;
        assert_eq!(expected_bits(&tree, time), expected, "{seconds} s");
        let header = mine(tree.tip().0, time, expected);
        assert_eq!(tree.insert(header, NOW).unwrap().height, 16);
    }
}

#[test]
fn retarget_is_at_most_a_factor_of_four() {
    let mut tree = HeaderTree::new(small_network(false, false));
    // Eleven headers in the past of the twelfth: the whole period seems to take one second.
    extend(&mut tree, 1, 5);
    for _ in 2..15 {
        let hash = tree.tip().0;
        let header = mine(hash, tree.median_time(&hash) + 1, EASY);
        tree.insert(header, NOW).unwrap();
    }
    let last = mine(tree.tip().0, tree.median_time(&tree.tip().0) + 1, EASY);
    let start = tree.get(&tree.hash_at(0).unwrap()).unwrap().header.time;
    assert!(last.time - start > 4);
    tree.insert(last, NOW).unwrap();
    let params = tree.rules().params();
    let bits = |timespan| {
        CompactTarget::from_next_work_required(
            CompactTarget::from_consensus(EASY),
            timespan,
            params,
        )
    };
    let next = expected_bits(&tree, last.time + 1);
    assert_eq!(next, bits((last.time - start).into()).to_consensus());
    assert_eq!(bits(4), bits(1));
    assert_eq!(bits(0).to_consensus(), 0x2000_ffff);
}

#[test]
fn attack_fake_header() {
    let mut tree = HeaderTree::new(Rules::new(Network::Bitcoin));
    let forged = Header {
        version: Version::TWO,
        prev_blockhash: tree.tip().0,
        merkle_root: TxMerkleNode::all_zeros(),
        time: tree.tip().1.header.time + 600,
        bits: tree.tip().1.header.bits,
        nonce: 0,
    };
    assert!(matches!(tree.insert(forged, NOW), Err(Refusal::HashAboveTarget { .. })));
    // The same with a target that it does meet.
    let easy = mine(tree.tip().0, forged.time, 0x207f_ffff);
    assert!(matches!(tree.insert(easy, NOW), Err(Refusal::InvalidTarget { .. })));
    assert_eq!((tree.len(), tree.tip().1.height), (1, 0));
}

#[test]
fn attack_longest_chain_with_low_work() {
    let mut tree = HeaderTree::new(small_network(false, false));
    extend(&mut tree, 15, 1);
    let fork = tree.tip().0;
    extend(&mut tree, 40, 1);
    let honest = tree.tip().0;
    let honest_height = tree.tip().1.height;
    // The attacker lets an hour pass at each header, so that his difficulty falls.
    let mut parent = tree.get(&fork).unwrap().header;
    let mut longest = 0;
    for _ in 0..41 {
        let (header, accepted) = grow(&mut tree, &parent, 3_000);
        assert_eq!(accepted.change, Change::Fork);
        (parent, longest) = (header, accepted.height);
    }
    assert!(longest > honest_height);
    assert_eq!(tree.tip().0, honest);
}

#[test]
fn most_work_wins_and_the_first_seen_keeps_a_tie() {
    let mut tree = HeaderTree::new(small_network(false, false));
    extend(&mut tree, 3, 2);
    let (fork, time) = (tree.hash_at(1).unwrap(), tree.tip().1.header.time);
    let old_tip = tree.tip().0;
    let a = mine(fork, time + 1, EASY);
    let b = mine(a.block_hash(), time + 2, EASY);
    let c = mine(b.block_hash(), time + 3, EASY);
    assert_eq!(tree.insert(a, NOW).unwrap().change, Change::Fork);
    assert_eq!(tree.insert(b, NOW).unwrap().change, Change::Fork);
    assert_eq!(tree.tip().0, old_tip);
    let change = tree.insert(c, NOW).unwrap().change;
    assert_eq!(change, Change::Reorg { fork_height: 1, depth: 2 });
    assert_eq!(tree.confirmations(&old_tip), 0);
    assert_eq!(tree.hash_at(2), Some(a.block_hash()));
    assert_eq!(tree.hash_at(4), Some(c.block_hash()));
    assert_eq!(tree.hash_at(5), None);
    assert_eq!(tree.insert(c, NOW).unwrap().change, Change::Known);
}

#[test]
fn time_must_exceed_the_median_of_eleven() {
    let mut tree = HeaderTree::new(small_network(false, false));
    extend(&mut tree, 12, 10);
    let (hash, tip) = (tree.tip().0, *tree.tip().1);
    // Headers 2 to 12, ten seconds apart: the median is that of header 7.
    let median = tip.header.time - 50;
    assert_eq!(tree.median_time(&hash), median);
    let old = mine(hash, median, EASY);
    assert_eq!(tree.insert(old, NOW), Err(Refusal::TimeTooOld { time: median, median }));
    assert!(tree.insert(mine(hash, median + 1, EASY), NOW).is_ok());
}

#[test]
fn time_may_be_two_hours_ahead_of_the_clock() {
    let mut tree = HeaderTree::new(small_network(false, false));
    let hash = tree.tip().0;
    let time = tree.tip().1.header.time + 10_000;
    let header = mine(hash, time, EASY);
    let now = time - FUTURE_LIMIT_SECS;
    assert_eq!(tree.insert(header, now - 1), Err(Refusal::TimeTooNew { time, now: now - 1 }));
    assert!(tree.insert(header, now).is_ok());
}

/// The classic attack: each period ends far in the future and the next one begins in the past, so that every
/// period looks slow and the difficulty falls.
#[test]
fn attack_time_warp_is_flagged_and_refused_under_bip94() {
    for bip94 in [false, true] {
        let mut tree = HeaderTree::new(small_network(bip94, false));
        extend(&mut tree, 14, 1);
        let ahead = mine(tree.tip().0, tree.tip().1.header.time + 20_000, EASY);
        assert!(!tree.insert(ahead, NOW).unwrap().time_warp);
        let back = mine(tree.tip().0, ahead.time - 19_990, EASY);
        let refused = tree.insert(back, NOW);
        if bip94 {
            let (time, previous) = (back.time, ahead.time);
            assert_eq!(refused, Err(Refusal::TimeWarp { time, previous }));
            let edge = mine(tree.tip().0, ahead.time - 601, EASY);
            assert!(matches!(tree.insert(edge, NOW), Err(Refusal::TimeWarp { .. })));
            assert!(tree.insert(mine(tree.tip().0, ahead.time - 600, EASY), NOW).is_ok());
        } else {
            // Valid today, but it must be seen.
            assert!(refused.unwrap().time_warp);
        }
    }
}

#[test]
fn attack_period_of_negative_length_is_flagged() {
    let mut tree = HeaderTree::new(small_network(false, false));
    extend(&mut tree, 15, 1);
    let bits = expected_bits(&tree, tree.tip().1.header.time + 5_000);
    let far = mine(tree.tip().0, tree.tip().1.header.time + 5_000, bits);
    let back = far.time - 4_990;
    tree.insert(far, NOW).unwrap();
    let mut header = mine(tree.tip().0, back, bits);
    for _ in 17..31 {
        assert!(!tree.insert(header, NOW).unwrap().time_warp);
        header = mine(tree.tip().0, header.time + 1, bits);
    }
    // Height 31 ends a period that began 4,990 s later.
    let accepted = tree.insert(header, NOW).unwrap();
    assert!(accepted.height == 31 && accepted.time_warp);
    // It counts as the shortest period, so the difficulty rises by four.
    let hardest = CompactTarget::from_next_work_required(
        CompactTarget::from_consensus(bits),
        0,
        tree.rules().params(),
    );
    assert_eq!(expected_bits(&tree, tree.tip().1.header.time + 1), hardest.to_consensus());
}

/// A network where a block that is late may have minimum difficulty.
fn after_a_hard_period(bip94: bool) -> (HeaderTree, u32) {
    let mut tree = HeaderTree::new(small_network(bip94, true));
    extend(&mut tree, 15, 1);
    let bits = expected_bits(&tree, tree.tip().1.header.time + 1);
    let header = mine(tree.tip().0, tree.tip().1.header.time + 1, bits);
    tree.insert(header, NOW).unwrap();
    extend(&mut tree, 3, 1);
    (tree, bits)
}

#[test]
fn late_header_has_minimum_difficulty_and_the_next_looks_past_it() {
    let (mut tree, hard) = after_a_hard_period(false);
    let time = |tree: &HeaderTree| tree.tip().1.header.time;
    assert_eq!(expected_bits(&tree, time(&tree) + 2), hard);
    assert_eq!(expected_bits(&tree, time(&tree) + 3), EASY);
    for _ in 0..2 {
        let late = mine(tree.tip().0, time(&tree) + 3, EASY);
        tree.insert(late, NOW).unwrap();
    }
    assert_eq!(expected_bits(&tree, time(&tree) + 1), hard);
    let easy = mine(tree.tip().0, time(&tree) + 1, EASY);
    assert!(matches!(tree.insert(easy, NOW), Err(Refusal::WrongBits { .. })));
}

#[test]
fn retarget_takes_the_last_bits_and_under_bip94_the_first() {
    for bip94 in [false, true] {
        let (mut tree, hard) = after_a_hard_period(bip94);
        extend(&mut tree, 11, 1);
        assert_eq!(tree.tip().1.height, 30);
        let late = mine(tree.tip().0, tree.tip().1.header.time + 3, EASY);
        tree.insert(late, NOW).unwrap();
        // The exception does not reach the first header of a period.
        let next = expected_bits(&tree, tree.tip().1.header.time + 3);
        let base = CompactTarget::from_consensus(if bip94 { hard } else { EASY });
        let expected = CompactTarget::from_next_work_required(base, 17, tree.rules().params());
        assert_eq!(next, expected.to_consensus());
    }
}

#[test]
fn unknown_past_of_an_anchor_refuses_only_what_is_surely_wrong() {
    let (full, hard) = after_a_hard_period(false);
    let header = |height| full.get(&full.hash_at(height).unwrap()).unwrap().header;
    let first = Anchor {
        header: header(5),
        height: 5,
        earlier_times: Vec::new(),
        period_start: None,
        earlier_work: Default::default(),
    };
    let mut tree = HeaderTree::anchored(small_network(false, true), first, NOW).unwrap();
    for height in 6..=19 {
        tree.insert(header(height), NOW).unwrap();
    }
    assert_eq!(tree.tip().0, full.tip().0);
    assert_eq!(expected_bits(&tree, tree.tip().1.header.time + 1), hard);
    assert_eq!(tree.median_time(&tree.tip().0), full.median_time(&full.tip().0));
    // Five known ancestors: the median may be anything; eleven: it is exact.
    assert_eq!(tree.median_time(&tree.hash_at(9).unwrap()), 0);
    assert_eq!(tree.median_time(&tree.hash_at(10).unwrap()), header(5).time);
}

#[test]
fn version_must_rise_with_the_soft_forks() {
    let mut tree = HeaderTree::new(Rules::new(Network::Regtest));
    let (hash, time) = (tree.tip().0, tree.tip().1.header.time + 1);
    for version in [i32::MIN, -1, 0, 1, 3] {
        let old = mine_version(hash, time, 0x207f_ffff, Version::from_consensus(version));
        assert_eq!(tree.insert(old, NOW), Err(Refusal::OldVersion { version, least: 4 }));
    }
    let new = mine_version(hash, time, 0x207f_ffff, Version::from_consensus(4));
    assert!(tree.insert(new, NOW).is_ok());
}

#[test]
fn header_without_parent_is_refused_until_the_parent_comes() {
    let mut tree = HeaderTree::new(small_network(false, false));
    let a = mine(tree.tip().0, tree.tip().1.header.time + 1, EASY);
    let b = mine(a.block_hash(), a.time + 1, EASY);
    let parent = a.block_hash();
    assert_eq!(tree.insert(b, NOW), Err(Refusal::UnknownParent { parent }));
    tree.insert(a, NOW).unwrap();
    assert!(tree.insert(b, NOW).is_ok());
    let stranger = mine(BlockHash::all_zeros(), a.time, EASY);
    assert!(matches!(tree.insert(stranger, NOW), Err(Refusal::UnknownParent { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the order and shape of branches: the tip has most work, and the index is its ancestry.
    #[test]
    fn prop_chain_is_the_ancestry_of_most_work(parents in proptest::collection::vec(any::<u16>(), 1..40)) {
        let mut tree = HeaderTree::new(small_network(false, false));
        let genesis = *tree.tip().1;
        let mut known = vec![genesis];
        for (at, parent) in parents.iter().enumerate() {
            let parent = known[usize::from(*parent) % known.len()];
            // Later than the median and unlike its siblings.
            let seconds = u32::try_from(at).unwrap() + 1;
            let (header, accepted) = grow(&mut tree, &parent.header, seconds);
            prop_assert_eq!(accepted.height, parent.height + 1);
            known.push(*tree.get(&header.block_hash()).unwrap());
        }
        let best = known.iter().map(|entry| entry.work).max().unwrap();
        let (mut hash, tip) = (tree.tip().0, *tree.tip().1);
        prop_assert_eq!(tip.work, best);
        for height in (0..=tip.height).rev() {
            prop_assert_eq!(tree.hash_at(height), Some(hash));
            hash = tree.get(&hash).unwrap().header.prev_blockhash;
        }
        prop_assert_eq!(tree.hash_at(tip.height + 1), None);
    }
}
