//! What the bridge tells relayers, users and auditors. Amounts are sats; transaction ids are in internal byte order.

use alloc::vec::Vec;
use codec::{Decode, Encode};
use scale_info::TypeInfo;

/// The newest signed version of a payout, or any signed one of a sweep, that is to be broadcast or proven.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct PayoutView {
    /// The batch.
    pub batch: u64,
    /// The version.
    pub version: u32,
    /// The withdrawals that it pays, in the order of its outputs; none for a sweep.
    pub withdrawals: Vec<u64>,
    /// The signed transaction, as Bitcoin's nodes take it.
    pub transaction: Vec<u8>,
}

/// A coin of the committee: an output that anybody can look up.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct CoinView {
    /// Its transaction.
    pub txid: [u8; 32],
    /// Its output.
    pub vout: u32,
    /// Its amount.
    pub sats: u64,
    /// The script that it pays, which commits to the committee's key.
    pub script: Vec<u8>,
    /// Epoch of the key that spends it.
    pub epoch: u32,
    /// Bitcoin height by which it must be spent; none for change.
    pub spend_by: Option<u32>,
    /// The payout that spends it, if there is one.
    pub batch: Option<u64>,
}

/// What the committee holds and owes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct ReservesView {
    /// All coins, those in payouts that are not settled included.
    pub coins: Vec<CoinView>,
    /// Their sum.
    pub backing: u64,
    /// Released for deposits, over all time.
    pub claimed: u64,
    /// Withdrawn and paid, over all time.
    pub settled: u64,
    /// Locked in withdrawals without a proven payout.
    pub locked: u64,
    /// Released for deposits that are not in Bitcoin's chain now.
    pub deficit: u64,
    /// Spent on moving coins, above what withdrawals paid for it: by sweeps, and by payouts while fees rise.
    pub sweep_fees: u64,
    /// In withdrawals that a payout in Bitcoin's chain has paid and that the contract still holds as locked: whoever
    /// proved the payout left them out.
    pub paid_ahead: u64,
    /// Bitcoin's height as the relay contract has it.
    pub height: u32,
    /// Why nothing is signed, if so.
    pub halted: Option<HaltView>,
}

impl ReservesView {
    /// What the coins must cover, in sats: all that was claimed and is not settled, less what is gone already, spent
    /// on moving coins or paid ahead.
    pub fn owed(&self) -> u64 {
        let gone = self.settled.saturating_add(self.sweep_fees).saturating_add(self.paid_ahead);
        self.claimed.saturating_sub(gone)
    }
}

/// What withdrawals pay and how long they wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct QueueView {
    /// Fee rate of a payout's first version, in sats per vbyte.
    pub sats_per_vbyte: u32,
    /// Fee rate that withdrawals are charged, in sats per vbyte: it pays for replacements too.
    pub charged_sats_per_vbyte: u32,
    /// Withdrawals in line.
    pub waiting: u64,
    /// L2 blocks until the first of them is put into a payout; none when nobody waits.
    pub due_in: Option<u32>,
    /// L2 blocks that a withdrawal waits for others at most.
    pub batch_blocks: u32,
    /// Withdrawals that one payout takes.
    pub batch_size: u32,
    /// Payouts that are not settled.
    pub open: u32,
    /// With so many that are not settled, new ones wait.
    pub most_open: u32,
    /// Bitcoin blocks after which a payout that is not confirmed is replaced by one that pays more.
    pub bump_blocks: u32,
}

/// Why nothing is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum HaltView {
    /// Claimed deposits have left Bitcoin's chain.
    Deficit,
    /// The coins do not cover what circulates.
    Insolvent,
    /// The contract follows a key that is not the committee's.
    UnknownKey,
    /// Governance has stopped it.
    Ordered,
    /// The contract has given a withdrawal back although its payout may be signed, so it may be paid twice.
    Unlocked,
}

/// Where a withdrawal is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum WithdrawalStatus {
    /// It waits for a payout.
    Waiting,
    /// The committee signs its payout.
    Signing {
        /// The batch.
        batch: u64,
    },
    /// Its payout can be broadcast.
    Signed {
        /// The batch.
        batch: u64,
        /// Id of the newest signed version.
        txid: [u8; 32],
    },
    /// Its payout is in Bitcoin's chain.
    Settled {
        /// Id of the payout.
        txid: [u8; 32],
        /// Height of its block.
        height: u32,
    },
    /// Its payout's block has left Bitcoin's chain, and the committee has forgotten the payout.
    Reopened {
        /// Bitcoin height at which it was reopened.
        height: u32,
    },
}

/// The old committee's word to the contract that names the next key; anybody may send it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct HandoverView {
    /// The next group key, x-only.
    pub next_key: [u8; 32],
    /// The last Bitcoin height at which a deposit to the old one counts.
    pub closes_at: u32,
    /// The signature of the old key.
    pub signature: [u8; 64],
}
