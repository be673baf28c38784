//! What the kernel's work costs: each measurement is two blocks that differ in nothing but so many pieces of it.

use crate::{
    asm::asm,
    scenario::Scenario,
    world::{contract, Call, Kind},
};
use alloy_primitives::{keccak256, Address, U256};
use revm::bytecode::opcode::{JUMPDEST, STOP};

/// Code that has two pairs for the precompile 8 in memory, each of 192 bytes, and then what is timed.
macro_rules! pairs {
    ($timed:literal) => {
        concat!(
            "1 0 MSTORE 2 32 MSTORE \
             0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2 64 MSTORE \
             0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed 96 MSTORE \
             0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b 128 MSTORE \
             0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa 160 MSTORE \
             192 0 192 MCOPY | ",
            $timed
        )
    };
}

const TARGET: Address = Address::repeat_byte(0xa1);

/// Bytes of the contract that works; CODECOPY reads past its end from 6143.
const CODE: usize = 6_144;

/// Contracts that it calls, from address 4096: 4096, 4097...
const HELPERS: [&str; 10] = [
    "STOP",
    "0 0 RETURN",
    "0 0 REVERT",
    "INVALID",
    "@l JUMP :l STOP",
    "32 0 RETURN",
    "1056 0 RETURN",
    "51 SELFDESTRUCT",
    "@l JUMP $600060006000600060006000600060006000600060006000 :l STOP",
    "@l JUMP $5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b :l STOP",
];

/// A contract of 4,097 bytes.
const LONG: u64 = 4_000;

/// What comes first in each code: memory that reads and writes find, 2,048 bytes of return data, warm helpers.
const BEFORE: &str = "0x1122334455 0 MSTORE 8160 MLOAD POP 0 0 2048 0 4 GAS STATICCALL POP \
    4096 :warm DUP1 BALANCE POP 1 ADD DUP1 4106 SUB @warm JUMPI POP";

/// Repetitions of work; twice as many in the other block.
const REPEATED: u64 = 10;

/// What is measured: `count` pieces of work are what `more` has beyond `less`.
pub(crate) struct Measurement {
    /// The price in the runtime's table: an opcode, or a constant.
    pub(crate) price: &'static str,
    /// Which of the inputs that it has to cover.
    pub(crate) case: &'static str,
    /// Pieces.
    pub(crate) count: u64,
    /// The block with fewer pieces.
    pub(crate) less: Scenario,
    /// The block with more.
    pub(crate) more: Scenario,
}

/// The blocks of all measurements.
pub(crate) fn all() -> Vec<Scenario> {
    measurements().into_iter().flat_map(|Measurement { less, more, .. }| [less, more]).collect()
}

/// All that is measured.
pub(crate) fn measurements() -> Vec<Measurement> {
    let mut all = Vec::new();
    type Block<'a> = &'a dyn Fn(Scenario) -> Scenario;
    let mut add = |price: &'static str, case: &'static str, count: u64, blocks: [Block<'_>; 2]| {
        let [less, more] = blocks;
        all.push(Measurement {
            price,
            case,
            count,
            less: less(Scenario::new(format!("{price}, {case}: less"))),
            more: more(Scenario::new(format!("{price}, {case}: more"))),
        });
    };
    for &code in NATIVE {
        let instructions = code.split_whitespace().count() as u64;
        let [less, more] =
            [REPEATED, 2 * REPEATED].map(|times| move |block| running(block, code, times));
        add(NATIVE_PRICE, code, REPEATED * instructions, [&less, &more]);
    }
    for &(price, case, code) in FLAT {
        let [less, more] =
            [REPEATED, 2 * REPEATED].map(|times| move |block| running(block, code, times));
        add(price, case, REPEATED, [&less, &more]);
    }
    for &(price, case, times, pieces, fewer, further) in GROWING {
        let [less, more] = [fewer, further].map(|code| move |block| running(block, code, times));
        add(price, case, times * pieces, [&less, &more]);
    }
    for (case, kind) in [("legacy", Kind::Legacy), ("dynamic fee", Kind::DynamicFee)] {
        let [less, more] =
            [REPEATED, 2 * REPEATED].map(|count| move |block| transfers(block, kind, count));
        add("TRANSACTION", case, REPEATED, [&less, &more]);
    }
    for (case, byte) in [("zeros", 0u8), ("others", 0xff)] {
        let [less, more] = [1_000, 3_000].map(|bytes| {
            move |block: Scenario| block.send(0, Call::to(account(0x51)).data(vec![byte; bytes]))
        });
        add("CALLDATA_BYTE", case, 2_000, [&less, &more]);
    }
    let [less, more] = [20u64, 60].map(|items| {
        move |block: Scenario| {
            let list = (0..items).map(|item| (account(5_000_000 + item), Vec::new())).collect();
            block.send(0, listing(list))
        }
    });
    add("LISTED_ACCOUNT", "", 40, [&less, &more]);
    let [less, more] = [20u64, 60].map(|keys| {
        move |block: Scenario| {
            let keys = (0..keys).map(|key| U256::from(5_000_000 + key)).collect();
            block.send(0, listing(vec![(TARGET, keys)]))
        }
    });
    add("LISTED_SLOT", "", 40, [&less, &more]);
    all
}

fn account(number: u64) -> Address {
    Address::left_padding_from(&number.to_be_bytes())
}

fn transfers(block: Scenario, kind: Kind, count: u64) -> Scenario {
    (0..count).fold(block, |block, index| {
        let to = Address::from_slice(&keccak256([index as u8, 9])[12..]);
        block.send(index % 8, Call::to(to).value(index + 1).gas(21_000).kind(kind))
    })
}

fn listing(list: Vec<(Address, Vec<U256>)>) -> Call {
    Call::to(account(LONG)).kind(Kind::AccessList).list(list).gas(1_000_000)
}

/// A block that runs `code` so many times in one transaction; `#` in it is a number that differs each time.
fn running(block: Scenario, code: &str, times: u64) -> Scenario {
    let parts: Vec<&str> = code.split('|').collect();
    let (before, work, end) = match parts[..] {
        [before, work, end] => (before, work, end),
        _ => ("", code, "STOP"),
    };
    let body = (0..times).map(|index| work.replace('#', &(index + 1_000).to_string()) + " ");
    let mut code = asm(&format!("{BEFORE} {before} {} {end}", body.collect::<String>()));
    assert!(code.len() <= CODE, "{work}: the code is too long");
    code.resize(CODE, JUMPDEST);
    let helpers = HELPERS.iter().zip(4_096..);
    helpers
        .fold(block, |block, (code, address)| block.with(account(address), contract(asm(code), 0)))
        .with(account(LONG), contract(vec![STOP; 4_097], 0))
        .with(TARGET, contract(code, 60))
        .send(0, Call::to(TARGET).data(vec![0x11; 2_048]).gas(30_000_000))
}

/// The price of opcodes that are one cycle of the kernel each.
pub(crate) const NATIVE_PRICE: &str = "NATIVE";

/// Code of nothing but such opcodes.
const NATIVE: &[&str] = &[
    "1 2 ADD 3 MUL 5 SUB 7 DIV 9 MOD 1 2 3 ADDMOD 1 2 MULMOD POP POP",
    "1 2 LT 3 GT 1 EQ ISZERO 6 AND 7 OR 8 XOR NOT 1 BYTE 2 SHL 3 SHR POP",
    "PC POP 0 0 JUMPI JUMPDEST 1 DUP1 SWAP1 POP POP",
    "$7f0102030405060708091011121314151617181920212223242526272829303132 POP",
];

/// Work repeated: price, case, code. Instructions that push its operands and pop its results stay in its price: that is
/// a margin of up to ten cycles. `before | work | end`: what comes before the repetitions, and how the code ends.
const FLAT: &[(&str, &str, &str)] = &[
    ("SDIV", "positive", "7 9 SDIV POP"),
    ("SDIV", "negative", "1 NOT 0 NOT SDIV POP"),
    ("SDIV", "of two signs", "7 0 NOT SDIV POP"),
    ("SDIV", "of two signs, the other way", "7 NOT 9 SDIV POP"),
    ("SMOD", "positive", "7 9 SMOD POP"),
    ("SMOD", "negative", "1 NOT 0 NOT SMOD POP"),
    ("SMOD", "of two signs", "7 0 NOT SMOD POP"),
    ("EXP", "exponent 0", "0 3 EXP POP"),
    ("SIGNEXTEND", "of a byte", "7 1 SIGNEXTEND POP"),
    ("SIGNEXTEND", "of none", "0 NOT 40 SIGNEXTEND POP"),
    ("SLT", "", "7 1 SLT POP"),
    ("SGT", "", "7 0 NOT SGT POP"),
    ("SAR", "", "7 1 SAR POP"),
    ("SAR", "of all bits", "0 NOT 300 SAR POP"),
    ("KECCAK256", "nothing", "0 0 KECCAK256 POP"),
    ("KECCAK256", "a byte", "1 0 KECCAK256 POP"),
    ("KECCAK256", "2000 bytes", "2000 0 KECCAK256 POP"),
    ("ADDRESS", "", "ADDRESS POP"),
    ("BALANCE", "warm", "4096 BALANCE POP"),
    ("BALANCE", "warm, nobody's", "77 BALANCE POP"),
    ("ORIGIN", "", "ORIGIN POP"),
    ("CALLER", "", "CALLER POP"),
    ("CALLVALUE", "", "CALLVALUE POP"),
    ("CALLDATALOAD", "", "0 CALLDATALOAD POP"),
    ("CALLDATALOAD", "over the end", "2047 CALLDATALOAD POP"),
    ("CALLDATALOAD", "past the end", "0 NOT CALLDATALOAD POP"),
    ("CALLDATASIZE", "", "CALLDATASIZE POP"),
    ("CALLDATACOPY", "nothing", "0 0 0 CALLDATACOPY"),
    ("CALLDATACOPY", "a byte", "1 0 0 CALLDATACOPY"),
    ("CALLDATACOPY", "past the end", "1 5000 0 CALLDATACOPY"),
    ("CODESIZE", "", "CODESIZE POP"),
    ("CODECOPY", "a byte", "1 0 0 CODECOPY"),
    ("CODECOPY", "over the end", "2 6143 0 CODECOPY"),
    ("CODECOPY", "past the end", "1 9000 0 CODECOPY"),
    ("GASPRICE", "", "GASPRICE POP"),
    ("EXTCODESIZE", "warm", "4096 EXTCODESIZE POP"),
    ("EXTCODESIZE", "warm, nobody's", "77 EXTCODESIZE POP"),
    ("EXTCODECOPY", "nothing", "0 0 0 4096 EXTCODECOPY"),
    ("EXTCODECOPY", "a byte", "1 0 0 4096 EXTCODECOPY"),
    ("EXTCODECOPY", "over the end", "2 0 0 4096 EXTCODECOPY"),
    ("EXTCODECOPY", "past the end", "1 90 0 4096 EXTCODECOPY"),
    ("RETURNDATASIZE", "", "RETURNDATASIZE POP"),
    ("RETURNDATACOPY", "a byte", "1 0 0 RETURNDATACOPY"),
    ("EXTCODEHASH", "warm", "4096 EXTCODEHASH POP"),
    ("EXTCODEHASH", "warm, nobody's", "77 EXTCODEHASH POP"),
    ("BLOCKHASH", "of the parent", "999 BLOCKHASH POP"),
    ("BLOCKHASH", "of the oldest", "744 BLOCKHASH POP"),
    ("BLOCKHASH", "too old", "5 BLOCKHASH POP"),
    ("BLOCKHASH", "to come", "2000 BLOCKHASH POP"),
    ("COINBASE", "", "COINBASE POP"),
    ("TIMESTAMP", "", "TIMESTAMP POP"),
    ("NUMBER", "", "NUMBER POP"),
    ("DIFFICULTY", "", "DIFFICULTY POP"),
    ("GASLIMIT", "", "GASLIMIT POP"),
    ("CHAINID", "", "CHAINID POP"),
    ("SELFBALANCE", "", "SELFBALANCE POP"),
    ("BASEFEE", "", "BASEFEE POP"),
    ("MLOAD", "", "1 MLOAD POP"),
    ("MLOAD", "of new memory", "MSIZE MLOAD POP"),
    ("MSTORE", "", "7 33 MSTORE"),
    ("MSTORE", "of new memory", "7 MSIZE MSTORE"),
    ("MSTORE8", "", "7 33 MSTORE8"),
    ("MSTORE8", "of new memory", "7 MSIZE MSTORE8"),
    ("SLOAD", "warm", "0 SLOAD POP"),
    ("SLOAD", "warm, empty", "999 SLOAD POP"),
    ("SSTORE", "warm, the same", "1 0 SSTORE"),
    ("SSTORE", "warm, another each time", "# 0 SSTORE"),
    ("SSTORE", "warm, another each time, reverted", "| # 0 SSTORE | 0 0 REVERT"),
    ("MSIZE", "", "MSIZE POP"),
    ("GAS", "", "GAS POP"),
    ("TLOAD", "of no slot", "0 TLOAD POP"),
    ("TLOAD", "of one slot", "7 0 TSTORE | 0 TLOAD POP | STOP"),
    ("TSTORE", "the same", "7 0 TSTORE"),
    ("TSTORE", "reverted", "| # 0 TSTORE | 0 0 REVERT"),
    ("MCOPY", "nothing", "0 0 64 MCOPY"),
    ("MCOPY", "to itself", "32 64 64 MCOPY"),
    ("MCOPY", "down", "1 64 0 MCOPY"),
    ("MCOPY", "up", "1 0 64 MCOPY"),
    ("MCOPY", "overlapping", "33 0 16 MCOPY"),
    ("LOG0", "nothing", "0 0 LOG0"),
    ("LOG0", "nothing, reverted", "| 0 0 LOG0 | 0 0 REVERT"),
    ("LOG1", "nothing", "0 NOT 0 0 LOG1"),
    ("LOG2", "nothing", "0 NOT DUP1 0 0 LOG2"),
    ("LOG3", "nothing", "0 NOT DUP1 DUP1 0 0 LOG3"),
    ("LOG4", "nothing", "0 NOT DUP1 DUP1 DUP1 0 0 LOG4"),
    // A window of code that says nothing against it, so there is no walk.
    (
        "JUMP_PROOF",
        "",
        "@l# JUMP $5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b :l#",
    ),
    ("CALL", "CALL", "0 0 0 0 0 4096 50000 CALL POP"),
    ("CALL", "CALL with value", "0 0 0 0 1 4096 50000 CALL POP"),
    ("CALL", "CALL with value, reverted", "| 0 0 0 0 1 4096 50000 CALL POP | 0 0 REVERT"),
    ("CALL", "CALL with too much value", "0 0 0 0 0 NOT 4096 50000 CALL POP"),
    ("CALL", "CALL of nobody", "0 0 0 0 0 77 50000 CALL POP"),
    ("CALL", "CALL with value, returns", "0 0 0 0 1 4097 50000 CALL POP"),
    ("CALL", "CALL with value, reverts", "0 0 0 0 1 4098 50000 CALL POP"),
    ("CALL", "CALL with value, halts", "0 0 0 0 1 4099 50000 CALL POP"),
    ("CALL", "CALLCODE", "0 0 0 0 1 4096 50000 CALLCODE POP"),
    ("CALL", "DELEGATECALL", "0 0 0 0 4096 50000 DELEGATECALL POP"),
    ("CALL", "STATICCALL", "0 0 0 0 4096 50000 STATICCALL POP"),
    ("COLD_ACCOUNT", "BALANCE of nobody", "#000 BALANCE POP"),
    ("COLD_ACCOUNT", "CALL with value of nobody", "0 0 0 0 1 #000 50000 CALL POP"),
    ("COLD_SLOT", "SLOAD of nothing", "#000 SLOAD POP"),
    ("COLD_SLOT", "SSTORE of a new one", "# #000 SSTORE"),
    ("COLD_SLOT", "SSTORE of a new one, reverted", "| # #000 SSTORE | 0 0 REVERT"),
    ("CREATED_ACCOUNT", "CREATE of nothing", "0 0 0 CREATE POP"),
    ("CREATED_ACCOUNT", "CREATE with value", "0 0 1 CREATE POP"),
    ("CREATED_ACCOUNT", "CREATE2 of nothing", "# 0 0 0 CREATE2 POP"),
    ("CREATED_ACCOUNT", "that destroys itself", "$6133ff $5f52 | 2 30 1 CREATE POP | STOP"),
];

/// Work that grows: price, case, repetitions, pieces in each, what has fewer of them, what has more.
const GROWING: &[(&str, &str, u64, u64, &str, &str)] = &[
    ("EXPONENT_BYTE", "", 10, 32, "0 3 EXP POP", "0 NOT 3 EXP POP"),
    ("COPIED_WORD", "CALLDATACOPY", 10, 32, "1 0 0 CALLDATACOPY", "1025 0 0 CALLDATACOPY"),
    ("COPIED_WORD", "CALLDATACOPY past the end", 10, 32, "1 5000 0 CALLDATACOPY", "1025 5000 0 CALLDATACOPY"),
    ("COPIED_WORD", "CODECOPY", 10, 32, "1 0 0 CODECOPY", "1025 0 0 CODECOPY"),
    ("COPIED_WORD", "RETURNDATACOPY", 10, 32, "1 0 0 RETURNDATACOPY", "1025 0 0 RETURNDATACOPY"),
    ("COPIED_WORD", "EXTCODECOPY", 10, 32, "1 0 0 4000 EXTCODECOPY", "1025 0 0 4000 EXTCODECOPY"),
    ("COPIED_WORD", "MCOPY down", 10, 32, "1 64 0 MCOPY", "1025 64 0 MCOPY"),
    ("COPIED_WORD", "arguments", 10, 32,
     "0 0 1 0 0 4096 50000 CALL POP", "0 0 1025 0 0 4096 50000 CALL POP"),
    // To the caller's return data and from there to its memory: two words are one of the output.
    ("COPIED_WORD", "output", 10, 64,
     "1056 0 0 0 0 4101 50000 CALL POP", "1056 0 0 0 0 4102 50000 CALL POP"),
    // In and out: three.
    ("COPIED_WORD", "identity", 10, 96,
     "1025 4096 1 0 4 50000 STATICCALL POP", "1025 4096 1025 0 4 50000 STATICCALL POP"),
    ("MOVED_WORD", "", 10, 32, "33 0 16 MCOPY", "1057 0 16 MCOPY"),
    ("LOG_BYTE", "", 10, 1_000, "0 0 LOG0", "1000 0 LOG0"),
    ("LOG_BYTE", "few", 10, 60, "0 0 LOG0", "60 0 LOG0"),
    ("RETURN", "", 10, 1, "0 0 0 0 0 4096 50000 CALL POP", "0 0 0 0 0 4097 50000 CALL POP"),
    ("REVERT", "", 10, 1, "0 0 0 0 0 4096 50000 CALL POP", "0 0 0 0 0 4098 50000 CALL POP"),
    ("SELFDESTRUCT", "that only pays", 10, 1,
     "0 0 0 0 1 51 50000 CALL POP | 0 0 0 0 1 4096 50000 CALL POP | STOP",
     "0 0 0 0 1 51 50000 CALL POP | 0 0 0 0 1 4103 50000 CALL POP | STOP"),
    ("SELFDESTRUCT", "of what was created", 10, 1,
     "$5f5f52 | 2 30 1 CREATE POP | STOP", "$6133ff $5f52 | 2 30 1 CREATE POP | STOP"),
    // So near the start of the code that the walk begins there.
    ("WALKED_INSTRUCTION", "", 10, 12,
     "0 0 0 0 0 4104 50000 CALL POP", "0 0 0 0 0 4105 50000 CALL POP"),
    ("TRANSIENT_SLOT", "", 10, 99,
     "1 :s DUP1 DUP1 TSTORE 1 ADD DUP1 101 SUB @s JUMPI POP | 1 TLOAD POP | STOP",
     "1 :s DUP1 DUP1 TSTORE 1 ADD DUP1 101 SUB @s JUMPI POP | 100 TLOAD POP | STOP"),
    ("TOUCHED_ADDRESS", "", 10, 49,
     "8192 :t 0 0 0 0 0 DUP6 50000 CALL POP 1 ADD DUP1 8242 SUB @t JUMPI POP \
      | 0 0 0 0 0 8192 50000 CALL POP | STOP",
     "8192 :t 0 0 0 0 0 DUP6 50000 CALL POP 1 ADD DUP1 8242 SUB @t JUMPI POP \
      | 0 0 0 0 0 8241 50000 CALL POP | STOP"),
    // Precompiles, against a call of a contract that stops.
    ("ECRECOVER", "of nothing", 10, 1,
     "32 4096 128 2048 4096 50000 STATICCALL POP",
     "32 4096 128 2048 1 50000 STATICCALL POP"),
    ("ECRECOVER", "of the Ethereum tests", 10, 1,
     "0x18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1c 0 MSTORE 28 32 MSTORE \
      0x73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f 64 MSTORE \
      0xeeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549 96 MSTORE | 32 4096 128 0 \
      4096 50000 STATICCALL POP | STOP",
     "0x18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1c 0 MSTORE 28 32 MSTORE \
      0x73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f 64 MSTORE \
      0xeeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549 96 MSTORE | 32 4096 128 0 \
      1 50000 STATICCALL POP | STOP"),
    ("ECRECOVER", "s of the order less 1", 10, 1,
     "0 NOT 0 MSTORE 28 32 MSTORE \
      0x73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f 64 MSTORE \
      0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140 96 MSTORE | 32 4096 128 0 \
      4096 50000 STATICCALL POP | STOP",
     "0 NOT 0 MSTORE 28 32 MSTORE \
      0x73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f 64 MSTORE \
      0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140 96 MSTORE | 32 4096 128 0 \
      1 50000 STATICCALL POP | STOP"),
    ("ECRECOVER", "s of 1", 10, 1,
     "0x5555555555555555555555555555555555555555555555555555555555555555 0 MSTORE 27 32 MSTORE \
      0x73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f 64 MSTORE 1 96 MSTORE | 32 \
      4096 128 0 4096 50000 STATICCALL POP | STOP",
     "0x5555555555555555555555555555555555555555555555555555555555555555 0 MSTORE 27 32 MSTORE \
      0x73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f 64 MSTORE 1 96 MSTORE | 32 \
      4096 128 0 1 50000 STATICCALL POP | STOP"),
    ("SHA256", "nothing", 10, 1,
     "32 4096 0 0 4096 50000 STATICCALL POP",
     "32 4096 0 0 2 50000 STATICCALL POP"),
    ("RIPEMD160", "nothing", 10, 1,
     "32 4096 0 0 4096 50000 STATICCALL POP",
     "32 4096 0 0 3 50000 STATICCALL POP"),
    ("IDENTITY", "a byte", 10, 1,
     "1 4096 1 0 4096 50000 STATICCALL POP",
     "1 4096 1 0 4 50000 STATICCALL POP"),
    ("MODEXP", "a limb, exponent 0", 10, 1,
     "16 0 MSTORE 16 32 MSTORE 16 64 MSTORE \
      0xffffffffffffffffffffffffffffffff00000000000000000000000000000000 96 MSTORE 0 NOT \
      128 MSTORE | 16 4096 144 0 4096 50000 STATICCALL POP | STOP",
     "16 0 MSTORE 16 32 MSTORE 16 64 MSTORE \
      0xffffffffffffffffffffffffffffffff00000000000000000000000000000000 96 MSTORE 0 NOT \
      128 MSTORE | 16 4096 144 0 5 50000 STATICCALL POP | STOP"),
    ("ECADD", "nothing", 10, 1,
     "64 4096 128 1000 4096 50000 STATICCALL POP",
     "64 4096 128 1000 6 50000 STATICCALL POP"),
    ("ECADD", "double", 10, 1,
     "1 0 MSTORE 2 32 MSTORE 1 64 MSTORE 2 96 MSTORE | 64 4096 128 0 4096 50000 STATICCALL POP | \
      STOP",
     "1 0 MSTORE 2 32 MSTORE 1 64 MSTORE 2 96 MSTORE | 64 4096 128 0 6 50000 STATICCALL POP | STOP"),
    ("ECADD", "different", 10, 1,
     "1 0 MSTORE 2 32 MSTORE 0x030644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd3 64 \
      MSTORE 0x15ed738c0e0a7c92e7845f96b2ae9c0a68a6a449e3538fc7ff3ebf7a5a18a2c4 96 MSTORE | 64 4096 \
      128 0 4096 50000 STATICCALL POP | STOP",
     "1 0 MSTORE 2 32 MSTORE 0x030644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd3 64 \
      MSTORE 0x15ed738c0e0a7c92e7845f96b2ae9c0a68a6a449e3538fc7ff3ebf7a5a18a2c4 96 MSTORE | 64 4096 \
      128 0 6 50000 STATICCALL POP | STOP"),
    ("ECADD", "inverse", 10, 1,
     "1 0 MSTORE 2 32 MSTORE 1 64 MSTORE \
      0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd45 96 MSTORE | 64 4096 128 0 \
      4096 50000 STATICCALL POP | STOP",
     "1 0 MSTORE 2 32 MSTORE 1 64 MSTORE \
      0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd45 96 MSTORE | 64 4096 128 0 \
      6 50000 STATICCALL POP | STOP"),
    ("ECMUL", "infinity", 10, 1,
     "64 4096 96 1000 4096 50000 STATICCALL POP",
     "64 4096 96 1000 7 50000 STATICCALL POP"),
    ("ECMUL", "by 9", 10, 1,
     "1 0 MSTORE 2 32 MSTORE 9 64 MSTORE | 64 4096 96 0 4096 50000 STATICCALL POP | STOP",
     "1 0 MSTORE 2 32 MSTORE 9 64 MSTORE | 64 4096 96 0 7 50000 STATICCALL POP | STOP"),
    ("ECMUL", "by 2^256 - 1", 10, 1,
     "1 0 MSTORE 2 32 MSTORE 0 NOT 64 MSTORE | 64 4096 96 0 4096 50000 STATICCALL POP | STOP",
     "1 0 MSTORE 2 32 MSTORE 0 NOT 64 MSTORE | 64 4096 96 0 7 50000 STATICCALL POP | STOP"),
    ("ECMUL", "by the order less 1", 10, 1,
     "1 0 MSTORE 2 32 MSTORE 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000000 64 \
      MSTORE | 64 4096 96 0 4096 50000 STATICCALL POP | STOP",
     "1 0 MSTORE 2 32 MSTORE 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000000 64 \
      MSTORE | 64 4096 96 0 7 50000 STATICCALL POP | STOP"),
    ("ECMUL", "by alternating bits", 10, 1,
     "1 0 MSTORE 2 32 MSTORE 0x2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 64 \
      MSTORE | 64 4096 96 0 4096 50000 STATICCALL POP | STOP",
     "1 0 MSTORE 2 32 MSTORE 0x2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 64 \
      MSTORE | 64 4096 96 0 7 50000 STATICCALL POP | STOP"),
    ("PAIRING", "no pair", 2, 1,
     "32 4096 0 0 4096 400000 STATICCALL POP",
     "32 4096 0 0 8 400000 STATICCALL POP"),
    ("BLAKE2F", "no rounds", 10, 1,
     "64 4096 213 0 4096 50000 STATICCALL POP",
     "64 4096 213 0 9 50000 STATICCALL POP"),
    ("SHA256_BLOCK", "", 10, 8, "32 4096 0 0 2 50000 STATICCALL POP", "32 4096 512 0 2 50000 STATICCALL POP"),
    ("RIPEMD160_BLOCK", "", 10, 8, "32 4096 0 0 3 50000 STATICCALL POP", "32 4096 512 0 3 50000 STATICCALL POP"),
    ("MODEXP_LIMB", "exponent 0", 10, 7,
     "16 0 MSTORE 16 32 MSTORE 16 64 MSTORE \
      0xffffffffffffffffffffffffffffffff00000000000000000000000000000000 96 MSTORE 0 NOT \
      128 MSTORE | 16 4096 144 0 5 50000 STATICCALL POP | STOP",
     "128 0 MSTORE 128 32 MSTORE 128 64 MSTORE 0 NOT 96 MSTORE 0 NOT 352 MSTORE | 128 4096 \
      480 0 5 50000 STATICCALL POP | STOP"),
    // Numbers of a limb with all bits set, against an exponent of 1.
    ("MODEXP_PRODUCT", "", 1, 254,
     "16 0 MSTORE 16 32 MSTORE 16 64 MSTORE 0 NOT 96 MSTORE 0x100000000000000000000000000000000 112 \
      MSTORE 0 NOT 128 MSTORE | 16 4096 144 0 5 9000000 STATICCALL POP | STOP",
     "16 0 MSTORE 16 32 MSTORE 16 64 MSTORE 0 NOT 96 MSTORE 0 NOT 112 MSTORE 0 NOT 128 MSTORE | 16 \
      4096 144 0 5 9000000 STATICCALL POP | STOP"),
    ("MODEXP_PRODUCT", "another modulus", 1, 254,
     "16 0 MSTORE 16 32 MSTORE 16 64 MSTORE 0 NOT 96 MSTORE 0x100000000000000000000000000000000 112 \
      MSTORE 0xfffffffffffffffffffffffffffffff100000000000000000000000000000000 128 MSTORE | 16 4096 \
      144 0 5 9000000 STATICCALL POP | STOP",
     "16 0 MSTORE 16 32 MSTORE 16 64 MSTORE 0 NOT 96 MSTORE 0 NOT 112 MSTORE \
      0xfffffffffffffffffffffffffffffff100000000000000000000000000000000 128 MSTORE | 16 4096 144 0 5 \
      9000000 STATICCALL POP | STOP"),
    // 256 products of more limbs against 256 of one: pieces are pairs of limbs beyond the first.
    ("MODEXP_PAIR", "2 limbs", 1, 768,
     "16 0 MSTORE 16 32 MSTORE 16 64 MSTORE 0 NOT 96 MSTORE 0 NOT 112 MSTORE 0 NOT 128 MSTORE | 16 \
      4096 144 0 5 9000000 STATICCALL POP | STOP",
     "32 0 MSTORE 32 32 MSTORE 32 64 MSTORE 0 NOT 96 MSTORE 0xffffffffffffffffffffffffffffffff 128 \
      MSTORE 0 NOT 160 MSTORE | 32 4096 192 0 5 9000000 STATICCALL POP | STOP"),
    ("MODEXP_PAIR", "4 limbs", 1, 3840,
     "16 0 MSTORE 16 32 MSTORE 16 64 MSTORE 0 NOT 96 MSTORE 0 NOT 112 MSTORE 0 NOT 128 MSTORE | 16 \
      4096 144 0 5 9000000 STATICCALL POP | STOP",
     "64 0 MSTORE 64 32 MSTORE 64 64 MSTORE 0 NOT 96 MSTORE 0 NOT 128 MSTORE 0 160 MSTORE \
      0xffffffffffffffffffffffffffffffff 192 MSTORE 0 NOT 224 MSTORE 0 NOT 256 MSTORE | 64 4096 288 0 \
      5 9000000 STATICCALL POP | STOP"),
    ("MODEXP_PAIR", "8 limbs", 1, 16128,
     "16 0 MSTORE 16 32 MSTORE 16 64 MSTORE 0 NOT 96 MSTORE 0 NOT 112 MSTORE 0 NOT 128 MSTORE | 16 \
      4096 144 0 5 9000000 STATICCALL POP | STOP",
     "128 0 MSTORE 128 32 MSTORE 128 64 MSTORE 0 NOT 96 MSTORE 0 NOT 128 MSTORE 0 NOT 160 MSTORE 0 NOT \
      192 MSTORE 0 224 MSTORE 0 256 MSTORE 0 288 MSTORE 0xffffffffffffffffffffffffffffffff 320 MSTORE \
      0 NOT 352 MSTORE 0 NOT 384 MSTORE 0 NOT 416 MSTORE 0 NOT 448 MSTORE | 128 4096 480 0 5 9000000 \
      STATICCALL POP | STOP"),
    ("PAIR", "the first", 2, 1,
     pairs!("32 4096 0 0 8 400000 STATICCALL POP | STOP"),
     pairs!("32 4096 192 0 8 400000 STATICCALL POP | STOP")),
    ("PAIR", "the second", 2, 1,
     pairs!("32 4096 192 0 8 400000 STATICCALL POP | STOP"),
     pairs!("32 4096 384 0 8 400000 STATICCALL POP | STOP")),
    ("BLAKE2F_ROUND", "", 10, 12,
     "0 3 MSTORE8 | 64 4096 213 0 9 50000 STATICCALL POP | STOP",
     "12 3 MSTORE8 | 64 4096 213 0 9 50000 STATICCALL POP | STOP"),
];
