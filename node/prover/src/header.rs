//! The fields of an Ethereum header that the kernel takes as block metadata.

use anyhow::{Context, Result};
use ethereum_types::{Address, H256, U256};
use evm_arithmetization::proof::BlockMetadata;
use rlp::Rlp;

/// A decoded header of the Cancun shape.
#[derive(Debug)]
pub struct Header {
    /// Keccak of the RLP.
    pub hash: H256,
    /// Hash of the block before.
    pub parent: H256,
    /// State root after the block.
    pub state_root: H256,
    /// Root of the transactions.
    pub transactions_root: H256,
    /// Root of the receipts.
    pub receipts_root: H256,
    /// Metadata for the kernel.
    pub metadata: BlockMetadata,
}

impl Header {
    /// Decodes `bytes`, a header's RLP, of the chain `chain_id`.
    ///
    /// # Errors
    /// When a field is missing or of the wrong shape.
    pub fn decode(bytes: &[u8], chain_id: u64) -> Result<Self> {
        let rlp = Rlp::new(bytes);
        let word = |index: usize| -> Result<U256> {
            rlp.val_at(index).with_context(|| format!("header field {index}"))
        };
        let hash = |index: usize| -> Result<H256> {
            rlp.val_at(index).with_context(|| format!("header field {index}"))
        };
        let bloom: Vec<u8> = rlp.val_at(6).context("header field 6")?;
        anyhow::ensure!(bloom.len() == 256, "the bloom has {} bytes, not 256", bloom.len());
        let mut block_bloom = [U256::zero(); 8];
        for (word, bytes) in block_bloom.iter_mut().zip(bloom.chunks(32)) {
            *word = U256::from_big_endian(bytes);
        }
        let beneficiary: Address = rlp.val_at(2).context("header field 2")?;
        Ok(Self {
            hash: keccak_hash::keccak(bytes),
            parent: hash(0)?,
            state_root: hash(3)?,
            transactions_root: hash(4)?,
            receipts_root: hash(5)?,
            metadata: BlockMetadata {
                block_beneficiary: beneficiary,
                block_timestamp: word(11)?,
                block_number: word(8)?,
                block_difficulty: word(7)?,
                block_random: hash(13)?,
                block_gaslimit: word(9)?,
                block_chain_id: chain_id.into(),
                block_base_fee: word(15)?,
                block_gas_used: word(10)?,
                block_blob_gas_used: word(17)?,
                block_excess_blob_gas: word(18)?,
                parent_beacon_block_root: hash(19)?,
                block_bloom,
            },
        })
    }
}
