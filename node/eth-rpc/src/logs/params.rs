//! The filter object of `eth_getLogs`, `eth_newFilter` and `eth_subscribe("logs")`.

use super::{criteria::Criteria, selection::BlockSelection};
use crate::{
    error::{invalid_params, limit_exceeded, RpcResult},
    limits::Limits,
    types::{Address, B256},
};
use alloy_eips::BlockNumberOrTag;
use serde::{
    de::{Deserializer, Error, SeqAccess, Visitor},
    Deserialize,
};
use std::{fmt, marker::PhantomData, str::FromStr};

/// A log has at most this many topics.
const MAX_TOPICS: usize = 4;

/// A list that is longer is not even read; [`Limits`] are tighter.
const MAX_LISTED: usize = 16_384;

/// The filter object as the client sent it: well formed, and not yet checked.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct FilterParams {
    block_hash: Option<B256>,
    from_block: Option<BlockNumberOrTag>,
    to_block: Option<BlockNumberOrTag>,
    address: Listed<Address>,
    topics: Option<Positions>,
}

impl FilterParams {
    /// The blocks it covers, and the logs it wants.
    pub(crate) fn check(self, limits: &Limits) -> RpcResult<(BlockSelection, Criteria)> {
        let blocks = match self.block_hash {
            Some(_) if self.from_block.is_some() || self.to_block.is_some() => {
                return Err(invalid_params(
                    "invalid argument 0: cannot specify both BlockHash and FromBlock/ToBlock, \
                     choose one or the other",
                ));
            }
            Some(hash) => BlockSelection::Hash(hash),
            None => BlockSelection::Range { from: self.from_block, to: self.to_block },
        };
        let addresses = self.address.values("address")?;
        let positions = self.topics.map(|topics| topics.0).unwrap_or_default();
        let topics: Vec<_> = positions.into_iter().map(Listed::values_or_any).collect();
        if addresses.len() > limits.log_addresses {
            return Err(limit_exceeded(format_args!(
                "exceed max addresses: {} given, {} allowed",
                addresses.len(),
                limits.log_addresses
            )));
        }
        if let Some(position) = topics.iter().find(|position| position.len() > limits.log_topics) {
            return Err(limit_exceeded(format_args!(
                "exceed max topics per search position: {} given, {} allowed",
                position.len(),
                limits.log_topics
            )));
        }
        Ok((blocks, Criteria::new(addresses, topics)))
    }
}

/// One value, a list of values and nulls, or null.
#[derive(Clone, Debug, PartialEq)]
struct Listed<T>(Vec<Option<T>>);

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Listed<T> {
    /// The values; a null among them is an error.
    fn values(self, what: &str) -> RpcResult<Vec<T>> {
        let count = self.0.len();
        let values: Vec<T> = self.0.into_iter().flatten().collect();
        if values.len() < count {
            return Err(invalid_params(format_args!("invalid {what}: null in a list")));
        }
        Ok(values)
    }

    /// The values; a null among them means that any value will do.
    fn values_or_any(self) -> Vec<T> {
        self.0.into_iter().collect::<Option<Vec<T>>>().unwrap_or_default()
    }
}

/// Topics by position.
#[derive(Clone, Debug, PartialEq)]
struct Positions(Vec<Listed<B256>>);

/// Hex with prefix, of exactly the right length.
fn parse<T: FromStr<Err: fmt::Display>, E: Error>(text: &str) -> Result<T, E> {
    if !text.starts_with("0x") && !text.starts_with("0X") {
        return Err(E::custom("hex string without 0x prefix"));
    }
    text.parse().map_err(E::custom)
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Listed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values<T>(PhantomData<T>);

        impl<'de, T: FromStr<Err: fmt::Display>> Visitor<'de> for Values<T> {
            type Value = Listed<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a hex string, a list of hex strings, or null")
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Listed::default())
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Listed(vec![Some(parse(text)?)]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut values = Vec::new();
                while let Some(text) = list.next_element::<Option<String>>()? {
                    if values.len() >= MAX_LISTED {
                        return Err(A::Error::custom(format_args!(
                            "more than {MAX_LISTED} values"
                        )));
                    }
                    values.push(text.map(|text| parse::<T, A::Error>(&text)).transpose()?);
                }
                Ok(Listed(values))
            }
        }

        deserializer.deserialize_any(Values(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Positions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Positions;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of topics")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut positions = Vec::new();
                while let Some(position) = list.next_element()? {
                    if positions.len() >= MAX_TOPICS {
                        return Err(A::Error::custom("exceed max topics"));
                    }
                    positions.push(position);
                }
                Ok(Positions(positions))
            }
        }

        deserializer.deserialize_seq(List)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{json, Value};

    fn check(value: Value) -> Result<(BlockSelection, Criteria), String> {
        let params: FilterParams =
            serde_json::from_str(&value.to_string()).map_err(|error| error.to_string())?;
        params.check(&Limits::default()).map_err(|error| error.message().to_string())
    }

    fn hex(byte: u8) -> String {
        B256::repeat_byte(byte).to_string()
    }

    fn topic(byte: u8) -> B256 {
        B256::repeat_byte(byte)
    }

    #[test]
    fn empty_object_is_every_log_of_the_head() {
        let (blocks, criteria) = check(json!({})).unwrap();
        assert_eq!(blocks, BlockSelection::Range { from: None, to: None });
        assert_eq!(criteria, Criteria::default());
    }

    #[test]
    fn nulls_mean_not_given() {
        let nulls = json!({
            "fromBlock": null, "toBlock": null, "blockHash": null, "address": null, "topics": null
        });
        assert_eq!(check(nulls), check(json!({})));
    }

    #[test]
    fn blocks_are_numbers_or_tags() {
        let (blocks, _) = check(json!({ "fromBlock": "0x10", "toBlock": "finalized" })).unwrap();
        let from = Some(BlockNumberOrTag::Number(16));
        let to = Some(BlockNumberOrTag::Finalized);
        assert_eq!(blocks, BlockSelection::Range { from, to });
    }

    #[test]
    fn block_hash_excludes_a_range() {
        let error = check(json!({ "blockHash": hex(1), "toBlock": "latest" })).unwrap_err();
        assert!(error.contains("cannot specify both BlockHash and FromBlock/ToBlock"), "{error}");
        let (blocks, _) = check(json!({ "blockHash": hex(1) })).unwrap();
        assert_eq!(blocks, BlockSelection::Hash(topic(1)));
    }

    #[test]
    fn single_address_and_list_are_the_same() {
        let address = Address::repeat_byte(3).to_string();
        let one = check(json!({ "address": address })).unwrap();
        assert_eq!(one, check(json!({ "address": [address] })).unwrap());
        assert_eq!(one.1.addresses(), [Address::repeat_byte(3)]);
        assert!(check(json!({ "address": [] })).unwrap().1.addresses().is_empty());
    }

    #[test]
    fn topic_positions_keep_their_place_and_null_is_any() {
        let (_, criteria) =
            check(json!({ "topics": [null, hex(1), [hex(3), hex(2)], [hex(4), null]] })).unwrap();
        let expected = [vec![], vec![topic(1)], vec![topic(2), topic(3)], vec![]];
        assert_eq!(criteria.topics(), expected);
    }

    #[test]
    fn fifth_topic_is_refused() {
        let error = check(json!({ "topics": [null, null, null, null, null] })).unwrap_err();
        assert!(error.contains("exceed max topics"), "{error}");
    }

    #[test]
    fn malformed_values_are_refused() {
        for bad in [
            json!({ "address": "0x12" }),
            json!({ "address": hex(1) }),
            json!({ "address": Address::repeat_byte(1).to_string().trim_start_matches("0x") }),
            json!({ "address": [null] }),
            json!({ "address": 7 }),
            json!({ "address": { "a": 1 } }),
            json!({ "topics": hex(1) }),
            json!({ "topics": [[[hex(1)]]] }),
            json!({ "topics": ["0x1"] }),
            json!({ "topics": [7] }),
            json!({ "fromBlock": "soon" }),
            json!({ "blockHash": "0x" }),
            json!("latest"),
        ] {
            assert!(check(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn unknown_fields_are_ignored_as_in_geth() {
        assert_eq!(check(json!({ "limit": 5 })), check(json!({})));
    }

    #[test]
    fn too_many_addresses_or_topics_are_refused() {
        let addresses: Vec<_> =
            (0..1_001u64).map(|id| Address::left_padding_from(&id.to_be_bytes())).collect();
        let error = check(json!({ "address": addresses })).unwrap_err();
        assert_eq!(error, "exceed max addresses: 1001 given, 1000 allowed");
        assert!(check(json!({ "address": addresses[1..] })).is_ok());
        let topics: Vec<_> =
            (0..1_001u64).map(|id| B256::from(crate::types::U256::from(id))).collect();
        let error = check(json!({ "topics": [null, topics] })).unwrap_err();
        assert_eq!(error, "exceed max topics per search position: 1001 given, 1000 allowed");
    }

    #[test]
    fn endless_list_is_not_read_to_its_end() {
        let list = vec![hex(1); MAX_LISTED + 1];
        let error = check(json!({ "topics": [list] })).unwrap_err();
        assert!(error.contains("more than 16384 values"), "{error}");
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "0x[0-9a-f]{0,70}".prop_map(Value::from),
            Just(Value::from(hex(7))),
            "[a-z]{0,9}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 6, |inner| {
            prop::collection::vec(inner, 0..6).prop_map(Value::from)
        })
    }

    proptest! {
        #[test]
        fn prop_decoder_survives_any_object(
            fields in prop::collection::hash_map(
                prop::sample::select(vec!["fromBlock", "toBlock", "blockHash", "address", "topics"]),
                any_json(),
                0..6,
            )
        ) {
            let _ = check(json!(fields));
        }

        #[test]
        fn prop_decoder_survives_any_text(text in ".{0,200}") {
            let _ = serde_json::from_str::<FilterParams>(&text);
        }

        #[test]
        fn prop_well_formed_criteria_read_back(
            addresses in prop::collection::vec(any::<[u8; 20]>(), 0..6),
            topics in prop::collection::vec(prop::collection::vec(any::<[u8; 32]>(), 0..4), 0..5),
        ) {
            let addresses: Vec<_> = addresses.into_iter().map(Address::from).collect();
            let topics: Vec<Vec<_>> =
                topics.into_iter().map(|list| list.into_iter().map(B256::from).collect()).collect();
            let sent = json!({ "address": addresses, "topics": topics });
            prop_assert_eq!(check(sent).unwrap().1, Criteria::new(addresses, topics));
        }
    }
}
