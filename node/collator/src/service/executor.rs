//! Runs the runtime's wasm.

use super::Executor;
use sc_executor::{HeapAllocStrategy, DEFAULT_HEAP_ALLOC_STRATEGY};
use sc_service::config::ExecutorConfiguration;
use std::{env, path::PathBuf};

/// Builds the executor. Compiling the runtime takes seconds, so the machine code is kept on disk
/// under its content's hash, and the next start is quick.
pub(crate) fn build(config: &ExecutorConfiguration) -> Executor {
    let heap = config.default_heap_pages.map_or(DEFAULT_HEAP_ALLOC_STRATEGY, |pages| {
        HeapAllocStrategy::Static { extra_pages: u32::try_from(pages).unwrap_or(u32::MAX) }
    });
    let mut builder = Executor::builder()
        .with_execution_method(config.wasm_method)
        .with_onchain_heap_alloc_strategy(heap)
        .with_offchain_heap_alloc_strategy(heap)
        .with_max_runtime_instances(config.max_runtime_instances)
        .with_runtime_cache_size(config.runtime_cache_size);
    if let Some(cache) = cache_folder() {
        builder = builder.with_cache_path(cache.join("wasm"));
    }
    builder.build()
}

/// `BZK_CACHE`, else `~/.cache/bitcoinzk`; without a home nothing is kept.
fn cache_folder() -> Option<PathBuf> {
    let chosen = env::var_os("BZK_CACHE").map(PathBuf::from);
    chosen.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache/bitcoinzk")))
}
