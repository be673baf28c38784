//! Opening and closing Ethereum blocks.

use crate::{
    limits, BlockCycleLimit, BlockGasLimit, BlockHash, ChainHead, ClosedBlock, Config,
    CurrentBlock, CurrentReceipts, CurrentSenders, Event, Hashes, Head, HeartbeatMs, NextBaseFee,
    OnBlock, OnLogs, Open, OpenBlock, Pallet, Pending, RawBlock, Receipts, MAX_BLOCK_BYTES,
};
use alloc::vec::Vec;
use bzk_evm::{base_fee, execute::BlockEnvironment, receipt::Receipt};
use frame_support::{
    defensive,
    traits::{Get, Time},
    BoundedVec,
};
use sp_core::{H160, H256};

mod encode;
pub(crate) use encode::{assemble, decode_header, Assembled, HeaderFields};

/// Most bytes of the transactions and receipts of a block; the rest is for the header.
///
/// In wasm no allocation is larger than 32 MiB, and a vector that grows has up to twice its length. In native code there
/// is no such end, so without this bound an author could close a block that nobody can import.
pub(crate) const MAX_BODY_BYTES: u32 = MAX_BLOCK_BYTES - 2_048;

/// Blocks whose hashes stay in storage: the newest, and the 256 that BLOCKHASH reaches in it, also when a call is made
/// in that block once it is closed.
pub const BLOCK_HASH_WINDOW: u64 = 257;

const MS_PER_S: u64 = 1_000;

impl<T: Config> Pallet<T> {
    /// Fixes what the transactions of this Substrate block see. After block 2^32-1 there are no
    /// more: the prover's numbers end there.
    pub(crate) fn open_block() {
        let head = Head::<T>::get();
        let Some(number) = next_number(&head) else { return };
        Open::<T>::put(OpenBlock {
            number,
            parent_timestamp_s: head.timestamp_s,
            gas_limit: limits::next_gas_limit(head.gas_limit, BlockGasLimit::<T>::get()),
            base_fee: NextBaseFee::<T>::get(),
            coinbase: T::Coinbase::get(),
            prev_randao: T::Randomness::get(),
            cycle_limit: BlockCycleLimit::<T>::get(),
            transactions: 0,
            bytes: 0,
            gas_used: 0,
            cycles: 0,
        });
    }

    /// Closes the Ethereum block if there are transactions or the heartbeat is due.
    pub(crate) fn close_block() {
        let Some(block) = Open::<T>::take() else { return };
        let Some(environment) = Self::environment_of(&block) else { return };
        if block.transactions == 0 && !heartbeat_due::<T>(&block, environment.timestamp_s) {
            return;
        }
        let (mut senders, mut transactions, mut receipts) = (Vec::new(), Vec::new(), Vec::new());
        for pending in Pending::<T>::take() {
            senders.push(pending.sender);
            transactions.push(pending.raw.into_inner());
            receipts.push(pending.receipt);
        }
        let parent_state = pallet_evm::Pallet::<T>::state_root();
        let fields = HeaderFields {
            environment,
            parent_hash: Head::<T>::get().hash,
            state_root: pallet_evm::Pallet::<T>::commit(),
            extra_data: T::ExtraData::get().into_inner(),
        };
        let state = fields.state_root;
        Self::store(fields, &transactions, receipts, senders);
        T::OnBlock::on_block(&ClosedBlock {
            head: Head::<T>::get(),
            parent_state,
            state,
            transactions: block.transactions,
            cycles: block.cycles,
        });
    }

    /// Stores the block of `fields` as the newest and tells the world of it.
    pub(crate) fn store(
        fields: HeaderFields,
        transactions: &[Vec<u8>],
        receipts: Vec<Receipt>,
        senders: Vec<H160>,
    ) {
        let BlockEnvironment { number, timestamp_s, gas_limit, base_fee, .. } = fields.environment;
        let gas_used = receipts.last().map_or(0, |receipt| receipt.cumulative_gas_used);
        let Assembled { hash, rlp } = assemble(fields, transactions, &receipts);
        // `admit` keeps the body below the bound, so neither of these can fail.
        let (Ok(rlp), Ok(senders)) = (RawBlock::try_from(rlp), BoundedVec::try_from(senders))
        else {
            defensive!("the block is larger than its bounds");
            return;
        };

        let head = ChainHead { number, hash, timestamp_s, gas_limit };
        for log in receipts.iter().flat_map(|receipt| receipt.logs.iter()) {
            T::OnLogs::on_log(&head, log.address, &log.topics, &log.data);
        }
        let transactions = u32::try_from(receipts.len()).unwrap_or(u32::MAX);
        Head::<T>::put(head);
        CurrentBlock::<T>::put(rlp);
        CurrentReceipts::<T>::put(Receipts::from(receipts));
        CurrentSenders::<T>::put(senders);
        NextBaseFee::<T>::put(base_fee::next(gas_limit, gas_used, base_fee));
        BlockHash::<T>::insert(number, hash);
        if let Some(old) = number.checked_sub(BLOCK_HASH_WINDOW) {
            BlockHash::<T>::remove(old);
        }
        frame_system::Pallet::<T>::deposit_log(Hashes { block_hash: hash }.into());
        Self::deposit_event(Event::BlockClosed { number, hash, transactions, gas_used });
    }

    /// The time in seconds, if a block of that time may follow one of `parent_s`: timestamps rise
    /// strictly, so a Substrate block within the same second closes no Ethereum block and takes
    /// no transactions. With a minimum period of a second or more that does not happen.
    pub(crate) fn timestamp_after(parent_s: u64) -> Option<u64> {
        let now_s = T::Time::now() / MS_PER_S;
        (now_s > parent_s && now_s <= limits::MAX_HEADER_FIELD).then_some(now_s)
    }

    /// What a transaction in the next Ethereum block will see, as far as it is known now.
    pub fn pending_environment() -> BlockEnvironment {
        let head = Head::<T>::get();
        let now_s = T::Time::now() / MS_PER_S;
        BlockEnvironment {
            chain_id: T::ChainId::get(),
            number: head.number.saturating_add(1),
            timestamp_s: now_s.max(head.timestamp_s.saturating_add(1)),
            gas_limit: limits::next_gas_limit(head.gas_limit, BlockGasLimit::<T>::get()),
            base_fee: NextBaseFee::<T>::get(),
            coinbase: T::Coinbase::get().0.into(),
            prev_randao: T::Randomness::get().0.into(),
        }
    }

    /// What transactions of the newest Ethereum block saw: the environment of `eth_call` at
    /// `latest`. `None` before genesis.
    pub fn head_environment() -> Option<BlockEnvironment> {
        let header = decode_header(&CurrentBlock::<T>::get())?;
        Some(BlockEnvironment {
            chain_id: T::ChainId::get(),
            number: header.number,
            timestamp_s: header.timestamp,
            gas_limit: header.gas_limit,
            base_fee: header.base_fee_per_gas.unwrap_or_default(),
            coinbase: header.beneficiary,
            prev_randao: header.mix_hash,
        })
    }
}

fn next_number(head: &ChainHead) -> Option<u64> {
    head.number.checked_add(1).filter(|number| *number <= limits::MAX_HEADER_FIELD)
}

fn heartbeat_due<T: Config>(block: &OpenBlock, timestamp_s: u64) -> bool {
    let age_s = timestamp_s.saturating_sub(block.parent_timestamp_s);
    age_s.saturating_mul(MS_PER_S) >= HeartbeatMs::<T>::get()
}

impl<T: Config> pallet_evm::BlockHashes for Pallet<T> {
    fn block_hash(number: u64) -> H256 {
        BlockHash::<T>::get(number)
    }
}
