//! Turns a witness into the kernel's inputs.
//!
//! In place of the crate `trace_decoder`, which loses what a failed transaction writes to an account
//! that did not exist before it (a coinbase's tip, a new sender's nonce) and hides siblings that
//! the kernel opens when it deletes before it inserts. Here the outcome of each transaction is
//! written as the node tells it, and the batch of transactions gets every node of the witness.

use std::collections::HashMap;

use anyhow::{ensure, Context, Result};
use ethereum_types::{Address, H256};
use evm_arithmetization::{
    generation::{mpt::AccountRlp, TrieInputs},
    proof::{consolidate_hashes, BlockHashes, TrieRoots},
    tries::{ReceiptTrie, TransactionTrie},
    GenerationInputs,
};
use keccak_hash::keccak;
use mpt_trie::{
    nibbles::Nibbles,
    partial_trie::{HashedPartialTrie, Node, PartialTrie},
    trie_ops::ValOrHash,
};
use plonky2::{field::goldilocks_field::GoldilocksField, hash::poseidon::PoseidonHash};

use crate::{
    header::Header,
    tries::NodeBag,
    witness::{AccountAccess, BlockWitness},
};

/// Hashes that the kernel keeps for BLOCKHASH.
const HASH_WINDOW: usize = 256;

/// Two batches: the block circuit aggregates at least two. The first has all transactions and the
/// second none, so its tries stay closed and it costs next to nothing.
///
/// # Errors
/// When the witness is incomplete or does not lead to the header's roots.
pub fn generation_inputs(witness: BlockWitness, header: &Header) -> Result<[GenerationInputs; 2]> {
    let bag = NodeBag::new(witness.nodes.into_iter().map(|node| node.0));
    let mut world = World::new(&bag, witness.parent_state_root)?;
    let codes = witness.codes.into_iter().map(|code| code.0).chain([Vec::new()]);
    let codes: HashMap<_, _> = codes.map(|code| (keccak(&code), code)).collect();
    let prev_hashes = window(witness.block_hashes)?;

    let mut transactions = TransactionTrie::new();
    let mut receipts = ReceiptTrie::new();
    let mut gas_used = 0;
    let mut signed_txns = Vec::with_capacity(witness.transactions.len());
    let tries = world.inputs();
    for (index, transaction) in witness.transactions.into_iter().enumerate() {
        gas_used += transaction.gas_used.as_u64();
        transactions.insert(index, transaction.raw.0.clone())?;
        receipts.insert(index, transaction.receipt.0)?;
        world.apply(transaction.accounts).with_context(|| format!("transaction {index}"))?;
        signed_txns.push(transaction.raw.0);
    }
    let after = TrieRoots {
        state_root: world.state.hash(),
        transactions_root: transactions.root(),
        receipts_root: receipts.root(),
    };
    let ours = (after.state_root, after.transactions_root, after.receipts_root, gas_used.into());
    let theirs = (
        header.state_root,
        header.transactions_root,
        header.receipts_root,
        header.metadata.block_gas_used,
    );
    ensure!(ours == theirs, "the witness leads to {ours:?}, the header says {theirs:?}");

    let count = signed_txns.len();
    let all = GenerationInputs {
        txn_number_before: 0.into(),
        gas_used_before: 0.into(),
        gas_used_after: gas_used.into(),
        signed_txns,
        burn_addr: None,
        withdrawals: Vec::new(),
        tries,
        trie_roots_after: after.clone(),
        checkpoint_state_trie_root: witness.parent_state_root,
        checkpoint_consolidated_hash: consolidate_hashes::<PoseidonHash, GoldilocksField>(
            &prev_hashes,
        ),
        contract_code: codes,
        block_metadata: header.metadata.clone(),
        block_hashes: BlockHashes { prev_hashes, cur_hash: header.hash },
        ger_data: None,
    };
    let none = GenerationInputs {
        txn_number_before: count.into(),
        gas_used_before: gas_used.into(),
        signed_txns: Vec::new(),
        tries: TrieInputs {
            state_trie: Node::Hash(after.state_root).into(),
            transactions_trie: closed(after.transactions_root),
            receipts_trie: closed(after.receipts_root),
            storage_tries: Vec::new(),
        },
        contract_code: HashMap::from([(keccak([]), Vec::new())]),
        ..all.clone()
    };
    Ok([all, none])
}

/// A trie of which nothing but the root is known.
fn closed(root: H256) -> HashedPartialTrie {
    let empty = HashedPartialTrie::from(Node::Empty);
    if empty.hash() == root {
        empty
    } else {
        Node::Hash(root).into()
    }
}

/// Pads the known hashes with zeros in front, as the kernel wants them.
fn window(hashes: Vec<H256>) -> Result<Vec<H256>> {
    ensure!(hashes.len() <= HASH_WINDOW, "{} block hashes, more than 256", hashes.len());
    let mut window = vec![H256::zero(); HASH_WINDOW - hashes.len()];
    window.extend(hashes);
    Ok(window)
}

/// The state while the transactions change it, as far as the witness knows it.
struct World {
    state: HashedPartialTrie,
    /// By hashed address, for each account that the witness opens.
    storage: HashMap<H256, HashedPartialTrie>,
}

impl World {
    fn new(bag: &NodeBag, root: H256) -> Result<Self> {
        let state = bag.trie(root)?;
        let mut storage = HashMap::new();
        for (path, leaf) in state.items() {
            if let ValOrHash::Val(leaf) = leaf {
                let account: AccountRlp = rlp::decode(&leaf).context("a leaf is no account")?;
                let mut owner = H256::zero();
                owner.as_bytes_mut().copy_from_slice(&path.bytes_be());
                storage.insert(owner, bag.trie(account.storage_root)?);
            }
        }
        Ok(Self { state, storage })
    }

    fn inputs(&self) -> TrieInputs {
        TrieInputs {
            state_trie: self.state.clone(),
            storage_tries: self.storage.iter().map(|(k, v)| (*k, v.clone())).collect(),
            ..TrieInputs::default()
        }
    }

    /// Writes what one transaction did. Insertions go first: so nothing collapses that need not.
    fn apply(
        &mut self,
        accounts: impl IntoIterator<Item = (Address, AccountAccess)>,
    ) -> Result<()> {
        let mut deleted = Vec::new();
        for (address, access) in accounts {
            let owner = keccak(address);
            if access.self_destructed {
                deleted.push(owner);
            } else {
                self.write(owner, access).with_context(|| format!("account {address:?}"))?;
            }
        }
        for owner in deleted {
            self.state.delete(path(owner)?)?;
            self.storage.remove(&owner);
        }
        Ok(())
    }

    fn write(&mut self, owner: H256, access: AccountAccess) -> Result<()> {
        let before = match self.state.get(path(owner)?) {
            Some(leaf) => Some(rlp::decode::<AccountRlp>(leaf)?),
            None => None,
        };
        let mut account = before.unwrap_or_default();
        if !access.storage_written.is_empty() {
            let storage = self.storage.entry(owner).or_insert_with(|| Node::Empty.into());
            let (zeros, values): (Vec<_>, Vec<_>) =
                access.storage_written.into_iter().partition(|(_, value)| value.is_zero());
            for (slot, value) in values {
                storage.insert(path(keccak(slot))?, rlp::encode(&value).to_vec())?;
            }
            for (slot, _) in zeros {
                storage.delete(path(keccak(slot))?)?;
            }
            account.storage_root = storage.hash();
        }
        if let Some(nonce) = access.nonce {
            account.nonce = nonce.as_u64().into();
        }
        if let Some(balance) = access.balance {
            account.balance = balance;
        }
        if let Some(code) = access.code_written {
            account.code_hash = keccak(code.0);
        }
        if before != Some(account) && account != AccountRlp::default() {
            self.storage.entry(owner).or_insert_with(|| Node::Empty.into());
            self.state.insert(path(owner)?, rlp::encode(&account).to_vec())?;
        }
        Ok(())
    }
}

fn path(key: H256) -> Result<Nibbles> {
    Nibbles::from_bytes_be(key.as_bytes()).map_err(|error| anyhow::anyhow!("{error:?}"))
}
