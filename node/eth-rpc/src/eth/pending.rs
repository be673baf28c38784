//! The block tag `pending`: the newest block's successor as far as it is known.
//!
//! Nothing is executed for it. Parent, number, base fee, gas limit and the pool's transactions are
//! what the next block will have; state root, receipts root and so the hash are placeholders.

use crate::{
    chain::Chain,
    convert,
    error::RpcResult,
    pool::{PoolTx, PoolView},
    types::U256,
};
use alloy_consensus::{constants::EMPTY_ROOT_HASH, Header as ConsensusHeader, Transaction as _};
use alloy_primitives::Bloom;
use alloy_rpc_types_eth::{Block, BlockTransactions, Header, Withdrawals};
use bzk_evm::tx::TRANSACTION_GAS;
use std::time::{SystemTime, UNIX_EPOCH};

/// Most transactions of the pool that are looked at: it may hold many more, none of which pays the base fee.
const MOST_SEEN: usize = 16_384;

/// The pool's best transactions that pay the base fee, up to the gas limit of one block.
pub(super) fn transactions(chain: &Chain, pool: &PoolView) -> RpcResult<Vec<PoolTx>> {
    let state = chain.state(&chain.head()?)?;
    let base_fee = u128::from(state.next_base_fee()?);
    let mut gas_left = state.block_gas_limit()?;
    let mut chosen = Vec::new();
    for tx in pool.pending().take(MOST_SEEN) {
        if gas_left < TRANSACTION_GAS {
            break;
        }
        let envelope = &tx.tx.envelope;
        let left = gas_left.checked_sub(envelope.gas_limit());
        if let Some(left) = left.filter(|_| envelope.max_fee_per_gas() >= base_fee) {
            gas_left = left;
            chosen.push(tx);
        }
    }
    Ok(chosen)
}

/// The pending block, with whole transactions (`full`) or their hashes.
pub(super) fn block(chain: &Chain, pool: &PoolView, full: bool) -> RpcResult<Block> {
    let head = chain.head()?;
    let parent = chain.record(&head)?;
    let state = chain.state(&head)?;
    let transactions = transactions(chain, pool)?;
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let header = ConsensusHeader {
        parent_hash: head.hash,
        number: head.number.saturating_add(1),
        timestamp: now_s.max(parent.block.header.timestamp.saturating_add(1)),
        gas_limit: state.block_gas_limit()?,
        gas_used: 0,
        base_fee_per_gas: Some(state.next_base_fee()?),
        state_root: state.root()?,
        receipts_root: EMPTY_ROOT_HASH,
        transactions_root: EMPTY_ROOT_HASH,
        logs_bloom: Bloom::ZERO,
        ..parent.block.header.clone()
    };
    let transactions = if full {
        let txs = transactions.iter().map(|tx| convert::pending_transaction(&tx.tx));
        BlockTransactions::Full(txs.collect())
    } else {
        BlockTransactions::Hashes(transactions.iter().map(|tx| tx.tx.hash).collect())
    };
    let size = U256::from(alloy_rlp::Encodable::length(&header));
    let header = Header { size: Some(size), ..Header::new(header) };
    Ok(Block::new(header, transactions).with_withdrawals(Some(Withdrawals::default())))
}
