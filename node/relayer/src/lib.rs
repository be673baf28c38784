//! # The relayer
//! Brings Bitcoin's headers, proofs of deposits and proofs of payouts to the bridge contract. It holds no secret but
//! the key that pays its gas, and nothing depends on one relayer: what it sends is judged by the contract before it
//! is sent, so several at once do each other no harm.

pub mod back_end;
pub mod check_headers;
pub mod claims;
pub mod delivery;
pub mod depths;
mod header_file;
pub mod headers;
pub mod line;
pub mod refusals;
pub mod relayer;
pub mod run;
pub mod settlements;

use bzk_bitcoin::bitcoin::consensus::serialize;
use bzk_bitcoin_client::Inclusion;
use bzk_l2_client::contracts::TxProof;

/// A proof in the form of the contract.
pub(crate) fn contract_proof(inclusion: &Inclusion) -> TxProof {
    let path = |siblings: &[[u8; 32]]| siblings.iter().map(|hash| (*hash).into()).collect();
    TxProof {
        height: inclusion.height,
        header: serialize(&inclusion.header).into(),
        index: inclusion.proof.path.position,
        path: path(&inclusion.proof.path.siblings),
        coinbase: inclusion.proof.coinbase.clone().into(),
        coinbasePath: path(&inclusion.proof.coinbase_siblings),
    }
}
