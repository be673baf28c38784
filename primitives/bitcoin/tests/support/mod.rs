//! Fixtures, and a miner for networks that a test can afford.
#![allow(dead_code, reason = "every test file uses its own part")]

use bzk_bitcoin::{
    bitcoin::{
        block::{Header, Version},
        consensus::Params,
        hashes::Hash,
        BlockHash, CompactTarget, Target, TxMerkleNode,
    },
    Accepted, HeaderTree, Refusal, Rules,
};
use std::path::PathBuf;

/// The clock of the tests, in Unix seconds; later than every fixture.
pub(crate) const NOW: u32 = 1_800_000_000;

/// A file of `shared/fixtures/bitcoin`; `None`, said plainly, when it is not there.
pub(crate) fn fixture(name: &str) -> Option<Vec<u8>> {
    let root = std::env::var_os("BZK_FIXTURES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures"),
        PathBuf::from,
    );
    let path = root.join("bitcoin").join(name);
    match std::fs::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            eprintln!("SKIPPED: {}: {error} (set BZK_FIXTURES)", path.display());
            None
        }
    }
}

/// Bytes of hexadecimal digits.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    use bzk_bitcoin::bitcoin::hex::FromHex;
    Vec::from_hex(digits.trim_start_matches("0x")).unwrap()
}

/// The easiest bits of [`small_network`]: 64 hashes for a header.
pub(crate) const EASY: u32 = 0x2003_ffff;

/// A network with periods of 16 headers, one a second.
pub(crate) fn small_network(bip94: bool, min_difficulty: bool) -> Rules {
    let mut params = Params::MAINNET.clone();
    params.pow_target_spacing = 1;
    params.pow_target_timespan = 16;
    params.allow_min_difficulty_blocks = min_difficulty;
    params.max_attainable_target = Target::from_compact(CompactTarget::from_consensus(EASY));
    let genesis = mine(BlockHash::all_zeros(), 1_000_000, EASY);
    Rules::custom(params, bip94, genesis)
}

/// A header that meets its own target.
pub(crate) fn mine(parent: BlockHash, time: u32, bits: u32) -> Header {
    mine_version(parent, time, bits, Version::TWO)
}

/// The same with a version of one's choice.
pub(crate) fn mine_version(parent: BlockHash, time: u32, bits: u32, version: Version) -> Header {
    let bits = CompactTarget::from_consensus(bits);
    let mut header = Header {
        version,
        prev_blockhash: parent,
        merkle_root: TxMerkleNode::all_zeros(),
        time,
        bits,
        nonce: 0,
    };
    let target = Target::from_compact(bits);
    while !target.is_met_by(header.block_hash()) {
        header.nonce += 1;
    }
    header
}

/// Mines on `parent` with the bits that the rules ask for, and inserts.
pub(crate) fn grow(tree: &mut HeaderTree, parent: &Header, seconds: u32) -> (Header, Accepted) {
    let mine =
        |bits: CompactTarget| mine(parent.block_hash(), parent.time + seconds, bits.to_consensus());
    let header = mine(parent.bits);
    match tree.insert(header, NOW) {
        Err(Refusal::WrongBits { expected, .. }) => {
            let header = mine(expected);
            (header, tree.insert(header, NOW).unwrap())
        }
        result => (header, result.unwrap()),
    }
}
