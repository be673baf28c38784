//! Random headers of regtest that keep each rule or break it, to hold the rules of others against bitcoind's.

use crate::regtest::Regtest;
use bzk_bitcoin::bitcoin::{
    block::{Header, Version},
    consensus::serialize,
    hashes::Hash,
    hex::DisplayHex,
    BlockHash, CompactTarget, Target, TxMerkleNode,
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::json;

/// The bits of regtest.
const EASIEST: u32 = 0x207f_ffff;

/// How a random header differs from a plain one.
#[derive(Clone, Debug)]
pub struct Step {
    /// How many headers that were accepted lie between the parent and the last one.
    pub back: usize,
    time: Time,
    bits: u32,
    version: i32,
    meets_target: bool,
    known_parent: bool,
}

#[derive(Clone, Debug)]
enum Time {
    /// Around the median of the eleven before.
    Median(i32),
    /// After the parent.
    Parent(u32),
    /// Around the latest time that is allowed.
    Latest(i32),
}

/// What a header takes from the chain.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The parent.
    pub parent: BlockHash,
    /// The parent's time, in Unix seconds.
    pub time: u32,
    /// The median of the times of the parent and the ten before it.
    pub median_time: u32,
    /// The latest time that is allowed now.
    pub latest: u32,
}

/// Random steps without end. `latest` draws how many seconds after the latest time a header is that tries it.
pub fn steps(latest: impl Strategy<Value = i32>) -> impl Iterator<Item = Step> {
    let (strategy, mut runner) = (step(latest), TestRunner::default());
    std::iter::repeat_with(move || {
        strategy.new_tree(&mut runner).expect("nothing is filtered out").current()
    })
}

fn step(latest: impl Strategy<Value = i32>) -> impl Strategy<Value = Step> {
    let time = prop_oneof![
        4 => (1u32..2_000).prop_map(Time::Parent),
        3 => (-2i32..4).prop_map(Time::Median),
        1 => latest.prop_map(Time::Latest),
    ];
    let bits = prop_oneof![
        24 => Just(EASIEST),
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
            // What has no known parent must be otherwise right: judges try the rules in different orders.
            meets_target: meets_target || !known_parent,
            known_parent,
        },
    )
}

impl Step {
    /// The header at `place`; `number` makes it another one than that of any other step.
    pub fn header(&self, place: &Place, number: u32) -> Header {
        let time = match self.time {
            Time::Median(seconds) => place.median_time.saturating_add_signed(seconds),
            Time::Parent(seconds) => place.time + seconds,
            Time::Latest(seconds) => place.latest.saturating_add_signed(seconds),
        };
        let mut root = [0; 32];
        root[..4].copy_from_slice(&number.to_be_bytes());
        let (parent, bits) = match self.known_parent {
            true => (place.parent, self.bits),
            false => (BlockHash::all_zeros(), EASIEST),
        };
        let mut header = Header {
            version: Version::from_consensus(self.version),
            prev_blockhash: parent,
            merkle_root: TxMerkleNode::from_byte_array(root),
            time,
            bits: CompactTarget::from_consensus(bits),
            nonce: 0,
        };
        // By the easiest target: whether the header's own one is valid is for the judges.
        let easiest = Target::from_compact(CompactTarget::from_consensus(EASIEST));
        let own = Target::from_compact(header.bits).min(easiest);
        let reachable = own > Target::from_compact(CompactTarget::from_consensus(0x1f00_ffff));
        let target = if reachable { own } else { easiest };
        while target.is_met_by(header.block_hash()) != self.meets_target {
            header.nonce += 1;
        }
        header
    }
}

/// Why bitcoind refuses a header, in the words of `bzk_bitcoin::Refusal::core_reason`; `None` when it takes it.
///
/// # Panics
/// When bitcoind gives no reason that headers can give it.
pub fn judged_by_core(node: &Regtest, header: &Header) -> Option<&'static str> {
    let digits = serialize(header).to_lower_hex_string();
    let error = node.call("submitheader", &[json!(digits)]).err()?;
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
    Some(known.unwrap_or_else(|| panic!("{error}")).1)
}
