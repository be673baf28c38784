//! `bzk_blockWitness`: what a prover needs to execute a block again. [`bzk_witness`] makes it;
//! this module connects it to the chain.

use crate::{
    chain::Chain,
    context::EthContext,
    error::{self, RpcResult},
    gate::Gate,
    state::StateView,
    types::B256,
};
use alloy_consensus::Header;
use alloy_eips::BlockId;
use async_trait::async_trait;
use bzk_witness::{BlockInput, BlockWitness, WitnessError};
use jsonrpsee::{core::RegisterMethodError, proc_macros::rpc, types::ErrorObjectOwned, Methods};

/// Blocks before it that a block sees through BLOCKHASH.
const HASH_WINDOW: u64 = 256;

/// For provers.
#[rpc(server, namespace = "bzk")]
pub trait WitnessApi {
    /// Trie nodes, codes, and what each transaction did: all that is needed to execute the block
    /// again and to prove it. The parent's state must not be pruned.
    #[method(name = "blockWitness")]
    async fn block_witness(&self, block: BlockId) -> RpcResult<BlockWitness>;
}

struct Witnesses {
    chain: Chain,
    // One at a time: a witness takes as long as executing the block, and its memory. Others wait, so that whoever asks
    // without end does not keep a prover from its turn.
    gate: Gate,
}

#[async_trait]
impl WitnessApiServer for Witnesses {
    async fn block_witness(&self, block: BlockId) -> RpcResult<BlockWitness> {
        let chain = self.chain.clone();
        self.gate.run(move || witness(&chain, block)).await
    }
}

fn witness(chain: &Chain, block: BlockId) -> RpcResult<BlockWitness> {
    let record = chain.record(&chain.resolve_or_err(block)?)?;
    let header = &record.block.header;
    if header.number == 0 {
        return Err(error::server("genesis has no witness: nothing executed"));
    }
    let parent = chain.resolve_or_err(BlockId::hash(header.parent_hash))?;
    let state = chain.state(&parent)?;
    let block_hashes = block_hashes(&state, header)?;
    let input = BlockInput {
        block: &record.block,
        senders: &record.senders,
        chain_id: state.chain_id(),
        parent_state_root: state.root()?,
        block_hashes: &block_hashes,
    };
    bzk_witness::build(&state, input).map_err(refusal)
}

/// What BLOCKHASH sees in the block of `header`, oldest first.
fn block_hashes(state: &StateView, header: &Header) -> RpcResult<Vec<B256>> {
    let window = header.number.saturating_sub(HASH_WINDOW)..header.number;
    let mut hashes =
        window.map(|number| state.block_hash(number)).collect::<Result<Vec<_>, _>>()?;
    if let Some(last) = hashes.last_mut() {
        *last = header.parent_hash;
    }
    Ok(hashes)
}

fn refusal(error: WitnessError) -> ErrorObjectOwned {
    match error {
        WitnessError::TooLarge { .. } => error::limit_exceeded(error),
        _ => error::internal(error),
    }
}

/// The methods of this module.
pub(crate) fn methods(ctx: &EthContext) -> Result<Methods, RegisterMethodError> {
    let witnesses = Witnesses { chain: ctx.chain.clone(), gate: Gate::new(1) };
    Ok(witnesses.into_rpc().into())
}
