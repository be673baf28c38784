//! Runs the runtime: wasm where the network must agree, native code elsewhere.
//!
//! Each call of wasm needs an instance of its own, and the kernel's work for it costs more than a
//! transfer. The same functions are compiled into the node, so the pool, the RPC and the block under
//! construction use them. Imported blocks always run in wasm: if the two ever differed, the author's
//! block would be refused, and nothing wrong could enter the chain.

mod keccak;
mod senders;

pub use keccak::FastKeccak;
pub use senders::CachedRecovery;

use bitcoinzk_runtime::WASM_BINARY;
use codec::Encode;
use sc_executor::{
    error::Error, sp_wasm_interface::ExtendedHostFunctions, with_externalities_safe,
    RuntimeVersion, RuntimeVersionOf,
};
use sp_core::traits::{CallContext, CodeExecutor, ReadRuntimeVersion, RuntimeCode};
use sp_externalities::Externalities;
use sp_io::hashing::blake2_256;

/// Runs the runtime's wasm with the host functions that it may call.
pub type WasmExecutor = sc_executor::WasmExecutor<
    ExtendedHostFunctions<sp_io::SubstrateHostFunctions, (CachedRecovery, FastKeccak)>,
>;

/// The function of the runtime that executes an encoded block.
const EXECUTE_BLOCK: &str = "Core_execute_block";

/// Begin of the names of functions that take calls as they are. Calls nest without a bound; wasm traps at the end of its
/// stack, and native code would take the node with it. Extrinsics have a bound ([`pallet_ethereum::MAX_DEPTH`]).
const OF_CALLS: &str = "TransactionPaymentCallApi_";

/// Executes calls of the runtime. A clone is cheap.
#[derive(Clone)]
pub struct Executor {
    wasm: WasmExecutor,
    /// Hash of the only code that the functions compiled into this program stand for.
    native_code: Option<[u8; 32]>,
}

impl Executor {
    /// Runs native code as long as the chain's code is the blob that was built with this program,
    /// byte for byte; after a runtime upgrade all calls go to `wasm`.
    pub fn new(wasm: WasmExecutor) -> Self {
        Self { wasm, native_code: WASM_BINARY.map(blake2_256) }
    }

    /// Runs wasm only.
    pub fn wasm_only(wasm: WasmExecutor) -> Self {
        Self { wasm, native_code: None }
    }

    fn is_native(&self, code: &RuntimeCode<'_>, context: CallContext) -> bool {
        !is_import(context) && self.native_code.is_some_and(|hash| code.hash == hash.encode())
    }
}

impl CodeExecutor for Executor {
    type Error = Error;

    fn call(
        &self,
        ext: &mut dyn Externalities,
        code: &RuntimeCode<'_>,
        method: &str,
        data: &[u8],
        context: CallContext,
    ) -> (Result<Vec<u8>, Error>, bool) {
        if self.is_native(code, context) && !method.starts_with(OF_CALLS) {
            let result = with_externalities_safe(ext, || bitcoinzk_runtime::dispatch(method, data));
            match result {
                Ok(Some(output)) => return (Ok(output), true),
                Err(panic) => return (Err(panic), true),
                // Not a function of the runtime's interfaces: the blob may export others.
                Ok(None) => {}
            }
        }
        if is_import(context) && method == EXECUTE_BLOCK {
            return senders::ahead(data, || self.wasm.call(ext, code, method, data, context));
        }
        self.wasm.call(ext, code, method, data, context)
    }
}

fn is_import(context: CallContext) -> bool {
    matches!(context, CallContext::Onchain { import: true })
}

impl RuntimeVersionOf for Executor {
    fn runtime_version(
        &self,
        ext: &mut dyn Externalities,
        code: &RuntimeCode<'_>,
    ) -> Result<RuntimeVersion, Error> {
        self.wasm.runtime_version(ext, code)
    }
}

impl ReadRuntimeVersion for Executor {
    fn read_runtime_version(
        &self,
        code: &[u8],
        ext: &mut dyn Externalities,
    ) -> Result<Vec<u8>, String> {
        self.wasm.read_runtime_version(code, ext)
    }
}
