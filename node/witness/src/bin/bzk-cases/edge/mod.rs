//! Cases by hand: the edges of each rule.

mod calls;
mod creates;
mod opcodes;
mod precompiles;
mod storage;
mod transactions;

use crate::{asm::asm, scenario::Scenario, world::contract};
use alloy_primitives::Address;

/// The contract that most cases call.
const TARGET: Address = Address::repeat_byte(0xa1);
/// Another one.
const OTHER: Address = Address::repeat_byte(0xa2);
/// Nobody.
const ABSENT: Address = Address::repeat_byte(0x77);

/// All cases.
pub(crate) fn all() -> Vec<Scenario> {
    let lists = [transactions::all(), opcodes::all(), calls::all(), creates::all(), storage::all()];
    lists.into_iter().flatten().chain(precompiles::all()).collect()
}

/// A block in which `TARGET` has the code of `source`.
fn over(name: impl Into<String>, source: &str) -> Scenario {
    Scenario::new(name).with(TARGET, contract(asm(source), 3))
}
