//! Weights of pallet-ethereum.
//!
//! NOT GENERATED YET. The figures are estimates by hand; each says what it is made of. They stand
//! until `frame-benchmarking` has run `benchmarking.rs` on the reference machine and this file is
//! replaced by its output. What a transaction executes beyond a plain transfer is not here: that is
//! gas, times `Config::WeightPerGas`.

use core::marker::PhantomData;
use frame_support::{
    traits::Get,
    weights::{
        constants::{ParityDbWeight, WEIGHT_REF_TIME_PER_MICROS},
        RuntimeDbWeight, Weight,
    },
};

/// Weights of the calls and hooks.
pub trait WeightInfo {
    /// `transact` of a plain transfer without its share of closing the block, signature recovery
    /// included. Gas beyond that of a transfer is charged on top.
    fn transact() -> Weight;
    /// Opening a block in `on_initialize`.
    fn open_block() -> Weight;
    /// Closing a block of `n` plain transfers in `on_finalize`, the commit of the trie included.
    fn close_block(n: u32) -> Weight;
    /// `set_block_gas_limit`.
    fn set_block_gas_limit() -> Weight;
    /// `set_block_cycle_limit`.
    fn set_block_cycle_limit() -> Weight;
    /// `set_heartbeat`.
    fn set_heartbeat() -> Weight;
}

/// By hand: signature recovery by the host (45 us, measured), and what else a plain transfer takes
/// to decode, execute and append: 20 us natively, measured over 8,000 of them in memory on the
/// reference machine, doubled for wasm.
const TRANSACT_MICROS: u64 = 85;

/// By hand: 20 us natively for the tries of transactions, receipts and state, measured over 8,000
/// transfers between distinct accounts in one block, times 2.5 for wasm. Database writes happen
/// once per block, not per transaction, and off this path.
const CLOSE_MICROS_PER_TRANSACTION: u64 = 50;

/// By hand: a header, its hash and the SCALE of an empty block.
const CLOSE_MICROS: u64 = 50;

/// Values that closing writes: block, receipts, senders, head, base fee, two hashes, the digest,
/// pallet-evm's root and dirty keys.
const CLOSE_WRITES: u64 = 10;

/// Values that opening reads: head, base fee, gas limit, cycle limit, and what the runtime reads
/// for coinbase and randomness.
const OPEN_READS: u64 = 6;

fn micros(micros: u64) -> Weight {
    Weight::from_parts(micros.saturating_mul(WEIGHT_REF_TIME_PER_MICROS), 0)
}

/// Weights from the database costs of the runtime.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    fn transact() -> Weight {
        micros(TRANSACT_MICROS)
    }

    fn open_block() -> Weight {
        open_block::<T::DbWeight>()
    }

    fn close_block(n: u32) -> Weight {
        close_block::<T::DbWeight>(n)
    }

    fn set_block_gas_limit() -> Weight {
        set::<T::DbWeight>()
    }

    fn set_block_cycle_limit() -> Weight {
        set::<T::DbWeight>()
    }

    fn set_heartbeat() -> Weight {
        set::<T::DbWeight>()
    }
}

/// The same over ParityDB's costs.
impl WeightInfo for () {
    fn transact() -> Weight {
        micros(TRANSACT_MICROS)
    }

    fn open_block() -> Weight {
        open_block::<ParityDbWeight>()
    }

    fn close_block(n: u32) -> Weight {
        close_block::<ParityDbWeight>(n)
    }

    fn set_block_gas_limit() -> Weight {
        set::<ParityDbWeight>()
    }

    fn set_block_cycle_limit() -> Weight {
        set::<ParityDbWeight>()
    }

    fn set_heartbeat() -> Weight {
        set::<ParityDbWeight>()
    }
}

fn open_block<Db: Get<RuntimeDbWeight>>() -> Weight {
    Db::get().reads(OPEN_READS)
}

fn close_block<Db: Get<RuntimeDbWeight>>(n: u32) -> Weight {
    micros(CLOSE_MICROS_PER_TRANSACTION)
        .saturating_mul(n.into())
        .saturating_add(micros(CLOSE_MICROS))
        .saturating_add(Db::get().reads_writes(2, CLOSE_WRITES))
}

fn set<Db: Get<RuntimeDbWeight>>() -> Weight {
    micros(10).saturating_add(Db::get().writes(1))
}
