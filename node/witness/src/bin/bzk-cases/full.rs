//! Blocks of transactions that hold as much of the prover's memory as the meter lets them: `bzk-prover heights` must
//! find a circuit for each of their segments.

use crate::{
    asm::asm,
    random::Dice,
    scenario::Scenario,
    world::{contract, Call, Kind},
};
use alloy_primitives::{Address, U256};
use bzk_evm::meter::memory::MAX_CELLS;

const TARGET: Address = Address::repeat_byte(0xa1);
const LOGGER: Address = Address::repeat_byte(0xa2);
/// What a transaction may weigh, signature and all; and its data then.
const MOST_DATA: usize = 131_072 - 300;
/// Logs of one transaction, their receipt and all.
const MOST_LOGGED: u64 = 160 * 1024 - 1_000;
/// Bytes of a log and logs of a transaction whose receipt is nearly the longest.
const LOG: u64 = 8_192;
const LOGS: u64 = 19;
/// Slots in an access list: 752 cells each.
const LISTED: usize = 970;
const GAS: u64 = 30_000_000;

/// All of them.
pub(crate) fn all() -> Vec<Scenario> {
    vec![calldata(), memory(), logs(), lists(), mixed()]
}

/// A contract that takes as much memory as its calldata's first word says, logs as much as the second one says.
fn contract_of(name: &str) -> Scenario {
    let code = asm("0 CALLDATALOAD DUP1 @m JUMPI POP 32 CALLDATALOAD 0 LOG0 STOP :m MLOAD STOP");
    let mut scenario = Scenario::new(name).with(TARGET, contract(code, 3));
    scenario.metered = true;
    scenario
}

fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| U256::from(*word).to_be_bytes::<32>()).collect()
}

fn with_data(seed: u8) -> Call {
    let mut data = words(&[0, 0]);
    // Bytes that are not zero, and not the same in each transaction.
    data.resize(MOST_DATA, seed | 1);
    Call::to(TARGET).data(data).gas(GAS)
}

fn with_memory(bytes: u64) -> Call {
    Call::to(TARGET).data(words(&[bytes, 0])).gas(GAS)
}

fn with_logs() -> Call {
    Call::to(TARGET).data(words(&[0, MOST_LOGGED])).gas(GAS)
}

/// Slots that exist and slots that do not, in an access list.
fn with_list(seed: u64) -> Call {
    let mut dice = Dice::new(seed);
    let slots = (0..LISTED).map(|_| dice.word()).collect();
    Call::to(TARGET).kind(Kind::AccessList).list(vec![(TARGET, slots)]).gas(GAS)
}

fn calldata() -> Scenario {
    (0..8).fold(contract_of("calldata"), |scenario, index| {
        scenario.send(index, with_data(index as u8))
    })
}

/// The most memory, each behind a transaction with large leaves.
fn memory() -> Scenario {
    // What the meter counts beside it: four cells a byte of calldata, the accounts, the code.
    let most = MAX_CELLS - 10_000;
    (0..3).fold(contract_of("memory"), |scenario, index| scenario.send(index, with_memory(most)))
}

fn logs() -> Scenario {
    (0..6).fold(contract_of("logs"), |scenario, index| scenario.send(index, with_logs()))
}

fn lists() -> Scenario {
    (0..8)
        .fold(contract_of("access lists"), |scenario, index| scenario.send(index, with_list(index)))
}

/// The largest leaves that a transaction may leave. Data that the contract does not read makes up for what its logs
/// leave of the memory: the meter counts four cells a byte of data, three a byte of a log.
fn with_leaves() -> Call {
    let logged = LOGS * (LOG + 170) * 3 + LOG;
    let mut data = words(&[LOGS]);
    data.resize(((MAX_CELLS - 10_000 - logged) / 4) as usize, 5);
    Call::to(LOGGER).data(data).gas(GAS)
}

/// The leaves of a large transaction may have to move for those of the next one, which takes most memory.
fn mixed() -> Scenario {
    let logger = asm(&format!(
        "0 CALLDATALOAD :next DUP1 ISZERO @end JUMPI {LOG} 0 LOG0 1 SWAP1 SUB @next JUMP :end STOP"
    ));
    contract_of("large and memory")
        .with(LOGGER, contract(logger, 0))
        .send(0, with_leaves())
        .send(1, with_memory(MAX_CELLS - 10_000))
        .send(2, with_leaves())
        .send(3, with_memory(MAX_CELLS - 10_000))
        .send(4, Call::to(TARGET).value(1))
        .send(5, with_leaves())
        .send(6, with_list(99))
}
