//! The second argument of `eth_subscribe`.

use crate::logs::FilterParams;
use serde::{
    de::{value::MapAccessDeserializer, Deserializer, Error, MapAccess, Visitor},
    Deserialize,
};
use std::fmt;

/// What a subscription is narrowed to; its meaning depends on the kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum SubscriptionParams {
    /// Nothing was given.
    #[default]
    None,
    /// Whether whole transactions are wanted.
    Full(bool),
    /// Which logs are wanted.
    Logs(Box<FilterParams>),
}

impl<'de> Deserialize<'de> for SubscriptionParams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Params;

        impl<'de> Visitor<'de> for Params {
            type Value = SubscriptionParams;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a filter object, true, false, or nothing")
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(SubscriptionParams::None)
            }

            fn visit_bool<E: Error>(self, full: bool) -> Result<Self::Value, E> {
                Ok(SubscriptionParams::Full(full))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let filter = FilterParams::deserialize(MapAccessDeserializer::new(map))?;
                Ok(SubscriptionParams::Logs(Box::new(filter)))
            }
        }

        deserializer.deserialize_any(Params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(json: &str) -> Option<SubscriptionParams> {
        serde_json::from_str(json).ok()
    }

    #[test]
    fn params_are_nothing_a_flag_or_a_filter() {
        assert_eq!(read("null"), Some(SubscriptionParams::None));
        assert_eq!(read("true"), Some(SubscriptionParams::Full(true)));
        let default = Box::new(FilterParams::default());
        assert_eq!(read("{}"), Some(SubscriptionParams::Logs(default)));
        for bad in ["1", "\"full\"", "[]", r#"{"address":"0x1"}"#, r#"{"topics":[1]}"#] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn prop_decoder_survives_any_text(text in "\\PC{0,80}") {
            read(&text);
        }
    }
}
