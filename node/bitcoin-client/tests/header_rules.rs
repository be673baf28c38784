//! The header rules against a real bitcoind, on random trees.

use bzk_bitcoin::{
    bitcoin::{
        block::{Header, Version},
        consensus::serialize,
        hashes::Hash,
        hex::DisplayHex,
        BlockHash, CompactTarget, Network, Target, TxMerkleNode,
    },
    HeaderTree, Refusal, Rules, FUTURE_LIMIT_SECS,
};
use bzk_bitcoin_client::{regtest::Regtest, BitcoinClient};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::json;

const NOW: u32 = 1_750_000_000;
const EASIEST: u32 = 0x207f_ffff;
const STEPS: usize = 1_500;

/// How a random header differs from a plain one.
#[derive(Clone, Debug)]
struct Step {
    /// How far the parent lies before the last header that was accepted.
    back: usize,
    time: Time,
    bits: u32,
    version: i32,
    meets_target: bool,
    known_parent: bool,
}

#[derive(Clone, Debug)]
enum Time {
    Median(i32),
    Parent(u32),
    Now(i32),
}

fn step() -> impl Strategy<Value = Step> {
    let time = prop_oneof![
        4 => (1u32..2_000).prop_map(Time::Parent),
        3 => (-2i32..4).prop_map(Time::Median),
        1 => (FUTURE_LIMIT_SECS as i32 - 2..FUTURE_LIMIT_SECS as i32 + 3).prop_map(Time::Now),
    ];
    let bits = prop_oneof![
        20 => Just(EASIEST),
        1 => Just(0x2000_ffff),
        1 => Just(0x2100_7fff),
        1 => Just(0x2100_ffff),
        1 => Just(0x20ff_ffff),
        1 => Just(0x0180_ffff),
        1 => Just(0x2300_0001),
        1 => Just(0xff12_3456),
        1 => Just(0),
    ];
    let version = prop_oneof![
        10 => Just(0x2000_0000),
        3 => Just(4),
        1 => -2i32..5,
        1 => any::<i32>(),
    ];
    let back = prop_oneof![6 => Just(0usize), 3 => 0usize..6, 1 => 0usize..60];
    let rarely_not = || prop_oneof![19 => Just(true), 1 => Just(false)];
    (back, time, bits, version, rarely_not(), rarely_not()).prop_map(
        |(back, time, bits, version, meets_target, known_parent)| Step {
            back,
            time,
            bits,
            version,
            // What has no known parent must be otherwise right: the two sides try rules in another order.
            meets_target: meets_target || !known_parent,
            known_parent,
        },
    )
}

fn build(tree: &HeaderTree, accepted: &[BlockHash], step: &Step) -> Header {
    let parent = accepted[accepted.len().saturating_sub(1 + step.back)];
    let time = match step.time {
        Time::Median(seconds) => tree.median_time(&parent).saturating_add_signed(seconds),
        Time::Parent(seconds) => tree.get(&parent).unwrap().header.time + seconds,
        Time::Now(seconds) => NOW.saturating_add_signed(seconds),
    };
    let mut header = Header {
        version: Version::from_consensus(step.version),
        prev_blockhash: if step.known_parent { parent } else { BlockHash::all_zeros() },
        merkle_root: TxMerkleNode::from_byte_array([accepted.len() as u8; 32]),
        time,
        bits: CompactTarget::from_consensus(if step.known_parent { step.bits } else { EASIEST }),
        nonce: 0,
    };
    // By the easiest target: whether the header's own one is valid is for the judges.
    let easiest = Target::from_compact(CompactTarget::from_consensus(EASIEST));
    let own = Target::from_compact(header.bits).min(easiest);
    let reachable = own > Target::from_compact(CompactTarget::from_consensus(0x1f00_ffff));
    let target = if reachable { own } else { easiest };
    while target.is_met_by(header.block_hash()) != step.meets_target {
        header.nonce += 1;
    }
    header
}

/// What bitcoind says to a header, in the words of [`Refusal::core_reason`].
fn judged_by_core(node: &Regtest, header: &Header) -> Result<(), String> {
    let digits = serialize(header).to_lower_hex_string();
    let Err(error) = node.call("submitheader", &[json!(digits)]) else { return Ok(()) };
    let reasons = [
        ("high-hash", "high-hash"),
        ("bad-diffbits", "bad-diffbits"),
        ("time-too-old", "time-too-old"),
        ("time-too-new", "time-too-new"),
        ("time-timewarp-attack", "time-timewarp-attack"),
        ("bad-version", "bad-version"),
        ("Must submit previous header", "prev-blk-not-found"),
    ];
    let known = reasons.into_iter().find(|(text, _)| error.contains(text));
    Err(known.map_or(error, |(_, reason)| reason.to_owned()))
}

#[test]
fn random_headers_are_judged_as_bitcoind_judges_them() {
    let node = Regtest::start();
    node.set_clock(NOW);
    let mut tree = HeaderTree::new(Rules::new(Network::Regtest));
    let mut accepted = vec![tree.tip().0];
    let mut refusals = std::collections::BTreeMap::new();
    let mut runner = TestRunner::default();
    for number in 0..STEPS {
        let step = step().new_tree(&mut runner).unwrap().current();
        let header = build(&tree, &accepted, &step);
        let ours = tree.insert(header, NOW);
        let cores = judged_by_core(&node, &header);
        let reason = ours.as_ref().err().map(Refusal::core_reason);
        assert_eq!(
            reason,
            cores.as_ref().err().map(String::as_str),
            "step {number}: {step:?}\n{header:?}\nours: {ours:?}"
        );
        match reason {
            None => accepted.push(header.block_hash()),
            Some(reason) => *refusals.entry(reason).or_insert(0) += 1,
        }
    }
    accepted.dedup();
    for hash in &accepted {
        let entry = tree.get(hash).unwrap();
        let core = node.call("getblockheader", &[json!(hash.to_string())]).unwrap();
        assert_eq!(core["height"], entry.height);
        assert_eq!(core["chainwork"].as_str().unwrap(), format!("{:064x}", entry.work));
        assert_eq!(core["mediantime"], tree.median_time(hash));
    }
    let info = node.call("getblockchaininfo", &[]).unwrap();
    assert_eq!(info["headers"], tree.tip().1.height);
    let tips = node.call("getchaintips", &[]).unwrap();
    let tip = tree.tip().0.to_string();
    assert!(tips.as_array().unwrap().iter().any(|known| known["hash"] == tip.as_str()));
    println!("{} of {STEPS} accepted, {refusals:?}", accepted.len());
    // The random headers did reach every rule that regtest has.
    let reached: Vec<_> = refusals.keys().copied().collect();
    let all = [
        "bad-diffbits",
        "bad-version",
        "high-hash",
        "prev-blk-not-found",
        "time-too-new",
        "time-too-old",
    ];
    assert_eq!(reached, all);
    assert!(accepted.len() > STEPS / 4);
}

/// Branches of real blocks: both sides settle on the same one, with a tie in between.
#[tokio::test]
async fn most_work_and_first_seen_as_bitcoind_chooses() {
    let node = Regtest::start();
    let client = node.client();
    let mut tree = HeaderTree::new(Rules::new(Network::Regtest));
    let now = 2_000_000_000;
    let common = node.mine(5);
    let first = node.mine(3);
    node.invalidate(&first[0]);
    let second = node.mine(3);
    node.call("reconsiderblock", &[json!(first[0].to_string())]).unwrap();
    for hash in common.iter().chain(&first).chain(&second) {
        tree.insert(node.block(hash).header, now).unwrap();
    }
    assert_eq!(client.tip().await.unwrap().hash, tree.tip().0);
    assert_eq!(tree.tip().0, first[2]);
    node.invalidate(&first[0]);
    let last = node.mine(1);
    node.call("reconsiderblock", &[json!(first[0].to_string())]).unwrap();
    tree.insert(node.block(&last[0]).header, now).unwrap();
    assert_eq!(client.tip().await.unwrap().hash, last[0]);
    assert_eq!(tree.tip().0, last[0]);
    let chain = client.headers(0, 100).await.unwrap();
    for (header, height) in chain.iter().zip(0..) {
        assert_eq!(tree.hash_at(height), Some(header.block_hash()));
    }
    assert_eq!(chain.len(), 10);
}
