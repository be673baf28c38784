//! Random programs and blocks.

use crate::{
    asm::{deploying, push, storing},
    scenario::Scenario,
    world::{bystander, contract, Call, Kind, Wallet, COINBASE, NUMBER},
};
use alloy_primitives::{Address, U256};
use revm::bytecode::opcode as op;

/// Words at which arithmetic has edges.
pub(crate) const INTERESTING: [U256; 14] = [
    U256::ZERO,
    U256::from_limbs([1, 0, 0, 0]),
    U256::from_limbs([2, 0, 0, 0]),
    U256::from_limbs([31, 0, 0, 0]),
    U256::from_limbs([32, 0, 0, 0]),
    U256::from_limbs([255, 0, 0, 0]),
    U256::from_limbs([256, 0, 0, 0]),
    U256::from_limbs([u64::MAX, 0, 0, 0]),
    U256::from_limbs([0, 1, 0, 0]),
    U256::from_limbs([0, 0, 1, 0]),
    U256::from_limbs([0, 0, 0, 1 << 63]),
    U256::from_limbs([u64::MAX, u64::MAX, u64::MAX, (1 << 63) - 1]),
    U256::from_limbs([u64::MAX - 1, u64::MAX, u64::MAX, u64::MAX]),
    U256::MAX,
];

/// A seeded generator (splitmix64): the same seed gives the same cases everywhere.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let index = self.below(items.len() as u64) as usize;
        &items[index]
    }

    pub(crate) fn word(&mut self) -> U256 {
        U256::from_limbs([self.next(), self.next(), self.next(), self.next()])
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

/// The contracts of a random block.
fn contracts() -> [Address; 4] {
    [0xb1, 0xb2, 0xb3, 0xb4].map(Address::repeat_byte)
}

/// A block of random transactions over random contracts.
pub(crate) fn block(seed: u64) -> Scenario {
    let mut dice = Dice::new(seed.wrapping_mul(0x1_0001));
    let mut scenario = Scenario::new(format!("random {seed}"));
    scenario.lenient = true;
    scenario.environment.coinbase = *dice.pick(&[COINBASE, COINBASE, contracts()[0], bystander(7)]);
    for address in contracts() {
        let length = dice.below(120) + 5;
        let code = program(&mut dice, length, 0);
        let slots = dice.below(20);
        scenario = scenario.with(address, contract(code, slots));
    }
    for _ in 0..dice.below(8) + 1 {
        let sender = dice.below(8);
        let call = transaction(&mut dice);
        scenario = scenario.send(sender, call);
    }
    scenario
}

fn transaction(dice: &mut Dice) -> Call {
    let contracts = contracts();
    let length = dice.below(100) as usize;
    let call = match dice.below(8) {
        0 => {
            let length = dice.below(40) + 2;
            let code = program(dice, length, 0);
            Call::create(if dice.below(2) == 0 { code } else { deploying(&code) })
        }
        1 => Call::to(address(dice)).data(dice.bytes(length)),
        _ => Call::to(*dice.pick(&contracts)).data(dice.bytes(length)),
    };
    // A precompile may not be called directly.
    let to = call.to.filter(|to| *to > Address::with_last_byte(9) || call.to.is_none());
    let call = Call { to: if call.to.is_some() { to.or(Some(COINBASE)) } else { None }, ..call };
    let kind = *dice.pick(&[Kind::Legacy, Kind::Unprotected, Kind::AccessList, Kind::DynamicFee]);
    let list = (0..dice.below(4)).map(|_| {
        let slots = (0..dice.below(4)).map(|_| U256::from(dice.below(25))).collect();
        (address(dice), slots)
    });
    let list = list.collect();
    let gas = *dice.pick(&[60_000, 100_000, 300_000, 1_000_000, 2_000_000]);
    let (value, tip) = (dice.below(3), u128::from(dice.below(50)));
    let call = call.kind(kind).value(value).gas(gas).fees(tip, 100 + u128::from(dice.below(100)));
    if matches!(kind, Kind::AccessList | Kind::DynamicFee) {
        call.list(list)
    } else {
        call
    }
}

/// An address that is somebody, or nobody.
fn address(dice: &mut Dice) -> Address {
    match dice.below(8) {
        0..=2 => *dice.pick(&contracts()),
        3 => bystander(dice.below(40)),
        4 => Address::with_last_byte(dice.below(12) as u8),
        5 => Wallet::numbered(dice.below(8)).address,
        6 => COINBASE,
        _ => Address::with_last_byte(0x80 | dice.below(8) as u8),
    }
}

fn small(dice: &mut Dice, code: &mut Vec<u8>, bound: u64) {
    push(code, &U256::from(dice.below(bound)).to_be_bytes_trimmed_vec());
}

/// A word that may be anything.
fn any(dice: &mut Dice, code: &mut Vec<u8>) {
    let word = match dice.below(6) {
        0 => dice.word(),
        1 => *dice.pick(&INTERESTING),
        2 => U256::from_be_slice(address(dice).as_slice()),
        _ => U256::from(dice.below(70)),
    };
    push(code, &word.to_be_bytes_trimmed_vec());
}

/// A program of about `length` steps, most of which find what they need on the stack.
fn program(dice: &mut Dice, length: u64, depth: u32) -> Vec<u8> {
    let mut code = Vec::new();
    for _ in 0..3 {
        any(dice, &mut code);
    }
    for _ in 0..length {
        step(dice, &mut code, depth);
    }
    match dice.below(5) {
        0 => code.push(op::STOP),
        1 => {
            small(dice, &mut code, 100);
            small(dice, &mut code, 100);
            code.push(op::RETURN);
        }
        2 => {
            small(dice, &mut code, 100);
            small(dice, &mut code, 100);
            code.push(op::REVERT);
        }
        _ => {}
    }
    code
}

fn step(dice: &mut Dice, code: &mut Vec<u8>, depth: u32) {
    match dice.below(40) {
        0..=6 => any(dice, code),
        7..=13 => {
            any(dice, code);
            any(dice, code);
            any(dice, code);
            let arithmetic: Vec<u8> = (op::ADD..=op::SIGNEXTEND).chain(op::LT..=op::SAR).collect();
            code.push(*dice.pick(&arithmetic));
        }
        14..=15 => {
            any(dice, code);
            small(dice, code, 12);
            code.push(op::SSTORE);
        }
        16 => {
            push(code, &[]);
            small(dice, code, 20);
            code.push(op::SSTORE);
        }
        17..=18 => {
            small(dice, code, 25);
            code.push(op::SLOAD);
        }
        19 => {
            any(dice, code);
            small(dice, code, 5);
            code.push(op::TSTORE);
            small(dice, code, 5);
            code.push(op::TLOAD);
        }
        20..=21 => {
            any(dice, code);
            small(dice, code, 200);
            code.push(*dice.pick(&[op::MSTORE, op::MSTORE8]));
        }
        22 => {
            small(dice, code, 200);
            code.push(op::MLOAD);
        }
        23 => {
            small(dice, code, 90);
            small(dice, code, 90);
            code.push(op::KECCAK256);
        }
        24 => {
            for _ in 0..3 {
                small(dice, code, 90);
            }
            let copies = [op::CALLDATACOPY, op::CODECOPY, op::MCOPY, op::RETURNDATACOPY];
            code.push(*dice.pick(&copies));
        }
        25 => {
            push(code, address(dice).as_slice());
            let reads = [op::BALANCE, op::EXTCODESIZE, op::EXTCODEHASH];
            code.push(*dice.pick(&reads));
        }
        26 => {
            for _ in 0..3 {
                small(dice, code, 60);
            }
            push(code, address(dice).as_slice());
            code.push(op::EXTCODECOPY);
        }
        27 => {
            let topics = dice.below(5) as u8;
            for _ in 0..topics {
                any(dice, code);
            }
            small(dice, code, 80);
            small(dice, code, 80);
            code.push(op::LOG0 + topics);
        }
        28 => code.push(*dice.pick(&[
            op::ADDRESS,
            op::ORIGIN,
            op::CALLER,
            op::CALLVALUE,
            op::CALLDATASIZE,
            op::CODESIZE,
            op::GASPRICE,
            op::RETURNDATASIZE,
            op::COINBASE,
            op::TIMESTAMP,
            op::NUMBER,
            op::DIFFICULTY,
            op::GASLIMIT,
            op::CHAINID,
            op::SELFBALANCE,
            op::BASEFEE,
            op::PC,
            op::MSIZE,
            op::GAS,
        ])),
        29 => {
            let number = NUMBER - dice.below(300);
            push(code, &U256::from(number).to_be_bytes_trimmed_vec());
            code.push(op::BLOCKHASH);
        }
        30 => code.push(op::DUP1 + dice.below(4) as u8),
        31 => code.push(op::SWAP1 + dice.below(3) as u8),
        32 => jump(dice, code),
        33..=36 => call(dice, code),
        37 if depth < 2 => create(dice, code, depth),
        38 if dice.below(6) == 0 => {
            push(code, address(dice).as_slice());
            code.push(op::SELFDESTRUCT);
        }
        39 if dice.below(10) == 0 => code.push(dice.below(256) as u8),
        _ => {
            any(dice, code);
            code.push(op::CALLDATALOAD);
        }
    }
}

/// A jump over some bytes, taken or not.
fn jump(dice: &mut Dice, code: &mut Vec<u8>) {
    let skipped = dice.below(6) as usize;
    small(dice, code, 2);
    // PUSH2 target, JUMPI.
    let target = code.len() + 4 + skipped;
    code.push(op::PUSH2);
    code.extend((target as u16).to_be_bytes());
    code.push(op::JUMPI);
    for _ in 0..skipped {
        code.push(*dice.pick(&[op::PC, op::GAS, op::JUMPDEST, op::ADDRESS]));
    }
    code.push(op::JUMPDEST);
}

fn call(dice: &mut Dice, code: &mut Vec<u8>) {
    let opcode = *dice.pick(&[op::CALL, op::CALL, op::CALLCODE, op::DELEGATECALL, op::STATICCALL]);
    for _ in 0..4 {
        small(dice, code, 130);
    }
    if matches!(opcode, op::CALL | op::CALLCODE) {
        let bound = *dice.pick(&[1, 1, 3, 1 << 30]);
        small(dice, code, bound);
    }
    push(code, address(dice).as_slice());
    if dice.below(3) == 0 {
        small(dice, code, 50_000);
    } else {
        code.push(op::GAS);
    }
    code.push(opcode);
}

fn create(dice: &mut Dice, code: &mut Vec<u8>, depth: u32) {
    let length = dice.below(12) + 1;
    let inner = program(dice, length, depth + 1);
    let init = if dice.below(2) == 0 { deploying(&inner) } else { inner };
    code.extend(storing(&init));
    let second = dice.below(2) == 0;
    if second {
        small(dice, code, 3);
    }
    push(code, &U256::from(init.len()).to_be_bytes_trimmed_vec());
    push(code, &[]);
    small(dice, code, 3);
    code.push(if second { op::CREATE2 } else { op::CREATE });
    if dice.below(2) == 0 {
        // Call what was created.
        code.push(op::DUP1);
        for _ in 0..5 {
            push(code, &[]);
        }
        code.extend([op::DUP6, op::GAS, op::CALL]);
    }
}
