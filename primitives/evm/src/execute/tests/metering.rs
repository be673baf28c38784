//! The proving-cost meter against cycles that were measured on the prover's kernel, and its limit.

use super::*;
use crate::meter::{
    cost,
    memory::{MAX_CELLS, MAX_HASHED_BYTES},
};
use proptest::prelude::*;
use revm::{
    context_interface::{
        result::HaltReason,
        transaction::{AccessList, AccessListItem},
    },
    inspector::NoOpInspector,
    InspectEvm,
};

/// Cycles that a call of `code` takes more than a call of nothing.
fn cycles(code: &[u8]) -> u64 {
    run(code).cycles - run(&[op::STOP]).cycles
}

/// `estimate` covers what was measured and is not more than half above it.
#[track_caller]
fn covers(estimate: u64, measured: u64) {
    assert!(estimate >= measured, "{estimate} is below the measured {measured}");
    assert!(estimate <= measured + measured / 2, "{estimate} is far above {measured}");
}

/// Code that calls a precompile with `input`, which it copies from its own end.
fn calling_with(target: u8, input: &[u8]) -> Vec<u8> {
    let size = (input.len() as u16).to_be_bytes();
    let mut code = Vec::from([op::PUSH2, size[0], size[1], op::PUSH2, 0, 0, op::PUSH0]);
    code.push(op::CODECOPY);
    code.extend([op::PUSH0, op::PUSH0, op::PUSH2, size[0], size[1], op::PUSH0]);
    code.extend([op::PUSH1, target, op::GAS, op::STATICCALL, op::STOP]);
    let offset = (code.len() as u16).to_be_bytes();
    code[4..6].copy_from_slice(&offset);
    code.extend(input);
    code
}

fn modexp_input(exponent: &[u8]) -> Vec<u8> {
    let mut input = Vec::new();
    for length in [32, exponent.len() as u64, 32] {
        input.extend(U256::from(length).to_be_bytes::<32>());
    }
    input.extend([3; 32]);
    input.extend(exponent);
    input.extend([0xfb; 32]);
    input
}

fn blake2f_input(rounds: u32) -> Vec<u8> {
    let mut input = Vec::from(rounds.to_be_bytes());
    input.extend([0; 208]);
    input.push(1);
    input
}

#[test]
fn precompiles_are_estimated_from_the_measurements() {
    // Measured in a whole block: with one transfer's 40,250 cycles in it, and 22 for each byte of calldata.
    let alone = |block: u64, calldata: u64| block - 40_250 - 22 * calldata;
    covers(cycles(&calling_with(2, &[1; 64])), alone(70_701, 64));
    covers(cycles(&calling_with(2, &[1; 640])), alone(216_471, 640));
    covers(cycles(&calling_with(3, &[1; 64])), alone(84_399, 64));
    // Where all bits of the operands are set, which the lengths do not tell: 672,000, half as much as here again.
    covers(cycles(&calling_with(5, &modexp_input(&[0xff; 32]))), 672_000);
    covers(cycles(&calling_with(8, &[])), alone(397_468, 0));
    // So little that the call around it is most of the estimate.
    assert!(cycles(&calling_with(9, &blake2f_input(0))) >= alone(49_694, 213));
    covers(cycles(&calling_with(9, &blake2f_input(12))), alone(65_702, 213));
}

/// The kernel looks at its length and last byte before the first round, so what fails by them runs none (EIP-152).
#[test]
fn blake2f_is_charged_for_rounds_only_when_it_runs_them() {
    const ROUNDS: u32 = 50_000;
    let input = blake2f_input(ROUNDS);
    let ending_in = |last: u8| [&input[..212], &[last]].concat();
    for good in [ending_in(0), ending_in(1)] {
        let cycles = cycles(&calling_with(9, &good));
        assert!(cycles >= 1_330 * u64::from(ROUNDS), "{cycles}");
    }
    let (longer, bad_flag) = ([&input[..], &[1]].concat(), ending_in(2));
    let bad: [&[u8]; 6] = [&[], &input[..3], &input[..4], &input[..212], &longer, &bad_flag];
    for bad in bad {
        let cycles = cycles(&calling_with(9, bad));
        assert!(cycles < 20_000, "{} bytes: {cycles}", bad.len());
    }
}

#[test]
fn logs_and_calldata_are_estimated_from_the_measurements() {
    let log: Vec<u8> = [&[op::PUSH0; 4][..], &[op::PUSH2, 4, 0, op::PUSH0, op::LOG4]].concat();
    covers(cycles(&log.repeat(10)), 490_000 - 37_000);
    let calldata =
        |bytes: usize| cost::transaction(&tx(TxKind::Call(CONTRACT), &[1].repeat(bytes)));
    covers(calldata(10_000) - calldata(0), 220_000);
}

#[test]
fn every_opcode_of_the_profile_has_a_price() {
    let framed =
        [op::CREATE, op::CALL, op::CALLCODE, op::DELEGATECALL, op::CREATE2, op::STATICCALL];
    let absent =
        [op::CLZ, op::BLOBHASH, op::BLOBBASEFEE, op::SLOTNUM, op::DUPN, op::SWAPN, op::EXCHANGE];
    for opcode in (0..=u8::MAX).filter(|opcode| revm::bytecode::OpCode::new(*opcode).is_some()) {
        let free = framed.contains(&opcode) || absent.contains(&opcode);
        assert!(free || cost::opcode(opcode) > 0, "0x{opcode:02x}");
    }
}

#[test]
fn attack_self_destruction_among_many_created_contracts_is_charged_for_the_search() {
    let create = [op::PUSH0, op::PUSH0, op::PUSH0, op::CREATE, op::POP];
    let end = [op::PUSH0, op::SELFDESTRUCT];
    let added = |creates: usize| {
        let creates = create.repeat(creates);
        run(&[&creates[..], &end].concat()).cycles - run(&creates).cycles
    };
    assert!(added(12) - added(2) >= 10 * 18);
}

#[test]
fn transfer_covers_its_measurement() {
    let transfer = run(&[]).cycles;
    assert!((37_000..80_000).contains(&transfer), "{transfer}");
}

#[test]
fn attack_long_exponent_is_charged_for_the_length_it_gives_to_all_numbers() {
    let mut exponent = [0; 1_024];
    exponent[0] = 0x80;
    let code = calling_with(5, &modexp_input(&exponent));
    let outcome = run(&code);
    assert!(outcome.result.tx_gas_used() < 200_000);
    assert!(outcome.cycles > 3_000_000_000, "{}", outcome.cycles);
}

#[test]
fn attack_number_that_no_memory_holds_is_refused_however_little_gas_there_is() {
    let cycles = |bits: usize, field: usize| {
        // An exponent of one byte.
        let mut input = [0; 97];
        input[63] = 1;
        let length = (U256::from(1) << bits).to_be_bytes::<32>();
        input[32 * field..][..32].copy_from_slice(&length);
        run(&calling_with(5, &input)).cycles
    };
    for field in [0, 2] {
        let unpaid = cycles(31, field);
        assert!(unpaid < 200_000, "{unpaid} cycles for a number that the gas is not enough for");
        // Among them what a `usize` of native code holds and one of wasm does not.
        for bits in [32, 40, 63, 64, 67, 128, 255] {
            assert_eq!(cycles(bits, field), u64::MAX, "2^{bits} bytes");
        }
    }
    // The exponent costs little gas, and wasm could not hold it.
    assert!(cycles(23, 1) < u64::MAX);
    for bits in [24, 32, 64, 128, 255] {
        assert_eq!(cycles(bits, 1), u64::MAX, "2^{bits} bytes");
    }
}

#[test]
fn attack_transient_slots_make_each_look_up_dearer() {
    let store = |slot: u8| [op::PUSH1, 1, op::PUSH1, slot, op::TSTORE];
    let load = [op::PUSH0, op::TLOAD, op::POP];
    let many: Vec<u8> = (0..100).flat_map(store).collect();
    let same: Vec<u8> = (0..100).flat_map(|_| store(0)).collect();
    let added = |stores: &[u8]| cycles(&[stores, &load].concat()) - cycles(stores);
    assert!(added(&many) >= 100 * 52);
    assert!(added(&same) < 300);
}

/// Whether a transaction that runs `code` with a number of three bytes on the stack is taken, at a limit that no
/// block has.
fn is_taken(number: u64, code: &[u8]) -> bool {
    let [.., high, middle, low] = number.to_be_bytes();
    let code = [&[op::PUSH3, high, middle, low], code].concat();
    let tx = TxEnv { gas_limit: 30_000_000, ..tx(TxKind::Call(CONTRACT), &[]) };
    transact(database(&code), &block(), tx, 1 << 60).is_ok()
}

#[test]
fn attack_hash_that_no_segment_holds_is_refused() {
    let hash = [op::PUSH0, op::KECCAK256];
    assert!(is_taken(MAX_HASHED_BYTES, &hash));
    assert!(!is_taken(MAX_HASHED_BYTES + 1, &hash));
}

#[test]
fn attack_logs_whose_receipt_no_segment_holds_are_refused() {
    let log = [op::DUP1, op::PUSH0, op::LOG0];
    assert!(is_taken(MAX_HASHED_BYTES / 2 - 1_000, &log.repeat(2)));
    assert!(!is_taken(MAX_HASHED_BYTES / 2, &log.repeat(2)));
}

#[test]
fn attack_memory_that_no_segment_carries_is_refused() {
    let expand = [op::MLOAD];
    assert!(is_taken(MAX_CELLS - 1_000, &expand));
    assert!(!is_taken(MAX_CELLS, &expand));
    // Two frames that expand one half each: the contract calls itself once, with a word of calldata.
    let twice = [
        &[op::MLOAD, op::CALLDATASIZE, op::PUSH1, 18, op::JUMPI][..],
        &[op::PUSH0, op::PUSH0, op::PUSH1, 32, op::PUSH0, op::PUSH0, op::ADDRESS, op::GAS],
        &[op::CALL, op::JUMPDEST],
    ]
    .concat();
    assert!(is_taken(MAX_CELLS / 2 - 1_000, &twice));
    assert!(!is_taken(MAX_CELLS / 2, &twice));
}

#[test]
fn attack_access_list_that_no_segment_carries_is_refused() {
    let lists = |keys: usize| {
        let keys = [B256::ZERO].repeat(keys);
        let list =
            AccessList(Vec::from([AccessListItem { address: CONTRACT, storage_keys: keys }]));
        let call = tx(TxKind::Call(CONTRACT), &[]);
        let tx = TxEnv { tx_type: 1, access_list: list, gas_limit: 30_000_000, ..call };
        transact(database(&[op::STOP]), &block(), tx, 1 << 60).is_ok()
    };
    // A key is a slot, and 33 bytes of the transaction at four cells each.
    let cells = 620 + 33 * 4;
    assert!(lists(MAX_CELLS as usize / cells - 10));
    assert!(!lists(MAX_CELLS as usize / cells));
}

#[test]
fn attack_jumps_in_code_that_hides_its_instructions_are_charged_for_the_walk() {
    let hidden = |padding: &[u8]| {
        let mut code = Vec::from([op::PUSH2, 0, 0, op::JUMP]);
        code.extend(padding.repeat(500));
        let destination = (code.len() as u16).to_be_bytes();
        code[1..3].copy_from_slice(&destination);
        code.push(op::JUMPDEST);
        code
    };
    let clear = [op::JUMPDEST; 30];
    let mut obscure = clear;
    obscure[0] = op::PUSH1;
    obscure[1] = op::PUSH32;
    // The code of both is equally long, so the rest costs the same.
    let limited = |code: &[u8]| {
        let tx = tx(TxKind::Call(CONTRACT), &[]);
        transact(database(code), &block(), tx, 1 << 40).unwrap().cycles
    };
    let more = limited(&hidden(&obscure)) - limited(&hidden(&clear));
    assert!(more > 26 * 14_000, "{more}");
}

#[test]
fn attack_repeated_calls_to_large_code_are_charged_for_loading_it() {
    let large = Address::repeat_byte(0x1a);
    let mut db = database(&calling(op::CALL, large, 1_000).repeat(10));
    set_code(&mut db, large, &[op::STOP].repeat(0x6000));
    let small = run(&calling(op::CALL, large, 1_000).repeat(10)).cycles;
    assert!(call(db).cycles > small + 10 * 0x6000 * 3);
}

#[test]
fn cold_access_is_dearer_than_warm_access() {
    let load = [op::PUSH0, op::SLOAD, op::POP];
    let (once, twice) = (cycles(&load), cycles(&load.repeat(2)));
    assert!(once > cost::COLD_SLOT);
    assert!(twice - once < 500);
    let size = [op::PUSH1, 0x77, op::EXTCODESIZE, op::POP];
    let (once, twice) = (cycles(&size), cycles(&size.repeat(2)));
    assert!(once > cost::COLD_ACCOUNT);
    assert!(twice - once < 500);
}

#[test]
fn operand_that_was_not_paid_for_is_not_charged() {
    let code = [&[op::PUSH32][..], &[0x0f; 32], &[op::PUSH0, op::KECCAK256]].concat();
    let outcome = run(&code);
    assert!(matches!(
        outcome.result,
        ExecutionResult::Halt { reason: HaltReason::OutOfGas(_), .. }
    ));
    assert!(outcome.cycles < 100_000);
}

#[test]
fn execution_stops_at_the_limit_and_not_before() {
    let code = [op::JUMPDEST, op::PUSH0, op::PUSH0, op::KECCAK256, op::POP, op::STOP];
    let needed = run(&code).cycles;
    let limited =
        |limit| transact(database(&code), &block(), tx(TxKind::Call(CONTRACT), &[]), limit);
    assert_eq!(limited(needed).unwrap().cycles, needed);
    for limit in [0, 1, cost::TRANSACTION, needed - 1] {
        assert!(matches!(
            limited(limit),
            Err(ExecuteError::CyclesExhausted { limit: reported }) if reported == limit
        ));
    }
}

#[test]
fn attack_endless_loop_ends_at_the_cycle_limit_long_before_its_gas() {
    let code = [op::JUMPDEST, op::PUSH0, op::PUSH0, op::KECCAK256, op::POP, op::PUSH0, op::JUMP];
    let tx = TxEnv { gas_limit: 30_000_000, ..tx(TxKind::Call(CONTRACT), &[]) };
    let result = transact(database(&code), &block(), tx, 100_000);
    assert!(matches!(result, Err(ExecuteError::CyclesExhausted { limit: 100_000 })));
}

#[test]
fn attack_exhaustion_inside_calls_and_precompiles_ends_the_whole_transaction() {
    let inner = Address::repeat_byte(0x1a);
    let outer = [&calling(op::CALL, inner, 500_000)[..], &[op::POP, op::STOP]].concat();
    for code in [
        Vec::from([op::JUMPDEST, op::PUSH0, op::JUMP]),
        calling_with(9, &blake2f_input(100_000)),
        calling(op::DELEGATECALL, inner, 400_000),
        [&[op::PUSH0][..], &[op::PUSH0; 2], &[op::CREATE]].concat().repeat(20),
    ] {
        let mut db = database(&outer);
        set_code(&mut db, inner, &code);
        let limit = cost::TRANSACTION + 10_000;
        let result = transact(db, &block(), tx(TxKind::Call(CONTRACT), &[]), limit);
        assert!(matches!(result, Err(ExecuteError::CyclesExhausted { .. })), "{code:?}");
    }
}

/// Runs `code` with an inspector, so by the table of instructions, and without one.
#[track_caller]
fn same_when_inspected(code: &[u8]) {
    let plain = run(code);
    let block = block();
    let cfg = profile::cfg(block.chain_id);
    let mut evm = evm(database(code), &block, cfg, NoOpInspector);
    let inspected = evm.inspect_tx(tx(TxKind::Call(CONTRACT), &[])).unwrap();
    assert_eq!(inspected.result, plain.result);
    assert_eq!(evm.ctx.chain.used(), plain.cycles);
}

#[test]
fn inspected_execution_has_the_same_result_and_cycles() {
    same_when_inspected(&calling_with(2, &[1; 64]));
    for opcode in 0..=u8::MAX {
        for operand in [0, 1, 32] {
            same_when_inspected(&[&[op::PUSH1, operand].repeat(17)[..], &[opcode]].concat());
        }
        same_when_inspected(&[opcode]);
    }
}

proptest! {
    #[test]
    fn prop_inspected_execution_is_the_same_for_any_code(
        code in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        same_when_inspected(&code);
    }
}

#[test]
fn meter_starts_over_with_each_transaction() {
    let block = block();
    let mut evm = evm(database(&[]), &block, profile::cfg(block.chain_id), ());
    evm.transact_one(tx(TxKind::Call(CONTRACT), &[])).unwrap();
    let first = evm.ctx.chain.used();
    evm.transact_one(TxEnv { nonce: 1, ..tx(TxKind::Call(CONTRACT), &[]) }).unwrap();
    // The accounts that the first one loaded are still in the journal, so calls look at more.
    let second = evm.ctx.chain.used();
    assert!((first..first + 100).contains(&second), "{first} {second}");
}
