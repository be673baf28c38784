//! A small assembler, so that cases can be read.

use revm::bytecode::opcode::{OpCode, JUMPDEST, PUSH0, PUSH1, PUSH2};
use std::collections::HashMap;

/// Assembles `source`: words separated by white space.
///
/// `MNEMONIC` is the opcode, `0x..` or a decimal number pushes it in the fewest bytes (PUSH0 for
/// 0), `$xx..` puts bytes as they are, `:name` is a JUMPDEST, `@name` pushes where it is.
///
/// # Panics
/// When a word is none of these: cases are part of the program.
pub(crate) fn asm(source: &str) -> Vec<u8> {
    let mut code = Vec::new();
    let (mut labels, mut uses) = (HashMap::new(), Vec::new());
    for word in source.split_whitespace() {
        if let Some(name) = word.strip_prefix(':') {
            labels.insert(name, code.len());
            code.push(JUMPDEST);
        } else if let Some(name) = word.strip_prefix('@') {
            uses.push((name, code.len() + 1));
            code.extend([PUSH2, 0, 0]);
        } else if let Some(bytes) = word.strip_prefix('$') {
            code.extend(alloy_primitives::hex::decode(bytes).expect("hex digits"));
        } else if let Ok(number) = word.parse::<alloy_primitives::U256>() {
            push(&mut code, &number.to_be_bytes_trimmed_vec());
        } else {
            code.push(opcode(word).unwrap_or_else(|| panic!("no opcode {word}")));
        }
    }
    for (name, at) in uses {
        let target = labels.get(name).unwrap_or_else(|| panic!("no label {name}"));
        let target = u16::try_from(*target).expect("code below 64 KiB");
        code[at..at + 2].copy_from_slice(&target.to_be_bytes());
    }
    code
}

fn opcode(mnemonic: &str) -> Option<u8> {
    (0..=u8::MAX).find(|byte| OpCode::new(*byte).is_some_and(|op| op.as_str() == mnemonic))
}

/// Appends the shortest PUSH of `bytes`.
pub(crate) fn push(code: &mut Vec<u8>, bytes: &[u8]) {
    match u8::try_from(bytes.len()) {
        Ok(0) => code.push(PUSH0),
        Ok(length @ 1..=32) => {
            code.push(PUSH1 + length - 1);
            code.extend(bytes);
        }
        _ => panic!("a word has at most 32 bytes"),
    }
}

/// Init code that deploys `code`.
pub(crate) fn deploying(code: &[u8]) -> Vec<u8> {
    let mut init = Vec::new();
    // PUSH2 length, DUP1, PUSH1 offset, PUSH0, CODECOPY, PUSH0, RETURN.
    let length = u16::try_from(code.len()).expect("code below 64 KiB").to_be_bytes();
    init.extend([PUSH2, length[0], length[1], 0x80, 0x60, 10, 0x5f, 0x39, 0x5f, 0xf3]);
    init.extend(code);
    init
}

/// Code that leaves `bytes` in memory from offset 0.
pub(crate) fn storing(bytes: &[u8]) -> Vec<u8> {
    let mut code = Vec::new();
    for (index, word) in bytes.chunks(32).enumerate() {
        let mut padded = [0; 32];
        padded[..word.len()].copy_from_slice(word);
        push(&mut code, &padded);
        push(&mut code, &alloy_primitives::U256::from(index * 32).to_be_bytes_trimmed_vec());
        code.push(revm::bytecode::opcode::MSTORE);
    }
    code
}
