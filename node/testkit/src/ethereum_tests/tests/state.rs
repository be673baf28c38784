//! State tests.

use super::{
    super::{
        chain::{self, Chain},
        Kind,
    },
    assert_counts, assert_excused, assert_failed, run_json, sample,
};
use alloy_primitives::{hex, keccak256, Address, Bytes, Log, LogData, B256};
use bzk_evm::execute::BlockEnvironment;
use serde_json::{json, Value};

fn environment() -> BlockEnvironment {
    BlockEnvironment {
        chain_id: 1,
        number: 5,
        timestamp_s: 1_000,
        // Far above what governance may set, as in the files.
        gas_limit: 0x00ff_1122_3344_5566,
        base_fee: 10,
        coinbase: sample::COINBASE,
        prev_randao: B256::repeat_byte(2),
    }
}

/// A file with one case of Cancun and one of London.
fn file(raw: &[u8], hash: B256, logs: B256) -> Value {
    let post = json!({
        "hash": sample::text(hash),
        "logs": sample::text(logs),
        "indexes": {"data": 0, "gas": 1, "value": 2},
        "txbytes": hex::encode_prefixed(raw),
    });
    json!({"sample": {
        "_info": {"comment": "made by ourselves"},
        "env": {
            "currentBaseFee": "0x0a",
            "currentCoinbase": sample::COINBASE.to_string(),
            "currentDifficulty": "0x020000",
            "currentExcessBlobGas": "0x00",
            "currentGasLimit": "0xff112233445566",
            "currentNumber": "0x05",
            "currentRandom": B256::repeat_byte(2).to_string(),
            "currentTimestamp": "0x03e8"
        },
        "pre": sample::pre(),
        "post": {"Cancun": [post], "London": [post]},
        "transaction": {}
    }})
}

fn call(to: Address, gas: u64) -> Vec<u8> {
    sample::call(&mut sample::sender(), to, gas)
}

/// The root after `raw`, by the pallet alone.
fn root_after(raw: &[u8]) -> B256 {
    Chain::new(sample::genesis()).execute(|| {
        let tx = chain::recover(raw).unwrap();
        super::super::runtime::EVM::transact(&environment(), &tx, u64::MAX).unwrap();
        B256::new(super::super::runtime::EVM::commit().0)
    })
}

fn root_before() -> B256 {
    Chain::new(sample::genesis()).execute(chain::state_root)
}

/// Hash of the log of the sample's contract.
fn contract_logs() -> B256 {
    let topic = B256::with_last_byte(7);
    let data = LogData::new_unchecked(vec![topic], Bytes::new());
    keccak256(alloy_rlp::encode(vec![Log { address: sample::CONTRACT, data }]))
}

/// Hash of the empty list.
fn no_logs() -> B256 {
    keccak256([0xc0])
}

fn run(file: &Value) -> super::Summary {
    run_json(Kind::State, file)
}

#[test]
fn expected_root_and_logs_pass() {
    let raw = call(sample::CONTRACT, 100_000);
    let summary = run(&file(&raw, root_after(&raw), contract_logs()));
    assert_counts(&summary, "1 passed, 0 failed, 0 excused");
    assert_eq!(summary.other_forks, 1);
}

#[test]
fn gas_above_the_cap_of_the_pool_is_executed() {
    let raw = call(sample::CONTRACT, 1 << 33);
    let summary = run(&file(&raw, root_after(&raw), contract_logs()));
    assert_counts(&summary, "1 passed, 0 failed, 0 excused");
}

#[test]
fn another_root_or_log_fails() {
    let raw = call(sample::CONTRACT, 100_000);
    assert_failed(&run(&file(&raw, B256::ZERO, contract_logs())), "state root");
    assert_failed(&run(&file(&raw, root_after(&raw), no_logs())), "logs hash");
}

fn expecting_an_exception(raw: &[u8]) -> Value {
    let mut file = file(raw, root_before(), no_logs());
    file["sample"]["post"]["Cancun"][0]["expectException"] = "TR_NoFunds".into();
    file
}

#[test]
fn expected_exception_passes_only_if_the_transaction_is_refused() {
    let too_little_gas = call(sample::CONTRACT, 20_999);
    let mut file = expecting_an_exception(&too_little_gas);
    // The file is wrong, or has a fault in mind of which we know nothing.
    let summary = run(&file);
    assert_counts(&summary, "1 passed, 0 failed, 0 excused");
    assert_eq!(summary.refused, 1);
    assert!(summary.to_string().contains("1 passed by an expected refusal"), "{summary}");
    file["sample"]["post"]["Cancun"][0]["expectException"] = "TR_IntrinsicGas".into();
    let summary = run(&file);
    assert_counts(&summary, "1 passed, 0 failed, 0 excused");
    assert_eq!(summary.refused, 0);
    let valid = call(sample::CONTRACT, 100_000);
    assert_failed(&run(&expecting_an_exception(&valid)), "executed, but expects TR_NoFunds");
    let above_cap_without_funds = call(sample::CONTRACT, u64::MAX);
    assert_counts(
        &run(&expecting_an_exception(&above_cap_without_funds)),
        "1 passed, 0 failed, 0 excused",
    );
}

#[test]
fn refused_transaction_without_expected_exception_fails() {
    let raw = call(sample::CONTRACT, 20_999);
    assert_failed(&run(&file(&raw, root_before(), no_logs())), "refused: intrinsic gas too low");
    assert_failed(&run(&file(&[0xc0], root_before(), no_logs())), "refused");
}

#[test]
fn features_outside_the_profile_are_excused_by_name() {
    let blobhash = call(sample::BLOB_READER, 100_000);
    assert_excused(
        &run(&file(&blobhash, B256::ZERO, no_logs())),
        "sample[d0 g1 v2]: executes BLOBHASH",
    );
    let precompile = call(Address::with_last_byte(4), 100_000);
    assert_excused(&run(&file(&precompile, B256::ZERO, no_logs())), "sent to a precompile");
    let point = call(Address::with_last_byte(10), 100_000);
    assert_excused(&run(&file(&point, B256::ZERO, no_logs())), "point evaluation");
    let blob = [&[3], &call(sample::CONTRACT, 100_000)[1..]].concat();
    assert_excused(&run(&file(&blob, B256::ZERO, no_logs())), "blob transaction");
    // What had to be refused is not excused by what it did.
    let executed = expecting_an_exception(&blobhash);
    assert_failed(&run(&executed), "executed, but expects TR_NoFunds");
}

#[test]
fn feature_outside_the_profile_excuses_nothing_that_passes() {
    let blobhash = call(sample::BLOB_READER, 100_000);
    let summary = run(&file(&blobhash, root_after(&blobhash), no_logs()));
    assert_counts(&summary, "1 passed, 0 failed, 0 excused");
}

#[test]
fn what_no_block_of_ours_takes_is_excused_by_name() {
    let mut file = file(&call(sample::LOGGER, sample::LOGGER_GAS), B256::ZERO, no_logs());
    assert_excused(&run(&file), "bytes of transactions and logs, above 16 MiB");
    file["sample"]["env"]["currentTimestamp"] = "0x00".into();
    assert_excused(&run(&file), "timestamp 0, which only a genesis block can have");
}

#[test]
fn long_code_in_the_state_before_is_excused() {
    let mut file = file(&call(sample::CONTRACT, 100_000), B256::ZERO, no_logs());
    let code = format!("0x{}", "00".repeat(0x8001));
    file["sample"]["pre"][sample::CONTRACT.to_string()]["code"] = code.into();
    assert_excused(&run(&file), "32769 bytes");
}

#[test]
fn case_that_cannot_be_read_fails_alone() {
    let raw = call(sample::CONTRACT, 100_000);
    let mut file = file(&raw, root_after(&raw), contract_logs());
    let unreadable = json!({"hash": "0x12"});
    file["sample"]["post"]["Cancun"].as_array_mut().unwrap().push(unreadable);
    file["sample"]["post"]["Frontier"] = json!([{"old": "fields"}]);
    let summary = run(&file);
    assert_counts(&summary, "1 passed, 1 failed, 0 excused");
    assert!(summary.to_string().contains("sample[1]: cannot be read"), "{summary}");
    assert_eq!(summary.other_forks, 2);
}

#[test]
fn test_that_cannot_be_read_leaves_the_others_of_its_file() {
    let raw = call(sample::CONTRACT, 100_000);
    let mut file = file(&raw, root_after(&raw), contract_logs());
    file["without-state"] = json!({"post": {}});
    let summary = run(&file);
    assert_counts(&summary, "1 passed, 1 failed, 0 excused");
    let text = summary.to_string();
    assert!(text.contains("without-state: cannot be read: missing field `env`"), "{text}");
}

/// The fields that execution-spec-tests adds or leaves out.
#[test]
fn file_of_execution_spec_tests_passes() {
    let raw = call(sample::CONTRACT, 100_000);
    let mut file = file(&raw, root_after(&raw), contract_logs());
    let test = &mut file["sample"];
    test["config"] = json!({"blobSchedule": {"Cancun": {"target": "0x03"}}, "chainid": "0x01"});
    test["_info"] = json!({"hash": "0x00", "fixture-format": "state_test"});
    test["transaction"] = json!({"nonce": "0x00", "to": "", "accessLists": [null]});
    test["env"].as_object_mut().unwrap().remove("currentDifficulty");
    test["post"]["Cancun"][0]["state"] = sample::pre();
    test["post"]["Prague"] = json!([{"expectException": "TransactionException.TYPE_4"}]);
    let account = sample::CONTRACT.to_string();
    test["pre"][account].as_object_mut().unwrap().remove("storage");
    let summary = run(&file);
    assert_counts(&summary, "1 passed, 0 failed, 0 excused");
    assert_eq!(summary.other_forks, 2);
}
