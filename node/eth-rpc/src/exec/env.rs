//! The block that a call at `pending` believes to be in.

use crate::{error::RpcResult, state::StateView};
use alloy_consensus::Header;
use bzk_evm::execute::BlockEnvironment;
use std::time::{SystemTime, UNIX_EPOCH};

/// The block after `head`, as far as it is known: who makes it and its randomness are not.
pub(crate) fn pending(head: &Header, state: &StateView) -> RpcResult<BlockEnvironment> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let parent = BlockEnvironment::of(head, state.chain_id());
    Ok(BlockEnvironment {
        number: parent.number.saturating_add(1),
        timestamp_s: now.max(parent.timestamp_s.saturating_add(1)),
        gas_limit: state.block_gas_limit()?,
        base_fee: state.next_base_fee()?,
        ..parent
    })
}
