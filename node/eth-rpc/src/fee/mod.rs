//! What to pay: `eth_gasPrice`, `eth_maxPriorityFeePerGas`, `eth_feeHistory`, `eth_blobBaseFee`.

mod history;
mod params;
mod tip;

pub(crate) use params::{BlockCount, Percentiles};
pub(crate) use tip::TipOracle;

use crate::{
    error::{header_not_found, not_supported, server, RpcResult},
    types::{B256, U256},
    EthContext,
};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_rpc_types_eth::FeeHistory;
use history::{BlockFees, Span};
use jsonrpsee::{
    core::{async_trait, RegisterMethodError},
    proc_macros::rpc,
    Methods,
};
use parking_lot::Mutex;
use schnellru::{ByLength, LruMap};
use std::{sync::Arc, time::Instant};

/// Blocks whose fees are remembered, for each list of percentiles that clients use.
const REMEMBERED: u32 = 4_096;

/// Fees of transactions.
#[rpc(server)]
pub trait FeeApi {
    /// A gas price for a transaction without a tip of its own, in wei.
    #[method(name = "eth_gasPrice", blocking)]
    fn gas_price(&self) -> RpcResult<U256>;

    /// A tip that gets a transaction into one of the next blocks, in wei per gas.
    #[method(name = "eth_maxPriorityFeePerGas", blocking)]
    fn max_priority_fee_per_gas(&self) -> RpcResult<U256>;

    /// Base fees, fullness and tips of `block_count` blocks up to `newest_block`.
    #[method(name = "eth_feeHistory")]
    async fn fee_history(
        &self,
        block_count: BlockCount,
        newest_block: BlockNumberOrTag,
        reward_percentiles: Option<Percentiles>,
    ) -> RpcResult<FeeHistory>;

    /// Always an error: there are no blobs, so blob gas has no price.
    #[method(name = "eth_blobBaseFee")]
    fn blob_base_fee(&self) -> RpcResult<U256>;
}

type Remembered = LruMap<(B256, Vec<u64>), BlockFees>;

#[derive(Clone)]
struct Fees {
    ctx: EthContext,
    remembered: Arc<Mutex<Remembered>>,
}

impl Fees {
    fn of_block(&self, number: u64, percentiles: &[f64]) -> RpcResult<BlockFees> {
        let block = self.ctx.chain.block_by_number(number)?.ok_or_else(header_not_found)?;
        let key = (block.hash, percentiles.iter().map(|value| value.to_bits()).collect());
        if let Some(fees) = self.remembered.lock().get(&key) {
            return Ok(fees.clone());
        }
        let record = self.ctx.chain.record(&block)?;
        let fees = BlockFees::of(&record, percentiles);
        self.remembered.lock().insert(key, fees.clone());
        Ok(fees)
    }

    /// The number of the newest block that exists, and whether the pending one follows.
    fn newest(&self, wanted: BlockNumberOrTag) -> RpcResult<(u64, bool)> {
        let head = self.ctx.chain.head()?.number;
        match wanted {
            BlockNumberOrTag::Pending => Ok((head, true)),
            BlockNumberOrTag::Number(number) if number > head => Err(server(format_args!(
                "request beyond head block: requested {number}, head {head}"
            ))),
            tag => Ok((self.ctx.chain.resolve_or_err(BlockId::Number(tag))?.number, false)),
        }
    }

    fn history(
        &self,
        count: u64,
        newest_block: BlockNumberOrTag,
        percentiles: &[f64],
    ) -> RpcResult<FeeHistory> {
        let (newest, pending) = self.newest(newest_block)?;
        let Some(span) = Span::new(newest, count, pending) else {
            return Ok(FeeHistory::default());
        };
        let (started, most) = (Instant::now(), self.ctx.limits.fee_history_time);
        let mut blocks = Vec::new();
        for number in span.oldest..span.oldest.saturating_add(span.count) {
            history::check_time(started.elapsed(), most, blocks.len())?;
            blocks.push(self.of_block(number, percentiles)?);
        }
        if span.pending {
            let chain = &self.ctx.chain;
            let head = chain.block_by_number(newest)?.ok_or_else(header_not_found)?;
            let head = chain.record(&head)?;
            blocks.push(BlockFees::pending(&head.block.header, percentiles));
        }
        Ok(history::assemble(span.oldest, blocks, !percentiles.is_empty()))
    }
}

#[async_trait]
impl FeeApiServer for Fees {
    fn gas_price(&self) -> RpcResult<U256> {
        let chain = &self.ctx.chain;
        let tip = self.ctx.live.tips().suggest(chain)?;
        let head = chain.record(&chain.head()?)?;
        let base_fee = head.block.header.base_fee_per_gas.unwrap_or_default();
        Ok(U256::from(tip.saturating_add(u128::from(base_fee))))
    }

    fn max_priority_fee_per_gas(&self) -> RpcResult<U256> {
        Ok(U256::from(self.ctx.live.tips().suggest(&self.ctx.chain)?))
    }

    async fn fee_history(
        &self,
        block_count: BlockCount,
        newest_block: BlockNumberOrTag,
        reward_percentiles: Option<Percentiles>,
    ) -> RpcResult<FeeHistory> {
        let limits = &self.ctx.limits;
        let percentiles = reward_percentiles.map(|list| list.0).unwrap_or_default();
        history::check_percentiles(&percentiles, limits.fee_history_percentiles)?;
        let count = block_count.0.min(limits.fee_history_blocks);
        let fees = self.clone();
        self.ctx.live.queries().run(move || fees.history(count, newest_block, &percentiles)).await
    }

    fn blob_base_fee(&self) -> RpcResult<U256> {
        Err(not_supported(
            "eth_blobBaseFee is not available: this chain has no blob transactions (EIP-4844)",
        ))
    }
}

/// The methods of this module.
pub(crate) fn methods(ctx: &EthContext) -> Result<Methods, RegisterMethodError> {
    let remembered = Arc::new(Mutex::new(LruMap::new(ByLength::new(REMEMBERED))));
    Ok(Fees { ctx: ctx.clone(), remembered }.into_rpc().into())
}
