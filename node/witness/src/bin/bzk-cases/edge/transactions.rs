//! Transactions: types, fees, senders, receivers, sizes.

use super::{over, ABSENT, OTHER, TARGET};
use crate::{
    asm::{asm, deploying},
    scenario::Scenario,
    world::{bystander, contract, Call, Kind, Wallet, BASE_FEE, COINBASE},
};
use alloy_primitives::{keccak256, Address, U256};
use bzk_witness::memory::Contents;

const KINDS: [Kind; 4] = [Kind::Legacy, Kind::Unprotected, Kind::AccessList, Kind::DynamicFee];

pub(super) fn all() -> Vec<Scenario> {
    [sizes(), kinds(), lists(), fees(), ends()].into_iter().flatten().collect()
}

fn transfers(count: u64) -> Scenario {
    (0..count).fold(Scenario::new(format!("tx {count} transfers")), |scenario, index| {
        let to = Address::from_slice(&keccak256([index as u8, 9])[12..]);
        scenario.send(index % 8, Call::to(to).value(index + 1).gas(21_000))
    })
}

fn sizes() -> Vec<Scenario> {
    let data = |bytes: usize, byte: u8| {
        let call = Call::to(ABSENT).data(vec![byte; bytes]).gas(3_000_000);
        Scenario::new(format!("tx {bytes} bytes of {byte}")).send(0, call)
    };
    vec![
        transfers(0),
        transfers(1),
        transfers(2),
        transfers(3),
        transfers(300),
        data(1, 0),
        data(31, 1),
        data(55, 1),
        data(56, 1),
        data(255, 0),
        data(256, 1),
        data(65_535, 0),
        data(65_536, 1),
        data(120_000, 3),
    ]
}

fn kinds() -> Vec<Scenario> {
    let source =
        "CALLER GASPRICE ORIGIN CALLVALUE 0 MSTORE 32 MSTORE 64 MSTORE 96 0 LOG0 1 4 SSTORE STOP";
    let mut all = Vec::new();
    for kind in KINDS {
        for gas in [21_000, 25_000, 100_000] {
            let call = Call::to(TARGET).gas(gas).value(3).kind(kind);
            all.push(over(format!("tx {kind:?} with {gas} gas"), source).send(1, call.clone()));
        }
        let create = Call::create(deploying(&asm("1 0 SSTORE STOP"))).kind(kind);
        let mixed = over(format!("tx {kind:?} creates"), source).send(1, create.clone());
        all.push(mixed.send(2, Call::to(TARGET).kind(kind)).send(1, create.gas(60_000)));
    }
    let mixed = KINDS.iter().cycle().take(16).enumerate();
    all.push(mixed.fold(over("tx all kinds in a block", source), |scenario, (index, kind)| {
        scenario.send(index as u64 % 8, Call::to(TARGET).kind(*kind))
    }));
    all
}

fn lists() -> Vec<Scenario> {
    let source = "0 SLOAD 1 SLOAD 9 SLOAD ADD ADD 0 SSTORE GAS 9 SSTORE 0 1 SSTORE STOP";
    let slots = |slots: &[u64]| slots.iter().map(|slot| U256::from(*slot)).collect::<Vec<_>>();
    let cases = [
        ("empty", vec![]),
        ("account only", vec![(TARGET, vec![])]),
        ("present slots", vec![(TARGET, slots(&[0, 1, 2]))]),
        ("absent slots", vec![(TARGET, slots(&[7, 8, 9]))]),
        ("twice", vec![(TARGET, slots(&[0, 0])), (TARGET, slots(&[0, 1]))]),
        ("absent account", vec![(ABSENT, slots(&[0, 1])), (TARGET, slots(&[1]))]),
        ("plain account", vec![(bystander(3), slots(&[0]))]),
        (
            "sender and coinbase",
            vec![(COINBASE, slots(&[1])), (Wallet::numbered(1).address, vec![])],
        ),
        ("precompiles", (1..=10).map(|i| (Address::with_last_byte(i), slots(&[0]))).collect()),
        ("long", (0..100).map(|i| (bystander(i), slots(&[i, i + 1]))).collect()),
        ("widest slot", vec![(TARGET, vec![U256::MAX, U256::MAX - U256::from(1)])]),
    ];
    let mut all = Vec::new();
    for (name, list) in cases {
        for kind in [Kind::AccessList, Kind::DynamicFee] {
            let call = Call::to(TARGET).list(list.clone()).kind(kind).gas(900_000);
            let scenario = over(format!("tx {kind:?} list {name}"), source).send(0, call.clone());
            all.push(scenario.send(1, call).send(2, Call::to(TARGET)));
        }
    }
    all
}

fn fees() -> Vec<Scenario> {
    let base = u128::from(BASE_FEE);
    let dynamic = |tip, fee| Call::to(ABSENT).kind(Kind::DynamicFee).fees(tip, fee);
    let absent = Wallet::numbered(99);
    let free = |name: &str, source: &str| {
        let mut scenario = over(name, source);
        scenario.environment.base_fee = 0;
        scenario
    };
    let poor = |balance: u64| Contents { balance: U256::from(balance), ..Contents::default() };
    vec![
        Scenario::new("tx fee is the base fee").send(0, dynamic(0, base)),
        Scenario::new("tx tip is the fee").send(0, dynamic(base + 5, base + 5)),
        Scenario::new("tx tip is cut").send(0, dynamic(10, base + 5)),
        Scenario::new("tx huge price").send(0, dynamic(1 << 40, 1 << 60)),
        Scenario::new("tx legacy at the base fee").send(0, Call::to(ABSENT).fees(0, base)),
        free("tx free", "1 5 SSTORE STOP").send(0, Call::to(TARGET).fees(0, 0)),
        free("tx free from nobody", "1 5 SSTORE STOP")
            .send_from(absent, Call::to(TARGET).fees(0, 0)),
        free("tx free from nobody to nobody", "STOP")
            .send_from(absent, Call::to(ABSENT).fees(0, 0)),
        free("tx free from nobody that fails", "0 0 REVERT")
            .send_from(absent, Call::to(TARGET).fees(0, 0)),
        free("tx free from nobody that creates", "STOP")
            .send_from(absent, Call::create(deploying(&asm("STOP"))).fees(0, 0)),
        free("tx free from nobody, twice", "CALLER BALANCE 5 SSTORE STOP")
            .send_from(absent, Call::to(TARGET).fees(0, 0))
            .send_from(absent, Call::to(TARGET).fees(0, 0))
            .send(1, Call::to(absent.address).value(5)),
        free("tx free from nobody after receiving", "STOP")
            .send(1, Call::to(absent.address).value(5))
            .send_from(absent, Call::to(TARGET).value(5).fees(0, 0)),
        Scenario::new("tx spends all")
            .with(absent.address, poor(7 * 21_000 + 5))
            .send_from(absent, Call::to(ABSENT).value(5).gas(21_000).fees(0, base)),
    ]
}

fn ends() -> Vec<Scenario> {
    let base = u128::from(BASE_FEE);
    let nobody = Address::repeat_byte(0xcc);
    let elsewhere = |name: &str, source: &str, coinbase: Address| {
        let mut scenario = over(name, source);
        scenario.environment.coinbase = coinbase;
        scenario
    };
    let sender = Wallet::numbered(3);
    let nonce = |nonce: u64| {
        let contents = Contents { nonce, balance: U256::from(1u64 << 60), ..Contents::default() };
        Scenario::new(format!("tx nonce {nonce}"))
            .with(sender.address, contents)
            .send_from(sender, Call::to(ABSENT).value(1))
            .send(0, Call::to(sender.address).value(1))
    };
    let zero_a = Address::with_last_byte(10);
    vec![
        Scenario::new("tx to self").send(3, Call::to(sender.address).value(9)),
        Scenario::new("tx to the coinbase").send(3, Call::to(COINBASE).value(9)),
        Scenario::new("tx to nobody without value").send(3, Call::to(ABSENT)),
        Scenario::new("tx to the zero address").send(3, Call::to(Address::ZERO).value(1)),
        Scenario::new("tx to 0x0a").send(3, Call::to(zero_a).value(1).data(vec![1; 192])),
        elsewhere("tx of the coinbase", "0 0 REVERT", sender.address).send(3, Call::to(TARGET)),
        elsewhere("tx coinbase is called", "SELFBALANCE 1 SSTORE STOP", TARGET)
            .send(3, Call::to(TARGET).value(4)),
        elsewhere("tx coinbase is nobody", "STOP", nobody).send(3, Call::to(TARGET)),
        elsewhere("tx coinbase is nobody, failing", "0 0 REVERT", nobody)
            .send(3, Call::to(TARGET))
            .send(4, Call::to(TARGET)),
        elsewhere("tx coinbase is nobody, no tip", "0 0 REVERT", nobody)
            .send(3, Call::to(TARGET).fees(0, base)),
        elsewhere(
            "tx coinbase is nobody, seen",
            "COINBASE BALANCE COINBASE EXTCODEHASH 0 SSTORE 1 SSTORE STOP",
            nobody,
        )
        .send(3, Call::to(TARGET)),
        elsewhere("tx coinbase is a precompile", "0 0 REVERT", Address::with_last_byte(4))
            .send(3, Call::to(TARGET)),
        nonce(0),
        nonce(255),
        nonce(256),
        nonce(1 << 32),
        nonce(u64::MAX - 1),
        Scenario::new("tx value of 2^70")
            .send(3, Call { value: U256::from(1).wrapping_shl(70), ..Call::to(ABSENT) }),
        over("tx reverts with value", "1 0 SSTORE 0 0 REVERT").send(3, Call::to(TARGET).value(5)),
        over("tx runs out of gas with value", ":l @l JUMP").send(3, Call::to(TARGET).value(5)),
        over("tx INVALID with value", "INVALID").send(3, Call::to(TARGET).value(5)),
        Scenario::new("tx creates where a balance is")
            .with(
                sender.address.create(3),
                Contents { balance: U256::from(4), ..Contents::default() },
            )
            .send(3, Call::create(deploying(&asm("STOP"))).value(2)),
        Scenario::new("tx creates where code is")
            .with(sender.address.create(3), contract(asm("STOP"), 1))
            .send(3, Call::create(deploying(&asm("STOP"))).value(2)),
        Scenario::new("tx creates where a nonce is")
            .with(sender.address.create(3), Contents { nonce: 1, ..Contents::default() })
            .send(3, Call::create(deploying(&asm("STOP"))).value(2)),
        Scenario::new("tx creates nothing").send(3, Call::create(vec![])),
        Scenario::new("tx creates and stops")
            .send(3, Call::create(asm("1 0 SSTORE STOP")).value(1)),
        Scenario::new("tx creates and reverts")
            .send(3, Call::create(asm("1 0 SSTORE 0 0 REVERT")).value(1)),
        Scenario::new("tx creates and fails")
            .send(3, Call::create(asm("1 0 SSTORE INVALID")).value(1)),
        Scenario::new("tx creates 0xef")
            .send(3, Call::create(asm("0xef 0 MSTORE8 1 0 RETURN")).value(1)),
        Scenario::new("tx creates without gas for the code")
            .send(3, Call::create(asm("1000 0 RETURN")).gas(60_000)),
        Scenario::new("tx creates 0x8000 bytes")
            .send(3, Call::create(asm("0x8000 0 RETURN")).gas(9_000_000)),
        Scenario::new("tx creates 0x8001 bytes")
            .send(3, Call::create(asm("0x8001 0 RETURN")).gas(9_000_000)),
        Scenario::new("tx creates with 0xc000 bytes")
            .send(3, Call::create(vec![0; 0xc000]).gas(9_000_000)),
        Scenario::new("tx creates and destroys")
            .send(3, Call::create(asm("CALLER SELFDESTRUCT")).value(1)),
        Scenario::new("tx creates and destroys to itself")
            .send(3, Call::create(asm("ADDRESS SELFDESTRUCT")).value(1)),
        Scenario::new("tx creates, later calls")
            .send(3, Call::create(deploying(&asm("1 0 SSTORE CALLER SELFDESTRUCT"))).value(1))
            .send(4, Call::to(sender.address.create(3)).value(2))
            .send(5, Call::to(sender.address.create(3))),
        over("tx logs", "1 2 3 4 32 0 LOG4 5 31 1 LOG1 0 0 LOG0 STOP")
            .send(3, Call::to(TARGET))
            .send(4, Call::to(TARGET)),
        Scenario::new("tx logs many")
            .with(OTHER, contract(asm(&"7 7 7 7 1024 0 LOG4 ".repeat(20)), 0))
            .send(3, Call::to(OTHER).gas(900_000)),
    ]
}
