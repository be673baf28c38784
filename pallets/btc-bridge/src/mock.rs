//! A runtime with this pallet, a contract that is a few words, and a committee that signs with one key.

use crate::{self as pallet_btc_bridge, ContractState};
use bzk_bitcoin::{
    bitcoin::{
        consensus::deserialize,
        key::{Keypair, Secp256k1},
        secp256k1::{Message, Scalar},
        Transaction,
    },
    payout::sweep_id,
    tweak,
};
use bzk_threshold::{
    bip340::SecretKey,
    committee::{self, Member},
    element::{Signature, XOnly},
    envelope::Envelope,
    fee::FeeReport,
    service::{Members, OnSigning, ServiceError, SigningService},
    signing::request::Input,
};
use frame_support::{
    derive_impl, parameter_types,
    traits::{Authorize, ConstU64, Hooks},
};
use pallet_ethereum::{ChainHead, OnLogs};
use rand_chacha::{rand_core::SeedableRng, ChaCha20Rng};
use sp_core::{H160, H256, U256};
use sp_runtime::{
    traits::Dispatchable,
    transaction_validity::{TransactionSource, TransactionValidityError},
    BuildStorage,
};
use std::{collections::BTreeMap, sync::OnceLock};

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        BtcBridge: pallet_btc_bridge,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
}

pub(crate) const BRIDGE: H160 = H160([0xb1; 20]);
pub(crate) const RELAY: H160 = H160([0xb2; 20]);
/// Delays of the contract, in blocks.
pub(crate) const REFUND_DELAY: u32 = 2_016;
pub(crate) const PAYOUT_DELAY: u32 = 288;

parameter_types! {
    pub const Bridge: H160 = BRIDGE;
    pub const Relay: H160 = RELAY;
    /// The contract's sums: claimed, settled, locked, deficit.
    pub static Totals: [u64; 4] = [0; 4];
    /// The contract's epoch and the number of its next message.
    pub static Messages: (u32, u32) = (0, 0);
    /// Sessions that are open.
    pub static Open: BTreeMap<u64, (u32, Vec<Input>)> = BTreeMap::new();
    /// The number of the next session.
    pub static NextSession: u64 = 0;
    /// Epochs whose keys can sign.
    pub static Keys: Vec<u32> = vec![];
    /// Whether the committee takes requests.
    pub static Busy: bool = false;
}

/// The contract's storage, packed as Solidity does.
pub struct Slots;

impl ContractState for Slots {
    fn slot(contract: H160, slot: H256) -> H256 {
        assert_eq!(contract, BRIDGE);
        let word = |fields: &[(u64, usize)]| {
            let packed = fields
                .iter()
                .fold(U256::zero(), |word, (value, at)| word | U256::from(*value) << (8 * at));
            H256(packed.to_big_endian())
        };
        match slot.to_low_u64_be() {
            0 => {
                let [claimed, settled, locked, deficit] = Totals::get();
                word(&[(claimed, 0), (settled, 8), (locked, 16), (deficit, 24)])
            }
            1 => {
                let (epoch, nonce) = Messages::get();
                word(&[(7, 0), (8, 8), (9, 16), (epoch.into(), 20), (nonce.into(), 24), (1, 28)])
            }
            2 => word(&[(REFUND_DELAY.into(), 0), (PAYOUT_DELAY.into(), 2), (3, 4)]),
            _ => H256::zero(),
        }
    }
}

/// The key of an epoch.
pub(crate) fn keypair(epoch: u32) -> Keypair {
    let mut secret = [0x11; 32];
    secret[28..].copy_from_slice(&epoch.to_be_bytes());
    Keypair::from_seckey_slice(&Secp256k1::new(), &secret).unwrap()
}

pub(crate) fn key_of(epoch: u32) -> XOnly {
    XOnly(keypair(epoch).x_only_public_key().0.serialize())
}

/// A committee of one, for whom several report.
pub struct Committee;

impl SigningService for Committee {
    fn active() -> Option<(u32, XOnly)> {
        Keys::get().last().map(|epoch| (*epoch, key_of(*epoch)))
    }
    fn key(epoch: u32) -> Option<XOnly> {
        Keys::get().contains(&epoch).then(|| key_of(epoch))
    }
    fn request(epoch: u32, inputs: Vec<Input>) -> Result<u64, ServiceError> {
        if Busy::get() {
            return Err(ServiceError::Busy);
        }
        let session = NextSession::get();
        NextSession::set(session + 1);
        Open::mutate(|open| open.insert(session, (epoch, inputs)));
        Ok(session)
    }
    fn cancel(session: u64) {
        Open::mutate(|open| open.remove(&session));
    }
    fn retire(epoch: u32) -> Result<(), ServiceError> {
        Keys::mutate(|keys| keys.retain(|key| *key != epoch));
        Ok(())
    }
}

/// Members that report.
pub(crate) const MEMBERS: u16 = 7;

fn session_key(member: Member) -> SecretKey {
    let mut bytes = [1; 32];
    bytes[30..].copy_from_slice(&member.0.to_be_bytes());
    SecretKey::from_bytes(&bytes).unwrap()
}

impl Members for Committee {
    fn committee() -> Option<committee::Committee> {
        static KEYS: OnceLock<Vec<XOnly>> = OnceLock::new();
        let key = |member| session_key(Member(member)).public();
        let members = KEYS.get_or_init(|| (0..MEMBERS).map(key).collect());
        let members = members.clone().try_into().unwrap();
        let epoch = *Keys::get().last()?;
        Some(committee::Committee { genesis: [0; 32], epoch, attempt: 0, members })
    }
}

/// A report of `member` that the committee in office understands.
pub(crate) fn seal(member: Member, report: FeeReport) -> Envelope<FeeReport> {
    let context = FeeReport::context(&<Committee as Members>::committee().unwrap());
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    Envelope::seal(&context, member, report, &session_key(member), &mut rng).unwrap()
}

/// Sends a report as a general transaction: authorised, then dispatched.
pub(crate) fn submit(envelope: Envelope<FeeReport>) -> Result<(), TransactionValidityError> {
    let call = RuntimeCall::BtcBridge(crate::Call::report_fee_rate { envelope });
    call.authorize(TransactionSource::External).expect("every report is authorised")?;
    let origin = frame_system::RawOrigin::Authorized.into();
    call.dispatch(origin).expect("what is authorised can be applied");
    check();
    Ok(())
}

impl crate::Config for Test {
    type Signing = Committee;
    type Members = Committee;
    type Contracts = Slots;
    type AdminOrigin = frame_system::EnsureRoot<u64>;
    type ChainId = ConstU64<97_304>;
    type Bridge = Bridge;
    type Relay = Relay;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type Benchmark = Committee;
}

#[cfg(feature = "runtime-benchmarks")]
impl crate::benchmarking::Prepare for Committee {
    fn seal(report: FeeReport) -> Envelope<FeeReport> {
        seal(Member(0), report)
    }
    fn make_key(epoch: u32) {
        Keys::mutate(|keys| keys.push(epoch));
    }
    fn open_session(epoch: u32) -> u64 {
        Self::request(epoch, vec![Input { sighash: [1; 32], root: None }]).unwrap()
    }
    fn set_contract_epoch(epoch: u32) {
        Messages::mutate(|messages| messages.0 = epoch);
    }
}

/// A chain on which nothing has happened.
pub(crate) fn new_test_ext() -> sp_io::TestExternalities {
    let bridge = crate::GenesisConfig { batch_blocks: 5, ..Default::default() };
    let genesis = RuntimeGenesisConfig { system: Default::default(), btc_bridge: bridge };
    // A property runs many cases on one thread.
    Totals::set([0; 4]);
    Messages::set((0, 0));
    Open::set(BTreeMap::new());
    NextSession::set(0);
    Keys::set(Vec::new());
    genesis.build_storage().unwrap().into()
}

/// Runs `test` with a key of epoch 0 that the contract knows as its epoch 1; Bitcoin is at height 100.
pub(crate) fn run(test: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        System::set_block_number(1);
        adopt(0);
        rotated(1, key_of(0), 0);
        new_tip(100);
        test();
        check();
    });
}

/// The pallet's invariants; and unless it has halted, the coins cover what the contract owes.
pub(crate) fn check() {
    BtcBridge::check_state().unwrap();
    let books = BtcBridge::reserves();
    let covered = books.backing >= books.owed();
    assert!(covered || books.halted.is_some(), "{books:?}");
}

/// The committee has made the key of `epoch`.
pub(crate) fn adopt(epoch: u32) {
    Keys::mutate(|keys| keys.push(epoch));
    BtcBridge::key_adopted(epoch, key_of(epoch));
}

/// Goes on by `blocks` blocks and checks the invariants after each.
pub(crate) fn pass(blocks: u64) {
    for _ in 0..blocks {
        let next = System::block_number() + 1;
        System::set_block_number(next);
        BtcBridge::on_initialize(next);
        check();
    }
}

/// The committee signs all that it was asked for.
pub(crate) fn sign() {
    for (session, (epoch, inputs)) in Open::take() {
        let signatures = inputs.iter().map(|input| signature(epoch, input)).collect();
        BtcBridge::signed(session, signatures);
    }
    check();
}

fn signature(epoch: u32, input: &Input) -> Signature {
    let secp = Secp256k1::new();
    let key = match &input.root {
        None => keypair(epoch),
        Some(root) => {
            let t = Scalar::from_be_bytes(tweak(&key_of(epoch).0, Some(root))).unwrap();
            keypair(epoch).add_xonly_tweak(&secp, &t).unwrap()
        }
    };
    Signature(*secp.sign_schnorr_no_aux_rand(&Message::from_digest(input.sighash), &key).as_ref())
}

fn word(number: u64) -> H256 {
    H256(U256::from(number).to_big_endian())
}

/// A log of the contract at `address`.
pub(crate) fn emit(address: H160, signature: &str, indexed: &[H256], data: &[H256]) {
    let mut topics = vec![H256(sp_io::hashing::keccak_256(signature.as_bytes()))];
    topics.extend_from_slice(indexed);
    let data: Vec<u8> = data.iter().flat_map(|word| word.0).collect();
    BtcBridge::on_log(&ChainHead { number: 7, ..Default::default() }, address, &topics, &data);
}

pub(crate) fn new_tip(height: u64) {
    emit(RELAY, "NewTip(uint32,bytes32,uint32)", &[word(height), H256::zero()], &[word(0)]);
}

pub(crate) fn rotated(epoch: u64, key: XOnly, closes_at: u64) {
    Messages::mutate(|messages| *messages = (epoch as u32, messages.1 + 1));
    let data = [H256(key.0), word(closes_at)];
    emit(BRIDGE, "KeyRotated(uint32,bytes32,uint32)", &[word(epoch)], &data);
}

/// The contract releases a deposit to its epoch 1 in a block at height 100.
pub(crate) fn deposit(tag: u8, sats: u64) {
    Totals::mutate(|totals| totals[0] += sats);
    let txid = H256([tag; 32]);
    let data = [word(0), word(sats), word(200), H256([tag; 32]), H256([9; 32]), word(100)];
    emit(
        BRIDGE,
        "Claimed(bytes32,uint32,address,uint32,uint64,uint64,bytes32,bytes32,uint32)",
        &[txid, H256::zero(), word(1)],
        &data,
    );
}

/// The script that withdrawal `id` goes to.
pub(crate) fn script(id: u64) -> Vec<u8> {
    [&[0x00, 20][..], &[id as u8; 20]].concat()
}

/// The contract locks a withdrawal.
pub(crate) fn withdraw(id: u64, sats: u64, max_fee_sats: u64) {
    Totals::mutate(|totals| totals[2] += sats);
    let script = script(id);
    let mut bytes = [0; 32];
    bytes[..script.len()].copy_from_slice(&script);
    let height = u64::from(crate::BitcoinHeight::<Test>::get());
    let data = [word(sats), word(max_fee_sats), word(height), word(128), word(22), H256(bytes)];
    let signature = "WithdrawalRequested(uint64,address,uint64,uint64,uint32,bytes)";
    emit(BRIDGE, signature, &[word(id), H256::zero()], &data);
}

/// The contract takes the proof that `txid` pays `ids`, each of `sats`.
pub(crate) fn settle(ids: &[u64], sats: u64, txid: [u8; 32], height: u64) {
    for (id, vout) in ids.iter().zip(0..) {
        Totals::mutate(|totals| {
            totals[1] += sats;
            totals[2] -= sats;
        });
        let data = [word(vout), word(sats), word(height)];
        let signature = "WithdrawalSettled(uint64,bytes32,uint32,uint64,uint32)";
        emit(BRIDGE, signature, &[word(*id), H256(txid)], &data);
    }
}

/// The contract takes the proof that `txid` is in Bitcoin's chain.
pub(crate) fn confirm(id: u64, txid: [u8; 32], height: u64) {
    let signature = "PayoutConfirmed(uint64,bytes32,uint32)";
    emit(BRIDGE, signature, &[word(id), H256(txid)], &[word(height)]);
}

/// The contract takes the proof of each sweep that is signed, of its newest version in a block at `height`.
pub(crate) fn confirm_sweeps(height: u64) {
    for payout in BtcBridge::payouts() {
        let batch = crate::Batches::<Test>::get(payout.batch).unwrap();
        if batch.withdrawals.is_empty() && batch.settled.is_none() {
            let version = crate::Versions::<Test>::get(payout.batch, payout.version).unwrap();
            confirm(sweep_id(payout.batch), version.txid, height);
        }
    }
    check();
}

pub(crate) fn unlock(id: u64, sats: u64) {
    Totals::mutate(|totals| totals[2] -= sats);
    let signature = "WithdrawalUnlocked(uint64,address,uint64)";
    emit(BRIDGE, signature, &[word(id), H256::zero()], &[word(sats)]);
}

pub(crate) fn reopen(id: u64, sats: u64, height: u64) {
    Totals::mutate(|totals| {
        totals[1] -= sats;
        totals[2] += sats;
    });
    emit(BRIDGE, "WithdrawalReopened(uint64,uint32)", &[word(id)], &[word(height)]);
}

pub(crate) fn deficit(sats: u64) {
    Totals::mutate(|totals| totals[3] = sats);
    emit(BRIDGE, "DeficitChanged(uint64)", &[], &[word(sats)]);
}

/// The payouts that can be broadcast.
pub(crate) fn payouts() -> Vec<Transaction> {
    let payouts = BtcBridge::payouts().into_iter();
    payouts.map(|payout| deserialize(&payout.transaction).unwrap()).collect()
}
