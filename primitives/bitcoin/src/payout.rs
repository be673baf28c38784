//! The transaction that pays a batch of withdrawals. Everybody who knows the same facts builds the same bytes.
//! Layout: `contracts/README.md`.

use crate::{
    deposit::Bridge, script::dust_sats, taproot::output_script, transaction::MAX_TRANSACTION_BYTES,
    worth::size_class,
};
use alloc::vec::Vec;
use alloy_primitives::{keccak256, B256, U256};
use bitcoin::{
    absolute::LockTime,
    hashes::Hash,
    sighash::{Prevouts, SighashCache, TapSighashType},
    transaction::{predict_weight, InputWeightPrediction, Version},
    Amount, FeeRate, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Weight, Witness,
};
use core::{fmt, iter::repeat_n};

/// The lowest fee rate of a payout: twice what nodes relay.
pub const MIN_RATE: FeeRate = FeeRate::from_sat_per_vb_u32(2);

/// The highest fee rate of a payout.
pub const MAX_RATE: FeeRate = FeeRate::from_sat_per_vb_u32(1_000);

/// The most versions of a payout: the first one and its replacements.
pub const MAX_VERSIONS: u32 = 16;

/// The most withdrawals of one payout (the contract counts them in a byte).
pub const MAX_WITHDRAWALS: usize = 255;

/// Length of a P2TR script.
const CHANGE_SCRIPT_BYTES: usize = 34;

/// Nodes (Core from 28 on) relay one unconfirmed child of such a transaction, of 1,000 vbytes at most (BIP-431), so
/// nobody who is paid can hang on it what makes a replacement dear.
const VERSION: Version = Version(3);

/// First bytes of the data output.
const MAGIC: [u8; 4] = *b"BZK1";

/// A coin of the committee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coin {
    /// Where it is.
    pub outpoint: OutPoint,
    /// Its amount.
    pub sats: u64,
    /// The key of its output.
    pub output_key: [u8; 32],
    /// The Merkle root that the output key commits to; `None` for change, which goes to the group key itself.
    pub root: Option<[u8; 32]>,
    /// The Bitcoin height by which it must be spent, because its refund path opens later; `None` for change.
    pub spend_by: Option<u32>,
}

/// A withdrawal to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// The contract's number of it.
    pub id: u64,
    /// The script to pay to, already known to be standard.
    pub script: ScriptBuf,
    /// What was locked.
    pub sats: u64,
    /// The most that may be taken off as a fee.
    pub max_fee_sats: u64,
}

/// Sizes of a payout and of the pool of coins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most inputs.
    pub inputs: usize,
    /// The number of coins that the pool should have, so that payouts need not wait for each other.
    pub pool: usize,
    /// The most change outputs.
    pub change_outputs: usize,
    /// The least that a change output holds, in sats; must be above the dust limit.
    pub change_sats: u64,
}

impl Default for Limits {
    /// 50 inputs, 16 coins, 8 change outputs of at least 10,000 sats.
    fn default() -> Self {
        Self { inputs: 50, pool: 16, change_outputs: 8, change_sats: 10_000 }
    }
}

/// What one payout is for.
#[derive(Clone, Debug)]
pub struct Batch<'a> {
    /// The contract whose withdrawals these are.
    pub bridge: Bridge,
    /// The withdrawals, in the order of their outputs; none for a sweep.
    pub withdrawals: &'a [Withdrawal],
    /// The batch root that is anchored on Bitcoin, or zeros.
    pub anchor: B256,
    /// The group key that gets the change: the current one, or the next one in a rotation.
    pub change_key: [u8; 32],
    /// Coins to be spent by this Bitcoin height are swept whether they are needed or not; all coins with
    /// `u32::MAX`.
    pub sweep_before: u32,
}

/// Why there is no payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayoutError {
    /// More withdrawals than one payout takes.
    TooMany {
        /// How many were given.
        withdrawals: usize,
    },
    /// The withdrawal's limit does not cover its share of the fee; leave it out until fees fall.
    FeeAboveLimit {
        /// The withdrawal.
        id: u64,
        /// Its share, in sats.
        share: u64,
    },
    /// What is left of the withdrawal is dust; the contract should not have taken it.
    Dust {
        /// The withdrawal.
        id: u64,
    },
    /// The coins, as many as fit, do not cover the payments and the fee.
    NotEnough {
        /// What they hold, in sats.
        available: u64,
        /// What is needed, in sats.
        needed: u64,
    },
    /// The fee rate is outside [`MIN_RATE`] and [`MAX_RATE`].
    Rate(FeeRate),
    /// Amounts that cannot exist.
    Overflow,
    /// There is nothing to pay and nothing to sweep.
    Empty,
    /// The replaced version already pays this much; nodes take a replacement only for a higher rate and fee.
    NotABump {
        /// The least fee of a replacement, in sats.
        least: u64,
    },
}

impl fmt::Display for PayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany { withdrawals } => {
                write!(f, "{withdrawals} withdrawals; a payout takes at most {MAX_WITHDRAWALS}")
            }
            Self::FeeAboveLimit { id, share } => {
                write!(f, "withdrawal {id}: its share of the fee, {share} sats, is above its limit")
            }
            Self::Dust { id } => write!(f, "withdrawal {id}: dust is left after the fee"),
            Self::NotEnough { available, needed } => {
                write!(f, "coins hold {available} sats but {needed} are needed")
            }
            Self::Rate(rate) => write!(f, "fee rate {rate} is outside {MIN_RATE} and {MAX_RATE}"),
            Self::Overflow => f.write_str("amounts add up to more than can exist"),
            Self::Empty => f.write_str("nothing to pay and nothing to sweep"),
            Self::NotABump { least } => write!(f, "a replacement must pay at least {least} sats"),
        }
    }
}

impl core::error::Error for PayoutError {}

/// Inputs and payments of a payout. They are the same in all its versions: only change pays for a higher fee, so at
/// most one version can ever confirm and each pays every withdrawal the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payout {
    inputs: Vec<Coin>,
    /// The withdrawals and the data output.
    payments: Vec<TxOut>,
    change_key: [u8; 32],
    /// The number of change outputs to make when there is enough for all.
    change_outputs: usize,
    change_sats: u64,
}

impl Payout {
    /// Chooses coins and amounts.
    ///
    /// Withdrawals share the fee at `charged`, with all change outputs, equally; what a cheaper first version saves
    /// stays in the pool and pays for replacements. Coins to be swept are spent first, then larger [size classes](size_class), so that many
    /// small coins stand in nobody's way; of a class those whose refund path opens first, then the largest. `coins`
    /// may be in any order; the result is the same.
    ///
    /// # Errors
    /// [`PayoutError`] but for [`PayoutError::NotABump`].
    pub fn plan(
        coins: &[Coin],
        batch: &Batch<'_>,
        charged: FeeRate,
        limits: &Limits,
    ) -> Result<Self, PayoutError> {
        check_rate(charged)?;
        if batch.withdrawals.len() > MAX_WITHDRAWALS {
            return Err(PayoutError::TooMany { withdrawals: batch.withdrawals.len() });
        }
        let mut pool = coins.to_vec();
        let swept = |coin: &Coin| coin.spend_by.unwrap_or(u32::MAX) <= batch.sweep_before;
        pool.sort_unstable_by_key(|coin| {
            let (spend_by, size) = (coin.spend_by.unwrap_or(u32::MAX), size_class(coin.sats));
            (!swept(coin), size, spend_by, u64::MAX.saturating_sub(coin.sats), coin.outpoint)
        });
        let due = pool.iter().take(limits.inputs).take_while(|coin| swept(coin)).count();
        if due == 0 && batch.withdrawals.is_empty() {
            return Err(PayoutError::Empty);
        }
        let most = pool.len().min(limits.inputs);
        let change_sats = limits.change_sats.max(dust_sats(&output_script(&batch.change_key)));
        let unpaid = payments(batch, 0)?;
        let asked = total(unpaid.iter().map(|output| output.value.to_sat()))?;
        let sharers = u64::try_from(batch.withdrawals.len()).unwrap_or(u64::MAX);
        let mut lack = PayoutError::NotEnough { available: 0, needed: 0 };
        // The number of coins, their fee and the share of each withdrawal.
        let mut cheapest: Option<(usize, u64, u64)> = None;
        let wanted = |count: usize| {
            let wanted = limits.pool.saturating_sub(pool.len().saturating_sub(count));
            wanted.clamp(1, limits.change_outputs.max(1))
        };
        for count in due.max(1)..=most {
            let available = total(pool.iter().take(count).map(|coin| coin.sats))?;
            let fee = |change| charged.fee_wu(weight(count, &unpaid, change));
            // All the change that there may be: what a withdrawal did not pay for, the reserves would have to.
            let all = fee(wanted(count)).ok_or(PayoutError::Overflow)?.to_sat();
            let share = all.div_ceil(sharers.max(1));
            if let Err(error) = check_share(batch, share) {
                // Without change they can pay: that takes fewer coins.
                if cheapest.is_some() {
                    break;
                }
                return Err(error);
            }
            let paid = asked.saturating_sub(share.saturating_mul(sharers));
            match split(available, paid, (wanted(count), change_sats), fee) {
                Ok(Split { outputs, change }) => {
                    let fee = available.saturating_sub(paid).saturating_sub(change);
                    if outputs > 0 || cheapest.is_none_or(|(_, least, _)| fee < least) {
                        cheapest = Some((count, fee, share));
                    }
                    // Without change the rest goes to the miner, and nothing pays for a replacement.
                    if outputs > 0 {
                        break;
                    }
                }
                Err(error @ PayoutError::NotEnough { .. }) => lack = error,
                Err(error) => return Err(error),
            }
        }
        let (count, _, share) = cheapest.ok_or(lack)?;
        let (change_key, change_outputs) = (batch.change_key, wanted(count));
        pool.truncate(count);
        let payments = payments(batch, share)?;
        Ok(Self { inputs: pool, payments, change_key, change_outputs, change_sats })
    }

    /// The unsigned transaction at a fee rate. Change below the least amount is left to the miner.
    ///
    /// # Errors
    /// [`PayoutError::Rate`], [`PayoutError::NotEnough`], [`PayoutError::Overflow`].
    pub fn version(&self, rate: FeeRate) -> Result<Transaction, PayoutError> {
        check_rate(rate)?;
        let available = total(self.inputs.iter().map(|coin| coin.sats))?;
        let paid = total(self.payments.iter().map(|output| output.value.to_sat()))?;
        let limits = (self.change_outputs, self.change_sats);
        let Split { outputs, change } = split(available, paid, limits, |change| {
            rate.fee_wu(weight(self.inputs.len(), &self.payments, change))
        })?;
        let each = change.checked_div(outputs).unwrap_or_default();
        let rest = change.checked_rem(outputs).unwrap_or_default();
        let amounts: Vec<u64> =
            (0..outputs).map(|at| each.saturating_add(u64::from(at < rest))).collect();
        self.build(&amounts)
    }

    /// A version at `rate` that nodes take in place of `replaced`: a higher rate, and a fee that also pays for its
    /// own relay at 1 sat per vbyte (BIP-125).
    ///
    /// # Errors
    /// [`PayoutError::NotABump`], and those of [`Self::version`].
    pub fn replacement(
        &self,
        replaced: &Transaction,
        rate: FeeRate,
    ) -> Result<Transaction, PayoutError> {
        let next = self.version(rate)?;
        let size = u64::try_from(next.vsize()).map_err(|_| PayoutError::Overflow)?;
        let least = self.fee(replaced)?.saturating_add(size);
        if self.fee(&next)? < least {
            return Err(PayoutError::NotABump { least });
        }
        Ok(next)
    }

    /// The fee of one of the payout's versions, in sats.
    ///
    /// # Errors
    /// [`PayoutError::Overflow`] when it pays more than the inputs hold, so is none of them.
    pub fn fee(&self, version: &Transaction) -> Result<u64, PayoutError> {
        let available = total(self.inputs.iter().map(|coin| coin.sats))?;
        let paid = total(version.output.iter().map(|output| output.value.to_sat()))?;
        available.checked_sub(paid).ok_or(PayoutError::Overflow)
    }

    /// The digests to sign; see [`sighashes`].
    pub fn sighashes(&self, version: &Transaction) -> Option<Vec<[u8; 32]>> {
        sighashes(&self.inputs, version)
    }

    /// The payout of which `first` is a version: it spends `inputs`, and its first `payments` outputs are the
    /// payments and the data output. All others are change to `change_key`.
    pub fn resume(
        inputs: Vec<Coin>,
        first: &Transaction,
        payments: usize,
        change_key: [u8; 32],
        limits: &Limits,
    ) -> Self {
        Self {
            inputs,
            payments: first.output.iter().take(payments).cloned().collect(),
            change_key,
            change_outputs: first.output.len().saturating_sub(payments).max(1),
            change_sats: limits.change_sats.max(dust_sats(&output_script(&change_key))),
        }
    }

    /// The coins that it spends, in the order of the inputs.
    pub fn inputs(&self) -> &[Coin] {
        &self.inputs
    }

    fn build(&self, change: &[u64]) -> Result<Transaction, PayoutError> {
        let script = output_script(&self.change_key);
        let change = change
            .iter()
            .map(|sats| TxOut { value: Amount::from_sat(*sats), script_pubkey: script.clone() });
        let transaction = Transaction {
            version: VERSION,
            lock_time: LockTime::ZERO,
            input: self
                .inputs
                .iter()
                .map(|coin| TxIn {
                    previous_output: coin.outpoint,
                    script_sig: ScriptBuf::new(),
                    sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
                    witness: Witness::new(),
                })
                .collect(),
            output: self.payments.iter().cloned().chain(change).collect(),
        };
        if transaction.total_size() > MAX_TRANSACTION_BYTES >> 2 {
            return Err(PayoutError::Overflow);
        }
        Ok(transaction)
    }
}

/// The least fee rate of what replaces a version at `rate`: a quarter more. All replacements together reach 28 times
/// the first rate.
pub fn raised(rate: FeeRate) -> FeeRate {
    let rate = rate.to_sat_per_kwu();
    FeeRate::from_sat_per_kwu(rate.saturating_add(rate.div_ceil(4))).min(MAX_RATE)
}

/// The number by which the contract's `confirm` is told of the sweep `batch`, in place of a withdrawal's; the same
/// back. There are never so many withdrawals or batches that the two meet.
pub const fn sweep_id(batch: u64) -> u64 {
    !batch
}

/// The digests to sign so that `version` spends `coins`, one per input: Taproot key path, all inputs and outputs
/// (BIP-341).
///
/// `None` when `version` does not have these inputs.
pub fn sighashes(coins: &[Coin], version: &Transaction) -> Option<Vec<[u8; 32]>> {
    let same = version.input.len() == coins.len()
        && version
            .input
            .iter()
            .zip(coins)
            .all(|(input, coin)| input.previous_output == coin.outpoint);
    if !same {
        return None;
    }
    let spent: Vec<TxOut> = coins
        .iter()
        .map(|coin| TxOut {
            value: Amount::from_sat(coin.sats),
            script_pubkey: output_script(&coin.output_key),
        })
        .collect();
    let mut cache = SighashCache::new(version);
    (0..version.input.len())
        .map(|at| {
            cache
                .taproot_key_spend_signature_hash(
                    at,
                    &Prevouts::All(&spent),
                    TapSighashType::Default,
                )
                .ok()
                .map(|hash| hash.to_byte_array())
        })
        .collect()
}

/// Puts one key path signature per input into a version of a payout; `None` when their numbers differ.
pub fn sign(mut version: Transaction, signatures: &[[u8; 64]]) -> Option<Transaction> {
    if version.input.len() != signatures.len() {
        return None;
    }
    for (input, signature) in version.input.iter_mut().zip(signatures) {
        input.witness = Witness::from_slice(&[signature]);
    }
    Some(version)
}

/// What the data output says of a batch's withdrawals: keccak256(abi.encode(chain id, bridge) ‖ ids).
pub fn batch_digest(bridge: &Bridge, ids: impl IntoIterator<Item = u64>) -> B256 {
    let mut bytes = Vec::from(U256::from(bridge.chain_id).to_be_bytes::<32>());
    bytes.extend_from_slice(bridge.address.into_word().as_slice());
    for id in ids {
        bytes.extend_from_slice(&id.to_be_bytes());
    }
    keccak256(bytes)
}

/// The withdrawals, each less `share` sats, and the data output; a sweep has neither.
fn payments(batch: &Batch<'_>, share: u64) -> Result<Vec<TxOut>, PayoutError> {
    let mut outputs = Vec::with_capacity(batch.withdrawals.len().saturating_add(1));
    for withdrawal in batch.withdrawals {
        let value = Amount::from_sat(paid(withdrawal, share)?);
        outputs.push(TxOut { value, script_pubkey: withdrawal.script.clone() });
    }
    if !outputs.is_empty() {
        let ids = batch.withdrawals.iter().map(|withdrawal| withdrawal.id);
        let mut data = [0u8; 68];
        let digest = batch_digest(&batch.bridge, ids);
        let bytes = MAGIC.iter().chain(digest.iter()).chain(batch.anchor.iter());
        for (to, from) in data.iter_mut().zip(bytes) {
            *to = *from;
        }
        outputs.push(TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::new_op_return(data) });
    }
    Ok(outputs)
}

/// Whether every withdrawal can pay this share of the fee.
fn check_share(batch: &Batch<'_>, share: u64) -> Result<(), PayoutError> {
    batch.withdrawals.iter().try_for_each(|withdrawal| paid(withdrawal, share).map(|_| ()))
}

/// What a withdrawal is paid once its share of the fee is taken off, in sats.
fn paid(withdrawal: &Withdrawal, share: u64) -> Result<u64, PayoutError> {
    let Withdrawal { id, script, sats, max_fee_sats } = withdrawal;
    if share > *max_fee_sats {
        return Err(PayoutError::FeeAboveLimit { id: *id, share });
    }
    let value = sats.checked_sub(share).filter(|value| *value >= dust_sats(script));
    value.ok_or(PayoutError::Dust { id: *id })
}

/// The weight of a payout once each input has a signature of 64 bytes.
fn weight(inputs: usize, payments: &[TxOut], change: usize) -> Weight {
    let scripts = payments.iter().map(|output| output.script_pubkey.len());
    predict_weight(
        repeat_n(InputWeightPrediction::P2TR_KEY_DEFAULT_SIGHASH, inputs),
        scripts.chain(repeat_n(CHANGE_SCRIPT_BYTES, change)),
    )
}

/// What becomes of that part of the inputs that is not paid.
struct Split {
    /// Change outputs.
    outputs: u64,
    /// What they hold together, in sats.
    change: u64,
}

/// As many change outputs as there may be, `most`, with at least `least` sats each. `fee` depends on their number.
fn split(
    available: u64,
    paid: u64,
    (most, least): (usize, u64),
    fee: impl Fn(usize) -> Option<Amount>,
) -> Result<Split, PayoutError> {
    let mut needed = 0;
    for count in (0..=most).rev() {
        needed = fee(count).ok_or(PayoutError::Overflow)?.to_sat().saturating_add(paid);
        let Some(change) = available.checked_sub(needed) else { continue };
        let outputs = u64::try_from(count).map_err(|_| PayoutError::Overflow)?;
        match change.checked_div(outputs) {
            None => return Ok(Split { outputs: 0, change: 0 }),
            Some(each) if each >= least => return Ok(Split { outputs, change }),
            Some(_) => {}
        }
    }
    Err(PayoutError::NotEnough { available, needed })
}

fn total(amounts: impl Iterator<Item = u64>) -> Result<u64, PayoutError> {
    let mut amounts = amounts;
    amounts
        .try_fold(0u64, |sum, sats| sum.checked_add(sats))
        .filter(|sum| *sum <= bzk_core::MAX_SATS)
        .ok_or(PayoutError::Overflow)
}

fn check_rate(rate: FeeRate) -> Result<(), PayoutError> {
    if (MIN_RATE..=MAX_RATE).contains(&rate) {
        Ok(())
    } else {
        Err(PayoutError::Rate(rate))
    }
}
