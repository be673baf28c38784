//! Arguments of `eth_feeHistory`.

use serde::{
    de::{Deserializer, Error, SeqAccess, Visitor},
    Deserialize,
};
use std::fmt;

/// A list of percentiles that is longer is not even read; [`crate::Limits`] are tighter.
const MAX_LISTED: usize = 1_024;

/// A number of blocks: a JSON number, or text in decimal or hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockCount(pub u64);

impl<'de> Deserialize<'de> for BlockCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;

        impl Visitor<'_> for Number {
            type Value = BlockCount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of blocks")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(BlockCount(number))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
                    Some(hex) => u64::from_str_radix(hex, 16),
                    None => text.parse(),
                };
                // `from_str_radix` takes a sign, which no quantity has.
                match number {
                    Ok(number) if !text.contains('+') => Ok(BlockCount(number)),
                    _ => Err(E::custom(format_args!("invalid number of blocks {text:?}"))),
                }
            }
        }

        deserializer.deserialize_any(Number)
    }
}

/// Percentiles of gas at which tips are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Percentiles(pub Vec<f64>);

impl<'de> Deserialize<'de> for Percentiles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Percentiles;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of percentiles")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    if values.len() >= MAX_LISTED {
                        return Err(A::Error::custom(format_args!(
                            "invalid reward percentile: more than {MAX_LISTED} values"
                        )));
                    }
                    values.push(value);
                }
                Ok(Percentiles(values))
            }
        }

        deserializer.deserialize_seq(List)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn count(json: &str) -> Option<u64> {
        serde_json::from_str::<BlockCount>(json).ok().map(|count| count.0)
    }

    #[test]
    fn block_count_is_a_number_hex_or_decimal() {
        assert_eq!(count("5"), Some(5));
        assert_eq!(count("\"0x10\""), Some(16));
        assert_eq!(count("\"10\""), Some(10));
        for bad in ["-1", "1.5", "\"\"", "\"0x\"", "\"0x+1\"", "\"+1\"", "null", "[]", "\"ten\""] {
            assert_eq!(count(bad), None, "{bad}");
        }
        assert_eq!(count("\"0x10000000000000000\""), None);
    }

    #[test]
    fn percentiles_are_numbers() {
        let list = |json: &str| serde_json::from_str::<Option<Percentiles>>(json).ok();
        assert_eq!(list("[1, 2.5]"), Some(Some(Percentiles(vec![1.0, 2.5]))));
        assert_eq!(list("null"), Some(None));
        assert_eq!(list("[\"a\"]"), None);
        assert_eq!(list("{}"), None);
        let long = format!("[{}1]", "1,".repeat(MAX_LISTED));
        assert_eq!(list(&long), None);
    }

    proptest! {
        #[test]
        fn prop_decoders_survive_any_text(text in ".{0,80}") {
            let _ = serde_json::from_str::<BlockCount>(&text);
            let _ = serde_json::from_str::<Percentiles>(&text);
        }

        #[test]
        fn prop_block_count_reads_back(number: u64) {
            prop_assert_eq!(count(&format!("\"{number:#x}\"")), Some(number));
            prop_assert_eq!(count(&format!("\"{number}\"")), Some(number));
            prop_assert_eq!(count(&number.to_string()), Some(number));
        }
    }
}
