//! Native code and wasm do the same, so a block that one makes is valid for the other.

mod chain;

use alloy_primitives::{address, hex, Address, TxKind};
use bitcoinzk_runtime::{UncheckedExtrinsic, WASM_BINARY};
use bzk_executor::Executor;
use chain::{ethereum, timestamp, wasm, Chain, AUTHORING, BLOCK_GAS, IMPORT};
use codec::Encode;
use sp_core::traits::{CallContext, CodeExecutor, RuntimeCode, WrappedRuntimeCode};

/// The contract that this account creates first.
const FIRST_CONTRACT: Address = address!("5fbdb2315678afecb367f032d93f642f64180aa3");

/// Returns the code after it, which writes a byte 8 KiB into memory, then calls itself with all gas.
const MEMORY_BOMB: [u8; 25] = hex!("600d600c5f39600d5ff3fe00" "5f612000535f5f5f5f5f305af1");

/// Buys about 80 frames, which is nearly all the memory that a transaction may have (`MAX_CELLS` of the meter).
const BOMB_GAS: u64 = 108_000;

/// Returns the code after it, which asks MODEXP for a base of 2^33 bytes and an exponent of one: a length that native
/// code can hold and wasm cannot.
const LONG_BASE: [u8; 35] =
    hex!("6017600c5f3960175ff3fe00" "6402000000005f52" "6001602052" "5f5f60605f60055afa00");

/// The timestamp, a contract that `init` creates, and a transaction that calls it with `gas`.
fn block_of(init: &[u8], gas: u64) -> Vec<UncheckedExtrinsic> {
    vec![
        timestamp(),
        ethereum(0, 100_000, TxKind::Create, init),
        ethereum(1, gas, TxKind::Call(FIRST_CONTRACT), &[]),
    ]
}

/// Its second transaction takes as much memory as `gas` can buy.
fn block_of_the_memory_bomb(gas: u64) -> Vec<UncheckedExtrinsic> {
    block_of(&MEMORY_BOMB, gas)
}

/// Both refuse the second transaction of `extrinsics`, in the same words.
fn both_refuse(extrinsics: &[UncheckedExtrinsic]) {
    let native = Chain::new(Executor::new(wasm())).apply(extrinsics);
    let wasm = Chain::new(Executor::wasm_only(wasm())).apply(extrinsics);
    assert_eq!(native[..2], [Ok(Ok(())), Ok(Ok(()))]);
    assert!(native[2].is_err());
    assert_eq!(native, wasm);
}

#[test]
fn native_and_wasm_make_the_same_block() {
    let extrinsics = block_of_the_memory_bomb(BOMB_GAS);
    let native = Chain::new(Executor::new(wasm())).author(&extrinsics);
    let wasm = Chain::new(Executor::wasm_only(wasm())).author(&extrinsics);
    assert_eq!(native, wasm);
}

#[test]
fn attack_memory_bomb_made_natively_is_imported_by_wasm() {
    let block = Chain::new(Executor::new(wasm())).author(&block_of_the_memory_bomb(BOMB_GAS));
    let (_, native) = Chain::new(Executor::new(wasm())).call("Core_execute_block", &block, IMPORT);
    assert!(!native, "import must not trust native code");
}

#[test]
fn attack_memory_bomb_that_no_proof_holds_is_refused_by_both() {
    both_refuse(&block_of_the_memory_bomb(BLOCK_GAS - 100_000));
}

#[test]
fn attack_number_that_only_native_code_can_hold_is_refused_by_both() {
    both_refuse(&block_of(&LONG_BASE, 100_000));
}

#[test]
fn native_code_runs_outside_of_import_and_only_for_the_blob_it_was_built_with() {
    let mut chain = Chain::new(Executor::new(wasm()));
    assert!(chain.call("Core_version", &(), AUTHORING).1);
    assert!(chain.call("Core_version", &(), CallContext::Offchain).1);
    assert!(!chain.call("Core_version", &(), IMPORT).1);

    let upgraded = RuntimeCode {
        code_fetcher: &WrappedRuntimeCode(WASM_BINARY.unwrap().into()),
        heap_pages: None,
        hash: vec![7; 32],
    };
    let (version, native) =
        chain.executor.call(&mut chain.state, &upgraded, "Core_version", &[], AUTHORING);
    assert!(version.is_ok() && !native);
}

#[test]
fn a_panic_of_native_code_is_an_error() {
    let mut chain = Chain::new(Executor::new(wasm()));
    let (result, native) = chain.try_call("BlockBuilder_apply_extrinsic", &[0xff; 3], AUTHORING);
    assert!(result.is_err() && native);
}

#[test]
fn attack_calls_within_calls_do_not_end_the_node() {
    let mut chain = Chain::new(Executor::new(wasm()));
    // `utility.batch` of one call, and `system.remark` of nothing.
    let nested = |depth: usize| [[26u8, 0, 4].repeat(depth), vec![0u8; 3]].concat();
    let mut info = |depth: usize| {
        let method = "TransactionPaymentCallApi_query_call_info";
        let input = [nested(depth), 100u32.encode()].concat();
        let (info, native) = chain.try_call(method, &input, CallContext::Offchain);
        assert!(!native, "a call by itself may be of any depth");
        info.is_ok()
    };
    assert!(info(3));
    assert!(!info(200_000));

    let mut validate = |depth: usize| {
        let extrinsic = [vec![5u8], nested(depth)].concat().encode();
        let input = [vec![2u8], extrinsic, vec![0u8; 32]].concat();
        let method = "TaggedTransactionQueue_validate_transaction";
        let (validity, native) = chain.try_call(method, &input, CallContext::Offchain);
        assert!(native);
        validity.is_ok()
    };
    assert!(validate(3), "refused with a reason");
    assert!(!validate(200_000));
}
