//! Turns a witness into the kernel's inputs.
//!
//! In place of the crate `trace_decoder`, which loses what a failed transaction writes to an account
//! that did not exist before it (a coinbase's tip, a new sender's nonce) and hides siblings that
//! the kernel opens when it deletes before it inserts. Here the outcome of each transaction is
//! written as the node tells it, and the batch of transactions gets every node of the witness.

use std::collections::{BTreeMap, HashMap};

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
    batches,
    header::Header,
    subset::{subset, Keys},
    tries::NodeBag,
    witness::{AccountAccess, BlockWitness, TransactionWitness},
};

/// Hashes that the kernel keeps for BLOCKHASH.
const HASH_WINDOW: usize = 256;

/// The batches of a block (`batches.rs`), at least two because the circuit that joins them takes two: behind a single one
/// follows one without transactions, whose tries stay closed, so that it costs next to nothing.
///
/// # Errors
/// When the witness is incomplete or does not lead to the header's roots.
pub fn generation_inputs(witness: BlockWitness, header: &Header) -> Result<Vec<GenerationInputs>> {
    let BlockWitness { transactions, parent_state_root, .. } = witness;
    let bag = NodeBag::new(witness.nodes.into_iter().map(|node| node.0));
    let codes = witness.codes.into_iter().map(|code| code.0).chain([Vec::new()]);
    let codes: HashMap<_, _> = codes.map(|code| (keccak(&code), code)).collect();
    let prev_hashes = window(witness.block_hashes)?;
    let consolidated = consolidate_hashes::<PoseidonHash, GoldilocksField>(&prev_hashes);

    let mut progress = Progress::new(World::new(&bag, parent_state_root)?);
    let mut ranges = batches::divide(&transactions);
    if ranges.len() == 1 {
        ranges.push(transactions.len()..transactions.len());
    }
    let mut inputs = Vec::with_capacity(ranges.len());
    for range in ranges {
        let (txn_number_before, gas_used_before) = (range.start.into(), progress.gas_used.into());
        let tries = progress.tries(&transactions[range.clone()], range.start, header)?;
        let signed_txns = progress.apply(&transactions[range.clone()], range.start)?;
        inputs.push(GenerationInputs {
            txn_number_before,
            gas_used_before,
            gas_used_after: progress.gas_used.into(),
            signed_txns,
            burn_addr: None,
            withdrawals: Vec::new(),
            tries,
            trie_roots_after: progress.roots(),
            checkpoint_state_trie_root: parent_state_root,
            checkpoint_consolidated_hash: consolidated,
            contract_code: codes.clone(),
            block_metadata: header.metadata.clone(),
            block_hashes: BlockHashes { prev_hashes: prev_hashes.clone(), cur_hash: header.hash },
            ger_data: None,
        });
    }
    let ours = (progress.roots(), progress.gas_used.into());
    let theirs = (
        TrieRoots {
            state_root: header.state_root,
            transactions_root: header.transactions_root,
            receipts_root: header.receipts_root,
        },
        header.metadata.block_gas_used,
    );
    ensure!(ours == theirs, "the witness leads to {ours:?}, the header says {theirs:?}");
    Ok(inputs)
}

/// A block up to some transaction.
struct Progress {
    world: World,
    transactions: TransactionTrie,
    receipts: ReceiptTrie,
    gas_used: u64,
}

impl Progress {
    fn new(world: World) -> Self {
        let (transactions, receipts) = (TransactionTrie::new(), ReceiptTrie::new());
        Self { world, transactions, receipts, gas_used: 0 }
    }

    /// What the next `transactions`, the first of which is at position `first`, need of the tries.
    fn tries(
        &self,
        transactions: &[TransactionWitness],
        first: usize,
        header: &Header,
    ) -> Result<TrieInputs> {
        let positions = first..first + transactions.len();
        let (mut signed, mut receipts) = (self.transactions.clone(), self.receipts.clone());
        if positions.is_empty() {
            let closed = |root| (first > 0).then_some(root).map(closed).unwrap_or_default();
            return Ok(TrieInputs {
                state_trie: Node::Hash(self.world.state.hash()).into(),
                transactions_trie: closed(signed.root()),
                receipts_trie: closed(receipts.root()),
                storage_tries: Vec::new(),
            });
        }
        signed.mask(positions.clone())?;
        receipts.mask(positions)?;
        let accesses = transactions.iter().flat_map(|transaction| &transaction.accounts);
        let tries = self.world.part(header.metadata.block_beneficiary, accesses);
        Ok(TrieInputs { transactions_trie: signed.into(), receipts_trie: receipts.into(), ..tries })
    }

    /// Writes what `transactions` did; returns their bytes.
    fn apply(&mut self, transactions: &[TransactionWitness], first: usize) -> Result<Vec<Vec<u8>>> {
        for (transaction, index) in transactions.iter().zip(first..) {
            self.gas_used += transaction.gas_used.as_u64();
            self.transactions.insert(index, transaction.raw.0.clone())?;
            self.receipts.insert(index, transaction.receipt.0.clone())?;
            let written = self.world.apply(&transaction.accounts);
            written.with_context(|| format!("transaction {index}"))?;
        }
        Ok(transactions.iter().map(|transaction| transaction.raw.0.clone()).collect())
    }

    fn roots(&self) -> TrieRoots {
        TrieRoots {
            state_root: self.world.state.hash(),
            transactions_root: self.transactions.root(),
            receipts_root: self.receipts.root(),
        }
    }
}

/// A trie of which nothing but the root is known.
fn closed(root: H256) -> HashedPartialTrie {
    Node::Hash(root).into()
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

    /// What transactions need that do all of `accesses` and pay `coinbase`.
    fn part<'a>(
        &self,
        coinbase: Address,
        accesses: impl Iterator<Item = (&'a Address, &'a AccountAccess)>,
    ) -> TrieInputs {
        let mut accounts = Keys::default();
        let mut slots = HashMap::<H256, Keys>::new();
        accounts.touched.insert(keccak(coinbase));
        for (address, access) in accesses {
            let owner = keccak(address);
            accounts.touched.insert(owner);
            if access.self_destructed {
                accounts.deleted.insert(owner);
            }
            let zeros = access.storage_written.iter().filter(|(_, value)| value.is_zero());
            let deleted = access.storage_zeroed.iter().chain(zeros.map(|(slot, _)| slot));
            let keys = slots.entry(owner).or_default();
            keys.deleted.extend(deleted.map(keccak));
            let touched = access.storage_read.iter().chain(access.storage_written.keys());
            keys.touched.extend(touched.map(keccak));
        }
        let storage = slots.into_iter().filter_map(|(owner, keys)| {
            let trie = self.storage.get(&owner)?;
            Some((owner, subset(trie, &keys)))
        });
        TrieInputs {
            state_trie: subset(&self.state, &accounts),
            storage_tries: storage.collect(),
            ..TrieInputs::default()
        }
    }

    /// Writes what one transaction did. Insertions go first: so nothing collapses that need not.
    fn apply(&mut self, accounts: &BTreeMap<Address, AccountAccess>) -> Result<()> {
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

    fn write(&mut self, owner: H256, access: &AccountAccess) -> Result<()> {
        let before = match self.state.get(path(owner)?) {
            Some(leaf) => Some(rlp::decode::<AccountRlp>(leaf)?),
            None => None,
        };
        let mut account = before.unwrap_or_default();
        if !access.storage_written.is_empty() {
            let storage = self.storage.entry(owner).or_insert_with(|| Node::Empty.into());
            let (zeros, values): (Vec<_>, Vec<_>) =
                access.storage_written.iter().partition(|(_, value)| value.is_zero());
            for (slot, value) in values {
                storage.insert(path(keccak(slot))?, rlp::encode(value).to_vec())?;
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
        if let Some(code) = &access.code_written {
            account.code_hash = keccak(&code.0);
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
