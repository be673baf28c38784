//! Deposits, payouts and refunds as a real bitcoind judges them.

use bzk_bitcoin::{
    bitcoin::{
        absolute::LockTime,
        key::{Keypair, Secp256k1},
        secp256k1::{Message, Scalar},
        sighash::{Prevouts, SighashCache, TapSighashType},
        transaction::Version,
        Amount, FeeRate, OutPoint, ScriptBuf, Transaction, TxIn, TxOut, Witness,
    },
    curve::Portable,
    dust_sats, output_script,
    payout::{raised, sign, Batch, Coin, Limits, Withdrawal, MAX_VERSIONS},
    tweak, Bridge, Deposit, HeaderTree, Payout, Refund, Rules,
};
use bzk_bitcoin_client::{regtest::Regtest, BitcoinClient, Error};
use serde_json::json;

const DELAY: u16 = 128;

/// Stands for the committee: one key that signs as the threshold signature would.
struct Committee {
    secp: Secp256k1<bzk_bitcoin::bitcoin::secp256k1::All>,
    key: Keypair,
}

impl Committee {
    fn new() -> Self {
        let secp = Secp256k1::new();
        let key = Keypair::from_seckey_slice(&secp, &[0x17; 32]).unwrap();
        Self { secp, key }
    }

    fn group_key(&self) -> [u8; 32] {
        self.key.x_only_public_key().0.serialize()
    }

    /// A confirmed output of so many sats that the group key spends by itself, as change does.
    fn coin(&self, node: &Regtest, sats: u64) -> Coin {
        let funding = node.pay(&[(output_script(&self.group_key()), sats)]);
        node.mine(1);
        let outpoint = OutPoint::new(funding.compute_txid(), 0);
        Coin { outpoint, sats, output_key: self.group_key(), root: None, spend_by: None }
    }

    fn sign(&self, payout: &Payout, version: &Transaction) -> Transaction {
        let sighashes = payout.sighashes(version).unwrap();
        let signatures: Vec<[u8; 64]> = payout
            .inputs()
            .iter()
            .zip(sighashes)
            .map(|(coin, sighash)| {
                let key = match coin.root {
                    None => self.key,
                    Some(root) => {
                        let t = tweak(&self.group_key(), Some(&root));
                        let t = Scalar::from_be_bytes(t).unwrap();
                        self.key.add_xonly_tweak(&self.secp, &t).unwrap()
                    }
                };
                *self.secp.sign_schnorr_no_aux_rand(&Message::from_digest(sighash), &key).as_ref()
            })
            .collect();
        sign(version.clone(), &signatures).unwrap()
    }
}

fn bridge() -> Bridge {
    Bridge { chain_id: 97_304, address: [3; 20].into() }
}

fn user() -> Keypair {
    Keypair::from_seckey_slice(&Secp256k1::new(), &[0x23; 32]).unwrap()
}

fn deposit(salt: u8) -> Deposit {
    let refund_key = user().x_only_public_key().0.serialize();
    Deposit::new([1; 20].into(), [salt; 32].into(), refund_key, DELAY).unwrap()
}

fn deposited(committee: &Committee, salt: u8, outpoint: OutPoint, sats: u64) -> Coin {
    let deposit = deposit(salt);
    let key = deposit.output_key::<Portable>(&bridge(), &committee.group_key()).unwrap();
    let root = Some(deposit.root(&bridge()));
    Coin { outpoint, sats, output_key: key.x, root, spend_by: Some(1_000) }
}

fn batch<'a>(committee: &Committee, withdrawals: &'a [Withdrawal]) -> Batch<'a> {
    Batch {
        bridge: bridge(),
        withdrawals,
        anchor: [7; 32].into(),
        change_key: committee.group_key(),
        sweep_before: 0,
    }
}

fn rate(sat_per_vb: u32) -> FeeRate {
    FeeRate::from_sat_per_vb_u32(sat_per_vb)
}

fn scripts() -> [ScriptBuf; 5] {
    let of = |prefix: &[u8], bytes: usize, suffix: &[u8]| {
        ScriptBuf::from([prefix, &vec![0x55; bytes], suffix].concat())
    };
    [
        of(&[0x76, 0xa9, 20], 20, &[0x88, 0xac]),
        of(&[0xa9, 20], 20, &[0x87]),
        of(&[0x00, 20], 20, &[]),
        of(&[0x00, 32], 32, &[]),
        output_script(&user().x_only_public_key().0.serialize()),
    ]
}

fn withdrawals(sats: impl Fn(&ScriptBuf) -> u64) -> Vec<Withdrawal> {
    scripts()
        .into_iter()
        .zip(1..)
        .map(|(script, id)| {
            let sats = sats(&script);
            Withdrawal { id, script, sats, max_fee_sats: 100_000 }
        })
        .collect()
}

#[tokio::test]
async fn deposits_are_paid_out_by_key_and_versions_replace_each_other() {
    let (node, committee) = (Regtest::start(), Committee::new());
    let client = node.client();
    let script =
        |salt| deposit(salt).script::<Portable>(&bridge(), &committee.group_key()).unwrap();
    let funding = node.pay(&[(script(1), 40_000), (script(2), 3_000_000)]);
    let txid = funding.compute_txid();
    assert_eq!(client.inclusion(&txid).await.unwrap(), None);
    node.mine(1);

    // The deposit is found by its script and proven against headers that were judged.
    let found = client.outputs(&script(2), 0).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].outpoint, found[0].amount),
        (OutPoint::new(txid, 1), Amount::from_sat(3_000_000))
    );
    let inclusion = client.inclusion(&txid).await.unwrap().unwrap();
    assert_eq!(inclusion.height, found[0].height);
    let mut tree = HeaderTree::new(Rules::new(bzk_bitcoin::bitcoin::Network::Regtest));
    for header in client.headers(0, 1_000).await.unwrap() {
        tree.insert(header, 2_000_000_000).unwrap();
    }
    assert_eq!(tree.tip().0, client.tip().await.unwrap().hash);
    assert_eq!(tree.confirmations(&inclusion.header.block_hash()), 1);
    let proven = inclusion.proof.verify(inclusion.header.merkle_root).unwrap();
    assert_eq!(proven.output, funding.output);

    let coins = [
        deposited(&committee, 1, OutPoint::new(txid, 0), 40_000),
        deposited(&committee, 2, OutPoint::new(txid, 1), 3_000_000),
    ];
    let withdrawals = withdrawals(|_| 100_000);
    let payout =
        Payout::plan(&coins, &batch(&committee, &withdrawals), rate(30), &Limits::default())
            .unwrap();
    let first = committee.sign(&payout, &payout.version(rate(5)).unwrap());

    // A signature by another key does not spend.
    let mut forged = first.clone();
    let thief = Committee { key: user(), ..Committee::new() };
    forged.input[0].witness = thief.sign(&payout, &first).input[0].witness.clone();
    let refused = client.broadcast(&forged).await.unwrap_err();
    assert!(matches!(&refused, Error::Refused(_)), "{refused}");
    client.broadcast(&first).await.unwrap();
    client.broadcast(&first).await.unwrap();

    let next = payout.replacement(&first, rate(30)).unwrap();
    let second = committee.sign(&payout, &next);
    client.broadcast(&second).await.unwrap();
    let pool = node.call("getrawmempool", &[]).unwrap();
    assert_eq!(pool, json!([second.compute_txid().to_string()]));
    node.mine(1);
    assert_eq!(client.inclusion(&first.compute_txid()).await.unwrap(), None);
    let paid = client.inclusion(&second.compute_txid()).await.unwrap().unwrap();
    assert_eq!(paid.height, client.tip().await.unwrap().height);
    client.broadcast(&second).await.unwrap();

    // Change goes to the group key itself and can be spent at once.
    let change: Vec<Coin> = second
        .output
        .iter()
        .zip(0..)
        .filter(|(output, _)| output.script_pubkey == output_script(&committee.group_key()))
        .map(|(output, vout)| Coin {
            outpoint: OutPoint::new(second.compute_txid(), vout),
            sats: output.value.to_sat(),
            output_key: committee.group_key(),
            root: None,
            spend_by: None,
        })
        .collect();
    assert_eq!(change.len(), 8);
    let payout =
        Payout::plan(&change, &batch(&committee, &withdrawals), rate(5), &Limits::default())
            .unwrap();
    client.broadcast(&committee.sign(&payout, &payout.version(rate(5)).unwrap())).await.unwrap();
}

/// The limits that the contract enforces are those of the node: a sat less is not relayed.
#[tokio::test]
async fn every_address_type_is_paid_from_its_dust_limit_up() {
    let (node, committee) = (Regtest::start(), Committee::new());
    let client = node.client();
    let coin = committee.coin(&node, 10_000_000);
    let mut all = withdrawals(|script| dust_sats(script) + 2_000);
    let plan = |all: &[Withdrawal]| {
        let coins = std::slice::from_ref(&coin);
        Payout::plan(coins, &batch(&committee, all), rate(2), &Limits::default())
    };
    let share =
        all[0].sats - plan(&all).unwrap().version(rate(2)).unwrap().output[0].value.to_sat();
    for withdrawal in &mut all {
        withdrawal.sats = dust_sats(&withdrawal.script) + share;
    }
    let payout = plan(&all).unwrap();
    let exact = payout.version(rate(2)).unwrap();
    for (at, withdrawal) in all.iter().enumerate() {
        assert_eq!(exact.output[at].value.to_sat(), dust_sats(&withdrawal.script));
        let mut dust = exact.clone();
        dust.output[at].value -= Amount::from_sat(1);
        let refused = client.broadcast(&committee.sign(&payout, &dust)).await.unwrap_err();
        assert!(refused.to_string().contains("dust"), "{at}: {refused}");
    }
    client.broadcast(&committee.sign(&payout, &exact)).await.unwrap();
}

/// The depositor gets his coins back alone, but not before the delay is over.
#[tokio::test]
async fn refund_works_without_the_committee_and_only_in_time() {
    let (node, committee) = (Regtest::start(), Committee::new());
    let client = node.client();
    let key = committee.group_key();
    let script = deposit(1).script::<Portable>(&bridge(), &key).unwrap();
    let funding = node.pay(&[(script.clone(), 500_000), (script, 600_000)]);
    node.mine(1);
    let outpoint = |vout| OutPoint::new(funding.compute_txid(), vout);
    let refund = |vout, sats| {
        let to = output_script(&user().x_only_public_key().0.serialize());
        let refund = Refund::new::<Portable>(
            &deposit(1),
            &bridge(),
            &key,
            (outpoint(vout), sats),
            to,
            rate(5),
        )
        .unwrap();
        let message = Message::from_digest(refund.sighash().unwrap());
        let signature = *Secp256k1::new().sign_schnorr_no_aux_rand(&message, &user()).as_ref();
        refund.sign(&signature)
    };
    node.mine(u32::from(DELAY) - 2);
    let early = client.broadcast(&refund(0, 500_000)).await.unwrap_err();
    assert!(early.to_string().contains("non-BIP68-final"), "{early}");
    node.mine(1);
    client.broadcast(&refund(0, 500_000)).await.unwrap();
    node.mine(1);
    assert!(client.inclusion(&refund(0, 500_000).compute_txid()).await.unwrap().is_some());

    // The race: a payout that still counts on the refunded coin is refused, one that does not goes through.
    let both = [
        deposited(&committee, 1, outpoint(0), 500_000),
        deposited(&committee, 1, outpoint(1), 600_000),
    ];
    let all = withdrawals(|_| 20_000);
    let lost =
        Payout::plan(&both[..1], &batch(&committee, &all), rate(5), &Limits::default()).unwrap();
    let lost = committee.sign(&lost, &lost.version(rate(5)).unwrap());
    assert!(matches!(client.broadcast(&lost).await, Err(Error::Refused(_))));
    let kept =
        Payout::plan(&both[1..], &batch(&committee, &all), rate(5), &Limits::default()).unwrap();
    client.broadcast(&committee.sign(&kept, &kept.version(rate(5)).unwrap())).await.unwrap();
    assert!(matches!(client.broadcast(&refund(1, 600_000)).await, Err(Error::Refused(_))));
}

/// A child of the user's output `of`, with so many outputs, that pays little more than what is relayed at all.
fn child(of: &(OutPoint, TxOut), version: Version, outputs: usize) -> Transaction {
    let (previous_output, spent) = of.clone();
    let script_pubkey = spent.script_pubkey.clone();
    let witness = Witness::from_slice(&[[0u8; 64]]);
    let mut transaction = Transaction {
        version,
        lock_time: LockTime::ZERO,
        input: vec![TxIn { previous_output, witness, ..TxIn::default() }],
        output: vec![TxOut { value: Amount::ZERO, script_pubkey }; outputs],
    };
    let size = u64::try_from(transaction.vsize()).unwrap();
    let each = (spent.value.to_sat() - size * 11 / 10) / u64::try_from(outputs).unwrap();
    for output in &mut transaction.output {
        output.value = Amount::from_sat(each);
    }
    let digest = SighashCache::new(&transaction)
        .taproot_key_spend_signature_hash(0, &Prevouts::All(&[spent]), TapSighashType::Default)
        .unwrap();
    let signature = Secp256k1::new().sign_schnorr_no_aux_rand(&digest.into(), &user());
    transaction.input[0].witness = Witness::from_slice(&[signature.as_ref()]);
    transaction
}

/// Who is paid hangs a cheap child on the payout, so that a replacement has to pay for it too. No large one is relayed.
/// The largest one that is ends with one of the versions that the chain makes, though no member reports a higher rate
/// and the payout is as small as there is one.
#[tokio::test]
async fn attack_mempool_pinning() {
    let (node, committee) = (Regtest::start(), Committee::new());
    let client = node.client();
    let script = output_script(&user().x_only_public_key().0.serialize());
    let coin = committee.coin(&node, 10_000_000);
    let all = [Withdrawal { id: 1, script, sats: 3_000_000, max_fee_sats: 50_000 }];
    let limits = Limits { change_outputs: 1, ..Limits::default() };
    // The first rate of the chain's policy, and twice that is charged.
    let payout = Payout::plan(&[coin], &batch(&committee, &all), rate(20), &limits).unwrap();
    let mut paying = rate(10);
    let first = committee.sign(&payout, &payout.version(paying).unwrap());
    client.broadcast(&first).await.unwrap();

    let paid = (OutPoint::new(first.compute_txid(), 0), first.output[0].clone());
    for large in [child(&paid, Version::TWO, 2_000), child(&paid, first.version, 23)] {
        let refused = client.broadcast(&large).await.unwrap_err();
        assert!(refused.to_string().contains("TRUC-violation"), "{refused}");
    }
    let small = child(&paid, first.version, 21);
    client.broadcast(&small).await.unwrap();

    let pool = || node.call("getrawmempool", &[]).unwrap();
    let (mut newest, mut refusals) = (first.clone(), 0);
    for _ in 1..MAX_VERSIONS {
        paying = raised(paying);
        newest = committee.sign(&payout, &payout.replacement(&newest, paying).unwrap());
        assert_eq!(newest.output[..2], first.output[..2]);
        let Err(refused) = client.broadcast(&newest).await else { break };
        assert!(refused.to_string().contains("insufficient fee"), "{refused}");
        assert!(pool().as_array().unwrap().contains(&json!(first.compute_txid().to_string())));
        refusals += 1;
    }
    // Twice the first rate is charged: the withdrawal has paid for the version that goes through.
    assert!(refusals > 0 && paying <= rate(20), "{refusals} refusals, then {paying}");
    assert_eq!(pool(), json!([newest.compute_txid().to_string()]));
}

#[tokio::test]
async fn reorganisation_takes_a_confirmation_back() {
    let node = Regtest::start();
    let client = node.client();
    let script = output_script(&user().x_only_public_key().0.serialize());
    let payment = node.pay(&[(script.clone(), 70_000)]);
    let txid = payment.compute_txid();
    let block = node.mine(1)[0];
    assert!(client.inclusion(&txid).await.unwrap().is_some());
    node.invalidate(&block);
    assert_eq!(client.inclusion(&txid).await.unwrap(), None);
    let again = node.mine(2);
    let inclusion = client.inclusion(&txid).await.unwrap().unwrap();
    assert_eq!(inclusion.header.block_hash(), again[0]);
    assert_eq!(client.tip().await.unwrap().hash, again[1]);
    assert_eq!(client.headers(client.tip().await.unwrap().height + 1, 5).await.unwrap(), []);
    assert!(client.fee_rate(6).await.unwrap() >= FeeRate::from_sat_per_kwu(25));
    assert_eq!(client.outputs(&script, 0).await.unwrap().len(), 1);
    assert_eq!(client.outputs(&script, inclusion.height + 1).await.unwrap(), []);
}
