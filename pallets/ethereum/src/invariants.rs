//! The invariants of the pallet, checked.

use crate::{
    block, BlockHash, Config, CurrentBlock, CurrentReceipts, CurrentSenders, Head, NextBaseFee,
    Open, Pallet, Pending, BLOCK_HASH_WINDOW, MAX_BLOCK_BYTES,
};
use bzk_evm::{base_fee, block as ethereum, receipt::bloom, tx};
use frame_support::ensure;
use sp_core::{H160, H256};
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet; what `try_state` runs.
    ///
    /// # Errors
    /// Names the invariant that does not hold.
    pub fn check_state() -> Result<(), TryRuntimeError> {
        ensure!(!Open::<T>::exists(), "a block is still open");
        ensure!(!Pending::<T>::exists(), "transactions are still pending");
        Self::check_block()?;
        Self::check_hashes()
    }

    fn check_block() -> Result<(), TryRuntimeError> {
        let block = ethereum::decode(&CurrentBlock::<T>::get(), MAX_BLOCK_BYTES as usize)
            .map_err(|_| "the current block does not decode")?;
        let (header, transactions) = (&block.header, &block.body.transactions);
        let receipts = CurrentReceipts::<T>::get();
        let head = Head::<T>::get();

        ensure!(
            head.hash == H256(ethereum::hash(header).0)
                && head.number == header.number
                && head.timestamp_s == header.timestamp
                && head.gas_limit == header.gas_limit,
            "the head is not that of the current block"
        );
        ensure!(
            header.state_root.0 == pallet_evm::Pallet::<T>::state_root().0,
            "the state root is not that of pallet-evm"
        );
        ensure!(
            header.transactions_root == ethereum::transactions_root(transactions),
            "the transactions root does not match"
        );
        ensure!(
            header.receipts_root == ethereum::receipts_root(&receipts),
            "the receipts root does not match"
        );
        ensure!(
            header.logs_bloom == bloom(receipts.iter().flat_map(|receipt| &receipt.logs)),
            "the bloom does not match"
        );
        let gas_used = receipts.last().map_or(0, |receipt| receipt.cumulative_gas_used);
        ensure!(
            header.gas_used == gas_used && gas_used <= header.gas_limit,
            "the gas used does not match"
        );
        let base_fee = header.base_fee_per_gas.ok_or("the header has no base fee")?;
        ensure!(
            NextBaseFee::<T>::get() == base_fee::next(header.gas_limit, gas_used, base_fee),
            "the next base fee does not follow"
        );

        let senders = CurrentSenders::<T>::get();
        ensure!(
            receipts.len() == transactions.len() && senders.len() == transactions.len(),
            "receipts or senders are not one per transaction"
        );
        for (transaction, sender) in transactions.iter().zip(senders) {
            let signer = tx::recover(transaction.clone()).map_err(|_| "a sender is unknown")?;
            ensure!(H160(signer.sender.0 .0) == sender, "a sender did not sign");
        }
        Ok(())
    }

    fn check_hashes() -> Result<(), TryRuntimeError> {
        let head = Head::<T>::get();
        ensure!(BlockHash::<T>::get(head.number) == head.hash, "the hash of the head is missing");
        let kept = BlockHash::<T>::iter_keys().count() as u64;
        let expected = head.number.saturating_add(1).min(BLOCK_HASH_WINDOW);
        ensure!(kept == expected, "the window of hashes has gaps or leftovers");
        let header = block::decode_header(&CurrentBlock::<T>::get()).ok_or("no header")?;
        let parent = head.number.checked_sub(1).map_or(H256::zero(), BlockHash::<T>::get);
        ensure!(header.parent_hash.0 == parent.0, "the parent hash is not that of the parent");
        Ok(())
    }
}
