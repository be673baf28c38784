//! The runtime's table of prices, from what `bzk-prover check` says of the blocks of `cost`.

use crate::cost::{self, Measurement};
use anyhow::{ensure, Context, Result};
use revm::bytecode::opcode::OpCode;
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write,
};

/// A price and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Price<'a> {
    cycles: u64,
    measured: u64,
    case: &'a str,
}

/// The source of `primitives/evm/src/meter/table.rs`, unformatted.
///
/// # Errors
/// When `report` lacks a block, or an opcode that the meter takes for one cycle is more.
pub(crate) fn table(report: &str) -> Result<String> {
    let cycles = cycles(report);
    let mut prices: BTreeMap<&str, Price<'_>> = BTreeMap::new();
    let measurements = cost::measurements();
    for Measurement { price, case, count, less, more } in &measurements {
        let of = |name: &String| cycles.get(name.as_str()).with_context(|| format!("no {name}"));
        let work = of(&more.name)?.saturating_sub(*of(&less.name)?);
        let new = Price { cycles: charge(work, *count), measured: work.div_ceil(*count), case };
        if *price == cost::NATIVE_PRICE {
            ensure!(work == *count, "{case}: {work} cycles for {count} instructions");
            continue;
        }
        let worst = prices.entry(price).or_insert(new);
        if new.cycles > worst.cycles {
            *worst = new;
        }
    }
    Ok(source(&prices)?)
}

/// Cycles of each block of a report of `bzk-prover check`, by its name; also of one that it found charged too little.
fn cycles(report: &str) -> HashMap<&str, u64> {
    fn of_line(line: &str) -> Option<(&str, u64)> {
        let (name, rest) = line.split_once(": ok, ").or_else(|| line.split_once(": FAILED: "))?;
        let (before, _) = rest.split_once(" cycles, ")?;
        let (_, cycles) = before.rsplit_once(' ')?;
        Some((name, cycles.parse().ok()?))
    }
    report.lines().filter_map(of_line).collect()
}

/// What one of `count` pieces of work is charged that took so many cycles: a sixteenth more, rounded up to two digits.
fn charge(cycles: u64, count: u64) -> u64 {
    let exact = (cycles * 17).div_ceil(count * 16).max(1);
    exact.next_multiple_of(10u64.pow(exact.ilog10().saturating_sub(1)))
}

fn source(prices: &BTreeMap<&str, Price<'_>>) -> Result<String, std::fmt::Error> {
    let mut text = String::from(
        "//! Cycles of the prover's kernel, measured. Written by `scripts/meter.sh`; do not edit.\n\
         //!\n\
         //! Each is the dearest of its cases (`node/witness/src/bin/bzk-cases/cost.rs`; the one that is named), a\n\
         //! sixteenth more, rounded up to two digits. Instructions that push operands and pop results are in it.\n\n\
         use revm::bytecode::opcode as op;\n\n\
         /// A routine of the kernel, beside what depends on its operands; 0 for what is none.\n\
         pub(super) const fn routine(opcode: u8) -> u64 {\n    match opcode {\n",
    );
    let opcodes = (0..=u8::MAX).filter_map(|byte| OpCode::new(byte).map(|opcode| opcode.as_str()));
    for (name, price) in opcodes.filter_map(|name| prices.get_key_value(name)) {
        // Those that open a frame are constants too.
        if is_opcode(name) {
            let Price { cycles, measured, case } = price;
            writeln!(
                text,
                "op::{name} => {}, // {}{}",
                grouped(*cycles),
                grouped(*measured),
                of(case)
            )?;
        }
    }
    text.push_str("_ => 0,\n}\n}\n");
    for (name, Price { cycles, measured, case }) in
        prices.iter().filter(|(name, _)| !is_opcode(name))
    {
        writeln!(text, "\n/// Measured: {}{}.", grouped(*measured), of(case))?;
        writeln!(text, "pub(super) const {name}: u64 = {};", grouped(*cycles))?;
    }
    Ok(text)
}

/// Whether the price called `name` is that of one opcode: that of CALL is for all that open a frame.
fn is_opcode(name: &str) -> bool {
    name != "CALL"
        && (0..=u8::MAX).any(|byte| OpCode::new(byte).is_some_and(|op| op.as_str() == name))
}

/// Words on where a number is from.
fn of(case: &str) -> String {
    if case.is_empty() {
        String::new()
    } else {
        format!(" ({case})")
    }
}

/// A number as Rust groups its digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn price_is_never_below_what_was_measured() {
        assert_eq!(charge(220, 10), 24);
        assert_eq!(charge(19_550, 10), 2_100);
        assert_eq!(charge(1, 32), 1);
        assert_eq!(charge(0, 1), 1);
        for cycles in (1..2_000_000).step_by(997) {
            let charge = charge(cycles, 7);
            assert!(charge * 7 >= cycles, "{charge} for {cycles} / 7");
        }
    }

    #[test]
    fn report_tells_cycles_of_charged_and_uncharged_blocks_and_not_of_failures() {
        let report = "A, b: less: ok, 1 transactions, 7 gas, 2 batches, 60000 cycles, 50 charged, 3 ms\n\
            A, b: more: FAILED: 9 cycles are not charged: 1 transactions, 7 gas, 2 batches, 60009 cycles, 50 charged\n\
            C: less: FAILED: panic: unprovable\n\
            2 passed, 1 failed\n";
        let cycles = cycles(report);
        assert_eq!(cycles.get("A, b: less"), Some(&60_000));
        assert_eq!(cycles.get("A, b: more"), Some(&60_009));
        assert_eq!(cycles.len(), 2);
    }

    #[test]
    fn table_needs_every_block() {
        assert!(table("").is_err());
    }

    /// A report in which each block with more has `work` cycles more for each piece.
    fn report(work: u64) -> String {
        let mut report = String::new();
        for Measurement { price, count, less, more, .. } in cost::measurements() {
            let work = if price == cost::NATIVE_PRICE { 1 } else { work };
            for (name, cycles) in [(less.name, 5), (more.name, 5 + count * work)] {
                writeln!(report, "{name}: ok, 1 batches, {cycles} cycles, 7 charged").unwrap();
            }
        }
        report
    }

    #[test]
    fn table_prices_opcodes_and_constants() {
        let table = table(&report(1_000)).unwrap();
        assert!(table.contains("op::SDIV => 1_100, // 1_000 (positive)\n"), "{table}");
        assert!(table.contains("/// Measured: 1_000.\npub(super) const MOVED_WORD: u64 = 1_100;"));
        assert!(table.contains("pub(super) const CALL: u64 = 1_100;"));
        assert!(!table.contains("op::CALL "));
    }

    #[test]
    fn opcode_of_one_cycle_that_takes_two_is_an_error() {
        let native = cost::measurements().into_iter().find(|it| it.price == cost::NATIVE_PRICE);
        let native = native.unwrap();
        let report = report(1);
        let old = format!("{}: ok, 1 batches, {} cycles", native.more.name, 5 + native.count);
        let new = format!("{}: ok, 1 batches, {} cycles", native.more.name, 6 + native.count);
        assert!(table(&report).is_ok());
        assert!(table(&report.replace(&old, &new)).is_err());
    }
}
