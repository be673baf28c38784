//! Proves payouts. Which transaction pays which withdrawals follows from the contract's logs and from Bitcoin alone:
//! a payout says so itself in its data output.

use bzk_bitcoin::{
    bitcoin::{Transaction, TxOut},
    payout::{batch_digest, MAX_WITHDRAWALS},
    Bridge,
};
use bzk_bitcoin_client::Inclusion;
use bzk_deposits::contract_proof;
use bzk_l2_client::contracts::{BtcBridge, Withdrawal};
use std::collections::BTreeMap;

/// How many assignments of outputs to withdrawals are tried. Only withdrawals of the same amount to the same script
/// leave a choice, and the committee takes older ones first.
const MAX_TRIES: u32 = 1_024;

/// So many blocks before a withdrawal's request its payout is looked for: more were never replaced since 2013.
const REPLACED: u32 = 24;

/// First bytes of a payout's data output: OP_RETURN, a push of 68 bytes, and the mark.
const DATA_PREFIX: [u8; 6] = [0x6a, 0x44, b'B', b'Z', b'K', b'1'];

/// What the contract's logs tell of a withdrawal.
#[derive(Clone, Debug)]
pub enum Event {
    /// It was asked for.
    Requested(Withdrawal),
    /// A payout was proven.
    Settled {
        /// The withdrawal.
        id: u64,
    },
    /// The payout's block left the chain.
    Reopened {
        /// The withdrawal.
        id: u64,
        /// The Bitcoin height from which it counts.
        height: u32,
    },
    /// It was given back.
    Unlocked {
        /// The withdrawal.
        id: u64,
    },
}

/// The withdrawals as the contract sees them.
#[derive(Clone, Debug, Default)]
pub struct Withdrawals {
    pending: BTreeMap<u64, Withdrawal>,
    /// Settled, which may be reopened, or given back. The contract passes over them in a batch.
    closed: BTreeMap<u64, Withdrawal>,
    /// The Bitcoin heights of the requests.
    requested: BTreeMap<u64, u32>,
}

impl Withdrawals {
    /// Follows one event. Events of a withdrawal must come in order; the same one again changes nothing.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::Requested(withdrawal) => {
                self.requested.entry(withdrawal.id).or_insert(withdrawal.height);
                if !self.closed.contains_key(&withdrawal.id) {
                    self.pending.entry(withdrawal.id).or_insert(withdrawal);
                }
            }
            Event::Settled { id } | Event::Unlocked { id } => {
                if let Some(withdrawal) = self.pending.remove(&id) {
                    self.closed.insert(id, withdrawal);
                }
            }
            Event::Reopened { id, height } => {
                if let Some(withdrawal) = self.closed.remove(&id) {
                    self.pending.insert(id, Withdrawal { height, ..withdrawal });
                }
            }
        }
    }

    /// Those without a proven payout.
    pub fn pending(&self) -> impl Iterator<Item = &Withdrawal> {
        self.pending.values()
    }

    /// The Bitcoin height from which on a withdrawal may be paid. It counts from the request: who reopens one does so
    /// when he likes, and the payout may be in a block again long before. When blocks are replaced it may come to a
    /// lower height than that of the request.
    pub fn paid_from(&self, withdrawal: &Withdrawal) -> u32 {
        let requested = self.requested.get(&withdrawal.id).copied();
        requested.unwrap_or(withdrawal.height).min(withdrawal.height).saturating_sub(REPLACED)
    }

    /// The withdrawal `id` as it was when it was settled.
    pub fn settled(&self, id: u64) -> Option<&Withdrawal> {
        self.closed.get(&id)
    }

    /// The withdrawals that `payout` pays, in the order of its outputs; `None` when it is not a payout, or none of
    /// them is pending.
    pub fn paid_by(&self, payout: &Transaction, bridge: &Bridge) -> Option<Vec<Withdrawal>> {
        self.named_by(payout, bridge).filter(|batch| self.any_pending(batch))
    }

    /// Whether one of these is pending.
    pub fn any_pending(&self, batch: &[Withdrawal]) -> bool {
        batch.iter().any(|paid| self.pending.contains_key(&paid.id))
    }

    /// The withdrawals `ids`, in this order, if `payout` says that it pays them and all are known. The committee's
    /// chain knows which ones a payout pays. Without it there is [`Self::named_by`], which finds them only while few
    /// withdrawals are alike.
    pub fn told(
        &self,
        payout: &Transaction,
        ids: &[u64],
        bridge: &Bridge,
    ) -> Option<Vec<Withdrawal>> {
        let (_, digest) = data_output(payout)?;
        let same = batch_digest(bridge, ids.iter().copied()).as_slice() == digest;
        ids.iter().map(|id| self.known(*id)).collect::<Option<_>>().filter(|_| same)
    }

    fn known(&self, id: u64) -> Option<Withdrawal> {
        self.pending.get(&id).or_else(|| self.closed.get(&id)).cloned()
    }

    /// The withdrawals that `payout` pays, pending or not, in the order of its outputs; `None` when it is not a payout.
    pub fn named_by(&self, payout: &Transaction, bridge: &Bridge) -> Option<Vec<Withdrawal>> {
        let (data, digest) = data_output(payout)?;
        let outputs = payout.output.get(..data)?;
        if outputs.is_empty() || outputs.len() > MAX_WITHDRAWALS {
            return None;
        }
        let candidates: Vec<Vec<u64>> = outputs
            .iter()
            .map(|output| {
                // Pending ones first: there are few of them.
                let known = self.pending.values().chain(self.closed.values());
                let paid = known.filter(|withdrawal| pays(output, withdrawal));
                paid.map(|withdrawal| withdrawal.id).collect()
            })
            .collect();
        let matches = |ids: &[u64]| batch_digest(bridge, ids.iter().copied()).as_slice() == digest;
        let ids = assign(&candidates, &mut Vec::new(), &mut { MAX_TRIES }, &matches)?;
        ids.iter().map(|id| self.known(*id)).collect()
    }
}

/// The call that settles a payout.
pub fn settle(batch: Vec<Withdrawal>, inclusion: &Inclusion) -> BtcBridge::settleCall {
    BtcBridge::settleCall {
        batch,
        rawTx: inclusion.proof.transaction.clone().into(),
        proof: contract_proof(inclusion),
    }
}

/// Whether a transaction of the committee is a sweep: one that pays no withdrawals says so of none.
pub fn is_sweep(transaction: &Transaction) -> bool {
    data_output(transaction).is_none()
}

/// Where a payout's data output is, and the digest of its withdrawals in it.
fn data_output(payout: &Transaction) -> Option<(usize, &[u8])> {
    let mut scripts = payout.output.iter().map(|output| output.script_pubkey.as_bytes());
    let at = scripts.position(|script| script.starts_with(&DATA_PREFIX))?;
    Some((at, payout.output.get(at)?.script_pubkey.as_bytes().get(6..38)?))
}

/// The call that tells of a payout whose withdrawals are all closed; `id` is one of them, or a
/// [sweep's](bzk_bitcoin::payout::sweep_id).
pub fn confirm(id: u64, inclusion: &Inclusion) -> BtcBridge::confirmCall {
    BtcBridge::confirmCall {
        id,
        rawTx: inclusion.proof.transaction.clone().into(),
        proof: contract_proof(inclusion),
    }
}

fn pays(output: &TxOut, withdrawal: &Withdrawal) -> bool {
    let least = withdrawal.amount.saturating_sub(withdrawal.maxFee);
    output.script_pubkey.as_bytes() == withdrawal.script.as_ref()
        && (least..=withdrawal.amount).contains(&output.value.to_sat())
}

/// One withdrawal for each output, none twice, so that `matches` holds; the lowest ids are tried first.
fn assign(
    candidates: &[Vec<u64>],
    chosen: &mut Vec<u64>,
    tries: &mut u32,
    matches: &impl Fn(&[u64]) -> bool,
) -> Option<Vec<u64>> {
    let Some(next) = candidates.get(chosen.len()) else {
        *tries = tries.saturating_sub(1);
        return matches(chosen).then(|| chosen.clone());
    };
    for id in next {
        if *tries == 0 {
            return None;
        }
        if !chosen.contains(id) {
            chosen.push(*id);
            let found = assign(candidates, chosen, tries, matches);
            chosen.pop();
            if found.is_some() {
                return found;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use bzk_bitcoin::{
        bitcoin::{FeeRate, OutPoint, ScriptBuf},
        payout::{self, Batch, Coin, Limits},
        Payout,
    };
    use bzk_l2_client::{alloy_primitives::Address, contracts::BTC_BRIDGE};

    fn bridge() -> Bridge {
        Bridge { chain_id: 97_304, address: BTC_BRIDGE }
    }

    fn withdrawal(id: u64, script: u8, amount: u64) -> Withdrawal {
        Withdrawal {
            id,
            owner: Address::ZERO,
            amount,
            maxFee: 50_000,
            height: 100,
            script: [&[0x00, 20][..], &[script; 20]].concat().into(),
        }
    }

    fn withdrawals(list: &[Withdrawal]) -> Withdrawals {
        let mut withdrawals = Withdrawals::default();
        list.iter().for_each(|withdrawal| withdrawals.apply(Event::Requested(withdrawal.clone())));
        withdrawals
    }

    fn payout(list: &[Withdrawal], bridge: Bridge) -> Transaction {
        let coin = Coin {
            outpoint: OutPoint::null(),
            sats: 100_000_000,
            output_key: [1; 32],
            root: None,
            spend_by: None,
        };
        let list: Vec<_> = list
            .iter()
            .map(|withdrawal| payout::Withdrawal {
                id: withdrawal.id,
                script: ScriptBuf::from(withdrawal.script.to_vec()),
                sats: withdrawal.amount,
                max_fee_sats: withdrawal.maxFee,
            })
            .collect();
        let batch = Batch {
            bridge,
            withdrawals: &list,
            anchor: Default::default(),
            change_key: [1; 32],
            sweep_before: 0,
        };
        let rate = FeeRate::from_sat_per_vb_u32(5);
        Payout::plan(&[coin], &batch, rate, &Limits::default()).unwrap().version(rate).unwrap()
    }

    #[test]
    fn payout_names_the_withdrawals_that_it_pays() {
        let all: Vec<_> = (0..9).map(|id| withdrawal(id, id as u8, 100_000)).collect();
        let known = withdrawals(&all);
        let paid = [all[7].clone(), all[2].clone(), all[4].clone()];
        assert_eq!(known.paid_by(&payout(&paid, bridge()), &bridge()), Some(paid.to_vec()));
    }

    #[test]
    fn equal_withdrawals_are_told_apart_by_the_digest() {
        // Ten times the same amount to the same address; the older half was paid.
        let all: Vec<_> = (0..10).map(|id| withdrawal(id, 1, 100_000)).collect();
        let known = withdrawals(&all);
        let older = payout(&all[..5], bridge());
        assert_eq!(known.paid_by(&older, &bridge()), Some(all[..5].to_vec()));
        let two = [all[3].clone(), all[8].clone()];
        assert_eq!(known.paid_by(&payout(&two, bridge()), &bridge()), Some(two.to_vec()));
    }

    /// Somebody asks for many alike, of which a payout pays some in any order: no search finds them, and all who share
    /// that payout would be given back what they were paid.
    #[test]
    fn attack_withdrawals_that_are_alike_in_any_order() {
        let all: Vec<_> = (0..40).map(|id| withdrawal(id, 1, 100_000)).collect();
        let known = withdrawals(&all);
        let paid: Vec<_> = (0..20).rev().map(|at| all[(at * 2 + 1) as usize].clone()).collect();
        let shared = payout(&paid, bridge());
        assert_eq!(known.paid_by(&shared, &bridge()), None);
        let ids: Vec<u64> = paid.iter().map(|paid| paid.id).collect();
        assert_eq!(known.told(&shared, &ids, &bridge()), Some(paid));
        assert_eq!(known.told(&shared, &ids[1..], &bridge()), None);
        assert_eq!(Withdrawals::default().told(&shared, &ids, &bridge()), None);
        assert!(!is_sweep(&shared));
        let sweep = Transaction { output: shared.output[21..].to_vec(), ..shared };
        assert!(is_sweep(&sweep));
    }

    #[test]
    fn attack_double_settlement() {
        let all = [withdrawal(1, 1, 100_000), withdrawal(2, 2, 100_000)];
        let mut known = withdrawals(&all);
        let both = payout(&all, bridge());
        known.apply(Event::Settled { id: 1 });
        // The other one is still to be settled by it.
        assert_eq!(known.paid_by(&both, &bridge()), Some(all.to_vec()));
        known.apply(Event::Settled { id: 2 });
        assert_eq!(known.paid_by(&both, &bridge()), None);
        assert_eq!(known.named_by(&both, &bridge()), Some(all.to_vec()));
        // An old log read again does not bring it back; a reorganisation does.
        known.apply(Event::Requested(all[0].clone()));
        assert_eq!(known.pending().count(), 0);
        known.apply(Event::Reopened { id: 1, height: 120 });
        let paid = known.paid_by(&both, &bridge()).unwrap();
        assert_eq!((paid[0].height, paid[1].height), (120, 100));
        // Whoever has reopened it so late does not keep the payout from being found where it was mined meanwhile.
        assert_eq!(known.paid_from(&paid[0]), 100 - REPLACED);
        known.apply(Event::Unlocked { id: 1 });
        assert_eq!(known.paid_by(&both, &bridge()), None);
    }

    /// The owner of one withdrawal settles it by a payment of his own; the others of the batch are settled all the
    /// same.
    #[test]
    fn attack_withdrawal_out_of_its_batch() {
        let all: Vec<_> = (0..3).map(|id| withdrawal(id, id as u8, 100_000)).collect();
        let mut known = withdrawals(&all);
        let batch = payout(&all, bridge());
        known.apply(Event::Settled { id: 1 });
        known.apply(Event::Unlocked { id: 2 });
        assert_eq!(known.paid_by(&batch, &bridge()), Some(all.clone()));
    }

    #[test]
    fn attack_payment_that_only_looks_like_a_payout() {
        let all = [withdrawal(1, 1, 100_000)];
        let known = withdrawals(&all);
        // For another chain, with too little paid, without data.
        let other = Bridge { chain_id: 1, ..bridge() };
        assert_eq!(known.paid_by(&payout(&all, other), &bridge()), None);
        let mut little = payout(&all, bridge());
        little.output[0].value = bzk_bitcoin::bitcoin::Amount::from_sat(49_999);
        assert_eq!(known.paid_by(&little, &bridge()), None);
        let mut bare = payout(&all, bridge());
        bare.output.remove(1);
        assert_eq!(known.paid_by(&bare, &bridge()), None);
    }

    /// Many equal withdrawals and a digest that matches none must not cost more than the limit.
    #[test]
    fn attack_endless_assignment() {
        let all: Vec<_> = (0..200).map(|id| withdrawal(id, 1, 100_000)).collect();
        let known = withdrawals(&all);
        let mut forged = payout(&all[..100], bridge());
        forged.output[100].script_pubkey = ScriptBuf::from([&DATA_PREFIX[..], &[0; 64]].concat());
        assert_eq!(known.paid_by(&forged, &bridge()), None);
    }
}
