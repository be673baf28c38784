//! A state of the development chain, and blocks of it.

#![allow(dead_code, reason = "each of the programs that have this module leaves something out")]

use alloy_consensus::{SignableTransaction, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{hex, Bytes, Signature, TxKind, U256};
use bitcoinzk_runtime::{
    genesis::presets, units::SLOT_DURATION_MS, Block, Hash, Header, RuntimeCall,
    RuntimeGenesisConfig, UncheckedExtrinsic, WASM_BINARY,
};
use bzk_core::CHAIN_ID;
use codec::{Decode, Encode};
use sc_executor::{sp_wasm_interface::HostFunctions, HeapAllocStrategy, WasmExecutor};
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
use std::{env, path::Path};

/// The secret of the first account that anvil and our development preset fund.
const ANVIL_KEY: [u8; 32] =
    hex!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");

/// More than any development chain has, and what the speed tests set.
pub(crate) const BLOCK_GAS: u64 = 130_000_000;

/// Of block 1.
const SLOT: u64 = 800_000_000;

/// As an author calls the runtime.
pub(crate) const AUTHORING: CallContext = CallContext::Onchain { import: false };

/// As the import of a block calls it.
pub(crate) const IMPORT: CallContext = CallContext::Onchain { import: true };

/// Executes wasm with the host functions of `H`. As nodes do, it keeps the machine code in `BZK_CACHE`: compiling the
/// runtime takes seconds, and each test has an executor of its own.
pub(crate) fn wasm<H: HostFunctions>() -> WasmExecutor<H> {
    let heap = HeapAllocStrategy::Static { extra_pages: 8_192 };
    let mut builder = WasmExecutor::builder().with_onchain_heap_alloc_strategy(heap);
    if let Some(cache) = env::var_os("BZK_CACHE") {
        builder = builder.with_cache_path(Path::new(&cache).join("wasm"));
    }
    builder.build()
}

/// A state and how it is executed.
pub(crate) struct Chain<E> {
    /// What executes it.
    pub(crate) executor: E,
    /// The state.
    pub(crate) state: BasicExternalities,
}

impl<E: CodeExecutor> Chain<E> {
    /// The state of the development chain's genesis, with room for whatever a block may hold.
    pub(crate) fn new(executor: E) -> Self {
        let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).unwrap();
        let patch = presets::get(&PresetId::from(DEV_RUNTIME_PRESET)).unwrap();
        presets::merge(&mut config, serde_json::from_slice(&patch).unwrap());
        config["ethereum"]["gasLimit"] = BLOCK_GAS.into();
        config["ethereum"]["cycleLimit"] = u64::MAX.into();
        let mut chain = Self { executor, state: BasicExternalities::new_empty() };
        let config = config.to_string().into_bytes();
        let (built, _) = chain.call("GenesisBuilder_build_state", &config, AUTHORING);
        assert_eq!(Result::<(), String>::decode(&mut &built[..]), Ok(Ok(())));
        chain
    }

    /// The answer of a runtime function, and whether native code gave it.
    pub(crate) fn call(
        &mut self,
        method: &str,
        input: &impl Encode,
        context: CallContext,
    ) -> (Vec<u8>, bool) {
        let (output, native) = self.try_call(method, &input.encode(), context);
        (output.unwrap_or_else(|error| panic!("{method}: {error}")), native)
    }

    /// As [`Self::call`], of a function that may fail or get what does not decode.
    pub(crate) fn try_call(
        &mut self,
        method: &str,
        input: &[u8],
        context: CallContext,
    ) -> (Result<Vec<u8>, E::Error>, bool) {
        let blob = WASM_BINARY.expect("the wasm blob is built unless SKIP_WASM_BUILD is set");
        let code = RuntimeCode {
            code_fetcher: &WrappedRuntimeCode(blob.into()),
            heap_pages: None,
            hash: blake2_256(blob).encode(),
        };
        self.executor.call(&mut self.state, &code, method, input, context)
    }

    /// Starts block 1 and applies `extrinsics`; the answer to each.
    pub(crate) fn apply(&mut self, extrinsics: &[UncheckedExtrinsic]) -> Vec<ApplyExtrinsicResult> {
        self.call("Core_initialize_block", &header(), AUTHORING);
        let apply = |extrinsic| {
            let (result, _) = self.call("BlockBuilder_apply_extrinsic", extrinsic, AUTHORING);
            ApplyExtrinsicResult::decode(&mut &result[..]).unwrap()
        };
        extrinsics.iter().map(apply).collect()
    }

    /// Makes block 1 of `extrinsics`; all of them must be applied.
    pub(crate) fn author(&mut self, extrinsics: &[UncheckedExtrinsic]) -> Block {
        let results = self.apply(extrinsics);
        assert_eq!(results, vec![Ok(Ok(())); extrinsics.len()]);
        let (header, _) = self.call("BlockBuilder_finalize_block", &(), AUTHORING);
        Block::new(Header::decode(&mut &header[..]).unwrap(), extrinsics.to_vec())
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

/// A transaction of anvil's first account, with a value of 1 wei.
pub(crate) fn ethereum(nonce: u64, gas_limit: u64, to: TxKind, input: &[u8]) -> UncheckedExtrinsic {
    let tx = TxLegacy {
        chain_id: Some(CHAIN_ID),
        nonce,
        gas_price: 10_000_000_000,
        gas_limit,
        to,
        value: U256::ONE,
        input: Bytes::copy_from_slice(input),
    };
    let bytes = ecdsa::Pair::from_seed(&ANVIL_KEY).sign_prehashed(&tx.signature_hash().0).0;
    let (r, s) = (U256::from_be_slice(&bytes[..32]), U256::from_be_slice(&bytes[32..64]));
    let signature = Signature::new(r, s, bytes[64] == 1);
    let raw = TxEnvelope::from(tx.into_signed(signature)).encoded_2718();
    UncheckedExtrinsic::from_raw_transaction(raw).expect("short enough")
}

/// The inherent that every block begins with.
pub(crate) fn timestamp() -> UncheckedExtrinsic {
    let now = SLOT * SLOT_DURATION_MS;
    UncheckedExtrinsic::new_bare(RuntimeCall::Timestamp(pallet_timestamp::Call::set { now }))
}
