//! Ethereum's state tests as blocks of one transaction. What the test expects does not matter
//! here: the kernel is compared with our EVM, which has the expectations checked elsewhere.

use crate::{
    scenario::Scenario,
    world::{block_hashes, Call, Kind, Wallet},
};
use alloy_primitives::{hex, Address, B256, U256};
use anyhow::{Context, Result};
use bzk_core::CHAIN_ID;
use bzk_evm::{execute::BlockEnvironment, tx::check_static};
use bzk_witness::memory::{Contents, State};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Largest gas limit of a block that the kernel takes.
const MAX_GAS: u64 = u32::MAX as u64;

/// Every Cancun case below `path` that the profile allows.
pub(crate) fn all(path: &Path) -> Result<impl Iterator<Item = Result<Scenario>>> {
    let mut files = Vec::new();
    collect(path, &mut files)?;
    files.sort();
    Ok(files.into_iter().flat_map(|path| match file(&path) {
        Ok(cases) => cases.into_iter().map(Ok).collect::<Vec<_>>(),
        Err(error) => vec![Err(error.context(path.display().to_string()))],
    }))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path).with_context(|| path.display().to_string())? {
            collect(&entry?.path(), files)?;
        }
    } else if path.extension().is_some_and(|extension| extension == "json") {
        files.push(path.into());
    }
    Ok(())
}

fn file(path: &Path) -> Result<Vec<Scenario>> {
    let tests: Value = serde_json::from_slice(&fs::read(path)?)?;
    let mut all = Vec::new();
    for (name, test) in tests.as_object().context("not an object")? {
        let Some(posts) = test["post"]["Cancun"].as_array() else { continue };
        let state = State::new(accounts(&test["pre"])?);
        let environment = environment(&test["env"])?;
        for post in posts {
            let at = |what: &str| post["indexes"][what].as_u64().unwrap_or(0) as usize;
            let (data, gas, value) = (at("data"), at("gas"), at("value"));
            let name = format!("{name} {data} {gas} {value}");
            if let Some(scenario) =
                scenario(name, &state, environment, &test["transaction"], data, gas, value)?
            {
                all.push(scenario);
            }
        }
    }
    Ok(all)
}

/// `None` when the profile refuses the transaction, or the kernel cannot be asked.
fn scenario(
    name: String,
    state: &State,
    environment: BlockEnvironment,
    transaction: &Value,
    data: usize,
    gas: usize,
    value: usize,
) -> Result<Option<Scenario>> {
    let Ok(gas) = word(&transaction["gasLimit"][gas]) else { return Ok(None) };
    let Ok(value) = word(&transaction["value"][value]) else { return Ok(None) };
    // The kernel counts gas in 32 bits. A test that gives more than that is asked with less.
    let gas = gas.min(U256::from(environment.gas_limit)).to::<u64>();
    let to = transaction["to"].as_str().unwrap_or_default();
    let list = transaction["accessLists"][data].as_array();
    let (price, fee) = (&transaction["gasPrice"], &transaction["maxFeePerGas"]);
    if !transaction["maxFeePerBlobGas"].is_null() {
        return Ok(None);
    }
    let number = |value: &Value| word(value).map(|word| word.saturating_to::<u128>());
    let call = Call {
        to: if to.is_empty() { None } else { Some(to.parse()?) },
        value,
        data: bytes(&transaction["data"][data])?.into(),
        gas,
        kind: match (fee.is_null(), list.is_some()) {
            (false, _) => Kind::DynamicFee,
            (true, true) => Kind::AccessList,
            (true, false) => Kind::Unprotected,
        },
        tip: number(&transaction["maxPriorityFeePerGas"]).unwrap_or_default(),
        fee: if fee.is_null() { number(price)? } else { number(fee)? },
        ..Call::default()
    };
    let call = match list {
        Some(list) => call.list(list.iter().map(listed).collect::<Result<_>>()?),
        None => call,
    };
    let wallet = Wallet::of(transaction["secretKey"].as_str().context("no key")?.parse()?);
    let Ok(nonce) = word(&transaction["nonce"]) else { return Ok(None) };
    let signed = wallet.sign(call, nonce.saturating_to());
    if check_static(&signed.envelope, CHAIN_ID).is_err() {
        return Ok(None);
    }
    let mut scenario = Scenario::over(name, state.clone(), environment);
    for (number, hash) in block_hashes(environment.number) {
        scenario.state.set_block_hash(number, hash);
    }
    scenario.lenient = true;
    scenario.transactions.push(signed);
    Ok(Some(scenario))
}

fn listed(item: &Value) -> Result<(Address, Vec<U256>)> {
    let slots = item["storageKeys"].as_array().context("no keys")?;
    let address = item["address"].as_str().context("no address")?.parse()?;
    Ok((address, slots.iter().map(word).collect::<Result<_>>()?))
}

fn environment(env: &Value) -> Result<BlockEnvironment> {
    let number = |name: &str| word(&env[name]).map(|word| word.saturating_to::<u64>());
    Ok(BlockEnvironment {
        chain_id: CHAIN_ID,
        number: number("currentNumber")?.min(u64::from(u32::MAX)),
        timestamp_s: number("currentTimestamp")?.min(u64::from(u32::MAX)),
        gas_limit: number("currentGasLimit")?.min(MAX_GAS),
        base_fee: number("currentBaseFee").unwrap_or(0),
        coinbase: env["currentCoinbase"].as_str().context("no coinbase")?.parse()?,
        prev_randao: env["currentRandom"].as_str().map_or(Ok(B256::ZERO), str::parse)?,
    })
}

fn accounts(pre: &Value) -> Result<Vec<(Address, Contents)>> {
    let account = |(address, account): (&String, &Value)| -> Result<(Address, Contents)> {
        let storage = account["storage"].as_object().context("no storage")?;
        let slots = storage.iter().map(|(slot, value)| Ok((slot.parse()?, word(value)?)));
        let slots = slots.collect::<Result<Vec<(U256, U256)>>>()?;
        let contents = Contents {
            nonce: word(&account["nonce"])?.saturating_to(),
            balance: word(&account["balance"])?,
            code: bytes(&account["code"])?.into(),
            storage: slots.into_iter().filter(|(_, value)| !value.is_zero()).collect(),
        };
        Ok((address.parse()?, contents))
    };
    pre.as_object().context("no pre-state")?.iter().map(account).collect()
}

fn word(value: &Value) -> Result<U256> {
    Ok(value.as_str().context("not a word")?.parse()?)
}

fn bytes(value: &Value) -> Result<Vec<u8>> {
    Ok(hex::decode(value.as_str().context("no bytes")?)?)
}
