//! One kind of work many times in a block, once with N and once with 2N: the difference is what
//! one costs the kernel, beside what the meter charges for it.

use crate::{
    asm::asm,
    scenario::Scenario,
    world::{contract, Call},
};
use alloy_primitives::{keccak256, Address};

const TARGET: Address = Address::repeat_byte(0xa1);

/// All measurements: `NAME xN`.
pub(crate) fn all() -> Vec<Scenario> {
    let mut all = Vec::new();
    for count in [20, 40] {
        all.push(transfers(count));
        for (name, unit) in UNITS {
            all.push(repeated(name, unit, count));
        }
    }
    all
}

fn transfers(count: u64) -> Scenario {
    (0..count).fold(Scenario::new(format!("transfer x{count}")), |scenario, index| {
        let to = Address::from_slice(&keccak256([index as u8, 9])[12..]);
        scenario.send(index % 8, Call::to(to).value(index + 1).gas(21_000))
    })
}

fn repeated(name: &str, unit: &str, count: u64) -> Scenario {
    let body = (0..count).map(|index| unit.replace('#', &(index + 1000).to_string()) + " ");
    let code = asm(&format!("0x1122334455 0 MSTORE {} STOP", body.collect::<String>()));
    Scenario::new(format!("{name} x{count}"))
        .with(TARGET, contract(code, 60))
        .send(0, Call::to(TARGET).gas(16_000_000))
}

/// Work by name; `#` is a number that differs each time.
const UNITS: [(&str, &str); 60] = [
    ("PUSH1 POP", "1 POP"),
    ("PUSH32 POP", "$7f0102030405060708091011121314151617181920212223242526272829303132 POP"),
    ("ADD", "1 2 ADD POP"),
    ("MUL", "7 9 MUL POP"),
    ("DIV", "7 9 DIV POP"),
    ("SDIV", "7 9 SDIV POP"),
    ("MOD", "7 9 MOD POP"),
    ("SMOD", "7 9 SMOD POP"),
    ("ADDMOD", "7 9 5 ADDMOD POP"),
    ("MULMOD", "7 9 5 MULMOD POP"),
    ("EXP 1 byte", "255 3 EXP POP"),
    ("EXP 32 bytes", "0 NOT 3 EXP POP"),
    ("SIGNEXTEND", "7 1 SIGNEXTEND POP"),
    ("SLT", "7 1 SLT POP"),
    ("SHL", "7 1 SHL POP"),
    ("SAR", "7 1 SAR POP"),
    ("BYTE", "7 1 BYTE POP"),
    ("KECCAK256 32", "32 0 KECCAK256 POP"),
    ("KECCAK256 1000", "1000 0 KECCAK256 POP"),
    ("ADDRESS", "ADDRESS POP"),
    ("TIMESTAMP", "TIMESTAMP POP"),
    ("GAS", "GAS POP"),
    ("SELFBALANCE", "SELFBALANCE POP"),
    ("BLOCKHASH", "900 BLOCKHASH POP"),
    ("BALANCE cold absent", "# BALANCE POP"),
    ("BALANCE warm", "ADDRESS BALANCE POP"),
    ("EXTCODESIZE warm", "ADDRESS EXTCODESIZE POP"),
    ("EXTCODEHASH warm", "ADDRESS EXTCODEHASH POP"),
    ("CALLDATALOAD", "0 CALLDATALOAD POP"),
    ("CALLDATACOPY 32", "32 0 0 CALLDATACOPY"),
    ("CALLDATACOPY 1000", "1000 0 0 CALLDATACOPY"),
    ("CODECOPY 1000", "1000 0 0 CODECOPY"),
    ("MCOPY 1000", "1000 0 64 MCOPY"),
    ("MLOAD", "0 MLOAD POP"),
    ("MSTORE", "7 32 MSTORE"),
    ("MSTORE8", "7 32 MSTORE8"),
    ("SLOAD cold absent", "# SLOAD POP"),
    ("SLOAD warm", "0 SLOAD POP"),
    ("SSTORE new", "# DUP1 SSTORE"),
    ("SSTORE warm", "GAS 0 SSTORE"),
    ("TLOAD", "0 TLOAD POP"),
    ("TSTORE same", "7 0 TSTORE"),
    ("TSTORE new", "7 # TSTORE"),
    ("JUMP", "@l# JUMP :l#"),
    ("JUMPI not taken", "0 0 JUMPI"),
    ("LOG0 0", "0 0 LOG0"),
    ("LOG0 32", "32 0 LOG0"),
    ("LOG4 0", "1 2 3 4 0 0 LOG4"),
    ("LOG0 1000", "1000 0 LOG0"),
    ("CALL absent", "0 0 0 0 0 # GAS CALL POP"),
    ("CALL absent with value", "0 0 0 0 1 # GAS CALL POP"),
    ("CALL identity", "0 0 32 0 0 4 GAS CALL POP"),
    ("CREATE empty", "0 0 0 CREATE POP"),
    ("CREATE2 empty", "# 0 0 0 CREATE2 POP"),
    ("ECRECOVER bad", "32 0 128 0 1 GAS STATICCALL POP"),
    ("SHA256 64", "32 0 64 0 2 GAS STATICCALL POP"),
    ("RIPEMD160 64", "32 0 64 0 3 GAS STATICCALL POP"),
    ("ECADD infinity", "64 0 128 1000 6 GAS STATICCALL POP"),
    ("ECMUL infinity", "64 0 96 1000 7 GAS STATICCALL POP"),
    ("SELFDESTRUCT in a creation", "$6133ff $5f52 2 30 1 CREATE POP"),
];
