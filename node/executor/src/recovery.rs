//! The host function that recovers signers, with a cache before it.
//!
//! A signature is checked when its transaction arrives, when the pool validates it, when a block takes it and when a
//! block with it is imported: wasm finds what native code has recovered before, and the other way round.

use bzk_evm::crypto;
use codec::Encode;
use sc_executor::sp_wasm_interface::{
    self, anyhow, wasmtime::Caller, Function, FunctionContext, HostFunctionRegistry, HostFunctions,
    Pointer,
};

/// Substrate's recovery of a public key, with the cache before it. Stands in for the host function of the same name.
pub struct CachedRecovery;

impl HostFunctions for CachedRecovery {
    fn host_functions() -> Vec<&'static dyn Function> {
        Vec::new()
    }

    fn register_static<T: HostFunctionRegistry>(registry: &mut T) -> Result<(), T::Error> {
        registry.register_static(
            "ext_crypto_secp256k1_ecdsa_recover_version_2",
            |caller: Caller<'_, T::State>, signature: u32, message: u32| -> anyhow::Result<u64> {
                T::with_function_context(caller, |context| {
                    recover_key(context, Pointer::new(signature), Pointer::new(message))
                        .map_err(anyhow::Error::msg)
                })
            },
        )
    }
}

/// Reads signature and message from wasm's memory; gives the place (low half) and the length of the encoded result.
fn recover_key(
    context: &mut dyn FunctionContext,
    signature: Pointer<u8>,
    message: Pointer<u8>,
) -> sp_wasm_interface::Result<u64> {
    let (mut signed, mut hash) = ([0; 65], [0; 32]);
    context.read_memory_into(signature, &mut signed)?;
    context.read_memory_into(message, &mut hash)?;
    let result = crypto::recover_key(&signed, &hash).encode();
    let length = u32::try_from(result.len()).map_err(|error| error.to_string())?;
    let place = context.allocate_memory(length)?;
    context.write_memory(place, &result)?;
    Ok(u64::from(length) << 32 | u64::from(place))
}
