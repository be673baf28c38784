//! Measures what a block takes for a bare extrinsic beside its dispatch: `BareExtrinsicWeight` of the runtime.
//!
//! Wasm executes a block of transfers between the same two accounts and one without, one processor, nothing known
//! before. The difference is a transfer; without what the weights say of its dispatch and of closing the block, the rest
//! is FRAME's: decoding, limits, events. Prints one JSON object.

#[path = "../tests/chain/mod.rs"]
mod chain;

use alloy_primitives::{Address, TxKind};
use bitcoinzk_runtime::{Block, Runtime};
use bzk_executor::Executor;
use chain::{ethereum, timestamp, wasm, Chain, AUTHORING};
use pallet_ethereum::WeightInfo as _;
use sc_executor::WasmExecutor;
use sp_io::SubstrateHostFunctions;
use std::time::{Duration, Instant};

/// Transfers in the block.
const TRANSFERS: u64 = 2_000;

/// Times that each block is executed; the median counts.
const RUNS: usize = 11;

type WeightInfo = <Runtime as pallet_ethereum::Config>::WeightInfo;
type DbWeight = <Runtime as frame_system::Config>::DbWeight;

fn block(transfers: u64) -> Block {
    let to = TxKind::Call(Address::repeat_byte(0x57));
    let extrinsics: Vec<_> = std::iter::once(timestamp())
        .chain((0..transfers).map(|nonce| ethereum(nonce, 21_000, to, &[])))
        .collect();
    Chain::new(Executor::new(wasm())).author(&extrinsics)
}

/// How long wasm takes for `block`, by Substrate's host functions: ours remember signers.
fn executed(executor: &WasmExecutor<SubstrateHostFunctions>, block: &Block) -> Duration {
    let mut times: Vec<_> = (0..RUNS)
        .map(|_| {
            let mut chain = Chain::new(executor.clone());
            let start = Instant::now();
            chain.call("Core_execute_block", block, AUTHORING);
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[RUNS / 2]
}

fn main() {
    let executor = wasm();
    let took = |transfers| executed(&executor, &block(transfers));
    let transfers = took(TRANSFERS).saturating_sub(took(0));
    let whole_ns = transfers.as_nanos() as u64 / TRANSFERS;
    // Nothing here is in a database.
    let transact = WeightInfo::transact().saturating_sub(DbWeight::get().reads(1));
    let closing = WeightInfo::close_block(1).saturating_sub(WeightInfo::close_block(0));
    let dispatch_ns = transact.saturating_add(closing).ref_time() / 1_000;
    println!(
        "{}",
        serde_json::json!({
            "transfer_ns": whole_ns,
            "dispatch_ns": dispatch_ns,
            "bare_extrinsic_ns": whole_ns.saturating_sub(dispatch_ns),
        })
    );
}
