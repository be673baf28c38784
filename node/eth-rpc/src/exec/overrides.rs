//! State and block overrides: what a caller pretends, laid over the real state.

use super::failure::Failure;
use alloy_primitives::{map::B256HashMap, Address, Bytes, B256, U256};
use alloy_rpc_types_eth::{
    state::{AccountOverride, StateOverride},
    BlockOverrides,
};
use bzk_evm::{execute::BlockEnvironment, tx::is_precompile};
use revm::{bytecode::Bytecode, database::CacheDB, primitives::KECCAK_EMPTY, DatabaseRef};

/// Lays `overrides` over `db`, in the order of addresses, so that errors are the same each time.
pub(crate) fn apply_state<DB: DatabaseRef>(
    db: &mut CacheDB<DB>,
    overrides: StateOverride,
) -> Result<(), Failure> {
    let mut accounts: Vec<_> = overrides.into_iter().collect();
    accounts.sort_unstable_by_key(|(address, _)| *address);
    accounts.into_iter().try_for_each(|(address, account)| apply_account(db, address, account))
}

fn apply_account<DB: DatabaseRef>(
    db: &mut CacheDB<DB>,
    address: Address,
    account: AccountOverride,
) -> Result<(), Failure> {
    if account.state.is_some() && account.state_diff.is_some() {
        return Err(Failure::params(format_args!(
            "account {address} has both 'state' and 'stateDiff'"
        )));
    }
    check_precompile(address, &account)?;
    // Loads the account, so that fields without an override keep their values.
    let mut info = db.load_account(address).map_err(Failure::internal)?.info.clone();
    let named = account.nonce.is_some() || account.balance.is_some() || account.code.is_some();
    if let Some(nonce) = account.nonce {
        info.nonce = nonce;
    }
    if let Some(balance) = account.balance {
        info.balance = balance;
    }
    if let Some(code) = account.code {
        (info.code_hash, info.code) = analysed(code);
    }
    if named {
        db.insert_account_info(address, info);
    }
    if let Some(storage) = account.state {
        db.replace_account_storage(address, words(storage).collect()).map_err(Failure::internal)?;
    }
    for (slot, value) in account.state_diff.into_iter().flat_map(words) {
        db.insert_account_storage(address, slot, value).map_err(Failure::internal)?;
    }
    Ok(())
}

/// Precompiles are part of the proven rules: they cannot be moved or replaced by code.
fn check_precompile(address: Address, account: &AccountOverride) -> Result<(), Failure> {
    let precompile = is_precompile(&address);
    if account.move_precompile_to.is_some() {
        return Err(if precompile {
            Failure::server(format_args!(
                "account {address} is a precompile: movePrecompileToAddress is not supported"
            ))
        } else {
            Failure::server(format_args!("account {address} is not a precompile"))
        });
    }
    if precompile && account.code.is_some() {
        return Err(Failure::server(format_args!(
            "account {address} is a precompile: overriding its code is not supported"
        )));
    }
    Ok(())
}

fn analysed(code: Bytes) -> (B256, Option<Bytecode>) {
    if code.is_empty() {
        return (KECCAK_EMPTY, Some(Bytecode::default()));
    }
    let code = Bytecode::new_legacy(code);
    (code.hash_slow(), Some(code))
}

fn words(slots: B256HashMap<B256>) -> impl Iterator<Item = (U256, U256)> {
    slots.into_iter().map(|(slot, value)| (slot.into(), value.into()))
}

/// Changes the block that a call runs in.
pub(crate) fn apply_block<DB>(
    block: &mut BlockEnvironment,
    db: &mut CacheDB<DB>,
    overrides: BlockOverrides,
) -> Result<(), Failure> {
    if overrides.beacon_root.is_some() {
        return Err(Failure::server(
            "block override \"beaconRoot\" is not supported for this RPC method",
        ));
    }
    if let Some(number) = overrides.number {
        block.number = narrow(number, "number")?;
    }
    if let Some(base_fee) = overrides.base_fee {
        block.base_fee = narrow(base_fee, "baseFee")?;
    }
    block.timestamp_s = overrides.time.unwrap_or(block.timestamp_s);
    block.gas_limit = overrides.gas_limit.unwrap_or(block.gas_limit);
    block.coinbase = overrides.coinbase.unwrap_or(block.coinbase);
    block.prev_randao = overrides.random.unwrap_or(block.prev_randao);
    let hashes = overrides.block_hash.into_iter().flatten();
    db.cache.block_hashes.extend(hashes.map(|(number, hash)| (U256::from(number), hash)));
    Ok(())
}

/// `value` as the 64 bits that a block has for it.
pub(crate) fn narrow(value: U256, field: &str) -> Result<u64, Failure> {
    value.try_into().map_err(|_| {
        Failure::params(format_args!("block override \"{field}\" is over 64 bits: {value}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonrpsee::types::ErrorObjectOwned;
    use revm::{database::EmptyDB, state::AccountInfo, Database};
    use serde_json::json;

    const ACCOUNT: Address = Address::repeat_byte(0xaa);

    fn base() -> CacheDB<CacheDB<EmptyDB>> {
        let mut db = CacheDB::new(EmptyDB::default());
        let code = Bytecode::new_legacy(Bytes::from_static(&[0]));
        let info = AccountInfo {
            balance: U256::from(5),
            nonce: 6,
            code_hash: code.hash_slow(),
            code: Some(code),
            ..Default::default()
        };
        db.insert_account_info(ACCOUNT, info);
        db.insert_account_storage(ACCOUNT, U256::from(1), U256::from(10)).unwrap();
        db.insert_account_storage(ACCOUNT, U256::from(2), U256::from(20)).unwrap();
        CacheDB::new(db)
    }

    fn apply(account: serde_json::Value) -> Result<CacheDB<CacheDB<EmptyDB>>, ErrorObjectOwned> {
        at(ACCOUNT, account)
    }

    fn at(
        address: Address,
        account: serde_json::Value,
    ) -> Result<CacheDB<CacheDB<EmptyDB>>, ErrorObjectOwned> {
        let mut db = base();
        let account = serde_json::from_value(account).unwrap();
        apply_state(&mut db, StateOverride::from_iter([(address, account)]))?;
        Ok(db)
    }

    fn word(value: u64) -> B256 {
        U256::from(value).into()
    }

    #[test]
    fn fields_without_an_override_keep_their_values() {
        let mut db = apply(json!({ "nonce": "0x9" })).unwrap();
        let info = db.basic(ACCOUNT).unwrap().unwrap();
        assert_eq!((info.nonce, info.balance), (9, U256::from(5)));
        assert_eq!(db.storage(ACCOUNT, U256::from(1)).unwrap(), U256::from(10));
    }

    #[test]
    fn balance_makes_an_account_exist() {
        let other = Address::repeat_byte(0xbb);
        let mut db = at(other, json!({ "balance": "0x7" })).unwrap();
        assert_eq!(db.basic(other).unwrap().unwrap().balance, U256::from(7));
    }

    #[test]
    fn code_is_replaced_or_removed() {
        let mut db = apply(json!({ "code": "0x6001" })).unwrap();
        let hash = db.basic(ACCOUNT).unwrap().unwrap().code_hash;
        assert_eq!(db.code_by_hash(hash).unwrap().original_bytes().as_ref(), [0x60, 1]);
        let mut db = apply(json!({ "code": "0x" })).unwrap();
        assert_eq!(db.basic(ACCOUNT).unwrap().unwrap().code_hash, KECCAK_EMPTY);
    }

    #[test]
    fn state_replaces_all_slots_and_state_diff_only_those_it_names() {
        let mut db = apply(json!({ "state": { word(1).to_string(): word(11) } })).unwrap();
        assert_eq!(db.storage(ACCOUNT, U256::from(1)).unwrap(), U256::from(11));
        assert_eq!(db.storage(ACCOUNT, U256::from(2)).unwrap(), U256::ZERO);
        let mut db = apply(json!({ "stateDiff": { word(1).to_string(): word(11) } })).unwrap();
        assert_eq!(db.storage(ACCOUNT, U256::from(1)).unwrap(), U256::from(11));
        assert_eq!(db.storage(ACCOUNT, U256::from(2)).unwrap(), U256::from(20));
    }

    #[test]
    fn state_with_state_diff_is_refused() {
        let error = apply(json!({ "state": {}, "stateDiff": {} })).unwrap_err();
        assert!(error.message().contains("has both 'state' and 'stateDiff'"));
    }

    #[test]
    fn precompiles_stay_where_they_are() {
        let to = Address::repeat_byte(1);
        let precompile = Address::with_last_byte(1);
        let error = at(precompile, json!({ "movePrecompileToAddress": to })).unwrap_err();
        assert!(error.message().ends_with("movePrecompileToAddress is not supported"));
        let error = apply(json!({ "movePrecompileToAddress": to })).unwrap_err();
        assert!(error.message().ends_with("is not a precompile"));
        let error = at(precompile, json!({ "code": "0x00" })).unwrap_err();
        assert!(error.message().ends_with("overriding its code is not supported"));
        // 0x0a is a plain account in this profile.
        assert!(at(Address::with_last_byte(10), json!({ "code": "0x00" })).is_ok());
    }

    #[test]
    fn block_fields_are_replaced_one_by_one() {
        let overrides: BlockOverrides = serde_json::from_value(json!({
            "number": "0x10", "time": "0x20", "baseFeePerGas": "0x30", "blockHash": { "3": word(9) }
        }))
        .unwrap();
        let mut block = BlockEnvironment { gas_limit: 77, ..Default::default() };
        let mut db = base();
        apply_block(&mut block, &mut db, overrides).unwrap();
        assert_eq!((block.number, block.timestamp_s, block.base_fee), (16, 32, 48));
        assert_eq!(block.gas_limit, 77);
        assert_eq!(db.block_hash(3).unwrap(), word(9));
    }

    #[test]
    fn block_fields_over_64_bits_are_refused() {
        let overrides = BlockOverrides { number: Some(U256::MAX), ..Default::default() };
        let mut block = BlockEnvironment::default();
        assert!(apply_block(&mut block, &mut base(), overrides).is_err());
    }
}
