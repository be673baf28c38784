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
    let text = value.as_str().unwrap_or_default();
    text.parse().map_err(|error: T::Err| Error::Nonsense {
        method,
        reason: format!("{value}: {}", error.to_string()),
    })
}

pub(crate) fn bytes(method: &'static str, value: &Value) -> Result<Bytes, Error> {
    parse(method, value)
}

pub(crate) fn number(method: &'static str, value: &Value) -> Result<U256, Error> {
    parse(method, value)
}

/// A number below 2^64.
pub(crate) fn quantity(method: &'static str, value: &Value) -> Result<u64, Error> {
    number(method, value)?
        .try_into()
        .map_err(|_| Error::Nonsense { method, reason: format!("{value} is too large") })
}
