//! Opcodes: each with a full and with an empty stack, arithmetic, memory, the block.

use super::{over, ABSENT, OTHER, TARGET};
use crate::{
    asm::{asm, push},
    random::{Dice, INTERESTING},
    scenario::Scenario,
    world::{contract, Call, NUMBER},
};
use alloy_primitives::{Address, U256};
use revm::bytecode::opcode::{self, OpCode};

pub(super) fn all() -> Vec<Scenario> {
    [each(), arithmetic(), memory(), block(), flow()].into_iter().flatten().collect()
}

/// Every byte as an opcode, sixteen to a block: on a stack of 18 small words, and of none.
fn each() -> Vec<Scenario> {
    let mut all = Vec::new();
    for row in 0..16u8 {
        for filled in [true, false] {
            let name =
                format!("op 0x{row:x}0..=0x{row:x}f, {}", if filled { "full" } else { "empty" });
            let mut scenario = Scenario::new(name);
            for column in 0..16u8 {
                let opcode = row << 4 | column;
                let mut code = if filled { asm(&"1 ".repeat(18)) } else { Vec::new() };
                code.push(opcode);
                code.extend(asm("MSIZE 7 SSTORE STOP"));
                let address = Address::with_last_byte(opcode).create(1);
                scenario = scenario
                    .with(address, contract(code, 2))
                    .send(u64::from(column) % 8, Call::to(address).gas(120_000).data(vec![7; 40]));
            }
            all.push(scenario);
        }
    }
    all
}

/// Each arithmetic opcode on many words, each result stored.
fn arithmetic() -> Vec<Scenario> {
    let mut all = Vec::new();
    let opcodes = (opcode::ADD..=opcode::SIGNEXTEND).chain(opcode::LT..=opcode::SAR);
    for opcode in opcodes {
        let mut dice = Dice::new(u64::from(opcode));
        let mut code = Vec::new();
        for slot in 0..40u64 {
            for _ in 0..3 {
                let word = match dice.below(4) {
                    0 => dice.word(),
                    1 => U256::from(dice.below(300)),
                    _ => *dice.pick(&INTERESTING),
                };
                push(&mut code, &word.to_be_bytes_trimmed_vec());
            }
            code.push(opcode);
            push(&mut code, &U256::from(slot + 100).to_be_bytes_trimmed_vec());
            code.push(opcode::SSTORE);
        }
        let name = OpCode::new(opcode).map_or("?", |opcode| opcode.as_str());
        all.push(
            Scenario::new(format!("op {name} words"))
                .with(TARGET, contract(code, 0))
                .send(1, Call::to(TARGET).gas(2_000_000)),
        );
    }
    all
}

/// Memory: edges of each opcode that takes an offset or a length.
fn memory() -> Vec<Scenario> {
    let sizes = [
        "0",
        "1",
        "32",
        "33",
        "0x10000",
        "0xffffffff",
        "0x100000000",
        "0xffffffffffffffff",
        &format!("{}", U256::MAX),
    ];
    let templates = [
        ("MLOAD", "A MLOAD"),
        ("MSTORE", "7 A MSTORE"),
        ("MSTORE8", "7 A MSTORE8"),
        ("KECCAK256 length", "A 1 KECCAK256"),
        ("KECCAK256 offset", "1 A KECCAK256"),
        ("KECCAK256 of nothing", "0 A KECCAK256"),
        ("CALLDATALOAD", "A CALLDATALOAD"),
        ("CALLDATACOPY length", "A 0 0 CALLDATACOPY 0"),
        ("CALLDATACOPY source", "40 A 0 CALLDATACOPY 0 MLOAD"),
        ("CALLDATACOPY target", "1 0 A CALLDATACOPY 0"),
        ("CODECOPY source", "40 A 0 CODECOPY 0 MLOAD"),
        ("CODECOPY length", "A 0 0 CODECOPY 0 MLOAD"),
        ("EXTCODECOPY source", "40 A 0 ADDRESS EXTCODECOPY 0 MLOAD"),
        ("EXTCODECOPY length", "A 0 0 ADDRESS EXTCODECOPY 0 MLOAD"),
        ("EXTCODECOPY of nobody", "40 A 0 7 EXTCODECOPY 0 MLOAD"),
        ("RETURNDATACOPY source", "1 A 0 RETURNDATACOPY 0"),
        ("RETURNDATACOPY length", "A 0 0 RETURNDATACOPY 0"),
        ("MCOPY source", "1 A 0 MCOPY 0 MLOAD"),
        ("MCOPY target", "1 0 A MCOPY 0 MLOAD"),
        ("MCOPY length", "A 0 0 MCOPY 0 MLOAD"),
        ("MCOPY of nothing", "0 A A MCOPY 0"),
        ("LOG0 length", "A 0 LOG0 0"),
        ("LOG0 offset", "1 A LOG0 0"),
        ("RETURN length", "A 0 RETURN"),
        ("RETURN offset", "1 A RETURN"),
        ("REVERT length", "A 0 REVERT"),
        ("REVERT of nothing", "0 A REVERT"),
        ("CREATE length", "A 0 0 CREATE"),
        ("CREATE2 length", "1 A 0 0 CREATE2"),
        ("CREATE2 of nothing", "1 0 A 0 CREATE2"),
        ("CALL arguments", "0 0 A 0 0 7 GAS CALL"),
        ("CALL output", "A 0 0 0 0 7 GAS CALL"),
        ("CALL output nowhere", "0 A 0 A 0 7 GAS CALL"),
        ("STATICCALL identity", "A 0 A 0 4 GAS STATICCALL"),
    ];
    let mut all = Vec::new();
    for (name, template) in templates {
        let mut scenario = Scenario::new(format!("mem {name}"));
        for (index, size) in sizes.iter().enumerate() {
            let words =
                template.split_whitespace().map(|word| if word == "A" { size } else { word });
            let body = words.collect::<Vec<_>>().join(" ");
            let code = asm(&format!("0x1234 99 MSTORE {body} MSIZE 1 SSTORE 2 SSTORE STOP"));
            let address = Address::with_last_byte(index as u8).create(2);
            scenario = scenario
                .with(address, contract(code, 0))
                .send(index as u64 % 8, Call::to(address).gas(250_000).data(vec![5; 70]));
        }
        all.push(scenario);
    }
    all
}

fn block() -> Vec<Scenario> {
    let numbers = [
        NUMBER,
        NUMBER - 1,
        NUMBER - 2,
        NUMBER - 255,
        NUMBER - 256,
        NUMBER - 257,
        NUMBER + 1,
        0,
        1,
        u64::MAX,
    ];
    let mut hashes = String::new();
    for (slot, number) in numbers.iter().enumerate() {
        hashes.push_str(&format!("{number} BLOCKHASH {} SSTORE ", slot + 10));
    }
    hashes.push_str(&format!("{} BLOCKHASH 30 SSTORE STOP", U256::MAX));
    let reads = [
        "ADDRESS",
        "ORIGIN",
        "CALLER",
        "CALLVALUE",
        "CALLDATASIZE",
        "CODESIZE",
        "GASPRICE",
        "RETURNDATASIZE",
        "COINBASE",
        "TIMESTAMP",
        "NUMBER",
        "DIFFICULTY",
        "GASLIMIT",
        "CHAINID",
        "SELFBALANCE",
        "BASEFEE",
        "PC",
        "MSIZE",
        "GAS",
    ];
    let mut fields = String::new();
    for (slot, opcode) in reads.iter().enumerate() {
        fields.push_str(&format!("{opcode} {} SSTORE ", slot + 10));
    }
    let early = |number: u64| {
        let mut scenario = over(
            format!("block BLOCKHASH in block {number}"),
            "0 BLOCKHASH 5 SSTORE NUMBER 1 SWAP1 SUB BLOCKHASH 6 SSTORE STOP",
        );
        scenario.environment.number = number;
        for (number, hash) in crate::world::block_hashes(number) {
            scenario.state.set_block_hash(number, hash);
        }
        scenario.send(0, Call::to(TARGET))
    };
    let mut edge = over("block fields at their bounds", &fields)
        .send(0, Call::to(TARGET).gas(900_000).fees(0, 1 << 41));
    edge.environment.timestamp_s = u64::from(u32::MAX);
    edge.environment.gas_limit = u64::from(u32::MAX);
    edge.environment.base_fee = 1 << 40;
    edge.environment.prev_randao = alloy_primitives::B256::repeat_byte(0xff);
    vec![
        over("block BLOCKHASH", &hashes).send(0, Call::to(TARGET).gas(900_000)),
        early(1),
        early(2),
        early(255),
        early(256),
        early(257),
        over("block fields", &fields)
            .send(0, Call::to(TARGET).gas(900_000).value(3).data(vec![1, 2, 3])),
        edge,
    ]
}

fn flow() -> Vec<Scenario> {
    let deep = format!(":l {} @l JUMP", "1 ".repeat(30));
    let cases = [
        ("jump into data", "$600456fe605b00 STOP"),
        ("jump past the end", "0x1000 JUMP"),
        ("jump to 2^64", "0x10000000000000000 JUMP"),
        ("jump to 2^256-1", "0 NOT JUMP"),
        ("jump to no JUMPDEST", "1 JUMP"),
        ("JUMPI not taken to nowhere", "0 0x1000 JUMPI 1 0 SSTORE STOP"),
        ("JUMPI taken", "7 @x JUMPI INVALID :x 1 0 SSTORE STOP"),
        ("loop to the end of gas", ":l @l JUMP"),
        ("stack overflow", deep.as_str()),
        ("stack of 1024", "1023 :l DUP1 1 SWAP1 SUB DUP1 @l JUMPI STOP"),
        ("PUSH at the end of the code", "1 0 SSTORE $7f0102"),
        ("PUSH32 cut", "$7f"),
        ("JUMPDEST in PUSH data", "0 @x JUMPI $615b5b50 :x STOP"),
        ("many jump destinations", &format!("{} @x JUMP {} :x STOP", ":a ".replace(":a ", "JUMPDEST ").repeat(300), "JUMPDEST ".repeat(300))),
        ("runs off the end", "1 5 SSTORE"),
        ("EXTCODE of several", "ADDRESS EXTCODESIZE ADDRESS EXTCODEHASH 0x77 EXTCODESIZE 0x77 EXTCODEHASH COINBASE EXTCODEHASH 1 EXTCODEHASH 2 EXTCODESIZE 1 SSTORE 2 SSTORE 3 SSTORE 4 SSTORE 5 SSTORE 6 SSTORE 7 SSTORE STOP"),
        ("BALANCE of several", "ADDRESS BALANCE CALLER BALANCE 0x77 BALANCE COINBASE BALANCE 1 BALANCE 1 SSTORE 2 SSTORE 3 SSTORE 4 SSTORE 5 SSTORE STOP"),
        ("addresses with dirt above", "0 NOT BALANCE 0 NOT EXTCODESIZE 0 NOT EXTCODEHASH 1 0 0 0 NOT EXTCODECOPY 1 SSTORE 2 SSTORE 3 SSTORE STOP"),
    ];
    let mut all: Vec<_> = cases
        .into_iter()
        .map(|(name, source)| {
            over(format!("flow {name}"), source)
                .send(0, Call::to(TARGET).gas(200_000))
                .send(1, Call::to(TARGET).gas(50_000).value(1))
        })
        .collect();
    let dirty =
        format!("{} BALANCE 0 0 0 0 0 {} GAS CALL 3 SSTORE 4 SSTORE STOP", U256::MAX, U256::MAX);
    all.push(over("flow CALL with dirt above the address", &dirty).send(0, Call::to(TARGET)));
    all.push(
        Scenario::new("flow code of 0x8000 bytes")
            .with(OTHER, contract(vec![0x5b; 0x8000], 0))
            .with(
                TARGET,
                contract(
                    asm(&format!(
                        "0 0 0 0 0 {} GAS CALL {} EXTCODESIZE 3 SSTORE 4 SSTORE STOP",
                        U256::from_be_slice(OTHER.as_slice()),
                        U256::from_be_slice(ABSENT.as_slice())
                    )),
                    0,
                ),
            )
            .send(0, Call::to(TARGET)),
    );
    all
}
