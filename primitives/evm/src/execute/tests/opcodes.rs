//! Opcodes, precompiles, environment and refusals of the profile.

use super::*;
use crate::{crypto, precompiles::ProfilePrecompiles};
use proptest::prelude::*;
use revm::{
    context_interface::result::HaltReason,
    handler::{MainBuilder, MainContext},
    Context, ExecuteEvm,
};

fn halt(outcome: &Outcome) -> Option<&HaltReason> {
    match &outcome.result {
        ExecutionResult::Halt { reason, .. } => Some(reason),
        _ => None,
    }
}

#[test]
fn blob_opcodes_halt_with_all_gas_and_the_fee_is_paid() {
    for code in [&[op::PUSH0, op::BLOBHASH][..], &[op::BLOBHASH], &[op::BLOBBASEFEE]] {
        let outcome = run(code);
        assert_eq!(halt(&outcome), Some(&HaltReason::OpcodeNotFound));
        assert_eq!(outcome.result.tx_gas_used(), 1_000_000);
        let sender = &outcome.state[&SENDER].info;
        let fee = U256::from(1_000_000u64 * 10);
        assert_eq!(sender.balance, U256::from(10).pow(U256::from(20)) - fee);
        assert_eq!(sender.nonce, 1);
    }
}

#[test]
fn blob_opcode_in_a_call_takes_only_the_gas_of_the_call() {
    let mut db = database(&returning(&calling(op::CALL, Address::repeat_byte(0xb1), 5_000)));
    set_code(&mut db, Address::repeat_byte(0xb1), &[op::BLOBBASEFEE]);
    let outcome = call(db);
    assert!(outcome.result.is_success());
    assert_eq!(output_word(&outcome), U256::ZERO);
}

#[test]
fn opcodes_of_later_forks_are_invalid() {
    for opcode in [0x0c, op::CLZ, op::SLOTNUM, op::DUPN, op::SWAPN, op::EXCHANGE, 0xef] {
        let outcome = run(&[op::PUSH0, op::PUSH0, opcode]);
        assert!(halt(&outcome).is_some(), "{opcode:#x}");
        assert_eq!(outcome.result.tx_gas_used(), 1_000_000);
    }
}

#[test]
fn environment_opcodes_read_the_block() {
    let block = block();
    let cases = [
        (op::CHAINID, U256::from(block.chain_id)),
        (op::NUMBER, U256::from(block.number)),
        (op::TIMESTAMP, U256::from(block.timestamp_s)),
        (op::GASLIMIT, U256::from(block.gas_limit)),
        (op::BASEFEE, U256::from(block.base_fee)),
        (op::COINBASE, U256::from_be_bytes(block.coinbase.into_word().0)),
        (op::DIFFICULTY, U256::from_be_bytes(block.prev_randao.0)),
    ];
    for (opcode, expected) in cases {
        assert_eq!(output_word(&run(&returning(&[opcode]))), expected);
    }
}

#[test]
fn precompiles_of_the_profile_run_and_0x0a_is_a_plain_account() {
    // SHA-256 of nothing, through a call.
    let sha = Address::with_last_byte(2);
    let mut code = Vec::from([op::PUSH1, 32, op::PUSH0, op::PUSH0, op::PUSH0, op::PUSH20]);
    code.extend(sha.0);
    code.extend([op::GAS, op::STATICCALL, op::POP, op::PUSH0, op::MLOAD]);
    let hash = U256::from_be_bytes(sp_io::hashing::sha2_256(&[]));
    assert_eq!(output_word(&run(&returning(&code))), hash);

    // The point evaluation would fail on empty input; a plain account succeeds.
    let point_evaluation = returning(&calling(op::CALL, Address::with_last_byte(0x0a), 60_000));
    let outcome = run(&point_evaluation);
    assert_eq!(output_word(&outcome), U256::from(1));
    assert!(outcome.result.tx_gas_used() < 30_000);
}

/// Gas of BALANCE of `address`, less the cost of everything around it.
fn balance_gas(address: Address) -> u64 {
    let mut code = Vec::from([op::PUSH20]);
    code.extend(address.0);
    let around = run(&[&code[..], &[op::STOP]].concat()).result.tx_gas_used();
    code.push(op::BALANCE);
    run(&code).result.tx_gas_used() - around
}

#[test]
fn precompiles_and_0x0a_are_warm_and_others_are_cold() {
    assert_eq!(ProfilePrecompiles::warm().len(), 10);
    for last in 0x01..=0x0a {
        assert_eq!(balance_gas(Address::with_last_byte(last)), 100, "{last:#x}");
    }
    assert_eq!(balance_gas(Address::with_last_byte(0x0b)), 2_600);
    assert_eq!(balance_gas(Address::ZERO), 2_600);
    assert_eq!(balance_gas(block().coinbase), 100, "EIP-3651");
    assert_eq!(balance_gas(CONTRACT), 100);
}

#[test]
fn value_sent_to_0x0a_arrives() {
    let point_evaluation = Address::with_last_byte(0x0a);
    let tx = TxEnv { value: U256::from(5), ..tx(TxKind::Call(point_evaluation), &[1, 2, 3]) };
    let outcome = transact(database(&[]), &block(), tx, u64::MAX).unwrap();
    assert!(outcome.result.is_success());
    assert_eq!(outcome.state[&point_evaluation].info.balance, U256::from(5));
}

#[test]
fn other_chain_id_and_other_types_are_refused() {
    let refuse = |tx| match transact(database(&[]), &block(), tx, u64::MAX) {
        Err(ExecuteError::Invalid(error)) => error,
        other => panic!("{other:?}"),
    };
    let to = TxKind::Call(CONTRACT);
    let other_chain = TxEnv { chain_id: Some(1), ..tx(to, &[]) };
    assert_eq!(refuse(other_chain), InvalidTransaction::InvalidChainId);
    let blob = TxEnv {
        tx_type: 3,
        blob_hashes: [B256::with_last_byte(1)].into(),
        max_fee_per_blob_gas: 10,
        gas_priority_fee: Some(0),
        ..tx(to, &[])
    };
    assert_eq!(refuse(blob), InvalidTransaction::Eip4844NotSupported);
    let delegation = TxEnv { tx_type: 4, gas_priority_fee: Some(0), ..tx(to, &[]) };
    assert_eq!(refuse(delegation), InvalidTransaction::Eip7702NotSupported);
}

#[test]
fn refused_transaction_names_the_rule() {
    let run = |tx| transact(database(&[]), &block(), tx, u64::MAX);
    let to = TxKind::Call(CONTRACT);
    assert!(matches!(
        run(TxEnv { nonce: 1, ..tx(to, &[]) }),
        Err(ExecuteError::Invalid(InvalidTransaction::NonceTooHigh { tx: 1, state: 0 }))
    ));
    assert!(matches!(
        run(TxEnv { gas_price: 6, ..tx(to, &[]) }),
        Err(ExecuteError::Invalid(InvalidTransaction::GasPriceLessThanBasefee))
    ));
    assert!(matches!(
        run(TxEnv { gas_limit: 30_000_001, ..tx(to, &[]) }),
        Err(ExecuteError::Invalid(InvalidTransaction::CallerGasLimitMoreThanBlock))
    ));
    assert!(matches!(
        run(TxEnv { value: U256::MAX / U256::from(2), ..tx(to, &[]) }),
        Err(ExecuteError::Invalid(InvalidTransaction::LackOfFundForMaxFee { .. }))
    ));
}

#[test]
fn tip_goes_to_the_coinbase_and_the_base_fee_is_burnt() {
    let outcome = run(&[op::STOP]);
    let coinbase = &outcome.state[&block().coinbase].info;
    assert_eq!(coinbase.balance, U256::from(21_000u64 * 3));
}

/// Code that writes `data` to memory and returns its hash.
fn hashing(data: &[u8]) -> Vec<u8> {
    let mut code = Vec::new();
    for (index, byte) in data.iter().enumerate() {
        code.extend([op::PUSH1, *byte, op::PUSH2]);
        code.extend((index as u16).to_be_bytes());
        code.push(op::MSTORE8);
    }
    code.push(op::PUSH2);
    code.extend((data.len() as u16).to_be_bytes());
    code.extend([op::PUSH0, op::KECCAK256]);
    returning(&code)
}

/// The same call on unchanged revm.
fn on_mainnet(db: InMemoryDB) -> ExecutionResult {
    let block = block();
    Context::mainnet()
        .with_db(db)
        .with_block(block.to_env())
        .with_cfg(profile::cfg(block.chain_id))
        .build_mainnet()
        .transact_one(tx(TxKind::Call(CONTRACT), &[]))
        .unwrap()
}

#[test]
fn keccak_fails_as_in_revm() {
    let word = |byte: u8| [&[op::PUSH32][..], &[byte; 32]].concat();
    let cases = [
        Vec::from([op::KECCAK256]),
        Vec::from([op::PUSH0, op::KECCAK256]),
        [&word(0xff)[..], &[op::PUSH0, op::KECCAK256]].concat(),
        [&[op::PUSH1, 1][..], &word(0xff), &[op::KECCAK256]].concat(),
        [&[op::PUSH0][..], &word(0xff), &[op::KECCAK256]].concat(),
        [&[op::PUSH4, 0, 0xff, 0xff, 0xff][..], &[op::PUSH0, op::KECCAK256]].concat(),
    ];
    for code in cases {
        assert_eq!(run(&code).result, on_mainnet(database(&code)));
    }
}

/// Invalid here, and valid or invalid for another reason in revm.
fn differs(opcode: u8) -> bool {
    let later = [op::CLZ, op::SLOTNUM, op::DUPN, op::SWAPN, op::EXCHANGE];
    matches!(opcode, op::BLOBHASH | op::BLOBBASEFEE) || later.contains(&opcode)
}

/// Random programs that do something: operands are pushed before most opcodes.
fn program() -> impl Strategy<Value = Vec<u8>> {
    let step = (any::<[u8; 3]>(), any::<u8>()).prop_map(|(operands, opcode)| {
        let [a, b, c] = operands;
        Vec::from([op::PUSH1, a, op::PUSH1, b, op::PUSH1, c, op::PUSH0, op::PUSH1, 64, opcode])
    });
    proptest::collection::vec(step, 1..40).prop_map(|steps| {
        // Data of a PUSH can come to run as well, so every byte is looked at.
        let keep = |byte| if differs(byte) { op::ADD } else { byte };
        steps.concat().into_iter().map(keep).collect()
    })
}

proptest! {
    #[test]
    fn prop_keccak_of_memory_is_that_of_the_bytes(
        data in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let outcome = run(&hashing(&data));
        prop_assert_eq!(output_word(&outcome), U256::from_be_bytes(crypto::keccak256(&data).0));
        prop_assert_eq!(outcome.result, on_mainnet(database(&hashing(&data))));
    }

    #[test]
    fn prop_profile_and_plain_revm_agree_on_programs(code in program()) {
        let ours = run(&code);
        prop_assert_eq!(ours.result, on_mainnet(database(&code)));
    }
}
