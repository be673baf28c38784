//! Creations by contracts, and destructions.

use super::{over, ABSENT, OTHER, TARGET};
use crate::{
    asm::{asm, deploying, storing},
    scenario::Scenario,
    world::{contract, Call, COINBASE},
};
use alloy_primitives::{keccak256, Address, B256, U256};
use bzk_witness::memory::Contents;

pub(super) fn all() -> Vec<Scenario> {
    [inits(), return_data(), collisions(), destructions()].into_iter().flatten().collect()
}

/// Code that creates with `init`, calls the new contract, and then runs `rest`.
fn creating(init: &[u8], opcode: &str, rest: &str) -> Vec<u8> {
    let mut code = storing(init);
    let salt = if opcode == "CREATE2" { "5" } else { "" };
    code.extend(asm(&format!(
        "{salt} {} 0 1 {opcode} DUP1 40 SSTORE RETURNDATASIZE 41 SSTORE \
         0 0 0 0 1 5 DUP7 GAS CALL 42 SSTORE DUP1 EXTCODESIZE 43 SSTORE DUP1 EXTCODEHASH 44 SSTORE \
         DUP1 BALANCE 45 SSTORE {rest}",
        init.len()
    )
    .replace("0 0 0 0 1 5 DUP7 GAS CALL", "0 0 0 0 1 DUP6 GAS CALL")));
    code
}

fn inits() -> Vec<Scenario> {
    let inits = [
        ("nothing", vec![]),
        ("a contract", deploying(&asm("CALLER 0 SSTORE STOP"))),
        ("one that reverts", deploying(&asm("0 0 REVERT"))),
        ("one that destroys itself", deploying(&asm("CALLER SELFDESTRUCT"))),
        ("one that destroys itself to itself", deploying(&asm("ADDRESS SELFDESTRUCT"))),
        ("one that destroys itself to nobody", deploying(&asm("0x77 SELFDESTRUCT"))),
        ("with storage", asm("1 0 SSTORE 2 1 SSTORE 0 1 SSTORE STOP")),
        ("destroyed at once", asm("1 0 SSTORE CALLER SELFDESTRUCT")),
        ("destroyed at once to itself", asm("1 0 SSTORE ADDRESS SELFDESTRUCT")),
        ("reverted", asm("1 0 SSTORE 64 0 REVERT")),
        ("failed", asm("1 0 SSTORE INVALID")),
        ("0xef", asm("0xef 0 MSTORE8 1 0 RETURN")),
        ("0xef00", asm("0xef 0 MSTORE8 2 0 RETURN")),
        ("0x8000 bytes", asm("0x8000 0 RETURN")),
        ("0x8001 bytes", asm("0x8001 0 RETURN")),
        ("code that costs too much", asm("0x7000 0 RETURN")),
    ];
    let mut all = Vec::new();
    for opcode in ["CREATE", "CREATE2"] {
        for (name, init) in &inits {
            for (end, rest) in [("kept", "STOP"), ("reverted", "0 0 REVERT")] {
                let scenario = Scenario::new(format!("create {opcode} {name}, {end}"))
                    .with(TARGET, contract(creating(init, opcode, rest), 0));
                // A failed creation takes all but a 64th of the gas.
                let gas = 15_000_000;
                let scenario = scenario.send(0, Call::to(TARGET).gas(gas));
                all.push(scenario.send(1, Call::to(TARGET).gas(gas)));
            }
        }
        for length in [0xc000, 0xc001] {
            let salt = if opcode == "CREATE2" { "5" } else { "" };
            all.push(
                over(
                    format!("create {opcode} with {length} bytes"),
                    &format!("{salt} {length} 0 0 {opcode} 40 SSTORE STOP"),
                )
                .send(0, Call::to(TARGET).gas(2_000_000)),
            );
        }
        let poor = Contents {
            nonce: 1,
            code: creating(&deploying(&[0]), opcode, "STOP").into(),
            ..Contents::default()
        };
        all.push(
            Scenario::new(format!("create {opcode} without balance"))
                .with(TARGET, poor.clone())
                .send(0, Call::to(TARGET)),
        );
        for nonce in [u64::MAX, u64::MAX - 1] {
            let last = Contents { nonce, balance: U256::from(9), ..poor.clone() };
            all.push(
                Scenario::new(format!("create {opcode} with nonce {nonce}"))
                    .with(TARGET, last)
                    .send(0, Call::to(TARGET)),
            );
        }
    }
    all
}

/// What a creation leaves as return data, and what it finds there from a call before.
fn return_data() -> Vec<Scenario> {
    let other = U256::from_be_slice(OTHER.as_slice());
    let inits = [
        ("nothing", vec![]),
        ("STOP", asm("STOP")),
        ("empty RETURN", asm("0 0 RETURN")),
        ("a byte of 0xef", asm("0xef 0 MSTORE8 1 0 RETURN")),
        ("a byte", asm("1 0 RETURN")),
        ("0x8001 bytes", asm("0x8001 0 RETURN")),
        ("REVERT of 40 bytes", asm("40 0 REVERT")),
        ("REVERT of a byte of 0xef", asm("0xef 0 MSTORE8 1 0 REVERT")),
        ("INVALID", asm("INVALID")),
        ("SELFDESTRUCT", asm("CALLER SELFDESTRUCT")),
    ];
    let mut all = Vec::new();
    for (name, init) in inits {
        for opcode in ["CREATE", "CREATE2"] {
            let salt = if opcode == "CREATE2" { "5" } else { "" };
            let mut code = asm(&format!("0 0 0 0 0 {other} 50000 CALL RETURNDATASIZE 30 SSTORE"));
            code.extend(storing(&init));
            code.extend(asm(&format!(
                "{salt} {} 0 0 {opcode} 31 SSTORE RETURNDATASIZE 32 SSTORE \
                 RETURNDATASIZE 0 0 RETURNDATACOPY 0 MLOAD 33 SSTORE GAS 34 SSTORE STOP",
                init.len()
            )));
            all.push(
                Scenario::new(format!("create {opcode} after return data: {name}"))
                    .with(TARGET, contract(code, 0))
                    .with(OTHER, contract(asm("0xef 0 MSTORE8 70 0 RETURN"), 0))
                    .send(0, Call::to(TARGET).gas(15_000_000)),
            );
            let top = deploying(&[]);
            all.push(
                Scenario::new(format!("create by transaction, then {opcode}: {name}"))
                    .with(OTHER, contract(asm("0xef 0 MSTORE8 70 0 RETURN"), 0))
                    .send(0, Call::to(OTHER))
                    .send(1, Call::create(init.clone()).gas(3_000_000))
                    .send(2, Call::create(top).gas(3_000_000)),
            );
        }
    }
    all
}

fn collisions() -> Vec<Scenario> {
    let init = deploying(&asm("CALLER 0 SSTORE STOP"));
    let second = TARGET.create2(B256::from(U256::from(5)), keccak256(&init));
    let mut all = Vec::new();
    for (opcode, address) in [("CREATE", TARGET.create(1)), ("CREATE2", second)] {
        let there = [
            ("a balance", Contents { balance: U256::from(9), ..Contents::default() }),
            ("a nonce", Contents { nonce: 1, ..Contents::default() }),
            ("code", contract(asm("STOP"), 2)),
        ];
        for (name, contents) in there {
            for (end, rest) in [("kept", "STOP"), ("reverted", "0 0 REVERT")] {
                all.push(
                    Scenario::new(format!("collide {opcode} with {name}, {end}"))
                        .with(TARGET, contract(creating(&init, opcode, rest), 0))
                        .with(address, contents.clone())
                        .send(0, Call::to(TARGET).gas(15_000_000))
                        .send(1, Call::to(address).value(1)),
                );
            }
        }
    }
    let again = creating(&deploying(&asm("CALLER SELFDESTRUCT")), "CREATE2", "STOP");
    all.push(
        Scenario::new("collide CREATE2 again after destruction")
            .with(TARGET, contract(again, 0))
            .send(0, Call::to(TARGET).gas(700_000))
            .send(1, Call::to(TARGET).gas(700_000)),
    );
    all
}

fn destructions() -> Vec<Scenario> {
    let mut all = Vec::new();
    let heirs = ["CALLER", "ADDRESS", "ORIGIN", "COINBASE", "0x77", "0", "4"];
    for heir in heirs {
        all.push(
            over(
                format!("destroy to {heir}"),
                &format!("1 9 SSTORE 0 1 SSTORE {heir} SELFDESTRUCT"),
            )
            .send(0, Call::to(TARGET).value(3))
            .send(1, Call::to(TARGET).value(2))
            .send(2, Call::to(TARGET)),
        );
        // An account that has only a balance becomes a contract and is destroyed: it leaves the
        // trie, and the branch that held it may collapse.
        let init = asm(&format!("1 0 SSTORE {heir} SELFDESTRUCT"));
        for index in 0..4u64 {
            let maker = Address::with_last_byte(index as u8).create(7);
            let target = maker.create2(B256::from(U256::from(5)), keccak256(&init));
            all.push(
                Scenario::new(format!("destroy a balance to {heir}, {index}"))
                    .with(maker, contract(creating(&init, "CREATE2", "STOP"), 0))
                    .with(target, Contents { balance: U256::from(77), ..Contents::default() })
                    .send(0, Call::to(maker).gas(500_000))
                    .send(1, Call::to(target).value(index)),
            );
        }
    }
    let other = U256::from_be_slice(OTHER.as_slice());
    all.push(
        over(
            "destroy twice in a transaction",
            &format!(
                "0 0 0 0 1 {other} GAS CALL 0 0 0 0 1 {other} GAS CALL 5 SSTORE 6 SSTORE STOP"
            ),
        )
        .with(OTHER, contract(asm("CALLER SELFDESTRUCT"), 2))
        .send(0, Call::to(TARGET)),
    );
    all.push(
        over(
            "destroy in a reverted frame",
            &format!("0 0 0 0 1 {other} GAS CALL {other} BALANCE 5 SSTORE STOP"),
        )
        .with(
            OTHER,
            contract(
                asm(&format!(
                    "0 0 0 0 {} GAS DELEGATECALL 0 0 REVERT",
                    U256::from_be_slice(ABSENT.as_slice())
                )),
                2,
            ),
        )
        .with(ABSENT, contract(asm("COINBASE SELFDESTRUCT"), 0))
        .send(0, Call::to(TARGET)),
    );
    // The destroyed child had slots; later ones come after them in the kernel's list.
    let init = asm("1 0 SSTORE 2 1 SSTORE 3 2 SSTORE CALLER SELFDESTRUCT");
    for index in 0..10u64 {
        let maker = Address::with_last_byte(index as u8).create(9);
        let mut code = creating(&init, "CREATE", "");
        code.extend(asm("1 50 SSTORE 2 51 SSTORE 3 SLOAD 52 SSTORE STOP"));
        let later = asm("1 9 SSTORE 0 1 SSTORE 7 SLOAD 8 SLOAD 2 SLOAD STOP");
        let scenario = Scenario::new(format!("destroy a child with slots, {index}"))
            .with(maker, contract(code, 0))
            .with(OTHER, contract(later, 0));
        let scenario = scenario.send(0, Call::to(maker).gas(900_000)).send(1, Call::to(OTHER));
        all.push(scenario.send(2, Call::to(maker).gas(900_000)).send(3, Call::to(OTHER)));
    }
    let mut elsewhere = over("destroy the coinbase", "CALLER SELFDESTRUCT")
        .with(COINBASE, contract(asm("CALLER SELFDESTRUCT"), 2));
    elsewhere.environment.coinbase = COINBASE;
    all.push(elsewhere.send(0, Call::to(COINBASE)).send(1, Call::to(COINBASE)));
    all
}
