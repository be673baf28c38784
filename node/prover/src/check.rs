//! Executes a block in the zkEVM's kernel without proving it. The kernel checks the state,
//! transaction and receipt roots itself, so a block that passes here can be proven.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{ensure, Context, Result};
use ethereum_types::H256;
use evm_arithmetization::{
    proof::BlockHashes, prover::testing::simulate_execution, GenerationInputs,
};
use keccak_hash::keccak;
use plonky2::field::{goldilocks_field::GoldilocksField, types::Field};
use trace_decoder::{
    observer::DummyObserver, BlockLevelData, BlockTrace, BlockTraceTriePreImages,
    ContractCodeUsage, OtherBlockData, SeparateStorageTriesPreImage, SeparateTriePreImage,
    SeparateTriePreImages, TxnInfo, TxnMeta, TxnTrace, WireDisposition,
};

use crate::{
    header::Header,
    tries::{storage_root, NodeBag},
    witness::{AccountAccess, BlockWitness, HexBytes, TransactionWitness},
};

/// Hashes that the kernel keeps for BLOCKHASH.
const HASH_WINDOW: usize = 256;

/// What a checked block was.
#[derive(Debug)]
pub struct Checked {
    /// Block number.
    pub number: u64,
    /// Transactions in it.
    pub transactions: usize,
    /// Gas that it used.
    pub gas_used: u64,
}

/// Runs the kernel over the block of `witness`.
///
/// # Errors
/// When the witness is incomplete, a root differs or the kernel fails.
pub fn check(witness: BlockWitness, chain_id: u64) -> Result<Checked> {
    let header = Header::decode(&witness.header.0, chain_id)?;
    let checked = Checked {
        number: header.metadata.block_number.as_u64(),
        transactions: witness.transactions.len(),
        gas_used: header.metadata.block_gas_used.as_u64(),
    };
    let inputs = generation_inputs(witness, &header)?;
    let last = inputs.last().context("the decoder made no batch")?;
    ensure!(
        last.trie_roots_after.state_root == header.state_root,
        "the decoder's state root {:?} is not the header's {:?}",
        last.trie_roots_after.state_root,
        header.state_root
    );
    for batch in inputs {
        simulate_execution::<GoldilocksField>(batch)?;
    }
    Ok(checked)
}

/// Turns a witness into the kernel's inputs, one batch for the whole block.
///
/// # Errors
/// When the witness is incomplete.
pub fn generation_inputs(witness: BlockWitness, header: &Header) -> Result<Vec<GenerationInputs>> {
    let bag = NodeBag::new(witness.nodes.into_iter().map(|node| node.0));
    let state = bag.trie(witness.parent_state_root)?;
    let mut storage = HashMap::new();
    let touched: BTreeSet<_> =
        witness.transactions.iter().flat_map(|tx| tx.accounts.keys().copied()).collect();
    for address in touched {
        if let Some(root) = storage_root(&state, address)? {
            storage.insert(keccak(address), SeparateTriePreImage::Direct(bag.trie(root)?));
        }
    }
    let mut code_db: BTreeSet<_> = witness.codes.into_iter().map(|code| code.0).collect();
    code_db.insert(Vec::new());
    let transactions = witness.transactions.len();
    let trace = BlockTrace {
        trie_pre_images: BlockTraceTriePreImages::Separate(SeparateTriePreImages {
            state: SeparateTriePreImage::Direct(state),
            storage: SeparateStorageTriesPreImage::MultipleTries(storage),
        }),
        code_db,
        txn_info: witness.transactions.into_iter().map(transaction).collect(),
    };
    let other = OtherBlockData {
        b_data: BlockLevelData {
            b_meta: header.metadata.clone(),
            b_hashes: BlockHashes {
                prev_hashes: window(witness.block_hashes)?,
                cur_hash: header.hash,
            },
            withdrawals: Vec::new(),
        },
        checkpoint_state_trie_root: witness.parent_state_root,
        checkpoint_consolidated_hash: [GoldilocksField::ZERO; 4],
        burn_addr: None,
        ger_data: None,
    };
    trace_decoder::entrypoint(
        trace,
        other,
        transactions.max(1),
        &mut DummyObserver::new(),
        WireDisposition::Type1,
    )
}

/// Pads the known hashes with zeros in front, as the kernel wants them.
fn window(hashes: Vec<H256>) -> Result<Vec<H256>> {
    ensure!(hashes.len() <= HASH_WINDOW, "{} block hashes, more than 256", hashes.len());
    let mut window = vec![H256::zero(); HASH_WINDOW - hashes.len()];
    window.extend(hashes);
    Ok(window)
}

fn transaction(witness: TransactionWitness) -> TxnInfo {
    let traces: BTreeMap<_, _> =
        witness.accounts.into_iter().map(|(address, access)| (address, trace(access))).collect();
    TxnInfo {
        traces,
        meta: TxnMeta {
            byte_code: witness.raw.0,
            new_receipt_trie_node_byte: receipt_bytes(witness.receipt),
            gas_used: witness.gas_used.as_u64(),
        },
    }
}

/// The decoder takes a legacy receipt as its list and a typed one as an RLP string.
fn receipt_bytes(receipt: HexBytes) -> Vec<u8> {
    match receipt.0.first() {
        Some(first) if *first < 0x80 => rlp::encode(&receipt.0).to_vec(),
        _ => receipt.0,
    }
}

fn trace(access: AccountAccess) -> TxnTrace {
    let code_usage = match (access.code_written, access.code_read) {
        (Some(code), _) => Some(ContractCodeUsage::Write(code.0)),
        (None, Some(hash)) => Some(ContractCodeUsage::Read(hash)),
        (None, None) => None,
    };
    TxnTrace {
        balance: access.balance,
        nonce: access.nonce,
        storage_read: access.storage_read.into_iter().collect(),
        storage_written: access.storage_written,
        code_usage,
        self_destructed: access.self_destructed,
    }
}
