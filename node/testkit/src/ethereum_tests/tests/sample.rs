//! What the samples are made of.

use crate::load::Wallet;
use alloy_primitives::{hex, Address, TxKind, B256, U256};
use serde_json::{json, Map, Value};
use sp_core::H160;
use std::collections::BTreeMap;

/// Stores the number of the block in slot 0 and emits a log of no bytes and one topic.
pub(super) const CONTRACT: Address = Address::repeat_byte(0xcc);
pub(super) const CONTRACT_CODE: [u8; 10] =
    [0x43, 0x60, 0x00, 0x55, 0x60, 0x07, 0x5f, 0x5f, 0xa1, 0x00];

/// BLOBHASH(0), which only Ethereum has.
pub(super) const BLOB_READER: Address = Address::repeat_byte(0xbb);
pub(super) const BLOB_READER_CODE: [u8; 3] = [0x5f, 0x49, 0x00];

/// Expands its memory to 1 MiB, for which no proof has room.
pub(super) const MEMORY_USER: Address = Address::repeat_byte(0xaa);
pub(super) const MEMORY_USER_CODE: [u8; 7] = [0x5f, 0x62, 0x10, 0x00, 0x00, 0x53, 0x00];

/// Emits a log of 16 MiB, for which no block of ours has room.
pub(super) const LOGGER: Address = Address::repeat_byte(0xdd);
pub(super) const LOGGER_CODE: [u8; 8] = [0x63, 0x01, 0x00, 0x00, 0x00, 0x5f, 0xa0, 0x00];

/// What a call of [`LOGGER`] takes.
pub(super) const LOGGER_GAS: u64 = 1 << 30;

pub(super) const COINBASE: Address = Address::repeat_byte(0xc0);

/// The account that sends all transactions.
pub(super) fn sender() -> Wallet {
    Wallet::numbered(0).unwrap()
}

/// A call of the sender's next transaction, of Ethereum's chain id.
pub(super) fn call(sender: &mut Wallet, to: Address, gas: u64) -> Vec<u8> {
    sender.sign(1, TxKind::Call(to), U256::ZERO, Default::default(), gas)
}

/// The state before, as the files write it.
pub(super) fn pre() -> Value {
    let account = |balance: &str, nonce: u64, code: &[u8]| {
        json!({
            "balance": balance,
            "nonce": format!("{nonce:#04x}"),
            "code": hex::encode_prefixed(code),
            "storage": {}
        })
    };
    let mut accounts = Map::new();
    accounts.insert(sender().address().to_string(), account("0x0de0b6b3a7640000000000", 0, &[]));
    accounts.insert(CONTRACT.to_string(), account("0x00", 1, &CONTRACT_CODE));
    accounts.insert(BLOB_READER.to_string(), account("0x", 1, &BLOB_READER_CODE));
    accounts.insert(MEMORY_USER.to_string(), account("0x", 1, &MEMORY_USER_CODE));
    accounts.insert(LOGGER.to_string(), account("0x", 1, &LOGGER_CODE));
    Value::Object(accounts)
}

/// The same state as genesis has it.
pub(super) fn genesis() -> BTreeMap<H160, pallet_evm::GenesisAccount> {
    super::super::fixture::genesis(&serde_json::from_value(pre()).unwrap()).unwrap()
}

pub(super) fn text(hash: B256) -> Value {
    hash.to_string().into()
}
