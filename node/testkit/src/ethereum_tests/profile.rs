//! Finds out whether a case left our execution profile: Cancun less blobs, beacon roots and withdrawals,
//! with 32 KiB of code.

use crate::ethereum_tests::{
    chain,
    runtime::{Runtime, EVM},
};
use alloy_consensus::{constants::EMPTY_WITHDRAWALS, Typed2718};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{address, Address, Bytes, B256, U256};
use bzk_evm::{
    execute::{evm, transact, BlockEnvironment},
    profile::{self, KERNEL_WORD_LIMIT, MAX_TX_BYTES},
    receipt::Receipt,
    revm::{
        interpreter::{
            interpreter::EthInterpreter, interpreter_types::Jumps, CallInputs, CallOutcome,
            CreateInputs, CreateOutcome, Interpreter,
        },
        state::{AccountInfo, Bytecode},
        Database, InspectEvm, Inspector,
    },
    tx::{tx_env, RecoveredTx, TxEnvelope, TxError},
};
use codec::Encode;
use pallet_ethereum::{Open, MAX_BLOCK_BYTES};
use sp_core::{Get, H160, H256};
use std::{collections::BTreeSet, convert::Infallible};

/// Opcodes that the profile makes invalid.
const BLOB_OPCODES: [(u8, &str); 2] = [(0x49, "BLOBHASH"), (0x4a, "BLOBBASEFEE")];

/// The precompile of EIP-4844, a plain account in the profile.
const POINT_EVALUATION: Address = address!("0x000000000000000000000000000000000000000a");

/// Ethereum's limit of code (EIP-170); the profile's is 32 KiB.
const ETHEREUM_CODE_LIMIT: usize = 0x6000;

/// Blob gas of a block above which excess grows: three blobs of 2^17 (EIP-4844).
const TARGET_BLOB_GAS: u64 = 3 << 17;

/// Bytes of transactions and receipts with which a block of ours is full, less than the pallet's
/// bound by about a header.
const BODY_BYTES: usize = MAX_BLOCK_BYTES as usize - 4_096;

const BLOB_TRANSACTION: &str = "blob transaction";
const LONG_TRANSACTION: &str = "transaction above 128 KiB";

/// The reason why a rule that refused a transaction is one of the profile, not of Ethereum.
pub(super) fn of_refusal(rule: TxError, raw: &[u8]) -> Option<&'static str> {
    match rule {
        TxError::TypeNotSupported if raw.first() == Some(&3) => Some(BLOB_TRANSACTION),
        TxError::PrecompileRecipient => {
            Some("sent to a precompile (0x01..0x09), which the pool refuses")
        }
        TxError::Oversized => Some(LONG_TRANSACTION),
        _ => None,
    }
}

/// The reason why the open block has no room for a transaction that was refused, other than gas,
/// which is all that Ethereum counts.
pub(super) fn of_room(environment: &BlockEnvironment, raw: &[u8]) -> Option<String> {
    let open = Open::<Runtime>::get()?;
    let most = <<Runtime as pallet_ethereum::Config>::MaxTransactions as Get<u32>>::get();
    if open.transactions >= most {
        return Some(format!("more than {most} transactions"));
    }
    let tx = chain::recover(raw)?;
    let cfg = profile::cfg(environment.chain_id);
    let outcome = transact(FlatState, environment, cfg, tx_env(&tx), u64::MAX).ok()?;
    let receipt = Receipt::new(tx.envelope.ty(), &outcome.result, open.gas_used);
    let bytes = open.bytes as usize + raw.len() + receipt.encoded_size();
    (bytes > BODY_BYTES).then(|| format!("{bytes} bytes of transactions and logs, above 16 MiB"))
}

/// The reason why a header is not one of the profile.
pub(super) fn of_header(header: &bzk_evm::block::Header) -> Option<String> {
    let fields = [("number", header.number), ("timestamp", header.timestamp)];
    if let Some((name, value)) = fields.iter().find(|(_, value)| *value >= KERNEL_WORD_LIMIT) {
        return Some(format!("{name} {value} of 2^32 or more"));
    }
    if header.withdrawals_root.is_some_and(|root| root != EMPTY_WITHDRAWALS) {
        return Some("block with withdrawals".into());
    }
    if has_blob_gas(header) {
        return Some("block with blob gas".into());
    }
    header
        .parent_beacon_block_root
        .is_some_and(|root| root != B256::ZERO)
        .then(|| "block with a parent beacon root".into())
}

/// Whether a header counts blob gas, which ours never do.
pub(super) fn has_blob_gas(header: &bzk_evm::block::Header) -> bool {
    let counts = [header.blob_gas_used, header.excess_blob_gas];
    counts.into_iter().flatten().any(|gas| gas != 0)
}

/// Whether the next header has to count excess blob gas (EIP-4844), which ours never do.
pub(super) fn has_excess_after(header: &bzk_evm::block::Header) -> bool {
    let counts = [header.blob_gas_used, header.excess_blob_gas];
    counts.into_iter().flatten().fold(0, u64::saturating_add) > TARGET_BLOB_GAS
}

/// The reason why a block holds a transaction that the profile does not have.
pub(super) fn of_body(block: &bzk_evm::block::Block) -> Option<&'static str> {
    let reason = |tx: &TxEnvelope| match tx.ty() {
        3 => Some(BLOB_TRANSACTION),
        _ => (tx.encode_2718_len() > MAX_TX_BYTES).then_some(LONG_TRANSACTION),
    };
    block.body.transactions.iter().find_map(reason)
}

/// Executes `tx` on the current state, writes nothing, and returns what it did outside the profile.
pub(super) fn of_execution(environment: &BlockEnvironment, tx: &RecoveredTx) -> BTreeSet<String> {
    let mut evm =
        evm(FlatState, environment, profile::cfg(environment.chain_id), Witness::default());
    // A transaction that fails before it starts has done nothing.
    let _ = evm.inspect_tx(tx_env(tx));
    evm.into_inspector().0
}

/// Notes instructions, calls and creations that Ethereum and the profile treat differently.
#[derive(Default)]
struct Witness(BTreeSet<String>);

impl<CTX> Inspector<CTX, EthInterpreter> for Witness {
    fn step(&mut self, interpreter: &mut Interpreter<EthInterpreter>, _: &mut CTX) {
        let opcode = interpreter.bytecode.opcode();
        if let Some((_, name)) = BLOB_OPCODES.iter().find(|(code, _)| *code == opcode) {
            self.0.insert(format!("executes {name}"));
        }
    }

    fn call(&mut self, _: &mut CTX, inputs: &mut CallInputs) -> Option<CallOutcome> {
        if inputs.bytecode_address == POINT_EVALUATION {
            self.0.insert("calls the point evaluation precompile (0x0a)".into());
        }
        None
    }

    fn create_end(&mut self, _: &mut CTX, _: &CreateInputs, outcome: &mut CreateOutcome) {
        let code = outcome.result.output.len();
        if outcome.result.is_ok() && code > ETHEREUM_CODE_LIMIT {
            self.0.insert(format!("deploys code of {code} bytes, between 24 and 32 KiB"));
        }
    }
}

/// The ledger as the pallet's getters show it.
struct FlatState;

impl Database for FlatState {
    type Error = Infallible;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        let address = H160(address.into_array());
        let code = Bytes::from(EVM::code(address));
        Ok(EVM::exists(address).then(|| EVM::account(address).info(Some(code))))
    }

    fn code_by_hash(&mut self, _: B256) -> Result<Bytecode, Infallible> {
        unreachable!("accounts come with their code")
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Infallible> {
        let value = EVM::storage(H160(address.into_array()), H256(slot.to_be_bytes()));
        Ok(U256::from_be_bytes(value.0))
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Infallible> {
        use pallet_evm::BlockHashes;
        Ok(B256::new(crate::ethereum_tests::runtime::Ethereum::block_hash(number).0))
    }
}
