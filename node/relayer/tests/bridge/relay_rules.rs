//! The relay contract against a real bitcoind, on random trees of headers.

use crate::support::Anvil;
use bzk_bitcoin::{
    bitcoin::{
        block::Header, consensus::serialize, constants::genesis_block, hashes::Hash, BlockHash,
        Network,
    },
    FUTURE_LIMIT_SECS,
};
use bzk_bitcoin_client::{
    random_headers::{judged_by_core, steps, Place, Step},
    regtest::Regtest,
};
use bzk_l2_client::{
    alloy_primitives::{keccak256, U256},
    contracts::{BitcoinRelay, BITCOIN_RELAY},
    Error, L2Client,
};
use proptest::strategy::{Just, Union};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};

/// When the first header is judged, in Unix seconds; each next one a second later.
const NOW: u32 = 2_100_000_000;
const STEPS: u32 = 500;

/// The headers that bitcoind has accepted, and the contract's chain.
struct Tree {
    headers: HashMap<BlockHash, (Header, u32)>,
    accepted: Vec<BlockHash>,
    chain: Vec<BlockHash>,
}

impl Tree {
    fn new() -> Self {
        let genesis = genesis_block(Network::Regtest).header;
        let hash = genesis.block_hash();
        Self { headers: [(hash, (genesis, 0))].into(), accepted: vec![hash], chain: vec![hash] }
    }

    fn median_time(&self, mut hash: BlockHash) -> u32 {
        let mut times = Vec::new();
        while let Some((header, _)) = self.headers.get(&hash).filter(|_| times.len() < 11) {
            times.push(header.time);
            hash = header.prev_blockhash;
        }
        times.sort_unstable();
        times[times.len() / 2]
    }

    fn build(&self, number: u32, step: &Step) -> Header {
        let parent = self.accepted[self.accepted.len().saturating_sub(1 + step.back)];
        let (time, median_time) = (self.headers[&parent].0.time, self.median_time(parent));
        let latest = NOW + number + FUTURE_LIMIT_SECS;
        step.header(&Place { parent, time, median_time, latest }, number)
    }

    /// The headers from the contract's chain to `header`, and the height of the first.
    fn branch(&self, header: Header) -> (u32, Vec<Header>) {
        let mut branch = vec![header];
        let mut parent = header.prev_blockhash;
        // A parent that nobody knows: right after the tip.
        let mut height = self.chain.len() as u32;
        while let Some((header, at)) = self.headers.get(&parent) {
            height = at + 1;
            if self.chain.get(*at as usize) == Some(&parent) {
                break;
            }
            branch.push(*header);
            parent = header.prev_blockhash;
        }
        branch.reverse();
        (height, branch)
    }

    fn accept(&mut self, header: Header) -> u32 {
        let height = self.headers[&header.prev_blockhash].1 + 1;
        self.headers.insert(header.block_hash(), (header, height));
        self.accepted.push(header.block_hash());
        height
    }
}

/// The contract's error, by its selector; `None` when it has taken the headers.
async fn judged_by_contract(
    l2: &L2Client,
    height: u32,
    headers: &[Header],
) -> Option<&'static str> {
    let headers: Vec<u8> = headers.iter().flat_map(serialize).collect();
    let call = BitcoinRelay::submitCall { height, headers: headers.into() };
    let data = match l2.send(BITCOIN_RELAY, &call, U256::ZERO).await {
        Ok(_) => return None,
        Err(Error::Reverted { data, .. }) => data,
        Err(error) => panic!("{error}"),
    };
    let errors = [
        "HashAboveTarget(uint256)",
        "WrongBits(uint256,uint32,uint32)",
        "TimeTooOld(uint256)",
        "TimeTooNew(uint256)",
        "OldVersion(uint256)",
        "UnknownParent(uint256)",
        "NotHeavier(uint256,uint256)",
    ];
    let error = errors.into_iter().find(|error| data.starts_with(&keccak256(error)[..4]));
    Some(error.unwrap_or_else(|| panic!("{data}")))
}

/// What the contract may say when bitcoind says `core`. The contract looks at the bits first, bitcoind at the hash.
fn agrees(core: Option<&str>, contract: Option<&str>, heavier: bool) -> bool {
    let name = contract.map(|error| error.split('(').next().unwrap_or_default());
    match core {
        None if heavier => name.is_none(),
        None => name == Some("NotHeavier"),
        Some("high-hash") => matches!(name, Some("HashAboveTarget" | "WrongBits")),
        Some("bad-diffbits") => name == Some("WrongBits"),
        Some("time-too-old") => name == Some("TimeTooOld"),
        Some("time-too-new") => name == Some("TimeTooNew"),
        Some("bad-version") => name == Some("OldVersion"),
        Some("prev-blk-not-found") => name == Some("UnknownParent"),
        Some(_) => false,
    }
}

/// Each header is judged the same, and of all branches both follow the one with most work that they saw first.
#[tokio::test]
async fn relay_contract_judges_random_headers_as_bitcoind_does() {
    let Some(anvil) = Anvil::start() else { return };
    let node = Regtest::start();
    let l2 = anvil.client(Anvil::account(0));
    let mut tree = Tree::new();
    let mut said = BTreeMap::new();
    let mut reorganisations = 0;
    // Not nearer to the latest time than the clocks of the two sides agree.
    let latest = Union::new([Just(-60), Just(60)]);
    for (number, step) in (0..4 * STEPS).zip(steps(latest)) {
        // How often the branches overtake each other is chance; one in three hundred times so seldom until here.
        if number >= STEPS && reorganisations > 5 {
            break;
        }
        node.set_clock(NOW + number);
        anvil.set_next_time(NOW + number);
        let header = tree.build(number, &step);
        let (height, branch) = tree.branch(header);
        let last = height + branch.len() as u32 - 1;
        let heavier = last >= tree.chain.len() as u32;
        let core = judged_by_core(&node, &header);
        let contract = judged_by_contract(&l2, height, &branch).await;
        let context = format!("step {number}: {step:?}\n{header:?}\n{core:?} {contract:?}");
        assert!(agrees(core, contract, heavier), "{context}");
        *said.entry(contract.unwrap_or("taken")).or_insert(0) += 1;
        if core.is_none() {
            assert_eq!(tree.accept(header), last, "{context}");
        }
        if contract.is_none() {
            reorganisations += usize::from((height as usize) < tree.chain.len());
            tree.chain.truncate(height as usize);
            tree.chain.extend(branch.iter().map(Header::block_hash));
        }
        let headers = node.call("getblockchaininfo", &[]).unwrap()["headers"].as_u64();
        assert_eq!(headers, Some(tree.chain.len() as u64 - 1), "{context}");
    }
    let tip = l2.call(BITCOIN_RELAY, &BitcoinRelay::tipCall {}).await.unwrap();
    assert_eq!(tip.height as usize, tree.chain.len() - 1);
    for (hash, height) in tree.chain.iter().zip(0..) {
        let ours = l2.call(BITCOIN_RELAY, &BitcoinRelay::hashAtCall { height }).await.unwrap();
        assert_eq!(ours.0, hash.to_byte_array(), "height {height}");
    }
    // The contract counts from the block after the first.
    let last = tree.chain.last().unwrap().to_string();
    let core = node.call("getblockheader", &[json!(last)]).unwrap();
    let work = U256::from_str_radix(core["chainwork"].as_str().unwrap(), 16).unwrap();
    assert_eq!(U256::from(tip.work) + U256::from(2), work);
    println!("{said:?}, {reorganisations} reorganisations, tip at {}", tip.height);
    // The random headers did reach every rule that regtest has, and every way to end.
    assert_eq!(said.len(), 8, "{said:?}");
    assert!(reorganisations > 5);
}
