//! `bzk_finality`: how final a transaction is.

use crate::{
    chain::{BlockRef, Chain},
    context::EthContext,
    error::RpcResult,
    pool::PoolView,
    types::{Hash, B256},
};
use jsonrpsee::{core::RegisterMethodError, proc_macros::rpc, Methods};
use serde::Serialize;

/// The steps from a first confirmation to Bitcoin's own security, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// A block of the best chain holds it.
    Sequenced,
    /// GRANDPA has finalised that block: two thirds of the validators would have to cheat.
    Final,
    /// The data availability committee has signed for the batch.
    Available,
    /// A proof of the batch is verified on layer 1.
    Proven,
    /// The proof's layer 1 block is final.
    FinalOnL1,
    /// The state root is committed on Bitcoin.
    AnchoredOnBitcoin,
}

impl Stage {
    /// All stages, weakest first.
    pub const LADDER: [Self; 6] = [
        Self::Sequenced,
        Self::Final,
        Self::Available,
        Self::Proven,
        Self::FinalOnL1,
        Self::AnchoredOnBitcoin,
    ];
}

/// One step and whether the transaction has taken it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The step.
    pub stage: Stage,
    /// Whether it is reached.
    pub reached: bool,
}

/// The answer of `bzk_finality`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finality {
    /// The transaction.
    pub transaction_hash: B256,
    /// Its Ethereum block; `null` while it waits in the pool.
    pub block_hash: Option<B256>,
    /// Number of its Ethereum block; `null` while it waits in the pool.
    #[serde(with = "alloy_serde::quantity::opt")]
    pub block_number: Option<u64>,
    /// The Substrate block that closed it; `null` while it waits in the pool.
    pub substrate_block: Option<Hash>,
    /// The last step reached; `null` while it waits in the pool.
    pub stage: Option<Stage>,
    /// All steps in order.
    pub steps: Vec<Step>,
}

impl Finality {
    fn new(transaction_hash: B256, block: Option<BlockRef>, stage: Option<Stage>) -> Self {
        let place = |stage| Stage::LADDER.iter().position(|step| *step == stage);
        let reached = stage.and_then(place).map_or(0, |place| place + 1);
        let steps = Stage::LADDER.iter().enumerate();
        Self {
            transaction_hash,
            block_hash: block.map(|block| block.hash),
            block_number: block.map(|block| block.number),
            substrate_block: block.map(|block| block.at),
            stage,
            steps: steps.map(|(at, stage)| Step { stage: *stage, reached: at < reached }).collect(),
        }
    }
}

/// BitcoinZK's own methods.
#[rpc(server, namespace = "bzk")]
pub trait FinalityApi {
    /// How final a transaction is; `null` if neither chain nor pool knows it. Steps after `final`
    /// are not reported as reached before batches are settled.
    #[method(name = "finality", blocking)]
    fn finality(&self, hash: B256) -> RpcResult<Option<Finality>>;
}

struct Ladder {
    chain: Chain,
    pool: PoolView,
}

impl FinalityApiServer for Ladder {
    fn finality(&self, hash: B256) -> RpcResult<Option<Finality>> {
        // Finality first: what is final now stays where it is while the rest is read.
        let finalized = self.chain.finalized()?.number;
        if let Some((block, _)) = self.chain.locate(hash)? {
            let is_final = block.number <= finalized;
            let stage = if is_final { Stage::Final } else { Stage::Sequenced };
            return Ok(Some(Finality::new(hash, Some(block), Some(stage))));
        }
        Ok(self.pool.by_hash(hash).map(|_| Finality::new(hash, None, None)))
    }
}

/// The methods of this module.
pub(crate) fn methods(ctx: &EthContext) -> Result<Methods, RegisterMethodError> {
    let ladder = Ladder { chain: ctx.chain.clone(), pool: ctx.pool.clone() };
    Ok(ladder.into_rpc().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(finality: &Finality) -> Vec<Stage> {
        let steps = finality.steps.iter().filter(|step| step.reached);
        steps.map(|step| step.stage).collect()
    }

    #[test]
    fn a_stage_includes_all_before_it() {
        let block = BlockRef { number: 3, hash: B256::repeat_byte(1), at: Hash::repeat_byte(2) };
        let sequenced = Finality::new(B256::ZERO, Some(block), Some(Stage::Sequenced));
        assert_eq!(reached(&sequenced), [Stage::Sequenced]);
        let settled = Finality::new(B256::ZERO, Some(block), Some(Stage::Proven));
        assert_eq!(
            reached(&settled),
            [Stage::Sequenced, Stage::Final, Stage::Available, Stage::Proven]
        );
    }

    #[test]
    fn waiting_transaction_has_reached_nothing() {
        let waiting = Finality::new(B256::ZERO, None, None);
        assert!(reached(&waiting).is_empty());
        let json = serde_json::to_value(&waiting).unwrap();
        assert!(json["stage"].is_null() && json["blockNumber"].is_null());
        assert_eq!(json["steps"][5]["stage"], "anchoredOnBitcoin");
    }
}
