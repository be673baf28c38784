//! Senders of the transactions of an imported block, recovered by idle processors while wasm executes it.
//!
//! Recovery is a third of what a plain transfer takes to execute, and depends on nothing but the transaction. So other
//! threads that begin with the first transaction too soon are ahead of wasm, and stay so; what either has recovered the
//! other finds in the cache of [`bzk_evm::crypto`]. The pool has put most transactions of a new block there before.

use bitcoinzk_runtime::{opaque, Ethereum, UncheckedExtrinsic};
use bzk_evm::crypto;
use codec::{Decode, Encode};
use pallet_ethereum::RawTransaction;
use sc_executor::sp_wasm_interface::{
    self, anyhow, wasmtime::Caller, Function, FunctionContext, HostFunctionRegistry, HostFunctions,
    Pointer,
};
use sp_runtime::OpaqueExtrinsic;
use std::{
    sync::{
        atomic::{AtomicUsize, Ordering},
        LazyLock,
    },
    thread,
};

/// Fewer extrinsics are not worth a thread.
const WORTH_A_THREAD: usize = 16;

/// Most threads beside the one that executes.
const MAX_THREADS: usize = 4;

/// Executes `block` (encoded) by `execute`; meanwhile other threads recover its senders.
pub(crate) fn ahead<R>(block: &[u8], execute: impl FnOnce() -> R) -> R {
    // A block that does not decode is for `execute` to refuse.
    let block = opaque::Block::decode(&mut &block[..]);
    let extrinsics = block.map(|block| block.extrinsics).unwrap_or_default();
    if extrinsics.len() < WORTH_A_THREAD {
        return execute();
    }
    beside(&extrinsics, recover_sender, execute)
}

/// Runs `execute`; meanwhile the other processors do `work` on `items`, from the first one on until `execute` ends.
fn beside<T: Sync, R>(items: &[T], work: impl Fn(&T) + Sync, execute: impl FnOnce() -> R) -> R {
    let threads = thread::available_parallelism().map_or(0, |all| all.get().saturating_sub(1));
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..threads.min(MAX_THREADS) {
            let work = || {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(item);
                }
            };
            // Without the thread it only takes longer.
            let _ = thread::Builder::new().name("senders".into()).spawn_scoped(scope, work);
        }
        let result = execute();
        next.store(items.len(), Ordering::Relaxed);
        result
    })
}

/// Puts the sender of an Ethereum transaction into the cache. What is wrong with the extrinsic wasm will find.
fn recover_sender(extrinsic: &OpaqueExtrinsic) {
    if let Some(raw) = raw_transaction(extrinsic) {
        let _ = Ethereum::recover(&raw);
    }
}

/// The transaction in a bare `Ethereum.transact`. Other calls are not decoded: they may nest, and threads have little
/// stack.
fn raw_transaction(extrinsic: &OpaqueExtrinsic) -> Option<RawTransaction> {
    static PREFIX: LazyLock<Option<Vec<u8>>> = LazyLock::new(|| {
        let extrinsic = UncheckedExtrinsic::from_raw_transaction(Vec::new())?.encode();
        let opaque = OpaqueExtrinsic::decode(&mut extrinsic.as_slice()).ok()?;
        // All but the length of the transaction, 0 in one byte.
        opaque.inner().split_last().map(|(_, prefix)| prefix.to_vec())
    });
    let mut raw = extrinsic.inner().strip_prefix(PREFIX.as_deref()?)?;
    RawTransaction::decode(&mut raw).ok()
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn transactions_are_found_in_their_extrinsics_and_nowhere_else() {
        let raw = vec![7; 300];
        let extrinsic = UncheckedExtrinsic::from_raw_transaction(raw.clone()).unwrap().encode();
        let extrinsic = OpaqueExtrinsic::decode(&mut extrinsic.as_slice()).unwrap();
        assert_eq!(raw_transaction(&extrinsic).unwrap().into_inner(), raw);
        let mut other = extrinsic.inner().to_vec();
        other[1] ^= 1;
        assert!(raw_transaction(&OpaqueExtrinsic::from_blob(other)).is_none());
    }

    #[test]
    fn each_item_is_worked_on_once_while_execution_goes_on() {
        if thread::available_parallelism().map_or(1, usize::from) == 1 {
            eprintln!("SKIPPED: one processor has none beside it");
            return;
        }
        let begun = Instant::now();
        let items: Vec<_> = (0..100).map(|_| AtomicUsize::new(0)).collect();
        let worked = |item: &AtomicUsize| item.load(Ordering::Relaxed);
        beside(
            &items,
            |item| _ = item.fetch_add(1, Ordering::Relaxed),
            || {
                while items.iter().map(worked).sum::<usize>() < items.len() {
                    assert!(begun.elapsed().as_secs() < 60, "nobody works on them");
                    thread::yield_now();
                }
            },
        );
        assert!(items.iter().all(|item| worked(item) == 1));
    }

    #[test]
    fn execution_goes_on_whatever_the_block_is() {
        assert_eq!(ahead(b"not a block", || 7), 7);
    }
}
