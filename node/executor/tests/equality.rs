//! Native code and wasm do the same, so a block that one makes is valid for the other.

use alloy_consensus::{SignableTransaction, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{address, hex, Address, Bytes, Signature, TxKind, U256};
use bitcoinzk_runtime::{
    genesis::presets, units::SLOT_DURATION_MS, Block, Hash, Header, RuntimeCall,
    RuntimeGenesisConfig, UncheckedExtrinsic, WASM_BINARY,
};
use bzk_core::CHAIN_ID;
use bzk_executor::{Executor, WasmExecutor};
use codec::{Decode, Encode};
use sc_executor::{error::Error, HeapAllocStrategy};
use sp_consensus_babe::digests::{CompatibleDigestItem, PreDigest, SecondaryPlainPreDigest};
use sp_core::{
    ecdsa,
    traits::{CallContext, CodeExecutor, RuntimeCode, WrappedRuntimeCode},
    Pair,
};
use sp_genesis_builder::{PresetId, DEV_RUNTIME_PRESET};
use sp_io::hashing::blake2_256;
use sp_runtime::{
    traits::{Block as _, Header as _},
    ApplyExtrinsicResult, Digest, DigestItem,
};
use sp_state_machine::BasicExternalities;

/// The secret of the first account that anvil and our development preset fund.
const ANVIL_KEY: [u8; 32] =
    hex!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");

/// The contract that this account creates first.
const FIRST_CONTRACT: Address = address!("5fbdb2315678afecb367f032d93f642f64180aa3");

/// More than any development chain has, and what the speed tests set.
const BLOCK_GAS: u64 = 300_000_000;

/// Returns the code after it, which writes a byte 8 KiB into memory, then calls itself with all gas.
const MEMORY_BOMB: [u8; 25] = hex!("600d600c5f39600d5ff3fe00" "5f612000535f5f5f5f5f305af1");

/// Buys about 80 frames, which is nearly all the memory that a transaction may have (`MAX_CELLS` of the meter).
const BOMB_GAS: u64 = 108_000;

/// Returns the code after it, which asks MODEXP for a base of 2^33 bytes and an exponent of one: a length that native
/// code can hold and wasm cannot.
const LONG_BASE: [u8; 35] =
    hex!("6017600c5f3960175ff3fe00" "6402000000005f52" "6001602052" "5f5f60605f60055afa00");

const SLOT: u64 = 800_000_000;
const AUTHORING: CallContext = CallContext::Onchain { import: false };
const IMPORT: CallContext = CallContext::Onchain { import: true };

fn wasm() -> WasmExecutor {
    let heap = HeapAllocStrategy::Static { extra_pages: 8_192 };
    WasmExecutor::builder().with_onchain_heap_alloc_strategy(heap).build()
}

/// A state and how it is executed.
struct Chain {
    executor: Executor,
    state: BasicExternalities,
}

impl Chain {
    fn new(executor: Executor) -> Self {
        let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).unwrap();
        let patch = presets::get(&PresetId::from(DEV_RUNTIME_PRESET)).unwrap();
        merge(&mut config, serde_json::from_slice(&patch).unwrap());
        config["ethereum"]["gasLimit"] = BLOCK_GAS.into();
        config["ethereum"]["cycleLimit"] = u64::MAX.into();
        let mut chain = Self { executor, state: BasicExternalities::new_empty() };
        let config = config.to_string().into_bytes();
        let (built, _) = chain.call("GenesisBuilder_build_state", &config, AUTHORING);
        assert_eq!(Result::<(), String>::decode(&mut &built[..]), Ok(Ok(())));
        chain
    }

    /// The answer of a runtime function, and whether native code gave it.
    fn call(&mut self, method: &str, input: &impl Encode, context: CallContext) -> (Vec<u8>, bool) {
        let (output, native) = self.try_call(method, &input.encode(), context);
        (output.unwrap_or_else(|error| panic!("{method}: {error}")), native)
    }

    /// As [`Self::call`], of a function that may fail or get what does not decode.
    fn try_call(
        &mut self,
        method: &str,
        input: &[u8],
        context: CallContext,
    ) -> (Result<Vec<u8>, Error>, bool) {
        let blob = WASM_BINARY.expect("the wasm blob is built unless SKIP_WASM_BUILD is set");
        let code = RuntimeCode {
            code_fetcher: &WrappedRuntimeCode(blob.into()),
            heap_pages: None,
            hash: blake2_256(blob).encode(),
        };
        self.executor.call(&mut self.state, &code, method, input, context)
    }

    /// Starts block 1 and applies `extrinsics`; the answer to each.
    fn apply(&mut self, extrinsics: &[UncheckedExtrinsic]) -> Vec<ApplyExtrinsicResult> {
        self.call("Core_initialize_block", &header(), AUTHORING);
        let apply = |extrinsic| {
            let (result, _) = self.call("BlockBuilder_apply_extrinsic", extrinsic, AUTHORING);
            ApplyExtrinsicResult::decode(&mut &result[..]).unwrap()
        };
        extrinsics.iter().map(apply).collect()
    }

    /// Makes block 1 of `extrinsics`; all of them must be applied.
    fn author(&mut self, extrinsics: &[UncheckedExtrinsic]) -> Block {
        let results = self.apply(extrinsics);
        assert_eq!(results, vec![Ok(Ok(())); extrinsics.len()]);
        let (header, _) = self.call("BlockBuilder_finalize_block", &(), AUTHORING);
        Block::new(Header::decode(&mut &header[..]).unwrap(), extrinsics.to_vec())
    }
}

fn merge(target: &mut serde_json::Value, patch: serde_json::Value) {
    match (target, patch) {
        (serde_json::Value::Object(target), serde_json::Value::Object(patch)) => {
            for (key, value) in patch {
                merge(target.entry(key).or_insert(serde_json::Value::Null), value);
            }
        }
        (target, patch) => *target = patch,
    }
}

/// The header that the author of block 1 starts with.
fn header() -> Header {
    let claim = SecondaryPlainPreDigest { slot: SLOT.into(), authority_index: 0 };
    let claim =
        <DigestItem as CompatibleDigestItem>::babe_pre_digest(PreDigest::SecondaryPlain(claim));
    let none = Hash::zero();
    Header::new(1, none, none, none, Digest { logs: vec![claim] })
}

fn ethereum(nonce: u64, gas_limit: u64, to: TxKind, input: &[u8]) -> UncheckedExtrinsic {
    let tx = TxLegacy {
        chain_id: Some(CHAIN_ID),
        nonce,
        gas_price: 10_000_000_000,
        gas_limit,
        to,
        value: U256::ZERO,
        input: Bytes::copy_from_slice(input),
    };
    let bytes = ecdsa::Pair::from_seed(&ANVIL_KEY).sign_prehashed(&tx.signature_hash().0).0;
    let (r, s) = (U256::from_be_slice(&bytes[..32]), U256::from_be_slice(&bytes[32..64]));
    let signature = Signature::new(r, s, bytes[64] == 1);
    let raw = TxEnvelope::from(tx.into_signed(signature)).encoded_2718();
    UncheckedExtrinsic::from_raw_transaction(raw).expect("short enough")
}

/// The timestamp, a contract that `init` creates, and a transaction that calls it with `gas`.
fn block_of(init: &[u8], gas: u64) -> Vec<UncheckedExtrinsic> {
    let now = SLOT * SLOT_DURATION_MS;
    let time = RuntimeCall::Timestamp(pallet_timestamp::Call::set { now });
    vec![
        UncheckedExtrinsic::new_bare(time),
        ethereum(0, 100_000, TxKind::Create, init),
        ethereum(1, gas, TxKind::Call(FIRST_CONTRACT), &[]),
    ]
}

/// Its second transaction takes as much memory as `gas` can buy.
fn block_of_the_memory_bomb(gas: u64) -> Vec<UncheckedExtrinsic> {
    block_of(&MEMORY_BOMB, gas)
}

/// Both refuse the second transaction of `extrinsics`, in the same words.
fn both_refuse(extrinsics: &[UncheckedExtrinsic]) {
    let native = Chain::new(Executor::new(wasm())).apply(extrinsics);
    let wasm = Chain::new(Executor::wasm_only(wasm())).apply(extrinsics);
    assert_eq!(native[..2], [Ok(Ok(())), Ok(Ok(()))]);
    assert!(native[2].is_err());
    assert_eq!(native, wasm);
}

#[test]
fn native_and_wasm_make_the_same_block() {
    let extrinsics = block_of_the_memory_bomb(BOMB_GAS);
    let native = Chain::new(Executor::new(wasm())).author(&extrinsics);
    let wasm = Chain::new(Executor::wasm_only(wasm())).author(&extrinsics);
    assert_eq!(native, wasm);
}

#[test]
fn attack_memory_bomb_made_natively_is_imported_by_wasm() {
    let block = Chain::new(Executor::new(wasm())).author(&block_of_the_memory_bomb(BOMB_GAS));
    let (_, native) = Chain::new(Executor::new(wasm())).call("Core_execute_block", &block, IMPORT);
    assert!(!native, "import must not trust native code");
}

#[test]
fn attack_memory_bomb_that_no_proof_holds_is_refused_by_both() {
    both_refuse(&block_of_the_memory_bomb(BLOCK_GAS - 100_000));
}

#[test]
fn attack_number_that_only_native_code_can_hold_is_refused_by_both() {
    both_refuse(&block_of(&LONG_BASE, 100_000));
}

#[test]
fn native_code_runs_outside_of_import_and_only_for_the_blob_it_was_built_with() {
    let mut chain = Chain::new(Executor::new(wasm()));
    assert!(chain.call("Core_version", &(), AUTHORING).1);
    assert!(chain.call("Core_version", &(), CallContext::Offchain).1);
    assert!(!chain.call("Core_version", &(), IMPORT).1);

    let upgraded = RuntimeCode {
        code_fetcher: &WrappedRuntimeCode(WASM_BINARY.unwrap().into()),
        heap_pages: None,
        hash: vec![7; 32],
    };
    let (version, native) =
        chain.executor.call(&mut chain.state, &upgraded, "Core_version", &[], AUTHORING);
    assert!(version.is_ok() && !native);
}

#[test]
fn a_panic_of_native_code_is_an_error() {
    let mut chain = Chain::new(Executor::new(wasm()));
    let (result, native) = chain.try_call("BlockBuilder_apply_extrinsic", &[0xff; 3], AUTHORING);
    assert!(result.is_err() && native);
}

#[test]
fn attack_calls_within_calls_do_not_end_the_node() {
    let mut chain = Chain::new(Executor::new(wasm()));
    // `utility.batch` of one call, and `system.remark` of nothing.
    let nested = |depth: usize| [[26u8, 0, 4].repeat(depth), vec![0u8; 3]].concat();
    let mut info = |depth: usize| {
        let method = "TransactionPaymentCallApi_query_call_info";
        let input = [nested(depth), 100u32.encode()].concat();
        let (info, native) = chain.try_call(method, &input, CallContext::Offchain);
        assert!(!native, "a call by itself may be of any depth");
        info.is_ok()
    };
    assert!(info(3));
    assert!(!info(200_000));

    let mut validate = |depth: usize| {
        let extrinsic = [vec![5u8], nested(depth)].concat().encode();
        let input = [vec![2u8], extrinsic, vec![0u8; 32]].concat();
        let method = "TaggedTransactionQueue_validate_transaction";
        let (validity, native) = chain.try_call(method, &input, CallContext::Offchain);
        assert!(native);
        validity.is_ok()
    };
    assert!(validate(3), "refused with a reason");
    assert!(!validate(200_000));
}
