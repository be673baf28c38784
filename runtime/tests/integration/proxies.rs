//! A proxy does what its type says and nothing else, however the call is wrapped.

use crate::chain::Chain;
use bitcoinzk_runtime::{
    configs::ProxyType, units::ZYRA, Balances, Multisig, Runtime, RuntimeCall, RuntimeEvent, System,
};
use frame_support::traits::InstanceFilter;
use pallet_staking::RewardDestination;
use sp_core::H256;
use sp_genesis_builder::DEV_RUNTIME_PRESET;
use sp_keyring::Sr25519Keyring::{Bob, Charlie, Dave};
use sp_runtime::{DispatchError, DispatchResult};

/// A chain on which Dave acts for Charlie within `proxy_type`.
fn with_proxy(proxy_type: ProxyType) -> Chain {
    let mut chain = Chain::new(DEV_RUNTIME_PRESET);
    let delegate = Dave.to_account_id().into();
    let call = pallet_proxy::Call::add_proxy { delegate, proxy_type, delay: 0 };
    chain.call(Charlie, call).unwrap();
    chain
}

/// What becomes of `call` when Dave makes it for Charlie.
fn act(chain: &mut Chain, call: RuntimeCall) -> DispatchResult {
    let (real, call) = (Charlie.to_account_id().into(), Box::new(call));
    chain.call(Dave, pallet_proxy::Call::proxy { real, force_proxy_type: None, call })?;
    chain.query(|| {
        let result = System::events().into_iter().find_map(|record| match record.event {
            RuntimeEvent::Proxy(pallet_proxy::Event::ProxyExecuted { result }) => Some(result),
            _ => None,
        });
        result.expect("the call was made")
    })
}

fn filtered() -> DispatchResult {
    Err(frame_system::Error::<Runtime>::CallFiltered.into())
}

fn pay() -> RuntimeCall {
    let dest = Dave.to_account_id().into();
    pallet_balances::Call::transfer_keep_alive { dest, value: ZYRA }.into()
}

fn bond() -> RuntimeCall {
    let (value, payee) = (100_000 * ZYRA, RewardDestination::Stash);
    pallet_staking::Call::bond { value, payee }.into()
}

fn all_of(call: RuntimeCall) -> RuntimeCall {
    pallet_utility::Call::batch_all { calls: vec![call] }.into()
}

fn derived(call: RuntimeCall) -> RuntimeCall {
    pallet_utility::Call::as_derivative { index: 0, call: Box::new(call) }.into()
}

#[test]
fn a_staking_proxy_stakes() {
    let mut chain = with_proxy(ProxyType::Staking);
    act(&mut chain, bond()).unwrap();
    let bonded = || pallet_staking::Bonded::<Runtime>::get(Charlie.to_account_id());
    assert_eq!(chain.query(bonded), Some(Charlie.to_account_id()));
}

#[test]
fn attack_a_staking_proxy_pays_nobody_however_it_wraps_the_payment() {
    let mut chain = with_proxy(ProxyType::Staking);
    let free = |chain: &mut Chain| chain.query(|| Balances::free_balance(Charlie.to_account_id()));
    let before = free(&mut chain);
    let grant: RuntimeCall = pallet_proxy::Call::add_proxy {
        delegate: Dave.to_account_id().into(),
        proxy_type: ProxyType::Any,
        delay: 0,
    }
    .into();
    let calls = [
        pay(),
        all_of(pay()),
        derived(pay()),
        all_of(derived(pay())),
        grant.clone(),
        all_of(grant),
    ];
    for call in calls {
        assert_eq!(act(&mut chain, call.clone()), filtered(), "{call:?}");
    }
    // This batch ends without an error of its own and says so in an event.
    let batch = pallet_utility::Call::batch { calls: vec![pay()] };
    act(&mut chain, batch.into()).unwrap();
    let interrupted = RuntimeEvent::Utility(pallet_utility::Event::BatchInterrupted {
        index: 0,
        error: frame_system::Error::<Runtime>::CallFiltered.into(),
    });
    assert!(chain.query(|| System::events().iter().any(|record| record.event == interrupted)));
    assert_eq!(free(&mut chain), before);
}

#[test]
fn attack_a_proxy_without_transfers_does_not_approve_those_of_a_joint_account() {
    let mut chain = with_proxy(ProxyType::NonTransfer);
    let other_signatories = vec![Bob.to_account_id()];
    let mut both = vec![Bob.to_account_id(), Charlie.to_account_id()];
    both.sort();
    let joint = Multisig::multi_account_id(&both, 1);
    let fund = pallet_balances::Call::transfer_keep_alive {
        dest: joint.clone().into(),
        value: 100 * ZYRA,
    };
    chain.call(Bob, fund).unwrap();
    let call = Box::new(pay());
    let call: RuntimeCall =
        pallet_multisig::Call::as_multi_threshold_1 { other_signatories, call }.into();
    assert_eq!(act(&mut chain, call.clone()), filtered());
    assert_eq!(chain.query(|| Balances::free_balance(&joint)), 100 * ZYRA);
    // Charlie may.
    chain.call(Charlie, call).unwrap();
    assert_eq!(chain.query(|| Balances::free_balance(&joint)), 99 * ZYRA);
}

#[test]
fn attack_nobody_acts_for_another_without_being_asked() {
    let mut chain = with_proxy(ProxyType::Any);
    let (real, call) = (Dave.to_account_id().into(), Box::new(pay()));
    let call = pallet_proxy::Call::proxy { real, force_proxy_type: None, call };
    let error: DispatchError = pallet_proxy::Error::<Runtime>::NotProxy.into();
    assert_eq!(chain.call(Charlie, call), Err(error));
}

#[test]
fn each_type_lets_its_own_calls_through() {
    use ProxyType::{Any, CancelProxy, Governance, NonTransfer, Staking};
    let vote = pallet_conviction_voting::Call::remove_vote { class: None, index: 0 }.into();
    let reject = pallet_proxy::Call::reject_announcement {
        delegate: Dave.to_account_id().into(),
        call_hash: H256::zero(),
    }
    .into();
    let transact = pallet_ethereum::Call::set_block_gas_limit { gas_limit: 1 }.into();
    let cases: [(RuntimeCall, &[ProxyType]); 5] = [
        (pay(), &[Any]),
        (transact, &[Any]),
        (bond(), &[Any, NonTransfer, Staking]),
        (vote, &[Any, NonTransfer, Governance]),
        (reject, &[Any, NonTransfer, CancelProxy]),
    ];
    for (call, allowed) in cases {
        for proxy_type in [Any, NonTransfer, Governance, Staking, CancelProxy] {
            let lets = proxy_type.filter(&call);
            assert_eq!(lets, allowed.contains(&proxy_type), "{proxy_type:?}: {call:?}");
        }
    }
}
