//! JSON-RPC over HTTP, and the encodings of Ethereum's.

use crate::Error;
use alloy_primitives::{Bytes, U256};
use jsonrpc::{bitreq_http_async::Builder, client_async::Client, Error as RpcError};
use serde_json::{value::to_raw_value, Value};
use std::{str::FromStr, time::Duration};

/// Ethereum's code for a call that the contract reverts.
const REVERTED: i32 = 3;

#[derive(Debug)]
pub(crate) struct Rpc {
    client: Client,
}

impl Rpc {
    pub(crate) fn new(url: &str) -> Result<Self, Error> {
        let transport = Builder::new()
            .timeout(Duration::from_secs(60))
            .url(url)
            .map_err(|error| Error::Unreachable(error.to_string()))?
            .build();
        Ok(Self { client: Client::with_transport(transport) })
    }

    pub(crate) async fn call(
        &self,
        method: &'static str,
        arguments: Value,
    ) -> Result<Value, Error> {
        let nonsense = |reason: String| Error::Nonsense { method, reason };
        let arguments = to_raw_value(&arguments).map_err(|error| nonsense(error.to_string()))?;
        let request = self.client.build_request(method, Some(&arguments));
        let response = self
            .client
            .send_request(request)
            .await
            .map_err(|error| Error::Unreachable(error.to_string()))?;
        match response.result() {
            Ok(value) => Ok(value),
            Err(RpcError::Rpc(error)) if error.code == REVERTED => {
                let data = error.data.and_then(|data| serde_json::from_str(data.get()).ok());
                Err(Error::Reverted { message: error.message, data: data.unwrap_or_default() })
            }
            Err(RpcError::Rpc(error)) => Err(Error::Refused { method, reason: error.message }),
            Err(error) => Err(nonsense(error.to_string())),
        }
    }
}

pub(crate) fn parse<T: FromStr>(method: &'static str, value: &Value) -> Result<T, Error>
where
    T::Err: ToString,
{
    let nonsense =
        |reason: String| Error::Nonsense { method, reason: format!("{value}: {reason}") };
    let text = value.as_str().ok_or_else(|| nonsense("not a text".into()))?;
    text.parse().map_err(|error: T::Err| nonsense(error.to_string()))
}

pub(crate) fn bytes(method: &'static str, value: &Value) -> Result<Bytes, Error> {
    parse(method, value)
}

pub(crate) fn number(method: &'static str, value: &Value) -> Result<U256, Error> {
    // Without digits it would be read as zero.
    match value.as_str() {
        Some("" | "0x") => {
            Err(Error::Nonsense { method, reason: format!("{value} has no digits") })
        }
        _ => parse(method, value),
    }
}

/// A number below 2^64.
pub(crate) fn quantity(method: &'static str, value: &Value) -> Result<u64, Error> {
    number(method, value)?
        .try_into()
        .map_err(|_| Error::Nonsense { method, reason: format!("{value} is too large") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::B256;
    use serde_json::json;

    #[test]
    fn attack_answers_of_the_wrong_shape_are_nonsense_and_not_zero() {
        let beyond = format!("0x1{}", "0".repeat(64));
        let long = "9".repeat(90);
        let shapes = [json!(null), json!(true), json!(7), json!([]), json!({"a": "0x1"})];
        let texts =
            ["-1", "0xg", "zz", "\u{0}", "\u{1f642}", &beyond, &long].map(|text| json!(text));
        for answer in shapes.iter().chain(&texts) {
            assert!(matches!(number("m", answer), Err(Error::Nonsense { .. })), "{answer}");
            assert!(matches!(quantity("m", answer), Err(Error::Nonsense { .. })), "{answer}");
            let hash = parse::<B256>("m", answer);
            assert!(matches!(hash, Err(Error::Nonsense { .. })), "{answer}");
        }
        for answer in [json!(""), json!("0x")] {
            assert!(matches!(number("m", &answer), Err(Error::Nonsense { .. })), "{answer}");
        }
        for answer in &shapes {
            assert!(matches!(bytes("m", answer), Err(Error::Nonsense { .. })), "{answer}");
        }
        assert!(matches!(
            quantity("m", &json!("0x10000000000000000")),
            Err(Error::Nonsense { .. })
        ));
        assert_eq!(quantity("m", &json!("0x10")).unwrap(), 16);
        assert_eq!(bytes("m", &json!("0x")).unwrap(), Bytes::new());
    }
}
