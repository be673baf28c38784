//! Payouts: the same for everybody, replaceable, never dust.

use alloy_primitives::{Address, B256};
use bzk_bitcoin::{
    bitcoin::{hashes::Hash, FeeRate, OutPoint, ScriptBuf, Transaction, Txid},
    output_script,
    payout::{batch_digest, sign, Batch, Coin, Limits, Withdrawal, MAX_RATE, MAX_WITHDRAWALS},
    Bridge, Payout, PayoutError,
};
use proptest::prelude::*;

const KEY: [u8; 32] = [0x79; 32];

fn rate(sat_per_vb: u32) -> FeeRate {
    FeeRate::from_sat_per_vb_u32(sat_per_vb)
}

fn coin(tag: u8, sats: u64, spend_by: Option<u32>) -> Coin {
    let outpoint = OutPoint { txid: Txid::from_byte_array([tag; 32]), vout: tag.into() };
    Coin { outpoint, sats, output_key: [tag; 32], root: spend_by.map(|_| [tag; 32]), spend_by }
}

fn withdrawal(id: u64, sats: u64) -> Withdrawal {
    let script = ScriptBuf::from([&[0x00, 20][..], &[id as u8; 20]].concat());
    Withdrawal { id, script, sats, max_fee_sats: sats / 2 }
}

fn batch(withdrawals: &[Withdrawal]) -> Batch<'_> {
    Batch {
        bridge: Bridge { chain_id: 97_304, address: Address::repeat_byte(3) },
        withdrawals,
        anchor: B256::repeat_byte(0xaa),
        change_key: KEY,
        sweep_before: 0,
    }
}

fn change(transaction: &Transaction) -> Vec<u64> {
    transaction
        .output
        .iter()
        .filter(|output| output.script_pubkey == output_script(&KEY))
        .map(|output| output.value.to_sat())
        .collect()
}

#[test]
fn outputs_have_the_layout_of_the_contract() {
    let withdrawals = [withdrawal(5, 100_000), withdrawal(3, 200_000)];
    let batch = batch(&withdrawals);
    let coins = [coin(1, 10_000_000, None)];
    let payout = Payout::plan(&coins, &batch, rate(10), &Limits::default()).unwrap();
    let transaction = payout.version(rate(10)).unwrap();
    assert_eq!(transaction.version.0, 3);
    for (output, withdrawal) in transaction.output.iter().zip(&withdrawals) {
        assert_eq!(output.script_pubkey, withdrawal.script);
        let least = withdrawal.sats - withdrawal.max_fee_sats;
        assert!((least..=withdrawal.sats).contains(&output.value.to_sat()));
    }
    let data = &transaction.output[2];
    let digest = batch_digest(&batch.bridge, [5, 3]);
    let expected = [&[0x6a, 0x44][..], b"BZK1", digest.as_slice(), &[0xaa; 32]].concat();
    assert_eq!((data.value.to_sat(), data.script_pubkey.as_bytes()), (0, &expected[..]));
    assert_eq!(transaction.output.len(), 3 + change(&transaction).len());
    assert_ne!(digest, batch_digest(&batch.bridge, [3, 5]));
    let encoded = [&[0; 24][..], &97_304u64.to_be_bytes(), &[0; 12], &[3; 20]].concat();
    let ids = [&5u64.to_be_bytes()[..], &3u64.to_be_bytes()].concat();
    assert_eq!(digest, alloy_primitives::keccak256([encoded, ids].concat()));
}

#[test]
fn withdrawals_pay_the_charged_fee_between_them() {
    let withdrawals: Vec<_> = (1..=20).map(|id| withdrawal(id, 100_000)).collect();
    let coins = [coin(1, 3_000_000, None), coin(2, 2_000_000, None)];
    let payout = Payout::plan(&coins, &batch(&withdrawals), rate(20), &Limits::default()).unwrap();
    let first = payout.version(rate(5)).unwrap();
    let paid: u64 = first.output[..20].iter().map(|output| output.value.to_sat()).sum();
    let charged = 2_000_000 - paid;
    let signed = sign(first, &[[1; 64]]).unwrap();
    let size = u64::try_from(signed.vsize()).unwrap();
    assert!((size * 20..=size * 20 + 40).contains(&charged), "{charged} for {size} vB");
    // 20 P2WPKH outputs and the data output with one input and eight of change.
    assert!((1_000..1_150).contains(&size), "{size}");
}

#[test]
fn change_is_split_so_that_payouts_need_not_wait_for_each_other() {
    let withdrawals = [withdrawal(1, 100_000)];
    let few = [coin(1, 10_000_000, None)];
    let payout = Payout::plan(&few, &batch(&withdrawals), rate(10), &Limits::default()).unwrap();
    let amounts = change(&payout.version(rate(10)).unwrap());
    assert_eq!(amounts.len(), 8);
    assert!(amounts.iter().max().unwrap() - amounts.iter().min().unwrap() <= 1);
    let many: Vec<_> = (1..=40).map(|tag| coin(tag, 1_000_000, None)).collect();
    let payout = Payout::plan(&many, &batch(&withdrawals), rate(10), &Limits::default()).unwrap();
    assert_eq!(change(&payout.version(rate(10)).unwrap()).len(), 1);
}

#[test]
fn attack_dust_change() {
    let withdrawals = [withdrawal(1, 100_000)];
    let plan = |sats| {
        Payout::plan(&[coin(1, sats, None)], &batch(&withdrawals), rate(2), &Limits::default())
    };
    // Whatever the amount of the coin, change is either absent or worth having.
    for sats in (99_000..140_000).step_by(97) {
        match plan(sats) {
            Ok(payout) => {
                let amounts = change(&payout.version(rate(2)).unwrap());
                assert!(amounts.iter().all(|amount| *amount >= 10_000), "{sats}: {amounts:?}");
            }
            Err(error) => assert!(matches!(error, PayoutError::NotEnough { .. }), "{error}"),
        }
    }
    let silly = Limits { change_sats: 1, ..Limits::default() };
    let payout = Payout::plan(&[coin(1, 100_900, None)], &batch(&withdrawals), rate(2), &silly);
    let amounts = change(&payout.unwrap().version(rate(2)).unwrap());
    assert!(amounts.iter().all(|amount| *amount >= 330), "{amounts:?}");
}

/// Somebody asks for just as much as the first coin holds, so that no change would be left to pay for a replacement.
#[test]
fn attack_payout_that_could_not_be_replaced() {
    let withdrawals = [withdrawal(1, 100_000)];
    let coins = [coin(1, 99_500, None), coin(2, 60_000, None)];
    let payout = Payout::plan(&coins, &batch(&withdrawals), rate(2), &Limits::default()).unwrap();
    let first = payout.version(rate(2)).unwrap();
    assert!(!change(&first).is_empty());
    payout.replacement(&first, rate(20)).unwrap();
    // It cannot pay for two coins, so it is paid without change.
    let poor = [Withdrawal { max_fee_sats: 1_100, ..withdrawal(1, 100_000) }];
    let payout = Payout::plan(&coins, &batch(&poor), rate(2), &Limits::default()).unwrap();
    assert_eq!(payout.inputs().len(), 1);
    // With no other coin it is paid all the same.
    let alone = Payout::plan(&coins[..1], &batch(&withdrawals), rate(2), &Limits::default());
    assert!(change(&alone.unwrap().version(rate(2)).unwrap()).is_empty());
}

#[test]
fn attack_fee_spike_is_met_by_replacements_of_the_same_payments() {
    let withdrawals: Vec<_> = (1..=5).map(|id| withdrawal(id, 100_000)).collect();
    let coins = [coin(1, 5_000_000, None)];
    let payout = Payout::plan(&coins, &batch(&withdrawals), rate(10), &Limits::default()).unwrap();
    let mut last = payout.version(rate(5)).unwrap();
    for sat_per_vb in [10, 100, 1_000] {
        let next = payout.replacement(&last, rate(sat_per_vb)).unwrap();
        assert_eq!(next.input, last.input);
        assert_eq!(next.output[..6], last.output[..6]);
        assert_ne!(next.compute_txid(), last.compute_txid());
        assert!(next.input.iter().all(|input| input.sequence.is_rbf()));
        assert!(payout.fee(&next).unwrap() > payout.fee(&last).unwrap());
        last = next;
    }
    let too_much = payout.replacement(&last, rate(1_001));
    assert_eq!(too_much, Err(PayoutError::Rate(rate(1_001))));
    let same = payout.replacement(&last, MAX_RATE);
    assert!(matches!(same, Err(PayoutError::NotABump { .. })));
}

#[test]
fn coins_that_can_be_refunded_soon_are_spent_first() {
    let withdrawals = [withdrawal(1, 100_000)];
    let coins = [
        coin(1, 9_000_000, None),
        coin(2, 200_000, Some(900)),
        coin(3, 50_000, Some(500)),
        coin(4, 55_000, Some(501)),
    ];
    let mut due = batch(&withdrawals);
    due.sweep_before = 501;
    let payout = Payout::plan(&coins, &due, rate(2), &Limits::default()).unwrap();
    let tags: Vec<_> = payout.inputs().iter().map(|coin| coin.outpoint.vout).collect();
    assert_eq!(tags, [3, 4, 2]);
    // A sweep without withdrawals pays the next key alone.
    let mut sweep = batch(&[]);
    sweep.sweep_before = 501;
    let payout = Payout::plan(&coins, &sweep, rate(2), &Limits::default()).unwrap();
    let transaction = payout.version(rate(2)).unwrap();
    assert_eq!(
        (transaction.input.len(), change(&transaction).len()),
        (2, transaction.output.len())
    );
    assert_eq!(
        Payout::plan(&coins, &batch(&[]), rate(2), &Limits::default()),
        Err(PayoutError::Empty)
    );
}

#[test]
fn attack_overflowing_withdrawals_and_coins() {
    let huge = [withdrawal(1, u64::MAX), withdrawal(2, u64::MAX)];
    let coins = [coin(1, u64::MAX, None), coin(2, u64::MAX, None)];
    assert_eq!(
        Payout::plan(&coins, &batch(&huge), rate(2), &Limits::default()),
        Err(PayoutError::Overflow)
    );
    let many: Vec<_> = (0..=MAX_WITHDRAWALS as u64).map(|id| withdrawal(id, 1_000)).collect();
    assert_eq!(
        Payout::plan(&coins, &batch(&many), rate(2), &Limits::default()),
        Err(PayoutError::TooMany { withdrawals: 256 })
    );
}

#[test]
fn withdrawal_that_cannot_bear_its_fee_is_named() {
    let mut withdrawals = [withdrawal(7, 100_000), withdrawal(8, 100_000)];
    withdrawals[1].max_fee_sats = 10;
    let coins = [coin(1, 5_000_000, None)];
    let plan = |withdrawals: &[Withdrawal]| {
        Payout::plan(&coins, &batch(withdrawals), rate(10), &Limits::default())
    };
    assert!(matches!(plan(&withdrawals), Err(PayoutError::FeeAboveLimit { id: 8, .. })));
    withdrawals[1] = Withdrawal { max_fee_sats: 3_000, ..withdrawal(8, 3_000) };
    assert_eq!(plan(&withdrawals), Err(PayoutError::Dust { id: 8 }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn prop_payout_is_the_same_for_everybody_and_balances(
        amounts in proptest::collection::vec((20_000u64..50_000_000, proptest::option::of(0u32..1_000)), 1..60),
        wanted in proptest::collection::vec(20_000u64..10_000_000, 0..30),
        order: u64,
        sweep_before in 0u32..1_000,
        vb in 2u32..100,
    ) {
        let coins: Vec<_> = amounts
            .iter()
            .zip(1u8..)
            .map(|((sats, spend_by), tag)| coin(tag, *sats, *spend_by))
            .collect();
        let withdrawals: Vec<_> =
            wanted.iter().zip(1..).map(|(sats, id)| withdrawal(id, *sats)).collect();
        let mut batch = batch(&withdrawals);
        batch.sweep_before = sweep_before;
        let limits = Limits::default();
        let planned = Payout::plan(&coins, &batch, rate(vb), &limits);
        let mut shuffled = coins.clone();
        let middle = usize::try_from(order).unwrap_or(0) % shuffled.len();
        shuffled.rotate_left(middle);
        shuffled.reverse();
        prop_assert_eq!(&Payout::plan(&shuffled, &batch, rate(vb), &limits), &planned);
        let Ok(payout) = planned else { return Ok(()) };
        prop_assert!(payout.inputs().len() <= limits.inputs);
        let transaction = payout.version(rate(vb)).unwrap();
        let fee = payout.fee(&transaction).unwrap();
        let signatures = vec![[1; 64]; transaction.input.len()];
        let sighashes = payout.sighashes(&transaction).unwrap();
        prop_assert_eq!(sighashes.len(), signatures.len());
        let unique: std::collections::BTreeSet<_> = sighashes.into_iter().collect();
        prop_assert_eq!(unique.len(), signatures.len());
        let signed = sign(transaction, &signatures).unwrap();
        // At least the rate; at most one lost change output above it.
        let asked = rate(vb).fee_wu(signed.weight()).unwrap().to_sat();
        prop_assert!((asked..=asked + limits.change_sats + 43 * u64::from(vb)).contains(&fee));
        prop_assert!(change(&signed).iter().all(|amount| *amount >= limits.change_sats));
        // Nothing that is due stays behind while there is room.
        let due = coins.iter().filter(|coin| coin.spend_by.is_some_and(|height| height <= sweep_before));
        let spent = |coin: &Coin| payout.inputs().contains(coin);
        prop_assert!(payout.inputs().len() == limits.inputs || due.into_iter().all(spent));
    }
}
