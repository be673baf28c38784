//! Imports an Ethereum block by building it again from its transactions.
//!
//! Our chain makes Ethereum blocks and never imports one, so a block is judged by what the pallets
//! make of the same inputs: it is valid if and only if they give the same header.

use crate::ethereum_tests::{
    beacon_roots,
    chain::{self, Chain, Refusal},
    exceptions::{self, Reason},
    fixture::{self, Accounts},
    profile,
    report::Verdict,
    runtime::{Runtime, CHAIN_ID},
};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::B256;
use alloy_rlp::Decodable;
use bzk_evm::{
    base_fee,
    block::{self, Block, Header},
    execute::BlockEnvironment,
    profile::KERNEL_WORD_LIMIT,
    tx::{RecoveredTx, TxEnvelope, TxError},
};
use pallet_ethereum::{
    limits::MIN_GAS_LIMIT, BlockGasLimit, BlockHash, ChainHead, CurrentBlock, Head, NextBaseFee,
    Open, MAX_BLOCK_BYTES,
};
use sp_core::H256;
use std::{collections::BTreeSet, fmt};

/// Largest gas limit that Ethereum's clients take.
const MAX_GAS_LIMIT: u64 = i64::MAX as u64;

/// What execution-spec-tests call a fault of a header, and how our words for it begin.
const HEADER_FAULTS: [(&str, &str); 7] = [
    ("BlockException.INVALID_STATE_ROOT", "state root "),
    ("BlockException.INVALID_RECEIPTS_ROOT", "receipts root "),
    ("BlockException.INVALID_TRANSACTIONS_ROOT", "transactions root "),
    ("BlockException.INVALID_LOG_BLOOM", "logs bloom "),
    ("BlockException.INVALID_GASLIMIT", "gas limit "),
    ("BlockException.INVALID_BASEFEE_PER_GAS", "base fee "),
    ("BlockException.INVALID_BLOCK_TIMESTAMP_OLDER_THAN_PARENT", "timestamp "),
];

/// Between the fields in which blocks differ.
const AND: &str = "; ";

/// Why a block was not imported.
pub(super) enum Refused {
    /// A transaction was not included.
    Transaction {
        /// Its place in the block.
        index: usize,
        /// What refused it.
        refusal: Refusal,
        /// The rules that it breaks.
        faults: Vec<TxError>,
    },
    /// Anything else that is wrong with the block, in words.
    Block(String),
    /// The block broke an invariant of the ledger, which is our fault whatever the file expects.
    Ledger(String),
}

impl Refused {
    /// Whether the file expects this. What is wrong with a header shows in that the block which was built differs from
    /// it, so only a single fault can be compared.
    pub(super) fn reason(&self, expected: &str) -> Reason {
        match self {
            Self::Transaction { refusal, faults, .. } => {
                exceptions::compare(expected, refusal, faults)
            }
            Self::Block(why) => {
                let fault = HEADER_FAULTS.iter().find(|(name, _)| *name == expected.trim());
                let is_named = fault.is_some_and(|(_, field)| why.starts_with(field));
                if is_named && !why.contains(AND) {
                    Reason::Named
                } else {
                    Reason::NotCompared
                }
            }
            Self::Ledger(_) => Reason::Wrong,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transaction { index, refusal, .. } => write!(f, "transaction {index}: {refusal}"),
            Self::Block(why) => f.write_str(why),
            Self::Ledger(why) => write!(f, "the ledger is broken: {why}"),
        }
    }
}

/// A chain that stands at the genesis block of a test.
pub(super) fn genesis(pre: &Accounts, header: &Header) -> Result<Chain, Verdict> {
    let mut chain = Chain::new(fixture::genesis(pre)?);
    chain.execute(|| {
        let hash = H256(block::hash(header).0);
        Head::<Runtime>::put(ChainHead {
            number: header.number,
            hash,
            timestamp_s: header.timestamp,
            gas_limit: header.gas_limit,
        });
        BlockHash::<Runtime>::insert(header.number, hash);
        NextBaseFee::<Runtime>::put(base_fee::next(
            header.gas_limit,
            header.gas_used,
            header.base_fee_per_gas.unwrap_or_default(),
        ));
    });
    Ok(chain)
}

/// Imports a block on the head and returns its hash; `observe` sees each transaction before it is
/// executed. Leaves the state as it was if the block is refused.
pub(super) fn import(
    rlp: &[u8],
    observe: impl FnMut(&BlockEnvironment, &RecoveredTx),
) -> Result<B256, Refused> {
    let block = block::decode(rlp, MAX_BLOCK_BYTES as usize)
        .map_err(|error| Refused::Block(error.to_string()))?;
    check_header(&block.header)?;
    chain::transactional(|| {
        build(&block, observe)?;
        let built = block::decode(&CurrentBlock::<Runtime>::get(), MAX_BLOCK_BYTES as usize)
            .map_err(|error| Refused::Ledger(format!("our own block: {error}")))?;
        if built == block {
            Ok(block::hash(&block.header))
        } else {
            Err(Refused::Block(difference(&block, &built)))
        }
    })
}

/// What the pallets take from outside, and so cannot refuse by building something else.
fn check_header(header: &Header) -> Result<(), Refused> {
    if header.number.max(header.timestamp) >= KERNEL_WORD_LIMIT {
        return Err(Refused::Block("number or timestamp of 2^32 or more".into()));
    }
    let parent = Head::<Runtime>::get();
    if header.timestamp <= parent.timestamp_s {
        let why = format!("timestamp {} not above the parent's", header.timestamp);
        return Err(Refused::Block(why));
    }
    let step = header.gas_limit.abs_diff(parent.gas_limit);
    let bounds = MIN_GAS_LIMIT..=MAX_GAS_LIMIT;
    if step >= parent.gas_limit / 1_024 || !bounds.contains(&header.gas_limit) {
        let why = format!("gas limit {} after {}", header.gas_limit, parent.gas_limit);
        return Err(Refused::Block(why));
    }
    Ok(())
}

/// Builds the block with the inputs of `block`.
fn build(
    block: &Block,
    mut observe: impl FnMut(&BlockEnvironment, &RecoveredTx),
) -> Result<(), Refused> {
    let header = &block.header;
    let environment = BlockEnvironment::of(header, CHAIN_ID);
    let extra_data = header.extra_data.to_vec().try_into();
    let extra_data = extra_data.map_err(|_| Refused::Block("extra data above 32 bytes".into()))?;
    BlockGasLimit::<Runtime>::put(header.gas_limit);
    chain::begin(&environment, extra_data);
    if header.gas_limit >= KERNEL_WORD_LIMIT {
        // Governance cannot set it, but execution can do with it.
        Open::<Runtime>::mutate(|open| {
            if let Some(open) = open {
                open.gas_limit = header.gas_limit;
            }
        });
    }
    beacon_roots::store(header.timestamp);
    for (index, transaction) in block.body.transactions.iter().enumerate() {
        let raw = transaction.encoded_2718();
        let recovered = chain::recover(&raw);
        if let Some(recovered) = &recovered {
            observe(&environment, recovered);
        }
        chain::apply(&raw).map_err(|refusal| {
            let faults = recovered.map(|tx| exceptions::faults(&environment, &tx));
            Refused::Transaction { index, refusal, faults: faults.unwrap_or_default() }
        })?;
    }
    chain::end().map_err(Refused::Ledger)
}

/// Names the fields in which the blocks differ.
fn difference(given: &Block, built: &Block) -> String {
    let fields = |block: &Block| {
        let h = &block.header;
        [
            ("parent hash", h.parent_hash.to_string()),
            ("ommers hash", h.ommers_hash.to_string()),
            ("coinbase", h.beneficiary.to_string()),
            ("state root", h.state_root.to_string()),
            ("transactions root", h.transactions_root.to_string()),
            ("receipts root", h.receipts_root.to_string()),
            ("logs bloom", h.logs_bloom.to_string()),
            ("difficulty", h.difficulty.to_string()),
            ("number", h.number.to_string()),
            ("gas limit", h.gas_limit.to_string()),
            ("gas used", h.gas_used.to_string()),
            ("timestamp", h.timestamp.to_string()),
            ("extra data", h.extra_data.to_string()),
            ("mix hash", h.mix_hash.to_string()),
            ("nonce", h.nonce.to_string()),
            ("base fee", format!("{:?}", h.base_fee_per_gas)),
            ("withdrawals root", format!("{:?}", h.withdrawals_root)),
            ("blob gas used", format!("{:?}", h.blob_gas_used)),
            ("excess blob gas", format!("{:?}", h.excess_blob_gas)),
            ("parent beacon root", format!("{:?}", h.parent_beacon_block_root)),
            ("body", format!("{} ommers", block.body.ommers.len())),
        ]
    };
    let differing: Vec<String> = fields(given)
        .into_iter()
        .zip(fields(built))
        .filter(|(given, built)| given != built)
        .map(|((name, given), (_, built))| format!("{name} {given}, ours {built}"))
        .collect();
    if differing.is_empty() {
        return "the bodies differ".into();
    }
    differing.join(AND)
}

/// Why a block that Ethereum holds valid is outside our profile; works on the state of its parent.
pub(super) fn outside_profile(rlp: &[u8]) -> Option<String> {
    if rlp.len() > MAX_BLOCK_BYTES as usize {
        return Some(format!("block of {} bytes, above {MAX_BLOCK_BYTES}", rlp.len()));
    }
    let block = Block::decode(&mut &rlp[..]).ok()?;
    if let Some(reason) = profile::of_header(&block.header) {
        return Some(reason);
    }
    if let Some(reason) = profile::of_body(&block) {
        return Some(reason.into());
    }
    let mut seen = BTreeSet::new();
    let refused = chain::transactional::<(), _>(|| {
        let built = build(&block, |environment, tx| {
            seen.extend(profile::of_execution(environment, tx));
        });
        // Rolls all back; only a refused transaction is of interest.
        Err(built.err().and_then(|refused| outside_room_or_rules(&block, &refused)))
    });
    if let Err(Some(reason)) = refused {
        return Some(reason);
    }
    (!seen.is_empty()).then(|| Vec::from_iter(seen).join(", "))
}

/// Why a transaction is refused that Ethereum takes; works on the state before it.
fn outside_room_or_rules(block: &Block, refused: &Refused) -> Option<String> {
    let Refused::Transaction { index, refusal, .. } = refused else { return None };
    let raw = block.body.transactions.get(*index).map(TxEnvelope::encoded_2718)?;
    match refusal {
        Refusal::Rule(rule) => profile::of_refusal(*rule, &raw).map(str::to_string),
        Refusal::Waits | Refusal::Other(_) => {
            profile::of_room(&BlockEnvironment::of(&block.header, CHAIN_ID), &raw)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_fault_of_a_header_is_compared() {
        let state_root = "BlockException.INVALID_STATE_ROOT";
        let reason = |why: &str, expected| Refused::Block(why.into()).reason(expected);
        assert_eq!(reason("state root 0x1, ours 0x2", state_root), Reason::Named);
        let (both, other) = ("state root 0x1, ours 0x2; gas used 1, ours 2", "gas used 1, ours 2");
        assert_eq!(reason(both, state_root), Reason::NotCompared);
        assert_eq!(reason(other, state_root), Reason::NotCompared);
        assert_eq!(reason("state root 0x1, ours 0x2", "InvalidStateRoot"), Reason::NotCompared);
    }

    #[test]
    fn broken_ledger_is_never_what_a_file_expects() {
        let broken = Refused::Ledger("root of the flat state".into());
        assert_eq!(broken.reason("BlockException.INVALID_STATE_ROOT"), Reason::Wrong);
    }

    #[test]
    fn long_block_is_outside_the_profile() {
        let rlp = vec![0; MAX_BLOCK_BYTES as usize + 1];
        assert_eq!(outside_profile(&rlp).unwrap(), "block of 16777217 bytes, above 16777216");
        assert_eq!(outside_profile(&rlp[1..]), None);
    }
}
