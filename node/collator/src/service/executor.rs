//! The executor as the command line asks for it.

use bzk_executor::{Executor, WasmExecutor};
use sc_executor::HeapAllocStrategy;
use sc_service::config::ExecutorConfiguration;
use std::{env, path::PathBuf};

/// Memory that wasm may allocate, in pages of 64 KiB: 512 MiB. The calls of a transaction that uses
/// all the gas a block may have, expanding memory as they go, take a third of it.
const HEAP_PAGES: u32 = 8_192;

/// Builds the executor. Compiling the runtime takes seconds, so the machine code is kept on disk
/// under its content's hash, and the next start is quick.
pub(crate) fn build(config: &ExecutorConfiguration) -> Executor {
    let pages = config.default_heap_pages.map(|pages| u32::try_from(pages).unwrap_or(u32::MAX));
    let heap = HeapAllocStrategy::Static { extra_pages: pages.unwrap_or(HEAP_PAGES) };
    let mut builder = WasmExecutor::builder()
        .with_execution_method(config.wasm_method)
        .with_onchain_heap_alloc_strategy(heap)
        .with_offchain_heap_alloc_strategy(heap)
        .with_max_runtime_instances(config.max_runtime_instances)
        .with_runtime_cache_size(config.runtime_cache_size);
    if let Some(cache) = cache_folder() {
        builder = builder.with_cache_path(cache.join("wasm"));
    }
    Executor::new(builder.build())
}

/// `BZK_CACHE`, else `~/.cache/bitcoinzk`; without a home nothing is kept.
fn cache_folder() -> Option<PathBuf> {
    let chosen = env::var_os("BZK_CACHE").map(PathBuf::from);
    chosen.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache/bitcoinzk")))
}
