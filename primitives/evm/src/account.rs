//! An Ethereum account as it is stored and as the state trie holds it.

use crate::primitives::{Bytes, B256, U256 as EvmU256};
use alloc::vec::Vec;
use alloy_trie::TrieAccount;
use codec::{Compact, Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use revm::state::{AccountId, AccountInfo, Bytecode};
use scale_info::TypeInfo;
use sp_core::{H256, U256};

/// keccak-256 of no bytes, the code hash of an account without code.
pub const KECCAK_EMPTY: H256 = H256(revm::primitives::KECCAK_EMPTY.0);

/// Root of the empty trie, the storage root of an account without storage.
pub const EMPTY_ROOT: H256 = H256(alloy_trie::EMPTY_ROOT_HASH.0);

/// Index that marks accounts with storage in [`AccountInfo::account_id`]; see [`has_storage`].
const HAS_STORAGE: usize = 1;

/// An account. The default is the empty account, which the state does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Account {
    /// Transactions sent by an account, or contracts created by a contract.
    #[codec(compact)]
    pub nonce: u64,
    /// Balance in wei.
    pub balance: U256,
    /// keccak-256 of the code.
    pub code_hash: H256,
    /// Root of the storage trie.
    pub storage_root: H256,
}

impl Default for Account {
    fn default() -> Self {
        Self { nonce: 0, balance: U256::zero(), code_hash: KECCAK_EMPTY, storage_root: EMPTY_ROOT }
    }
}

// Written out because the derive takes the nonce for a fixed u64, one byte less than it can need.
impl MaxEncodedLen for Account {
    fn max_encoded_len() -> usize {
        Compact::<u64>::max_encoded_len()
            .saturating_add(U256::max_encoded_len())
            .saturating_add(H256::max_encoded_len().saturating_mul(2))
    }
}

impl Account {
    /// Whether the account is empty (EIP-161): the state must not hold it once it was touched.
    pub fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && self.code_hash == KECCAK_EMPTY
    }

    /// The leaf of the state trie: `rlp([nonce, balance, storage root, code hash])`.
    pub fn rlp(&self) -> Vec<u8> {
        alloy_rlp::encode(TrieAccount {
            nonce: self.nonce,
            balance: to_evm(self.balance),
            storage_root: B256::new(self.storage_root.0),
            code_hash: B256::new(self.code_hash.0),
        })
    }

    /// What revm reads of the account; for every `Database` of ours.
    ///
    /// `code` may be `None` when there is none to load. An account with storage is marked so that
    /// a creation at its address collides (EIP-7610); see [`has_storage`].
    pub fn info(&self, code: Option<Bytes>) -> AccountInfo {
        let code = match code {
            Some(code) => Some(Bytecode::new_legacy(code)),
            None if self.code_hash == KECCAK_EMPTY => Some(Bytecode::default()),
            None => None,
        };
        AccountInfo {
            balance: to_evm(self.balance),
            nonce: self.nonce,
            code_hash: B256::new(self.code_hash.0),
            account_id: (self.storage_root != EMPTY_ROOT).then(storage_mark).flatten(),
            code,
        }
    }
}

fn storage_mark() -> Option<AccountId> {
    AccountId::new(HAS_STORAGE)
}

/// Whether the database marked the account as one with storage.
///
/// Ethereum refuses to create a contract where storage exists already (EIP-7610), even with nonce
/// 0 and no code; revm does not ask. revm's account id is a hint that the database gives itself
/// for storage look-ups and that carries no meaning elsewhere, so it brings the answer along
/// without another read.
pub fn has_storage(info: &AccountInfo) -> bool {
    info.account_id.is_some_and(|id| id.get() == HAS_STORAGE)
}

/// A balance in revm's type.
pub const fn to_evm(value: U256) -> EvmU256 {
    EvmU256::from_limbs(value.0)
}

/// A balance in Substrate's type.
pub const fn from_evm(value: EvmU256) -> U256 {
    U256(value.into_limbs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::hex;
    use proptest::prelude::*;

    #[test]
    fn empty_account_has_the_leaf_of_the_yellow_paper() {
        let leaf = Account::default().rlp();
        assert_eq!(
            hex::encode(leaf),
            "f8448080a056e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421\
             a0c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
        );
        assert!(Account::default().is_empty());
    }

    #[test]
    fn account_with_storage_is_marked_and_one_without_is_not() {
        let without = Account { nonce: 3, ..Default::default() };
        assert!(!has_storage(&without.info(None)));
        let with = Account { storage_root: H256::repeat_byte(1), ..Default::default() };
        assert!(has_storage(&with.info(None)));
        assert!(!has_storage(&AccountInfo::default()));
    }

    #[test]
    fn code_is_left_to_be_loaded_only_when_there_is_some() {
        assert!(Account::default().info(None).code.is_some());
        let contract = Account { code_hash: H256::repeat_byte(7), ..Default::default() };
        assert!(contract.info(None).code.is_none());
        assert!(contract.info(Some(Bytes::from_static(&[0]))).code.is_some());
    }

    proptest! {
        #[test]
        fn prop_encoding_is_bounded_and_round_trips(
            nonce: u64,
            balance: [u64; 4],
            hash: [u8; 32],
            root: [u8; 32],
        ) {
            let account = Account {
                nonce,
                balance: U256(balance),
                code_hash: H256(hash),
                storage_root: H256(root),
            };
            let bytes = account.encode();
            prop_assert!(bytes.len() <= Account::max_encoded_len());
            prop_assert_eq!(Account::decode(&mut &bytes[..]).unwrap(), account);
            prop_assert_eq!(from_evm(to_evm(account.balance)), account.balance);
        }
    }
}
