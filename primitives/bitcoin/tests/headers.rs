//! Header rules on real chains.

mod support;

use bzk_bitcoin::{
    bitcoin::{block::Header, consensus::deserialize, CompactTarget, Network},
    Anchor, Change, HeaderTree, PeriodStart, Refusal, Rules,
};
use serde_json::Value;
use support::{fixture, hex, NOW};

fn header(bytes: &[u8]) -> Header {
    deserialize(bytes).unwrap()
}

fn anchor(header: Header, height: u32) -> Anchor {
    Anchor {
        header,
        height,
        earlier_times: Vec::new(),
        period_start: None,
        earlier_work: Default::default(),
    }
}

#[test]
fn mainnet_from_genesis_is_accepted() {
    let Some(bytes) = fixture("mainnet-headers-0-10236.raw") else { return };
    let mut tree = HeaderTree::new(Rules::new(Network::Bitcoin));
    for (height, bytes) in bytes.chunks(80).enumerate() {
        let accepted = tree.insert(header(bytes), NOW).unwrap();
        assert_eq!(accepted.height as usize, height);
        assert_eq!(accepted.change, if height == 0 { Change::Known } else { Change::Tip });
        assert!(!accepted.time_warp, "height {height}");
    }
    let (hash, tip) = tree.tip();
    assert_eq!(tip.height, 10_236);
    assert_eq!(hash, header(&bytes[bytes.len() - 80..]).block_hash());
    // All at difficulty 1.
    assert_eq!(tip.work, alloy_primitives::U256::from(10_237u64 * 0x1_0001_0001));
    assert_eq!(tree.confirmations(&hash), 1);
    assert_eq!(tree.confirmations(&tree.hash_at(0).unwrap()), 10_237);
}

/// Every bit of a header counts: each byte of one header, changed, breaks the chain at that place.
#[test]
fn attack_changed_byte_anywhere_in_a_header() {
    let Some(bytes) = fixture("mainnet-headers-0-10236.raw") else { return };
    let mut tree = HeaderTree::new(Rules::new(Network::Bitcoin));
    for bytes in bytes.chunks(80).take(50) {
        tree.insert(header(bytes), NOW).unwrap();
    }
    let next = &bytes[50 * 80..51 * 80];
    for at in 0..80 {
        for flip in [1, 0x80] {
            let mut forged = next.to_vec();
            forged[at] ^= flip;
            let refusal = tree.insert(header(&forged), NOW).unwrap_err();
            assert_eq!(refusal.core_reason(), "high-hash", "byte {at}: {refusal}");
        }
    }
    assert!(tree.insert(header(next), NOW).is_ok());
}

#[test]
fn mainnet_from_a_period_start_is_accepted_over_a_retarget() {
    let Some(bytes) = fixture("mainnet-headers-685440-687516.json") else { return };
    let batches: Vec<Vec<Value>> = serde_json::from_slice(&bytes).unwrap();
    let headers: Vec<Header> = batches.into_iter().flatten().map(json_header).collect();
    let mut tree =
        HeaderTree::anchored(Rules::new(Network::Bitcoin), anchor(headers[0], 685_440), NOW)
            .unwrap();
    for (header, height) in headers[1..].iter().zip(685_441..) {
        // Just before the retarget: the old bits no longer do at the boundary.
        let accepted = tree.insert(*header, NOW).unwrap();
        assert_eq!((accepted.height, accepted.change), (height, Change::Tip));
    }
    assert_eq!(tree.tip().1.height, 687_516);
    let at = |height| tree.get(&tree.hash_at(height).unwrap()).unwrap().header.bits;
    assert_ne!(at(687_455), at(687_456));
}

fn json_header(value: Value) -> Header {
    use bzk_bitcoin::bitcoin::block::Version;
    let number = |key: &str| u32::try_from(value[key].as_u64().unwrap()).unwrap();
    let header = Header {
        version: Version::from_consensus(number("version") as i32),
        prev_blockhash: value["prev_block_hash"].as_str().unwrap().parse().unwrap(),
        merkle_root: value["merkle_root"].as_str().unwrap().parse().unwrap(),
        time: number("time"),
        bits: CompactTarget::from_consensus(number("bits")),
        nonce: number("nonce"),
    };
    assert_eq!(header.block_hash().to_string(), value["block_hash"].as_str().unwrap());
    header
}

#[test]
fn testnet3_forks_are_kept_and_lose() {
    let Some(bytes) = fixture("testnet3-headers-with-forks.hex") else { return };
    let text = String::from_utf8(bytes).unwrap();
    let mut tree = HeaderTree::new(Rules::new(Network::Testnet));
    let mut changes = Vec::new();
    for line in text.lines() {
        let digits = line.trim_start_matches("fork:");
        changes.push(tree.insert(header(&hex(digits)), NOW).unwrap().change);
    }
    // Two headers of a fork come first, so the third of the main chain takes over.
    assert_eq!(
        changes[..6],
        [
            Change::Known,
            Change::Tip,
            Change::Tip,
            Change::Fork,
            Change::Fork,
            Change::Reorg { fork_height: 0, depth: 2 }
        ]
    );
    assert!(changes[6..].iter().all(|change| *change == Change::Tip));
    assert_eq!((tree.len(), tree.tip().1.height), (549, 546));
}

struct ReorgFixture {
    orphan: Header,
    chain: Vec<Header>,
    period_start: Header,
}

/// Mainnet around height 437,472: a retarget, and block 437,478 that lost.
fn reorg_fixture() -> Option<ReorgFixture> {
    let value: Value = serde_json::from_slice(&fixture("reorg-and-retarget.json")?).unwrap();
    let one = |value: &Value| header(&hex(value["hex"].as_str().unwrap()));
    let many = |key: &str| value[key].as_array().unwrap().iter().map(one).collect::<Vec<_>>();
    Some(ReorgFixture {
        orphan: one(&value["orphan_437478"]),
        chain: [vec![one(&value["genesis"])], many("preRetargetChain"), many("postRetargetChain")]
            .concat(),
        period_start: one(&value["oldPeriodStart"]),
    })
}

#[test]
fn mainnet_reorganises_after_a_retarget() {
    let Some(fixture) = reorg_fixture() else { return };
    let ReorgFixture { orphan, chain, period_start } = fixture;
    let mut first = anchor(chain[0], 437_466);
    first.period_start = Some(PeriodStart { time: period_start.time, bits: period_start.bits });
    let mut tree = HeaderTree::anchored(Rules::new(Network::Bitcoin), first, NOW).unwrap();
    let mut insert = |header: &Header| tree.insert(*header, NOW).unwrap();
    for (header, height) in chain[1..12].iter().zip(437_467..) {
        assert_eq!(insert(header).height, height);
    }
    // The orphan is seen first and leads until its rival has a successor.
    assert_eq!((insert(&orphan).height, insert(&chain[12]).change), (437_478, Change::Fork));
    let reorg = Change::Reorg { fork_height: 437_477, depth: 1 };
    assert_eq!(insert(&chain[13]).change, reorg);
    assert_eq!(tree.confirmations(&orphan.block_hash()), 0);
    assert_eq!(tree.confirmations(&chain[12].block_hash()), 2);
}

/// Without the period's first header a retarget is held to a factor of four, not let through.
#[test]
fn retarget_without_a_known_period_is_bounded() {
    let Some(ReorgFixture { chain, .. }) = reorg_fixture() else { return };
    let rules = Rules::new(Network::Bitcoin);
    let mut tree = HeaderTree::anchored(rules.clone(), anchor(chain[0], 437_466), NOW).unwrap();
    for header in &chain[1..] {
        tree.insert(*header, NOW).unwrap();
    }
    assert_eq!(tree.tip().1.height, 437_479);
    // The same headers one block lower: the bits change where no retarget is.
    let mut tree = HeaderTree::anchored(rules, anchor(chain[0], 437_465), NOW).unwrap();
    for header in &chain[1..6] {
        tree.insert(*header, NOW).unwrap();
    }
    assert!(matches!(tree.insert(chain[6], NOW), Err(Refusal::WrongBits { .. })));
}

/// A wrong period start gives other bits, so the exact rule is what accepted the chain above.
#[test]
fn retarget_depends_on_the_period_start() {
    let Some(ReorgFixture { chain, period_start, .. }) = reorg_fixture() else { return };
    let mut first = anchor(chain[0], 437_466);
    first.period_start =
        Some(PeriodStart { time: period_start.time + 100_000, bits: period_start.bits });
    let mut tree = HeaderTree::anchored(Rules::new(Network::Bitcoin), first, NOW).unwrap();
    for header in &chain[1..6] {
        tree.insert(*header, NOW).unwrap();
    }
    assert!(matches!(tree.insert(chain[6], NOW), Err(Refusal::WrongBits { .. })));
}

#[test]
fn genesis_of_another_network_is_refused() {
    let networks =
        [Network::Bitcoin, Network::Testnet, Network::Testnet4, Network::Signet, Network::Regtest];
    for network in networks {
        for other in networks {
            let genesis = *Rules::new(other).genesis();
            let result = HeaderTree::anchored(Rules::new(network), anchor(genesis, 0), NOW);
            assert_eq!(result.is_ok(), network == other, "{network} {other}");
        }
    }
}
