//! The relayer between a real bitcoind and the real contracts, which run in anvil. A key in this file stands for the
//! committee.

#[path = "bridge/relay_rules.rs"]
mod relay_rules;
#[path = "bridge/reorgs.rs"]
mod reorgs;
mod support;

use bzk_bitcoin::{
    bitcoin::{
        key::{Keypair, Secp256k1},
        secp256k1::{Message as Digest, Scalar},
        FeeRate, OutPoint, ScriptBuf, Transaction,
    },
    decode_transaction,
    payout::{self, sign, Batch, Coin, Limits},
    tweak, Bridge, Deposit, Message, Payout,
};
use bzk_bitcoin_client::{regtest::Regtest, BitcoinClient};
use bzk_deposits::Watched;
use bzk_l2_client::{
    alloy_primitives::{Address, U256},
    contracts::{BitcoinRelay, BtcBridge, BITCOIN_RELAY, BTC_BRIDGE},
    Account, L2Client,
};
use bzk_relayer::{
    headers::{self, Progress},
    relayer::{Relayer, Settings},
};
use std::{sync::Arc, time::Duration};
use support::Anvil;

/// The genesis key of regtest, which names the first committee.
const GENESIS: [u8; 32] = {
    let mut key = [0; 32];
    key[31] = 3;
    key
};
const REFUND_DELAY: u16 = 2_016;
const WEI_PER_SAT: u64 = 10_000_000_000;
/// Slot of the bridge's terms, and a byte in it, from its low end.
const TERMS: &str = "0x2";
const MEDIUM_CONFIRMATIONS: usize = 5;
/// How the contract is asked whether it would take a transaction.
const ASKS: &str = "eth_estimateGas";

fn keypair(secret: [u8; 32]) -> Keypair {
    Keypair::from_seckey_slice(&Secp256k1::new(), &secret).unwrap()
}

fn x_only(key: &Keypair) -> [u8; 32] {
    key.x_only_public_key().0.serialize()
}

fn schnorr(key: &Keypair, digest: [u8; 32]) -> [u8; 64] {
    *Secp256k1::new().sign_schnorr_no_aux_rand(&Digest::from_digest(digest), key).as_ref()
}

async fn relay_tip(l2: &L2Client) -> (u32, [u8; 32]) {
    let height = l2.call(BITCOIN_RELAY, &BitcoinRelay::tipCall {}).await.unwrap().height;
    let hash = l2.call(BITCOIN_RELAY, &BitcoinRelay::hashAtCall { height }).await.unwrap();
    (height, hash.0)
}

#[tokio::test]
async fn relay_contract_follows_bitcoind_through_reorganisations() {
    let Some(anvil) = Anvil::start() else { return };
    let node = Regtest::start();
    let (bitcoin, l2) = (node.client(), anvil.client(Anvil::account(0)));
    let rival = anvil.client(Anvil::account(1));
    use bzk_bitcoin::bitcoin::hashes::Hash;

    let blocks = node.mine(130);
    assert_eq!(headers::step(&bitcoin, &l2).await.unwrap(), Progress::Advanced { height: 100 });
    assert_eq!(headers::step(&bitcoin, &l2).await.unwrap(), Progress::Advanced { height: 130 });
    assert_eq!(headers::step(&bitcoin, &l2).await.unwrap(), Progress::UpToDate);
    assert_eq!(relay_tip(&l2).await, (130, blocks[129].to_byte_array()));

    // A branch with as much work does not count, one block more does.
    node.invalidate(&blocks[126]);
    let branch = node.mine(4);
    assert_eq!(headers::step(&bitcoin, &l2).await.unwrap(), Progress::NotHeavier);
    assert_eq!(relay_tip(&l2).await, (130, blocks[129].to_byte_array()));
    let last = node.mine(1);
    assert_ne!(branch[3], blocks[129]);
    assert_eq!(headers::step(&bitcoin, &l2).await.unwrap(), Progress::Advanced { height: 131 });
    assert_eq!(relay_tip(&l2).await, (131, last[0].to_byte_array()));

    // A second relayer finds nothing to do.
    assert_eq!(headers::step(&bitcoin, &rival).await.unwrap(), Progress::UpToDate);
    // The back end's tip falls behind the relay's: nothing to submit either.
    node.invalidate(&last[0]);
    assert_eq!(headers::step(&bitcoin, &rival).await.unwrap(), Progress::UpToDate);
}

struct Scene {
    anvil: Anvil,
    node: Regtest,
    bridge: Bridge,
    committee: Keypair,
    file: tempfile::NamedTempFile,
}

impl Scene {
    /// Chains with a first committee, and a relayer's deposits in a file.
    async fn new() -> Option<Self> {
        let anvil = Anvil::start()?;
        let node = Regtest::start();
        node.mine(101);
        let l2 = anvil.client(Anvil::account(0));
        let bridge = Bridge { chain_id: l2.chain_id().await.unwrap(), address: BTC_BRIDGE };
        let committee = keypair([0x17; 32]);
        let next_key = x_only(&committee);
        let digest = Message::Rotate { next_key, closes_at: 0 }.digest(&bridge, 0, 0);
        let rotate = BtcBridge::rotateCall {
            nextKey: next_key.into(),
            closesAt: 0,
            signature: schnorr(&keypair(GENESIS), digest.0).to_vec().into(),
        };
        l2.send(BTC_BRIDGE, &rotate, U256::ZERO).await.unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        Some(Self { anvil, node, bridge, committee, file })
    }

    fn relayer(&self, account: Account) -> Relayer {
        let (bitcoin, l2) = (self.node.client(), self.anvil.client(account));
        let deposits = Some(self.file.path().to_owned());
        // What is refused is not asked for again while the test runs.
        let settings = Settings { poll: Duration::from_secs(3_600), ..Settings::default() };
        Relayer::new(Arc::new(bitcoin), l2, self.bridge.chain_id, deposits, settings)
    }

    fn deposit(&self, recipient: Address, salt: u8) -> Watched {
        Watched {
            recipient,
            salt: [salt; 32].into(),
            refund_key: x_only(&keypair([0x23; 32])).into(),
            refund_delay: REFUND_DELAY,
            epoch: 1,
            group_key: x_only(&self.committee).into(),
            from_height: 0,
        }
    }

    fn watch(&self, deposits: &[Watched]) {
        let lines: Vec<_> =
            deposits.iter().map(|deposit| serde_json::to_string(deposit).unwrap()).collect();
        std::fs::write(self.file.path(), lines.join("\n")).unwrap();
    }

    /// The coin that a deposit is to the committee.
    fn coin(&self, deposit: &Watched, outpoint: OutPoint, sats: u64) -> Coin {
        let key = deposit.output_key(&self.bridge).unwrap();
        let root = Deposit::new(
            deposit.recipient,
            deposit.salt,
            deposit.refund_key.0,
            deposit.refund_delay,
        )
        .unwrap()
        .root(&self.bridge);
        Coin { outpoint, sats, output_key: key.x, root: Some(root), spend_by: Some(1_000) }
    }

    fn sign(&self, payout: &Payout, version: Transaction) -> Transaction {
        let secp = Secp256k1::new();
        let sighashes = payout.sighashes(&version).unwrap();
        let signatures: Vec<_> = payout
            .inputs()
            .iter()
            .zip(sighashes)
            .map(|(coin, sighash)| {
                let t = tweak(&x_only(&self.committee), coin.root.as_ref());
                let t = Scalar::from_be_bytes(t).unwrap();
                schnorr(&self.committee.add_xonly_tweak(&secp, &t).unwrap(), sighash)
            })
            .collect();
        sign(version, &signatures).unwrap()
    }
}

#[tokio::test]
async fn deposit_is_claimed_and_withdrawal_is_settled() {
    let Some(scene) = Scene::new().await else { return };
    // Regtest's terms ask for one confirmation only; here a payout needs two.
    scene.anvil.set_byte(BTC_BRIDGE, TERMS, MEDIUM_CONFIRMATIONS, 2);
    let user = Anvil::account(2);
    let user_l2 = scene.anvil.client(Anvil::account(2));
    let terms = user_l2.call(BTC_BRIDGE, &BtcBridge::termsCall {}).await.unwrap();
    assert_eq!((terms.lowConfirmations, terms.mediumConfirmations), (1, 2));
    let deposit = scene.deposit(user.address(), 1);
    scene.watch(std::slice::from_ref(&deposit));
    let script = deposit.script(&scene.bridge).unwrap();
    let paid = scene.node.pay(&[(script, 5_000_000)]);
    let before = scene.anvil.balance(user.address());

    // Two relayers: not confirmed, confirmed, claimed once.
    let mut relayer = scene.relayer(Anvil::account(0));
    let mut rival = scene.relayer(Anvil::account(1));
    relayer.round().await.unwrap();
    assert_eq!(scene.anvil.balance(user.address()), before);
    scene.node.mine(1);
    relayer.round().await.unwrap();
    let fees = 200;
    let released = U256::from((5_000_000u64 - fees) * WEI_PER_SAT);
    assert_eq!(scene.anvil.balance(user.address()) - before, released);
    rival.round().await.unwrap();
    assert_eq!(scene.anvil.balance(user.address()) - before, released);

    let coin = scene.coin(&deposit, OutPoint::new(paid.compute_txid(), 0), 5_000_000);
    let transaction = scene.pay_two(&user_l2, coin).await;
    scene.anvil.mine(4);
    relayer.round().await.unwrap();
    assert!(scene.settled().await.is_empty());
    scene.node.mine(1);
    relayer.round().await.unwrap();
    assert!(scene.anvil.called().iter().any(|method| method == ASKS));
    // Too few confirmations: as long as no block comes, the contract is not even asked.
    relayer.round().await.unwrap();
    assert!(!scene.anvil.called().iter().any(|method| method == ASKS));
    assert!(scene.settled().await.is_empty());
    scene.node.mine(1);
    rival.round().await.unwrap();
    relayer.round().await.unwrap();
    assert_eq!(scene.settled().await, [0, 1]);
    assert_eq!(
        decode_transaction(&bzk_bitcoin::bitcoin::consensus::serialize(&transaction)).unwrap(),
        transaction
    );
}

impl Scene {
    /// The user withdraws 1,000,000 and 2,000,000 sats, and the committee broadcasts the payout of both.
    async fn pay_two(&self, user: &L2Client, coin: Coin) -> Transaction {
        let scripts: [ScriptBuf; 2] =
            [1u8, 2].map(|tag| ScriptBuf::from([&[0x00, 20][..], &[tag; 20]].concat()));
        for (script, sats) in scripts.iter().zip([1_000_000u64, 2_000_000]) {
            let call = BtcBridge::withdrawCall { script: script.to_bytes().into(), maxFee: 20_000 };
            user.send(BTC_BRIDGE, &call, U256::from(sats) * U256::from(WEI_PER_SAT)).await.unwrap();
        }
        let withdrawals: Vec<_> = scripts
            .iter()
            .zip([1_000_000u64, 2_000_000])
            .zip(0..)
            .map(|((script, sats), id)| payout::Withdrawal {
                id,
                script: script.clone(),
                sats,
                max_fee_sats: 20_000,
            })
            .collect();
        let batch = Batch {
            bridge: self.bridge,
            withdrawals: &withdrawals,
            anchor: Default::default(),
            change_key: x_only(&self.committee),
            sweep_before: 0,
        };
        let rate = FeeRate::from_sat_per_vb_u32(5);
        let payout = Payout::plan(&[coin], &batch, rate, &Limits::default()).unwrap();
        let transaction = self.sign(&payout, payout.version(rate).unwrap());
        self.node.client().broadcast(&transaction).await.unwrap();
        transaction
    }

    /// The withdrawals whose settlement was logged, each as often as it was.
    async fn settled(&self) -> Vec<u64> {
        let l2 = self.anvil.client(Anvil::account(0));
        let logs = l2.logs::<BtcBridge::WithdrawalSettled>(BTC_BRIDGE, 0, 1_000).await.unwrap();
        logs.into_iter().map(|log| log.event.id).collect()
    }
}

#[tokio::test]
async fn attack_claims_that_the_contract_must_refuse() {
    let Some(scene) = Scene::new().await else { return };
    let user = Anvil::account(2);
    let thief = Anvil::account(3);
    let deposit = scene.deposit(user.address(), 1);
    let script = deposit.script(&scene.bridge).unwrap();
    let paid = scene.node.pay(&[(script, 5_000_000)]);
    scene.node.mine(1);
    scene.watch(&[]);
    scene.relayer(Anvil::account(0)).round().await.unwrap();
    let inclusion = scene.node.client().inclusion(&paid.compute_txid()).await.unwrap().unwrap();
    let outpoint = OutPoint::new(paid.compute_txid(), 0);
    let l2 = scene.anvil.client(Anvil::account(3));
    let honest = deposit.claim(&scene.bridge, &outpoint, &inclusion).unwrap();
    let l2 = &l2;
    let refused = |call: BtcBridge::claimCall| async move {
        let result = l2.send(BTC_BRIDGE, &call, U256::ZERO).await;
        assert!(matches!(result, Err(bzk_l2_client::Error::Reverted { .. })), "{result:?}");
    };
    // To another recipient, of an epoch that is none, of another output, under a wrong position.
    let mut call = honest.clone();
    call.deposit.recipient = thief.address();
    refused(call).await;
    let mut call = honest.clone();
    call.deposit.epoch = 0;
    refused(call).await;
    let mut call = honest.clone();
    call.deposit.epoch = 2;
    refused(call).await;
    let mut call = honest.clone();
    call.deposit.vout = 1;
    refused(call).await;
    let mut call = honest.clone();
    call.proof.index ^= 1;
    refused(call).await;
    let mut call = honest.clone();
    call.proof.index += 1 << 20;
    refused(call).await;
    // A path that is too short or too long, a coinbase of another depth, no coinbase, a fake header.
    let mut call = honest.clone();
    call.proof.path.pop();
    refused(call).await;
    let mut call = honest.clone();
    call.proof.path.push([0; 32].into());
    refused(call).await;
    let mut call = honest.clone();
    call.proof.coinbasePath.pop();
    refused(call).await;
    let mut call = honest.clone();
    call.proof.coinbase = call.rawTx.clone();
    refused(call).await;
    let mut call = honest.clone();
    let mut header = call.proof.header.to_vec();
    header[70] ^= 1;
    call.proof.header = header.into();
    refused(call).await;
    // Once it is right; then never again.
    l2.send(BTC_BRIDGE, &honest, U256::ZERO).await.unwrap();
    refused(honest).await;
}

/// Strangers choose the recipients of deposits, and these run code when they are paid.
#[tokio::test]
async fn attack_recipients_that_refuse_are_left_alone() {
    const SENDS: &str = "eth_sendRawTransaction";
    let Some(scene) = Scene::new().await else { return };
    let recipients = [0xa1, 0xa2, 0xa3].map(Address::repeat_byte);
    // One reverts, one runs for ever, and one takes BTC only while gas has no price, as in a question.
    let codes = ["0x60006000fd", "0x5b600056", "0x3a600557005b60006000fd"];
    recipients.iter().zip(codes).for_each(|(to, code)| scene.anvil.set_code(*to, code));
    let user = Anvil::account(2).address();
    let [a, b, c] = recipients;
    let deposits = [(a, 1), (b, 2), (c, 3), (user, 4)].map(|(to, salt)| scene.deposit(to, salt));
    let outputs = deposits.each_ref().map(|to| (to.script(&scene.bridge).unwrap(), 1_000_000));
    scene.node.pay(&outputs);
    scene.node.mine(1);
    let before = scene.anvil.balance(user);

    let mut relayer = scene.relayer(Anvil::account(0));
    // Headers first, to count what deposits cost.
    scene.watch(&[]);
    relayer.round().await.unwrap();
    scene.watch(&deposits);
    scene.anvil.called();
    relayer.round().await.unwrap();
    assert!(scene.anvil.balance(user) > before);
    let called = scene.anvil.called();
    // The contract would take two of the four, and takes one.
    assert_eq!(called.iter().filter(|method| *method == ASKS).count(), 4);
    assert_eq!(called.iter().filter(|method| *method == SENDS).count(), 2);
    relayer.round().await.unwrap();
    let called = scene.anvil.called();
    assert!(!called.iter().any(|method| method == ASKS || method == SENDS), "{called:?}");
    for recipient in recipients {
        assert_eq!(scene.anvil.balance(recipient), U256::ZERO);
    }
}
