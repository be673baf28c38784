//! Values as the test files write them.

use crate::ethereum_tests::report::Verdict;
use alloy_primitives::{hex, Address, U256};
use bzk_evm::profile::MAX_CODE_SIZE;
use pallet_evm::{GenesisAccount, MAX_DELETABLE_SLOTS};
use serde::{de::Error, Deserialize, Deserializer};
use sp_core::{H160, H256};
use std::collections::BTreeMap;

/// A number of up to 256 bits: hex with 0x and any leading zeros (`0x` is 0), or decimal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number(pub(super) U256);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = match text.strip_prefix("0x") {
            Some("") => Ok(U256::ZERO),
            Some(digits) => U256::from_str_radix(digits, 16),
            None if text.is_empty() => return Err(D::Error::custom("a number without digits")),
            None => U256::from_str_radix(&text, 10),
        };
        number.map(Self).map_err(|_| D::Error::custom(format!("{text} is not a 256-bit number")))
    }
}

impl Number {
    /// The number, if it has at most 64 bits.
    pub(super) fn to_u64(self) -> Option<u64> {
        self.0.try_into().ok()
    }

    fn to_word(self) -> H256 {
        H256(self.0.to_be_bytes())
    }
}

/// Bytes in hex with 0x.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Data(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").unwrap_or(&text);
        hex::decode(digits)
            .map(Self)
            .map_err(|error| D::Error::custom(format!("{error} in {text:.40}")))
    }
}

/// An account before or after a test. Fields that a file leaves out are zero or empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Account {
    balance: Number,
    code: Data,
    nonce: Number,
    storage: BTreeMap<Number, Number>,
}

/// A state.
pub(super) type Accounts = BTreeMap<Address, Account>;

/// The state in the form of our genesis; a verdict if our chain cannot hold it.
pub(super) fn genesis(accounts: &Accounts) -> Result<BTreeMap<H160, GenesisAccount>, Verdict> {
    let convert = |(address, account): (&Address, &Account)| {
        let bytes = account.code.0.len();
        if bytes > MAX_CODE_SIZE {
            let reason = format!("code of {bytes} bytes at {address}, above 32 KiB");
            return Err(Verdict::Excused(reason));
        }
        let slots = account.storage.values().filter(|value| !value.0.is_zero()).count();
        let deletable = account.code.0.is_empty() && account.nonce.0.is_zero();
        if deletable && slots > MAX_DELETABLE_SLOTS as usize {
            let reason = format!("{slots} slots at {address}, which has neither nonce nor code");
            return Err(Verdict::Excused(reason));
        }
        let nonce = account.nonce.to_u64();
        let nonce = nonce.ok_or_else(|| Verdict::Failed(format!("nonce of {address}")))?;
        let storage =
            account.storage.iter().map(|(slot, value)| (slot.to_word(), value.to_word())).collect();
        let genesis = GenesisAccount {
            nonce,
            balance: sp_core::U256(account.balance.0.into_limbs()),
            code: account.code.0.clone(),
            storage,
        };
        Ok((H160(address.into_array()), genesis))
    };
    accounts.iter().map(convert).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Option<U256> {
        serde_json::from_value::<Number>(text.into()).ok().map(|number| number.0)
    }

    #[test]
    fn numbers_may_have_leading_zeros_or_be_decimal() {
        assert_eq!(number("0x"), Some(U256::ZERO));
        assert_eq!(number("0x00ff"), Some(U256::from(255)));
        assert_eq!(number("17"), Some(U256::from(17)));
        let most = format!("0x{}", "f".repeat(64));
        assert_eq!(number(&most), Some(U256::MAX));
        for bad in ["0xg", "", "0x:bigint 0x1", &format!("0x1{}", "0".repeat(64))] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }

    #[test]
    fn account_without_fields_is_empty() {
        let accounts = serde_json::json!({"0x00000000000000000000000000000000000000cc": {}});
        let accounts = genesis(&serde_json::from_value(accounts).unwrap()).unwrap();
        assert_eq!(accounts.into_values().next(), Some(GenesisAccount::default()));
    }

    #[test]
    fn account_of_too_many_deletable_slots_is_excused() {
        let storage = (1..=u64::from(MAX_DELETABLE_SLOTS) + 1)
            .map(|slot| (Number(U256::from(slot)), Number(U256::from(1))))
            .collect();
        let mut account = Account { storage, ..Default::default() };
        let excused = genesis(&[(Address::ZERO, account.clone())].into()).unwrap_err();
        assert!(matches!(excused, Verdict::Excused(why) if why.starts_with("1025 slots")));
        account.nonce = Number(U256::from(1));
        assert!(genesis(&[(Address::ZERO, account)].into()).is_ok());
    }
}
