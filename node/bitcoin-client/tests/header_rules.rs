//! The header rules against a real bitcoind, on random trees.

use bzk_bitcoin::{bitcoin::Network, HeaderTree, Refusal, Rules, FUTURE_LIMIT_SECS};
use bzk_bitcoin_client::{
    random_headers::{judged_by_core, steps, Place},
    regtest::Regtest,
    BitcoinClient,
};
use serde_json::json;

const NOW: u32 = 1_750_000_000;
const STEPS: u32 = 1_500;

#[test]
fn random_headers_are_judged_as_bitcoind_judges_them() {
    let node = Regtest::start();
    node.set_clock(NOW);
    let mut tree = HeaderTree::new(Rules::new(Network::Regtest));
    let mut accepted = vec![tree.tip().0];
    let mut refusals = std::collections::BTreeMap::new();
    for (number, step) in (0..STEPS).zip(steps(-2..3)) {
        let parent = accepted[accepted.len().saturating_sub(1 + step.back)];
        let time = tree.get(&parent).unwrap().header.time;
        let median_time = tree.median_time(&parent);
        let place = Place { parent, time, median_time, latest: NOW + FUTURE_LIMIT_SECS };
        let header = step.header(&place, number);
        let ours = tree.insert(header, NOW);
        let reason = ours.as_ref().err().map(Refusal::core_reason);
        assert_eq!(
            reason,
            judged_by_core(&node, &header),
            "step {number}: {step:?}\n{header:?}\nours: {ours:?}"
        );
        match reason {
            None => accepted.push(header.block_hash()),
            Some(reason) => *refusals.entry(reason).or_insert(0) += 1,
        }
    }
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
    assert!(accepted.len() > STEPS as usize / 4);
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
