//! Answers of the runtime APIs.

use super::*;
use crate::Pallet;
use bzk_evm::tx::TxError;
use bzk_runtime_api::{CallError, CallRequest, Exit};

/// Returns the calldata's first word plus the sender's address.
const ECHO: [u8; 11] = [0x60, 0, 0x35, 0x33, 0x01, 0x60, 0, 0x52, 0x60, 0x20, 0x60];
const RETURN_WORD: [u8; 2] = [0, 0xf3];
/// Reverts with the calldata.
const REVERT: [u8; 8] = [0x36, 0x60, 0, 0x60, 0, 0x37, 0x36, 0x60];
const REVERT_END: [u8; 2] = [0, 0xfd];

fn genesis() -> sp_io::TestExternalities {
    let echo = [&ECHO[..], &RETURN_WORD[..]].concat();
    let revert = [&REVERT[..], &REVERT_END[..]].concat();
    Genesis::default().contract(CONTRACT, &echo).contract(STRANGER, &revert).build()
}

#[test]
fn call_returns_output_and_writes_nothing() {
    genesis().execute_with(|| {
        let before = state_hash();
        let request = CallRequest {
            from: H160::from_low_u64_be(5),
            to: Some(CONTRACT),
            data: H256::from_low_u64_be(37).as_bytes().to_vec(),
            ..Default::default()
        };
        let outcome = Pallet::<Test>::call(request).unwrap();
        assert_eq!(outcome.exit, Exit::Succeeded);
        assert_eq!(outcome.output, H256::from_low_u64_be(42).as_bytes());
        assert!(outcome.gas_used > 21_000 && outcome.cycles > 0);
        assert_eq!(state_hash(), before);
    });
}

#[test]
fn call_reports_reverts_creations_and_refusals() {
    genesis().execute_with(|| {
        let revert = CallRequest { to: Some(STRANGER), data: vec![1, 2, 3], ..Default::default() };
        let outcome = Pallet::<Test>::call(revert).unwrap();
        assert_eq!((outcome.exit, outcome.output), (Exit::Reverted, vec![1, 2, 3]));

        let sender = signer(1).address();
        let create = CallRequest { from: sender, ..Default::default() };
        let created = Pallet::<Test>::call(create).unwrap().created;
        assert_eq!(created, Some(H160(eth(sender).create(0).0 .0)));

        let poor =
            CallRequest { to: Some(CONTRACT), value: (1_u64 << 60).into(), ..Default::default() };
        let refused = CallError::Refused(TxError::InsufficientFunds.code());
        assert_eq!(Pallet::<Test>::call(poor), Err(refused));
    });
}

#[test]
fn attack_call_with_more_gas_than_any_block_takes_no_more_memory() {
    // GAS PUSH0 MSTORE PUSH1 32 PUSH0 RETURN, and PUSH6 2^40 MLOAD, which 2^61 gas pay for.
    let left = [0x5a, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];
    let bomb = [0x65, 0x01, 0, 0, 0, 0, 0, 0x51];
    let genesis = Genesis::default().contract(CONTRACT, &left).contract(STRANGER, &bomb);
    genesis.build().execute_with(|| {
        let limit = Pallet::<Test>::head_environment().unwrap().gas_limit;
        let call = |to, gas_limit| {
            Pallet::<Test>::call(CallRequest { to: Some(to), gas_limit, ..Default::default() })
        };
        for wanted in [None, Some(u64::MAX), Some(1 << 62)] {
            let output = call(CONTRACT, wanted).unwrap().output;
            assert!(sp_core::U256::from_big_endian(&output) < sp_core::U256::from(limit));
        }
        let outcome = call(STRANGER, Some(1 << 62)).unwrap();
        assert_eq!((outcome.exit, outcome.gas_used), (Exit::Halted, limit));
    });
}

#[test]
fn statuses_name_sender_recipient_and_created_contract() {
    genesis().execute_with(|| {
        let sender = signer(1);
        let raws = vec![
            sender.raw(dynamic(0, CONTRACT)),
            sender.raw(create(1, &[0x60, 1, 0x60, 0, 0xf3])),
            sender.raw(create(2, &[0xfe])),
        ];
        let hashes: Vec<H256> =
            raws.iter().map(|raw| H256(sp_io::hashing::keccak_256(raw))).collect();
        block(raws);
        let statuses = Pallet::<Test>::current_transaction_statuses().unwrap();
        let found: Vec<H256> = statuses.iter().map(|status| status.transaction_hash).collect();
        assert_eq!(found, hashes);
        assert!(statuses.iter().all(|status| status.from == sender.address()));
        assert_eq!(statuses[0].to, Some(CONTRACT));
        let created = H160(eth(sender.address()).create(1).0 .0);
        assert_eq!((statuses[1].to, statuses[1].contract_address), (None, Some(created)));
        assert_eq!(statuses[2].contract_address, None, "the creation failed");
        assert_eq!(Pallet::<Test>::current_receipts().unwrap().len(), 3);
    });
}

#[test]
fn environments_are_those_of_the_newest_and_the_next_block() {
    let genesis = Genesis { base_fee: GWEI, ..Default::default() };
    genesis.build().execute_with(|| {
        block(vec![signer(1).raw(dynamic(0, STRANGER))]);
        let header = current_block().header;
        let head = Pallet::<Test>::head_environment().unwrap();
        assert_eq!((head.number, head.timestamp_s), (1, GENESIS_S + 2));
        assert_eq!(head.base_fee, header.base_fee_per_gas.unwrap());
        assert_eq!(head.coinbase, eth(COINBASE));
        let next = Pallet::<Test>::pending_environment();
        assert_eq!((next.number, next.timestamp_s), (2, GENESIS_S + 3));
        assert_eq!(Pallet::<Test>::gas_price(), next.base_fee.into());
        assert_eq!(Pallet::<Test>::author(), COINBASE);
        let basic = Pallet::<Test>::account_basic(signer(1).address());
        assert_eq!(basic.nonce, 1.into());
    });
}
