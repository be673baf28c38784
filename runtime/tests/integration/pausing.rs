//! Safe-mode and pauses: only a referendum enters and leaves them, and blocks go on meanwhile.

use crate::chain::{transfer, Chain, EvmKey, Referendum};
use bitcoinzk_runtime::{
    governance::origins::Origin, units::ZYRA, Executive, Runtime, RuntimeCall, SafeMode, TxPause,
    EVM,
};
use frame_support::storage::transactional::with_transaction_unchecked;
use sp_core::H160;
use sp_genesis_builder::DEV_RUNTIME_PRESET;
use sp_keyring::Sr25519Keyring::{Alice, Bob, Dave};
use sp_runtime::{
    transaction_validity::TransactionSource, DispatchError, DispatchResult, TransactionOutcome,
};

const STRANGER: H160 = H160([0x77; 20]);

fn pay_zyra(chain: &mut Chain) -> DispatchResult {
    let dest = Bob.to_account_id().into();
    chain.call(Dave, pallet_balances::Call::transfer_keep_alive { dest, value: ZYRA })
}

/// Whether an Ethereum transaction gets into a block now.
fn pays_bitcoin(chain: &mut Chain) -> bool {
    let nonce = chain
        .query(|| EVM::account(bitcoinzk_runtime::genesis::presets::DEV_EVM_ACCOUNTS[0]).nonce);
    let made = chain.make(vec![EvmKey::funded().sign(transfer(nonce, STRANGER, 1))]);
    matches!(made.results[0], Ok(Ok(())))
}

/// Whether the pool takes an Ethereum transaction now.
fn pool_takes_bitcoin(chain: &mut Chain) -> bool {
    let nonce = chain
        .query(|| EVM::account(bitcoinzk_runtime::genesis::presets::DEV_EVM_ACCOUNTS[0]).nonce);
    let payment = EvmKey::funded().sign(transfer(nonce, STRANGER, 1));
    let (source, head) = (TransactionSource::External, chain.head_hash());
    let validate = || Executive::validate_transaction(source, payment, head);
    let validity =
        chain.query(|| with_transaction_unchecked(|| TransactionOutcome::Rollback(validate())));
    validity.is_ok()
}

fn name(pallet: &str, call: &str) -> pallet_tx_pause::RuntimeCallNameOf<Runtime> {
    let bytes = |text: &str| text.as_bytes().to_vec().try_into().unwrap();
    (bytes(pallet), bytes(call))
}

#[test]
fn safe_mode_stops_money_and_a_referendum_ends_it() {
    let mut chain = Chain::new(DEV_RUNTIME_PRESET);
    assert!(pays_bitcoin(&mut chain) && pool_takes_bitcoin(&mut chain));
    let enter: RuntimeCall = pallet_safe_mode::Call::force_enter {}.into();
    Referendum::enact(&mut chain, Origin::Guardian, enter, SafeMode::is_entered);

    let filtered: DispatchError = frame_system::Error::<Runtime>::CallFiltered.into();
    assert_eq!(pay_zyra(&mut chain), Err(filtered));
    assert!(!pays_bitcoin(&mut chain) && !pool_takes_bitcoin(&mut chain));

    // Voting goes on, and so do blocks.
    let exit: RuntimeCall = pallet_safe_mode::Call::force_exit {}.into();
    Referendum::enact(&mut chain, Origin::Guardian, exit, || !SafeMode::is_entered());
    assert!(pay_zyra(&mut chain).is_ok());
    assert!(pays_bitcoin(&mut chain));
}

#[test]
fn safe_mode_ends_by_itself() {
    let mut chain = Chain::new(DEV_RUNTIME_PRESET);
    let enter: RuntimeCall = pallet_safe_mode::Call::force_enter {}.into();
    Referendum::enact(&mut chain, Origin::Guardian, enter, SafeMode::is_entered);
    chain.run_until(70, || !SafeMode::is_entered());
    assert!(pay_zyra(&mut chain).is_ok());
}

#[test]
fn attack_nobody_enters_safe_mode_for_money() {
    let mut chain = Chain::new(DEV_RUNTIME_PRESET);
    for call in [pallet_safe_mode::Call::enter {}, pallet_safe_mode::Call::force_enter {}] {
        assert!(chain.call(Alice, call).is_err());
    }
    let pause = pallet_tx_pause::Call::pause { full_name: name("Ethereum", "transact") };
    assert_eq!(chain.call(Alice, pause), Err(DispatchError::BadOrigin));
    assert!(!chain.query(SafeMode::is_entered));
}

#[test]
fn the_evm_can_be_paused_alone() {
    let mut chain = Chain::new(DEV_RUNTIME_PRESET);
    let full_name = name("Ethereum", "transact");
    let paused = || TxPause::is_paused(&name("Ethereum", "transact"));
    let pause = pallet_tx_pause::Call::pause { full_name: full_name.clone() };
    Referendum::enact(&mut chain, Origin::Guardian, pause.into(), paused);
    assert!(!pays_bitcoin(&mut chain));
    assert!(pay_zyra(&mut chain).is_ok());

    let unpause = pallet_tx_pause::Call::unpause { ident: full_name };
    Referendum::enact(&mut chain, Origin::Guardian, unpause.into(), || !paused());
    assert!(pays_bitcoin(&mut chain));
}

#[test]
fn attack_inherents_and_votes_cannot_be_paused() {
    let mut chain = Chain::new(DEV_RUNTIME_PRESET);
    for (pallet, call) in [("Timestamp", "set"), ("Referenda", "submit"), ("TxPause", "unpause")] {
        let full_name = name(pallet, call);
        let pause = pallet_tx_pause::Call::<Runtime>::pause { full_name: full_name.clone() };
        let result = chain.query(|| {
            use frame_support::traits::UnfilteredDispatchable;
            pause.dispatch_bypass_filter(frame_system::RawOrigin::Root.into())
        });
        assert!(result.is_err(), "{pallet}.{call}");
    }
    chain.run(2);
}
