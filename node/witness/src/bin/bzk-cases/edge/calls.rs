//! Calls: kinds, receivers, value, gas, return data, static frames, depth.

use super::{over, ABSENT, OTHER, TARGET};
use crate::{
    asm::asm,
    scenario::Scenario,
    world::{bystander, contract, Call},
};
use alloy_primitives::{Address, U256};

pub(super) fn all() -> Vec<Scenario> {
    [kinds(), frames(), fixed(), transient(), unpaid()].into_iter().flatten().collect()
}

fn word(address: Address) -> String {
    U256::from_be_slice(address.as_slice()).to_string()
}

/// Code that makes one call of each kind to `to` and stores what came back.
fn each_kind(to: &str, value: &str, gas: &str) -> String {
    let store = "RETURNDATASIZE ADD MSIZE ADD";
    let mut code = String::from("0x1122334455 0 MSTORE ");
    for (slot, opcode, value) in [
        (20, "CALL", value),
        (21, "CALLCODE", value),
        (22, "DELEGATECALL", ""),
        (23, "STATICCALL", ""),
    ] {
        code.push_str(&format!("40 50 33 3 {value} {to} {gas} {opcode} {store} {slot} SSTORE "));
    }
    code.push_str("50 MLOAD 24 SSTORE SELFBALANCE 25 SSTORE STOP");
    code
}

fn kinds() -> Vec<Scenario> {
    let callee = "CALLER CALLVALUE ADDRESS CALLDATASIZE 0 MSTORE 32 MSTORE 64 MSTORE 96 MSTORE 3 SLOAD 128 MSTORE 160 0 RETURN";
    let mut all = Vec::new();
    let targets = [
        ("a contract", word(OTHER)),
        ("a plain account", word(bystander(5))),
        ("nobody", word(ABSENT)),
        ("the sender", "CALLER".into()),
        ("the coinbase", "COINBASE".into()),
        ("itself", "ADDRESS".into()),
        ("the zero address", "0".into()),
        ("0x0a", "10".into()),
    ];
    for (name, to) in targets {
        for value in ["0", "1", "0xffffffffffffffff"] {
            for gas in ["GAS", "0", "3000", "0xffffffffffffffffffff"] {
                let scenario = over(
                    format!("call {name}, value {value}, gas {gas}"),
                    &each_kind(&to, value, gas),
                );
                let scenario = scenario.with(OTHER, contract(asm(callee), 2));
                all.push(scenario.send(0, Call::to(TARGET).gas(300_000)));
            }
        }
    }
    all
}

/// Every state-changing act in a static frame, in a reverted one, and on the stipend alone.
fn frames() -> Vec<Scenario> {
    let acts = [
        ("SSTORE", "1 9 SSTORE"),
        ("SSTORE zero", "0 1 SSTORE"),
        ("SSTORE same", "2 1 SSTORE"),
        ("TSTORE", "1 9 TSTORE"),
        ("LOG", "0 0 LOG0"),
        ("CREATE", "0 0 0 CREATE"),
        ("CREATE2", "0 0 0 0 CREATE2"),
        ("SELFDESTRUCT", "CALLER SELFDESTRUCT"),
        ("CALL with value", "0 0 0 0 1 0x77 GAS CALL"),
        ("CALL without value", "0 0 0 0 0 0x77 GAS CALL"),
        ("CALLCODE with value", "0 0 0 0 1 4 GAS CALLCODE"),
        ("SLOAD", "1 SLOAD 8 SLOAD"),
        ("INVALID", "INVALID"),
        ("BLOBHASH", "0 $49"),
        ("BLOBBASEFEE", "$4a"),
    ];
    let other = word(OTHER);
    let ways = [
        ("in a static frame", format!("0 0 0 0 {other} GAS STATICCALL")),
        ("in a reverted frame", format!("0 0 1 0 0 {other} GAS CALL")),
        ("in a kept frame", format!("0 0 0 0 0 {other} GAS CALL")),
        ("on the stipend", format!("0 0 0 0 1 {other} 0 CALL")),
        ("delegated", format!("0 0 0 0 {other} GAS DELEGATECALL")),
        ("with little gas", format!("0 0 0 0 0 {other} 5000 CALL")),
    ];
    let mut all = Vec::new();
    for (name, act) in acts {
        let mut scenario = Scenario::new(format!("frame {name}"));
        // A call with calldata reverts in the end.
        let code = asm(&format!("{act} CALLDATASIZE @r JUMPI STOP :r 32 0 REVERT"));
        scenario = scenario.with(OTHER, contract(code, 4));
        for (index, (_, way)) in ways.iter().enumerate() {
            let code =
                asm(&format!("{way} RETURNDATASIZE 31 SSTORE 30 SSTORE 5 TLOAD 32 SSTORE STOP"));
            let caller = Address::with_last_byte(index as u8).create(3);
            scenario =
                scenario.with(caller, contract(code, 4)).send(index as u64, Call::to(caller));
        }
        all.push(scenario);
    }
    all
}

fn fixed() -> Vec<Scenario> {
    let other = word(OTHER);
    let recursion = "0 0 0 0 0 ADDRESS GAS CALL 1 ADD 0 MSTORE 32 0 RETURN";
    let creating = "ADDRESS EXTCODESIZE 0 0 ADDRESS EXTCODECOPY CODESIZE 0 0 CREATE 0 SSTORE STOP";
    let copy = "CODESIZE 0 0 CODECOPY CODESIZE 0 0 CREATE 5 SSTORE CODESIZE 0 RETURN";
    vec![
        over("call recursion on 16M gas", recursion).send(0, Call::to(TARGET).gas(16_000_000)),
        over("call recursion that stores", "1 0 SLOAD ADD 0 SSTORE 0 0 0 0 0 ADDRESS GAS CALL STOP").send(0, Call::to(TARGET).gas(9_000_000)),
        over("call recursive delegation", "1 0 SLOAD ADD 0 SSTORE 0 0 0 0 ADDRESS GAS DELEGATECALL STOP").send(0, Call::to(TARGET).gas(3_000_000)),
        over("call recursive creation", creating).send(0, Call::to(TARGET).gas(3_000_000)),
        Scenario::new("call creation in creation").send(0, Call::create(asm(copy)).gas(9_000_000)),
        over("call return data survives", &format!("0 0 0 0 0 {other} GAS CALL RETURNDATASIZE 0 0 RETURNDATACOPY 0 MLOAD 5 SSTORE 0 0 0 0 0 4 GAS CALL RETURNDATASIZE 6 SSTORE STOP"))
            .with(OTHER, contract(asm("0x55 0 MSTORE 64 0 REVERT"), 0))
            .send(0, Call::to(TARGET)),
        over("call return data of a creation", "$63 $5f5ffd00 0 MSTORE 3 28 0 CREATE RETURNDATASIZE 5 SSTORE 6 SSTORE STOP").send(0, Call::to(TARGET)),
        over("call 63/64", &format!("0 0 0 0 0 {other} 100000 CALL GAS 5 SSTORE 6 SSTORE STOP"))
            .with(OTHER, contract(asm("GAS 9 SSTORE :l @l JUMP"), 0))
            .send(0, Call::to(TARGET).gas(150_000)),
        over("call to nobody in a reverted frame", &format!("0 0 0 0 0 {other} GAS CALL 5 SSTORE STOP"))
            .with(OTHER, contract(asm("0 0 0 0 5 0x77 GAS CALL 0 0 0 0 0 3 GAS CALL 0 0 REVERT"), 0))
            .send(0, Call::to(TARGET))
            .send(1, Call::to(Address::with_last_byte(0x77)).value(1)),
        over("call with more than the balance", "0 0 0 0 0xffffffffffff 0x77 GAS CALL 5 SSTORE RETURNDATASIZE 6 SSTORE STOP").send(0, Call::to(TARGET)),
        over("call many absent", "NUMBER DUP1 MLOAD POP 0 0 0 0 0 GAS GAS CALL POP ").send(0, Call::to(TARGET)),
        over("call cold and warm", &"0x1234567890 BALANCE POP 0x1234567890 EXTCODESIZE POP 0x1234567890 EXTCODEHASH POP 0 0 0 0 0 0x1234567890 GAS CALL POP GAS ".repeat(2)).send(0, Call::to(TARGET)),
        over("call a hundred contracts", &(0..100).map(|i| format!("0 0 0 0 1 {} GAS CALL POP ", 0x10_000 + i)).collect::<String>()).send(0, Call::to(TARGET).gas(9_000_000)),
        over("call reverts deep inside", &format!("1 9 SSTORE 0 0 0 0 1 {other} GAS CALL 0 0 REVERT"))
            .with(OTHER, contract(asm("0 1 SSTORE 7 8 SSTORE 0 0 0 0 1 0x99 GAS CALL $6133ff $5f526002601e5ff0 STOP"), 3))
            .send(0, Call::to(TARGET))
            .send(1, Call::to(OTHER)),
    ]
}

fn transient() -> Vec<Scenario> {
    let other = word(OTHER);
    vec![
        over("transient over two transactions", "1 TLOAD 5 SSTORE 7 1 TSTORE 1 TLOAD 6 SSTORE STOP").send(0, Call::to(TARGET)).send(0, Call::to(TARGET)),
        over("transient is undone", &format!("1 1 TSTORE 0 0 1 0 {other} GAS DELEGATECALL 1 TLOAD 5 SSTORE 0 0 0 0 {other} GAS DELEGATECALL 1 TLOAD 6 SSTORE STOP"))
            .with(OTHER, contract(asm("2 1 TSTORE 3 2 TSTORE CALLDATASIZE @r JUMPI STOP :r 0 0 REVERT"), 0))
            .send(0, Call::to(TARGET)),
        over("transient is per contract", &format!("1 1 TSTORE 0 0 0 0 0 {other} GAS CALL 0 0 TSTORE 1 TLOAD 5 SSTORE STOP"))
            .with(OTHER, contract(asm("1 TLOAD 5 SSTORE 9 1 TSTORE STOP"), 0))
            .send(0, Call::to(TARGET)),
        over("transient many", &(0..80).map(|i| format!("{i} {} TSTORE {} TLOAD POP ", i % 37, i % 50)).collect::<String>()).send(0, Call::to(TARGET)),
    ]
}

/// What the kernel looks up before it charges for it, in a frame that has not enough gas.
fn unpaid() -> Vec<Scenario> {
    let absent = word(ABSENT);
    let acts = [
        ("SELFDESTRUCT to nobody", format!("{absent} SELFDESTRUCT")),
        ("SELFDESTRUCT to a plain account", format!("{} SELFDESTRUCT", word(bystander(77)))),
        ("CALL of nobody with value", format!("0 0 0 0 1 {absent} GAS CALL")),
        ("SSTORE of a new slot", "1 4000 SSTORE".into()),
        ("SSTORE that deletes", "0 1 SSTORE".into()),
        ("CREATE with value", "0 0 1 CREATE".into()),
        ("BALANCE of nobody", format!("{absent} BALANCE")),
        ("EXTCODEHASH of nobody", format!("{absent} EXTCODEHASH")),
        ("SLOAD of a new slot", "4000 SLOAD".into()),
    ];
    let mut all = Vec::new();
    for (name, act) in acts {
        for gas in [100u64, 2_400, 2_700, 5_100, 7_500, 9_200, 12_000, 20_000, 22_000, 36_000] {
            let code = format!("0 0 0 0 0 {} {gas} CALL STOP", word(OTHER));
            let scenario = over(format!("{name}, {gas} gas"), &code);
            let scenario = scenario.with(OTHER, contract(asm(&act), 5));
            all.push(scenario.send(0, Call::to(TARGET).gas(200_000)));
        }
    }
    all
}
