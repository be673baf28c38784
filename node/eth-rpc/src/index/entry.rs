//! Values of the index and their encoding.

use crate::types::{Hash, Height};
use bzk_evm::receipt::Receipt;
use codec::{Decode, DecodeAll, Encode};
use sp_core::{H160, H256};

/// Most places that one key lists. Forks that finality has ruled out are dropped at each write,
/// so a list is as long as there are live forks; the bound only guards against a broken database.
pub const MAX_SITES: usize = 1_024;

/// A Substrate block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Site {
    /// Its number.
    pub height: Height,
    /// Its hash.
    pub at: Hash,
}

/// A transaction in a Substrate block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TransactionSite {
    /// The block.
    pub site: Site,
    /// Position in the Ethereum block, from 0.
    pub index: u32,
}

/// The newest Ethereum block at the end of some Substrate block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Head {
    /// Ethereum block number.
    pub number: u64,
    /// Ethereum block hash.
    pub hash: H256,
    /// Where it was closed.
    pub site: Site,
}

/// An Ethereum block as the runtime stores it: the three storage values one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StoredBlock {
    /// RLP of header and transactions.
    pub rlp: Vec<u8>,
    /// One receipt for each transaction.
    pub receipts: Vec<Receipt>,
    /// One sender for each transaction.
    pub senders: Vec<H160>,
}

/// A value of the index cannot be read: the database is damaged or of another version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("index entry is damaged ({0}); delete the database and sync again")]
pub struct Damaged(String);

impl Damaged {
    /// Names what is wrong.
    pub fn new(cause: impl ToString) -> Self {
        Self(cause.to_string())
    }
}

/// Reads a value that fills `bytes` exactly.
pub fn decode<T: Decode>(bytes: &[u8]) -> Result<T, Damaged> {
    T::decode_all(&mut &*bytes).map_err(Damaged::new)
}

/// Reads the RLP of a block.
pub fn decode_block(rlp: &[u8]) -> Result<bzk_evm::block::Block, Damaged> {
    let bound = usize::try_from(pallet_ethereum::MAX_BLOCK_BYTES).unwrap_or(usize::MAX);
    bzk_evm::block::decode(rlp, bound).map_err(Damaged::new)
}

/// Reads a list of places, at most [`MAX_SITES`].
pub fn decode_list<T: Decode>(bytes: &[u8]) -> Result<Vec<T>, Damaged> {
    let input = &mut &*bytes;
    let length = codec::Compact::<u32>::decode(input).map_err(Damaged::new)?.0;
    if usize::try_from(length).map_or(true, |length| length > MAX_SITES) {
        return Err(Damaged::new(format_args!("{length} places under one key")));
    }
    decode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn site() -> impl Strategy<Value = Site> {
        (any::<u32>(), any::<[u8; 32]>()).prop_map(|(height, at)| Site { height, at: H256(at) })
    }

    proptest! {
        #[test]
        fn prop_sites_read_back(sites in prop::collection::vec(site(), 0..20)) {
            prop_assert_eq!(decode_list::<Site>(&sites.encode()), Ok(sites));
        }

        #[test]
        fn prop_head_reads_back(number: u64, hash: [u8; 32], site in site()) {
            let head = Head { number, hash: H256(hash), site };
            prop_assert_eq!(decode::<Head>(&head.encode()), Ok(head));
        }

        #[test]
        fn prop_decoders_survive_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode_list::<Site>(&bytes);
            let _ = decode_list::<TransactionSite>(&bytes);
            let _ = decode::<Head>(&bytes);
            let _ = decode::<StoredBlock>(&bytes);
        }
    }

    #[test]
    fn list_over_the_bound_is_refused_before_it_is_read() {
        let bytes = codec::Compact(u32::MAX).encode();
        assert!(decode_list::<Site>(&bytes).is_err());
        let sites = vec![Site { height: 0, at: H256::zero() }; MAX_SITES + 1];
        assert!(decode_list::<Site>(&sites.encode()).is_err());
    }

    #[test]
    fn trailing_bytes_are_refused() {
        let mut bytes =
            Head { number: 1, hash: H256::zero(), site: Site { height: 1, at: H256::zero() } }
                .encode();
        bytes.push(0);
        assert!(decode::<Head>(&bytes).is_err());
    }

    #[test]
    fn stored_block_is_the_concatenation_of_the_runtime_values() {
        let stored = StoredBlock {
            rlp: vec![1, 2, 3],
            receipts: vec![],
            senders: vec![H160::repeat_byte(9)],
        };
        let parts = [stored.rlp.encode(), stored.receipts.encode(), stored.senders.encode()];
        assert_eq!(stored.encode(), parts.concat());
    }
}
