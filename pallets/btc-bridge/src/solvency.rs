//! Whether the coins cover what circulates, by the contract's own books.

use crate::{
    pallet::{
        Backing, CheckDue, Coins, Config, Error, Event, Halted, PaidAhead, Pallet, SweepFees,
    },
    types::{CoinKey, ContractState, Halt, StoredCoin},
};
use frame_support::{ensure, traits::Get, weights::Weight};
use sp_core::{H256, U256};
use sp_runtime::DispatchResult;

/// Slot of the contract's `totals`: four sums of 64 bits, the first one lowest.
const TOTALS: u64 = 0;
/// Slot of the contract's `state`: withdrawals and outflow of 64 bits, outflow's time, epoch and nonce of 32.
const STATE: u64 = 1;
/// Slot of the contract's `terms`, which begins with the two delays of 16 bits.
const TERMS: u64 = 2;

/// The contract's sums over all time, in sats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) claimed: u64,
    pub(crate) settled: u64,
    pub(crate) locked: u64,
    pub(crate) deficit: u64,
}

/// What the contract's next message is signed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MessageState {
    /// The contract's epoch.
    pub(crate) epoch: u32,
    /// The number of the message.
    pub(crate) nonce: u32,
}

/// Bytes `from..` of a word, counted from its low end, as a number of 64 bits.
fn field(word: &H256, from: usize, bytes: usize) -> u64 {
    word.0
        .iter()
        .rev()
        .skip(from)
        .take(bytes)
        .rev()
        .fold(0u64, |number, byte| number.wrapping_shl(8) | u64::from(*byte))
}

impl<T: Config> Pallet<T> {
    fn contract_slot(slot: u64) -> H256 {
        T::Contracts::slot(T::Bridge::get(), H256(U256::from(slot).to_big_endian()))
    }

    /// The contract's sums.
    pub(crate) fn totals() -> Totals {
        let word = Self::contract_slot(TOTALS);
        Totals {
            claimed: field(&word, 0, 8),
            settled: field(&word, 8, 8),
            locked: field(&word, 16, 8),
            deficit: field(&word, 24, 8),
        }
    }

    /// What the contract's next message is signed for.
    pub(crate) fn contract_state() -> MessageState {
        let word = Self::contract_slot(STATE);
        let number = |from| u32::try_from(field(&word, from, 4)).unwrap_or_default();
        MessageState { epoch: number(20), nonce: number(24) }
    }

    /// Blocks until depositors can take their coins back.
    pub(crate) fn refund_delay() -> u16 {
        u16::try_from(field(&Self::contract_slot(TERMS), 0, 2)).unwrap_or_default()
    }

    /// Blocks until a withdrawal without payout can be given back.
    pub(crate) fn payout_delay() -> u16 {
        u16::try_from(field(&Self::contract_slot(TERMS), 2, 2)).unwrap_or_default()
    }

    /// What the coins must cover: all that was claimed and is not settled, less what moving them has cost that nobody
    /// paid for, and what was paid although its settlement is yet to come: who settles may leave out some of a payout.
    pub(crate) fn owed() -> u64 {
        let Totals { claimed, settled, .. } = Self::totals();
        let gone = SweepFees::<T>::get().saturating_add(PaidAhead::<T>::get());
        claimed.saturating_sub(settled).saturating_sub(gone)
    }

    /// Why nothing may be signed, by the books; deposits that left the chain come first.
    fn cause() -> Option<Halt> {
        if Self::totals().deficit > 0 {
            return Some(Halt::Deficit);
        }
        let (backing, owed) = (Backing::<T>::get(), Self::owed());
        (backing < owed).then_some(Halt::Insolvent { backing, owed })
    }

    /// Stops signing when the books do not add up, after every Bitcoin block that the relay learns of. Not while
    /// logs are read: the contract's sums are those of the end of their block, so a claim whose log is yet to
    /// come would look like a coin that is missing.
    pub(crate) fn check_solvency() -> Weight {
        if CheckDue::<T>::take().is_none() {
            return T::DbWeight::get().reads(1);
        }
        if !Halted::<T>::exists() {
            if let Some(cause) = Self::cause() {
                Self::stop(cause);
            }
        }
        // The two above, the sums twice, the coins, the fees and what is paid; and the halt with its event.
        T::DbWeight::get().reads_writes(8, 4)
    }

    pub(crate) fn do_write_off(epoch: u32, key: CoinKey) -> DispatchResult {
        ensure!(Halted::<T>::exists(), Error::<T>::NotHalted);
        let coin = Coins::<T>::take(epoch, key)
            .or_else(|| Self::dissolve(epoch, key))
            .ok_or(Error::<T>::NoSuchCoin)?;
        Backing::<T>::mutate(|sum| *sum = sum.saturating_sub(coin.sats));
        let StoredCoin { txid, vout, sats, .. } = coin;
        Self::deposit_event(Event::CoinLost { txid, vout, sats });
        Ok(())
    }

    pub(crate) fn do_resume() -> DispatchResult {
        ensure!(Self::cause().is_none(), Error::<T>::CauseRemains);
        if Halted::<T>::take().is_some() {
            Self::deposit_event(Event::Resumed);
        }
        Ok(())
    }
}
