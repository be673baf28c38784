//! Plans payouts and has them signed.

use crate::{
    line::LOOKED,
    pallet::{
        Batches, BitcoinHeight, Coins, Config, CurrentPolicy, Dropped, Event, Halted, LineEnds,
        LiveEpochs, NextBatch, OpenBatches, OpenSweeps, Pallet, Requests, Versions, WaitingSince,
        Withdrawals,
    },
    sweeps::{sweep_limits, COUNTED, DUE_READS},
    types::{
        Batch, CoinKey, StoredCoin, StoredWithdrawal, Version, MAX_BATCH, MAX_INPUTS, MAX_VERSIONS,
    },
    weights::WeightInfo,
};
use alloc::vec::Vec;
use bzk_bitcoin::{
    bitcoin::{
        consensus::{deserialize, serialize},
        hashes::Hash,
        FeeRate, Transaction,
    },
    is_worth,
    payout::{self, Limits, PayoutError},
    Bridge, Payout,
};
use bzk_threshold::{element::Signature, service::SigningService, signing::request::Input};
use frame_support::{storage::with_storage_layer, traits::Get, weights::Weight};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
    traits::{Saturating, UniqueSaturatedInto},
    DispatchError,
};

/// Coins that a payout is planned with: those it can spend, and as many as the pool should have besides.
pub(crate) const PLANNED_COINS: usize = 66;

/// Payouts that are not settled when no new one is made.
pub(crate) const OPEN: usize = (crate::MAX_OPEN / 2) as usize;

/// Sweeps that are not settled when no new one is made. Neither takes the places of the other: refund paths open
/// whatever withdrawals wait for, and who has coins swept must not hold up withdrawals. Fewer than signing sessions,
/// so that some of those are left too.
const SWEEPS: u32 = 8;

/// Times that a batch is planned with one withdrawal less.
const MAX_PLANS: u32 = MAX_BATCH;

/// The coins that a payout can spend hold too little.
const LACK: DispatchError = DispatchError::Other("the coins do not suffice");

/// Coins that are counted for each key that can sign, to see whether they are too many for one payout.
const CROWD_READS: u64 = (MAX_INPUTS as u64 + 1) * crate::MAX_LIVE_KEYS as u64;

/// What was decided about the withdrawals at the head of the line.
pub(crate) struct Planned {
    pub(crate) epoch: u32,
    pub(crate) payout: Payout,
    pub(crate) withdrawals: Vec<u64>,
}

impl<T: Config> Pallet<T> {
    /// What there is to do in a block: at most one payout and one sweep are planned.
    pub(crate) fn work(now: BlockNumberFor<T>) -> Weight {
        let mut weight = T::WeightInfo::idle().saturating_add(Self::check_solvency());
        if Self::end_dropped() {
            weight = weight.saturating_add(T::WeightInfo::end_dropped());
        }
        if Halted::<T>::exists() {
            return weight;
        }
        if Self::hand_over() {
            return weight.saturating_add(T::WeightInfo::hand_over());
        }
        if Self::retire_old() {
            weight = weight.saturating_add(T::WeightInfo::retire());
        }
        if let Some(number) = Self::late(now) {
            weight = weight.saturating_add(T::WeightInfo::replace());
            if with_storage_layer(|| Self::replace(number)).is_ok() {
                return weight;
            }
        }
        let sweeps = OpenSweeps::<T>::get();
        let payouts = Self::open_payouts();
        weight = weight.saturating_add(T::DbWeight::get().reads(1));
        // An error leaves everything as it was; the next block tries again.
        let failed = |error: DispatchError| {
            ::log::debug!(target: "btc-bridge", "no payout yet: {error:?}");
            error
        };
        weight = weight.saturating_add(Self::unpark());
        let (next, mut lacking) = (NextBatch::<T>::get(), false);
        if payouts < OPEN && Self::due(now) {
            // Measured with one key's coins; another one's are looked at each time too.
            weight = weight.saturating_add(T::WeightInfo::plan().saturating_mul(2));
            // Any of those that are looked at may leave the line.
            weight = weight.saturating_add(T::DbWeight::get().writes(LOOKED));
            let planned = with_storage_layer(|| Self::plan_batch(now)).map_err(failed);
            lacking = planned.unwrap_or_else(|error| error == LACK);
        }
        if lacking {
            weight = weight.saturating_add(T::DbWeight::get().reads(CROWD_READS));
        }
        // A line that cannot be paid now must not keep coins from being swept: their refund path opens.
        let planned = !lacking && NextBatch::<T>::get() != next;
        if !planned && sweeps < SWEEPS {
            // Measured with one coin for each key.
            weight = weight.saturating_add(T::DbWeight::get().reads(DUE_READS));
            let crowded = || lacking.then(Self::crowded).flatten();
            if let Some(sweep) = Self::sweep_due().or_else(crowded) {
                let counted = T::DbWeight::get().reads(COUNTED);
                weight = weight.saturating_add(T::WeightInfo::plan()).saturating_add(counted);
                let _ = with_storage_layer(|| Self::plan_sweep(sweep)).map_err(failed);
            }
        }
        weight
    }

    /// Payouts that are not settled, without sweeps.
    pub(crate) fn open_payouts() -> usize {
        let sweeps = usize::try_from(OpenSweeps::<T>::get()).unwrap_or(usize::MAX);
        OpenBatches::<T>::decode_len().unwrap_or(0).saturating_sub(sweeps)
    }

    /// Whether the line is long enough or its first has waited long enough.
    fn due(now: BlockNumberFor<T>) -> bool {
        let (first, end) = LineEnds::<T>::get();
        let waiting = end.saturating_sub(first);
        let Some(since) = WaitingSince::<T>::get() else { return false };
        let patience = BlockNumberFor::<T>::from(CurrentPolicy::<T>::get().batch_blocks);
        waiting >= MAX_BATCH.into() || (waiting > 0 && now.saturating_sub(since) >= patience)
    }

    pub(crate) fn bridge() -> Bridge {
        Bridge { chain_id: T::ChainId::get(), address: T::Bridge::get().0.into() }
    }

    /// Plans a payout for the head of the line. Returns whether some of it waits because a payout's coins do not
    /// suffice.
    pub(crate) fn plan_batch(now: BlockNumberFor<T>) -> Result<bool, DispatchError> {
        let ids = Self::take_from_line(now);
        if ids.is_empty() {
            return Ok(false);
        }
        let (planned, lacking) = Self::plan(ids)?;
        if let Some(planned) = planned {
            Self::add_batch(planned, Self::rate())?;
        }
        Ok(lacking)
    }

    /// Takes the coins of what was planned, and has its first version signed.
    pub(crate) fn add_batch(planned: Planned, rate: FeeRate) -> Result<(), DispatchError> {
        let Planned { epoch, payout, withdrawals } = planned;
        let first = payout.version(rate).map_err(refused)?;
        if first.output.is_empty() {
            return Err("the coins are worth less than the fee".into());
        }
        let (change_epoch, _) = T::Signing::active().ok_or("no key")?;
        let number = NextBatch::<T>::get();
        NextBatch::<T>::put(number.checked_add(1).ok_or("no batch number is left")?);
        let mut inputs = Vec::new();
        for coin in payout.inputs() {
            inputs.push(Self::spend(epoch, coin).ok_or("a planned coin is missing")?);
        }
        for id in &withdrawals {
            Withdrawals::<T>::mutate(id, |withdrawal| {
                if let Some(withdrawal) = withdrawal {
                    withdrawal.batch = Some(number);
                }
            });
        }
        let sweep = withdrawals.is_empty();
        let batch = Batch {
            epoch,
            change_epoch,
            inputs: inputs.try_into().map_err(|_| "too many inputs")?,
            withdrawals: withdrawals.try_into().map_err(|_| "too many withdrawals")?,
            versions: 0,
            height: BitcoinHeight::<T>::get(),
            settled: None,
            gone: Default::default(),
        };
        Batches::<T>::insert(number, batch);
        OpenBatches::<T>::try_append(number).map_err(|()| "too many payouts")?;
        if sweep {
            OpenSweeps::<T>::mutate(|count| *count = count.saturating_add(1));
        }
        Self::add_version(number, &payout, &first, rate)
    }

    /// Chooses coins of one epoch, the oldest first, so that old keys run dry, and no coin that costs more than it
    /// holds: many of them would stand before those that can pay. Withdrawals that cannot pay their share of the fee
    /// go to the end of the line, and so does the largest when no key's coins suffice for all: it must not hold up the
    /// others. Returns whether the coins did not suffice for one.
    fn plan(ids: Vec<u64>) -> Result<(Option<Planned>, bool), DispatchError> {
        let mut payments: Vec<payout::Withdrawal> =
            ids.iter().filter_map(|id| Some(Withdrawals::<T>::get(id)?.payment(*id))).collect();
        let (_, change_key) = T::Signing::active().ok_or("no key")?;
        let charged = Self::charged_rate();
        let keys: Vec<(u32, Vec<payout::Coin>)> = LiveEpochs::<T>::get()
            .into_iter()
            .filter_map(|epoch| {
                let key = T::Signing::key(epoch)?;
                let coins = Coins::<T>::iter_prefix(epoch)
                    .take(PLANNED_COINS)
                    .take_while(|(place, _)| is_worth(place.class(), charged));
                Some((epoch, coins.filter_map(|(_, coin)| coin.coin(&key)).collect()))
            })
            .collect();
        let limits = Limits { inputs: MAX_INPUTS as usize, ..Limits::default() };
        let (first, end) = LineEnds::<T>::get();
        let (others_wait, mut lacking) = (first < end, false);
        // The most that a payout can spend.
        let most = keys.iter().map(|(_, coins)| {
            coins.iter().take(limits.inputs).fold(0u64, |sum, coin| sum.saturating_add(coin.sats))
        });
        let most = most.max().unwrap_or_default();
        // Each time round one of them is left out.
        for _ in 0..MAX_PLANS {
            let batch = payout::Batch {
                bridge: Self::bridge(),
                withdrawals: &payments,
                anchor: Default::default(),
                change_key: change_key.0,
                // None: coins that are due but not needed are swept.
                sweep_before: 0,
            };
            let mut lack = DispatchError::from("no live key has coins");
            let mut cannot_pay = None;
            for (epoch, coins) in &keys {
                match Payout::plan(coins, &batch, charged, &limits) {
                    Ok(payout) => {
                        let withdrawals = payments.iter().map(|payment| payment.id).collect();
                        let planned = Planned { epoch: *epoch, payout, withdrawals };
                        return Ok((Some(planned), lacking));
                    }
                    // It may be able to pay with another key's coins: they may be fewer and larger.
                    Err(PayoutError::FeeAboveLimit { id, .. } | PayoutError::Dust { id }) => {
                        cannot_pay = cannot_pay.or(Some(id));
                    }
                    Err(error) => lack = refused(error),
                }
            }
            let asked = payments.iter().fold(0u64, |sum, paid| sum.saturating_add(paid.sats));
            let too_much = match cannot_pay {
                // Nor could they if they paid: without the largest it is fewer coins that they pay for.
                Some(_) => asked > most && payments.len() > 1,
                None => lack == LACK && (payments.len() > 1 || others_wait),
            };
            let left_out = match cannot_pay {
                _ if too_much => {
                    lacking = true;
                    let largest = payments.iter().max_by_key(|payment| payment.sats);
                    largest.map(|payment| payment.id).ok_or(LACK)?
                }
                Some(id) => id,
                None => return Err(lack),
            };
            payments.retain(|payment| payment.id != left_out);
            Self::enqueue(left_out);
            if payments.is_empty() {
                return Ok((None, lacking));
            }
        }
        Err("more withdrawals than a payout takes".into())
    }

    fn spend(epoch: u32, coin: &payout::Coin) -> Option<StoredCoin> {
        let stored = StoredCoin {
            txid: coin.outpoint.txid.to_byte_array(),
            vout: coin.outpoint.vout,
            sats: coin.sats,
            root: coin.root,
            spend_by: coin.spend_by,
        };
        Coins::<T>::take(epoch, stored.key())
    }

    /// Stores the next version of a batch and asks for its signatures.
    fn add_version(
        number: u64,
        payout: &Payout,
        transaction: &Transaction,
        rate: FeeRate,
    ) -> Result<(), DispatchError> {
        let mut batch = Batches::<T>::get(number).ok_or("no such batch")?;
        let version = batch.versions;
        batch.versions = version.checked_add(1).ok_or("too many versions")?;
        batch.height = BitcoinHeight::<T>::get();
        let txid = transaction.compute_txid().to_byte_array();
        let unsigned = serialize(transaction).try_into().map_err(|_| "payout is too long")?;
        let rate = rate.to_sat_per_kwu();
        let signatures = Default::default();
        Versions::<T>::insert(number, version, Version { txid, rate, unsigned, signatures });
        let sighashes = payout.sighashes(transaction).ok_or("not a version of the payout")?;
        let inputs = payout
            .inputs()
            .iter()
            .zip(sighashes)
            .map(|(coin, sighash)| Input { sighash, root: coin.root })
            .collect();
        Self::ask(number, version, batch.epoch, inputs)?;
        Batches::<T>::insert(number, batch);
        Self::deposit_event(Event::PayoutPlanned { batch: number, version, txid });
        Ok(())
    }

    fn ask(number: u64, version: u32, epoch: u32, inputs: Vec<Input>) -> Result<(), DispatchError> {
        let session =
            T::Signing::request(epoch, inputs).map_err(|_| "the committee cannot sign now")?;
        Requests::<T>::insert(session, (number, version));
        Ok(())
    }

    /// Looks at one payout a block, in turn. Returns it when its newest version is signed and has waited too
    /// long for a block, or when it is not and nobody is asked for its signatures. A replacement is asked for
    /// again as seldom as it is replaced: signers refuse it from the block of another version on.
    pub(crate) fn late(now: BlockNumberFor<T>) -> Option<u64> {
        let open = OpenBatches::<T>::get();
        let now: usize = now.unique_saturated_into();
        let number = *open.get(now.checked_rem(open.len())?)?;
        let batch = Batches::<T>::get(number)?;
        let patience = CurrentPolicy::<T>::get().bump_blocks;
        let late = BitcoinHeight::<T>::get() >= batch.height.saturating_add(patience);
        if !late && batch.versions > 1 {
            return None;
        }
        let due = match Self::newest(number, &batch)?.signatures.is_empty() {
            true => !Requests::<T>::iter_values().any(|(asked, _)| asked == number),
            false => late && batch.versions < MAX_VERSIONS,
        };
        due.then_some(number)
    }

    fn newest(number: u64, batch: &Batch) -> Option<Version> {
        Versions::<T>::get(number, batch.versions.checked_sub(1)?)
    }

    /// Replaces the newest version of a payout by one that pays more. If it is not signed it is asked for
    /// again instead: some of its shares may have left, so it may be signed one day.
    pub(crate) fn replace(number: u64) -> Result<(), DispatchError> {
        let batch = Batches::<T>::get(number).ok_or("no such batch")?;
        let newest = Self::newest(number, &batch).ok_or("no such version")?;
        let key = T::Signing::key(batch.epoch).ok_or("no key")?;
        let transaction: Transaction =
            deserialize(&newest.unsigned).map_err(|_| "not a transaction")?;
        let coins: Vec<_> = batch.inputs.iter().filter_map(|coin| coin.coin(&key)).collect();
        if newest.signatures.is_empty() {
            return Self::ask_again(number, batch, &coins, &transaction);
        }
        let change_key = T::Signing::key(batch.change_epoch).ok_or("no key for change")?;
        let limits = match batch.is_sweep() {
            true => sweep_limits(),
            false => Limits::default(),
        };
        let payout = Payout::resume(coins, &transaction, batch.payments(), change_key.0, &limits);
        // Or what is paid by now.
        let rate = payout::raised(FeeRate::from_sat_per_kwu(newest.rate)).max(Self::rate());
        let next = payout.replacement(&transaction, rate).map_err(refused)?;
        if next.output.is_empty() {
            return Err("the coins are worth less than the fee".into());
        }
        Self::add_version(number, &payout, &next, rate)
    }

    /// Opens another session for the newest version, `transaction`, which spends `coins`.
    fn ask_again(
        number: u64,
        mut batch: Batch,
        coins: &[payout::Coin],
        transaction: &Transaction,
    ) -> Result<(), DispatchError> {
        let sighashes =
            payout::sighashes(coins, transaction).ok_or("not a version of the payout")?;
        let inputs = coins
            .iter()
            .zip(sighashes)
            .map(|(coin, sighash)| Input { sighash, root: coin.root })
            .collect();
        let newest = batch.versions.checked_sub(1).ok_or("no such version")?;
        Self::ask(number, newest, batch.epoch, inputs)?;
        batch.height = BitcoinHeight::<T>::get();
        Batches::<T>::insert(number, batch);
        Ok(())
    }

    pub(crate) fn payout_signed(session: u64, signatures: Vec<Signature>) {
        let Some((batch, version)) = Requests::<T>::take(session) else { return };
        let Ok(signatures) = signatures.try_into() else { return };
        Versions::<T>::mutate(batch, version, |stored| {
            if let Some(stored) = stored {
                stored.signatures = signatures;
            }
        });
        Self::deposit_event(Event::PayoutSigned { batch, version });
    }

    /// Ends the payout or sweep that spends the coin at `key`, which Bitcoin does not have any more: no version of it
    /// can be mined, and it would keep its place and its other coins for ever. These are free again, and what the
    /// contract has not closed waits for another payout. Returns the coin.
    pub(crate) fn dissolve(epoch: u32, key: CoinKey) -> Option<StoredCoin> {
        let (number, batch) = OpenBatches::<T>::get().into_iter().find_map(|number| {
            let batch = Batches::<T>::get(number)?;
            let spends = batch.epoch == epoch && batch.inputs.iter().any(|coin| coin.key() == key);
            spends.then_some((number, batch))
        })?;
        OpenBatches::<T>::mutate(|open| open.retain(|other| *other != number));
        if batch.is_sweep() {
            OpenSweeps::<T>::mutate(|count| *count = count.saturating_sub(1));
        }
        Self::drop_requests(number);
        Batches::<T>::remove(number);
        (0..batch.versions).for_each(|version| Versions::<T>::remove(number, version));
        for id in batch.withdrawals {
            // What was paid otherwise, or given back, is forgotten.
            if let Some(withdrawal) = Withdrawals::<T>::take(id).filter(|found| !found.closed) {
                let withdrawal = StoredWithdrawal { batch: None, ..withdrawal };
                Self::let_wait(id, &withdrawal);
                Withdrawals::<T>::insert(id, withdrawal);
                Self::deposit_event(Event::WithdrawalQueued { id });
            }
        }
        let (lost, free): (Vec<_>, Vec<_>) =
            batch.inputs.into_iter().partition(|coin| coin.key() == key);
        free.into_iter().for_each(|coin| Coins::<T>::insert(epoch, coin.key(), coin));
        lost.into_iter().next()
    }

    /// Nothing more is signed for a payout.
    pub(crate) fn drop_requests(number: u64) {
        let asked = Requests::<T>::iter().filter(|(_, (batch, _))| *batch == number);
        let sessions: Vec<u64> = asked.map(|(session, _)| session).collect();
        for session in sessions {
            Requests::<T>::remove(session);
            Self::drop_session(session);
        }
    }

    /// Has a session ended that nothing waits for. Not here: logs come when the block's weight is spent.
    pub(crate) fn drop_session(session: u64) {
        // Sessions are fewer than places in this list.
        Dropped::<T>::mutate(|dropped| {
            let _ = dropped.try_push(session);
        });
    }

    /// Ends one of the sessions that nothing waits for. Returns whether there was one.
    pub(crate) fn end_dropped() -> bool {
        let mut dropped = Dropped::<T>::get();
        let Some(session) = dropped.pop() else { return false };
        T::Signing::cancel(session);
        Dropped::<T>::put(dropped);
        true
    }
}

pub(crate) fn refused(error: PayoutError) -> DispatchError {
    DispatchError::Other(match error {
        PayoutError::NotEnough { .. } => return LACK,
        PayoutError::Rate(_) => "the fee rate is out of range",
        PayoutError::NotABump { .. } => "the replacement pays too little more",
        _ => "the payout cannot be built",
    })
}
