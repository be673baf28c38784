//! Names of subscriptions.

use crate::filters::random_id;
use jsonrpsee::{core::traits::IdProvider, types::SubscriptionId};
use sc_service::config::RpcSubscriptionIdProvider;

/// Gives subscriptions random names in geth's form, 128 bits in hex. Most clients take any text; some read a number.
#[derive(Clone, Copy, Debug)]
pub struct SubscriptionIds;

impl IdProvider for SubscriptionIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        format!("{:#x}", random_id()).into()
    }
}

impl RpcSubscriptionIdProvider for SubscriptionIds {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quantities_and_differ() {
        let next = || serde_json::to_string(&SubscriptionIds.next_id()).unwrap();
        let id = next();
        let digits = id.strip_prefix("\"0x").and_then(|id| id.strip_suffix('"')).unwrap();
        assert!(digits.len() <= 32 && u128::from_str_radix(digits, 16).is_ok(), "{id}");
        assert_ne!(id, next());
    }
}
