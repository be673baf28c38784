//! Logs of the EVM for other pallets.

use crate::ChainHead;
use sp_core::{H160, H256};

/// Hears every log of every Ethereum block, in order, when the block is closed.
///
/// It runs in `on_finalize`, after all weight has been spent, and the sender paid only Ethereum's
/// gas for it (375 and more per log). So compare the address first, and queue what is dear.
pub trait OnLogs {
    /// A log of `block`. Logs of reverted transactions never come here.
    fn on_log(block: &ChainHead, address: H160, topics: &[H256], data: &[u8]);
}

frame_support::impl_for_tuples_attr! {
    impl OnLogs for Tuple {
        fn on_log(block: &ChainHead, address: H160, topics: &[H256], data: &[u8]) {
            for_tuples!( #( Tuple::on_log(block, address, topics, data); )* );
        }
    }
}
