//! Builds the witness of a block by executing it again.

use crate::{
    ledger::{codes, Ledger, LedgerError},
    nodes::Recorder,
    watch::Watch,
    AccountAccess, BlockWitness, TransactionWitness,
};
use alloy_consensus::Transaction;
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Bytes, B256, U256, U64};
use bzk_evm::{
    block::{receipts_root, Block, Header},
    execute::{self, BlockEnvironment},
    profile,
    receipt::Receipt,
    trie::NodeStore,
    tx::{self, RecoveredTx, TxEnvelope},
};
use revm::{database::CacheDB, state::EvmState, DatabaseCommit, DatabaseRef, InspectEvm};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
};

/// Largest witness, in bytes of nodes and codes. One that is larger is refused, not truncated.
pub const MAX_WITNESS_BYTES: usize = 256 * 1024 * 1024;

/// A block and what of the chain its execution sees.
#[derive(Clone, Copy, Debug)]
pub struct BlockInput<'a> {
    /// The block.
    pub block: &'a Block,
    /// Sender of each transaction.
    pub senders: &'a [Address],
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// State root of the parent.
    pub parent_state_root: B256,
    /// Hashes of up to 256 previous blocks, oldest first; the last one is the parent's.
    pub block_hashes: &'a [B256],
}

/// Why there is no witness.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    /// The parent's tries are not as they must be.
    #[error("the parent's state cannot be read: {0}")]
    State(String),
    /// A transaction of the block does not execute.
    #[error("transaction {index} does not execute again: {cause}")]
    Execution {
        /// Position in the block.
        index: usize,
        /// What the EVM said.
        cause: String,
    },
    /// Execution gives something else than the header says.
    #[error("execution gives {what} {ours}, the header says {header}")]
    Mismatch {
        /// Field of the header.
        what: &'static str,
        /// What execution gave.
        ours: String,
        /// What the header says.
        header: String,
    },
    /// The witness is too large to be handed out.
    #[error("the witness has more than {limit} bytes of trie nodes and codes")]
    TooLarge {
        /// Most bytes.
        limit: usize,
    },
}

impl From<LedgerError> for WitnessError {
    fn from(error: LedgerError) -> Self {
        Self::State(error.to_string())
    }
}

/// Executes `input` again from the parent's `state` and records all that this needs.
///
/// The result is checked against the header: a witness that is returned leads to the header's
/// state root, receipts root and gas.
///
/// # Errors
/// The state misses something, a transaction fails to execute, or the outcome is not the header's.
pub fn build<S>(state: &S, input: BlockInput<'_>) -> Result<BlockWitness, WitnessError>
where
    S: DatabaseRef + NodeStore,
    S::Error: Display,
{
    let header = &input.block.header;
    let recorder = Recorder::new(state);
    let mut run = Run::new(state, Ledger::new(&recorder, input.parent_state_root), &input);
    run.ledger.open(header.beneficiary, [])?;
    let transactions = &input.block.body.transactions;
    if input.senders.len() != transactions.len() {
        let cause = format!("{} senders", input.senders.len());
        return Err(WitnessError::Execution { index: input.senders.len(), cause });
    }
    let mut witnesses = Vec::with_capacity(transactions.len());
    for (index, (envelope, sender)) in transactions.iter().zip(input.senders).enumerate() {
        let hash = *envelope.tx_hash();
        let recovered = RecoveredTx { envelope: envelope.clone(), hash, sender: *sender };
        witnesses.push(run.transaction(index, &recovered)?);
    }
    let codes = run.finish(header)?;
    let nodes = recorder.into_nodes();
    if size(&nodes).saturating_add(size(&codes)) > MAX_WITNESS_BYTES {
        return Err(WitnessError::TooLarge { limit: MAX_WITNESS_BYTES });
    }
    Ok(BlockWitness {
        header: alloy_rlp::encode(header).into(),
        parent_state_root: input.parent_state_root,
        block_hashes: input.block_hashes.to_vec(),
        nodes,
        codes,
        transactions: witnesses,
    })
}

fn size(items: &BTreeSet<Bytes>) -> usize {
    items.iter().map(|item| item.len()).sum()
}

/// A block while it is executed.
struct Run<'a, S> {
    db: CacheDB<&'a S>,
    ledger: Ledger<'a, S>,
    environment: BlockEnvironment,
    receipts: Vec<Receipt>,
    codes: BTreeSet<Bytes>,
    codes_bytes: usize,
    zeroed: BTreeSet<(Address, U256)>,
    destroyed: BTreeSet<Address>,
}

impl<'a, S> Run<'a, S>
where
    S: DatabaseRef + NodeStore,
    S::Error: Display,
{
    fn new(state: &'a S, ledger: Ledger<'a, S>, input: &BlockInput<'_>) -> Self {
        Self {
            db: CacheDB::new(state),
            ledger,
            environment: BlockEnvironment::of(&input.block.header, input.chain_id),
            receipts: Vec::new(),
            codes: BTreeSet::new(),
            codes_bytes: 0,
            zeroed: BTreeSet::new(),
            destroyed: BTreeSet::new(),
        }
    }

    fn gas_used(&self) -> u64 {
        self.receipts.last().map_or(0, |receipt| receipt.cumulative_gas_used)
    }

    /// Executes one transaction, follows it in the tries and keeps its changes.
    fn transaction(
        &mut self,
        index: usize,
        recovered: &RecoveredTx,
    ) -> Result<TransactionWitness, WitnessError> {
        let failed = |cause: String| WitnessError::Execution { index, cause };
        let environment = self.environment;
        let cfg = profile::cfg(environment.chain_id);
        let mut evm = execute::evm(&mut self.db, &environment, cfg, Watch::default());
        let executed =
            evm.inspect_tx(tx::tx_env(recovered)).map_err(|error| failed(error.to_string()))?;
        let cycles = evm.ctx.chain.used();
        let watch = evm.into_inspector();

        let envelope = &recovered.envelope;
        let gas_before = self.gas_used();
        let receipt = Receipt::new(envelope.tx_type() as u8, &executed.result, gas_before);
        let touched = touched(envelope, &executed.state, watch.looked_up);
        for (address, slots) in &touched {
            self.ledger.open(*address, slots.iter().copied())?;
        }
        self.keep_codes(&executed.state)?;
        let mut accounts = self.ledger.apply(&executed.state)?;
        note(&mut accounts, touched, &watch.zeroed);
        let deleted = accounts.iter().filter(|(_, access)| access.self_destructed);
        self.destroyed.extend(deleted.map(|(address, _)| *address));
        self.destroyed.extend(watch.destroyed);
        self.zeroed.extend(watch.zeroed);
        self.db.commit(executed.state);

        let witness = TransactionWitness {
            raw: envelope.encoded_2718().into(),
            receipt: receipt.to_envelope().encoded_2718().into(),
            gas_used: U64::from(receipt.cumulative_gas_used.saturating_sub(gas_before)),
            cycles: U64::from(cycles),
            accounts,
        };
        self.receipts.push(receipt);
        Ok(witness)
    }

    fn keep_codes(&mut self, state: &revm::state::EvmState) -> Result<(), WitnessError> {
        for code in codes(state) {
            let bytes = code.len();
            if self.codes.insert(code) {
                self.codes_bytes = self.codes_bytes.saturating_add(bytes);
            }
        }
        if self.codes_bytes > MAX_WITNESS_BYTES {
            return Err(WitnessError::TooLarge { limit: MAX_WITNESS_BYTES });
        }
        Ok(())
    }

    /// Opens what the kernel reads last, compares with the header, and hands out the codes.
    fn finish(self, header: &Header) -> Result<BTreeSet<Bytes>, WitnessError> {
        self.ledger.open_deletions(&self.zeroed, &self.destroyed)?;
        same("the gas", self.gas_used(), header.gas_used)?;
        same("the receipts root", receipts_root(&self.receipts), header.receipts_root)?;
        same("the state root", self.ledger.root(), header.state_root)?;
        Ok(self.codes)
    }
}

/// Accounts and slots that a transaction touched, listed, or (`looked_up`) could not pay to touch.
fn touched(
    envelope: &TxEnvelope,
    state: &EvmState,
    looked_up: BTreeMap<Address, BTreeSet<U256>>,
) -> BTreeMap<Address, BTreeSet<U256>> {
    let mut touched = looked_up;
    for (address, account) in state {
        touched.entry(*address).or_default().extend(account.storage.keys());
    }
    for item in envelope.access_list().into_iter().flat_map(|list| list.iter()) {
        let slots = item.storage_keys.iter().map(|slot| U256::from_be_bytes(slot.0));
        touched.entry(item.address).or_default().extend(slots);
    }
    touched
}

/// Adds to `accounts` what the transaction `touched` without leaving a trace in its outcome, and what it zeroed.
fn note(
    accounts: &mut BTreeMap<Address, AccountAccess>,
    touched: BTreeMap<Address, BTreeSet<U256>>,
    zeroed: &BTreeSet<(Address, U256)>,
) {
    for (address, slots) in touched {
        let access = accounts.entry(address).or_default();
        let slots = slots.into_iter().map(|slot| B256::new(slot.to_be_bytes()));
        let written = &access.storage_written;
        access.storage_read.extend(slots.filter(|slot| !written.contains_key(slot)));
    }
    for (address, slot) in zeroed {
        let access = accounts.entry(*address).or_default();
        access.storage_zeroed.insert(B256::new(slot.to_be_bytes()));
    }
}

fn same<T: PartialEq + Display>(
    what: &'static str,
    ours: T,
    header: T,
) -> Result<(), WitnessError> {
    if ours == header {
        return Ok(());
    }
    let (ours, header) = (ours.to_string(), header.to_string());
    Err(WitnessError::Mismatch { what, ours, header })
}
