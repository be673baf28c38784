//! Storage: deletions that make tries collapse, refunds, order over transactions.

use super::TARGET;
use crate::{
    asm::asm,
    random::Dice,
    scenario::Scenario,
    world::{contract, Call},
};
use alloy_primitives::U256;

/// A contract that takes (slot, value) pairs of one byte each; an odd length reverts at the end.
const WRITER: &str = ":l DUP1 1 ADD CALLDATASIZE GT ISZERO @end JUMPI \
    DUP1 1 ADD CALLDATALOAD 248 SHR DUP2 CALLDATALOAD 248 SHR SSTORE 2 ADD @l JUMP \
    :end CALLDATASIZE 1 AND @r JUMPI STOP :r 0 0 REVERT";

/// A contract that calls itself with its input and an odd byte, so that the writes are undone.
const UNDOER: &str = "CALLDATASIZE 0 0 CALLDATACOPY CALLDATASIZE 1 AND @w JUMPI \
    0 0 CALLDATASIZE 1 ADD 0 0 ADDRESS GAS CALL POP STOP :w 0";

pub(super) fn all() -> Vec<Scenario> {
    [deletions(), undone(), refunds(), random()].into_iter().flatten().collect()
}

fn writer(name: impl Into<String>, slots: u64) -> Scenario {
    Scenario::new(name).with(TARGET, contract(asm(&format!("0 {WRITER}")), slots))
}

fn pairs(pairs: &[(u8, u8)]) -> Call {
    let data: Vec<u8> = pairs.iter().flat_map(|(slot, value)| [*slot, *value]).collect();
    Call::to(TARGET).data(data).gas(3_000_000)
}

fn deletions() -> Vec<Scenario> {
    let mut all = Vec::new();
    for slots in [1u64, 2, 3, 4, 5, 8, 16, 17, 40] {
        for deleted in [0, slots - 1, slots / 2] {
            let gone = deleted as u8;
            all.push(
                writer(format!("trie of {slots}, {deleted} deleted"), slots)
                    .send(0, pairs(&[(gone, 0)])),
            );
            all.push(
                writer(format!("trie of {slots}, {deleted} deleted, others added"), slots)
                    .send(0, pairs(&[(200, 1), (201, 1), (202, 1)]))
                    .send(1, pairs(&[(gone, 0)]))
                    .send(2, pairs(&[(203, 1), (200, 0)])),
            );
            all.push(
                writer(format!("trie of {slots}, {deleted} deleted and back"), slots)
                    .send(0, pairs(&[(gone, 0), (gone, 9)]))
                    .send(1, pairs(&[(gone, 0)]))
                    .send(2, pairs(&[(gone, 8)])),
            );
        }
        let every: Vec<_> = (0..slots as u8).map(|slot| (slot, 0)).collect();
        all.push(writer(format!("trie of {slots}, all deleted"), slots).send(0, pairs(&every)));
        all.push(
            writer(format!("trie of {slots}, all but one deleted, one each"), slots)
                .send(0, pairs(&every[1..]))
                .send(1, pairs(&every[..1]))
                .send(2, pairs(&[(77, 7)])),
        );
    }
    all
}

fn undone() -> Vec<Scenario> {
    let code = asm(&format!("{UNDOER} {WRITER}"));
    let over =
        |name: String, slots: u64| Scenario::new(name).with(TARGET, contract(code.clone(), slots));
    let mut all = Vec::new();
    for slots in [1u64, 2, 3, 5, 9, 40] {
        for gone in [0, slots as u8 / 2] {
            all.push(
                over(format!("trie of {slots}, deletion of {gone} undone"), slots)
                    .send(0, pairs(&[(gone, 0)])),
            );
            all.push(
                over(format!("trie of {slots}, insertion of {gone} undone"), slots)
                    .send(0, pairs(&[(100 + gone, 1), (gone, 0), (101 + gone, 1)]))
                    .send(1, pairs(&[(gone, 0)])),
            );
        }
    }
    // The transaction itself fails.
    all.push(
        writer("trie deletion in a failed transaction", 3)
            .send(0, pairs(&[(0, 0), (1, 0)]).data(vec![0, 0, 1, 0, 2]))
            .send(1, pairs(&[(5, 5)])),
    );
    all
}

fn refunds() -> Vec<Scenario> {
    let values = [0u8, 1, 2];
    let mut all = Vec::new();
    for first in values {
        for second in values {
            for third in values {
                // Slot 1 holds 2, slot 50 nothing.
                all.push(
                    writer(format!("refund {first} {second} {third}"), 3)
                        .send(
                            0,
                            pairs(&[
                                (1, first),
                                (1, second),
                                (1, third),
                                (50, first),
                                (50, second),
                                (50, third),
                            ]),
                        )
                        .send(1, pairs(&[(1, second), (50, third)]))
                        .send(0, pairs(&[(1, third), (50, first), (50, 0)])),
                );
            }
        }
    }
    let every: Vec<_> = (0..60u8).map(|slot| (slot, 0)).collect();
    all.push(writer("refund is capped", 60).send(0, pairs(&every)));
    let low = pairs(&[(0, 0), (1, 0)]).gas(32_500);
    all.push(writer("refund with little gas", 3).send(0, low.clone()).send(1, low.gas(40_000)));
    all
}

fn random() -> Vec<Scenario> {
    (0..40u64)
        .map(|seed| {
            let mut dice = Dice::new(seed + 7_000);
            let slots = dice.below(30) + 1;
            let code =
                if seed % 2 == 0 { format!("0 {WRITER}") } else { format!("{UNDOER} {WRITER}") };
            let mut scenario = Scenario::new(format!("trie random {seed}"))
                .with(TARGET, contract(asm(&code), slots));
            for sender in 0..dice.below(6) + 1 {
                let writes: Vec<_> = (0..dice.below(8) + 1)
                    .map(|_| (dice.below(slots + 4) as u8, dice.below(3) as u8))
                    .collect();
                let mut call = pairs(&writes);
                if dice.below(4) == 0 {
                    call.data = [call.data.as_ref(), &[7]].concat().into();
                }
                scenario = scenario.send(sender % 8, call);
            }
            scenario
        })
        .collect::<Vec<_>>()
        .into_iter()
        .chain([writer("trie slots far apart", 0)
            .with(
                TARGET,
                crate::world::contract(
                    asm(&format!(
                        "1 {} SSTORE 2 {} SSTORE 0 0 SSTORE STOP",
                        U256::MAX,
                        U256::from(1) << 128
                    )),
                    5,
                ),
            )
            .send(0, Call::to(TARGET))])
        .collect()
}
