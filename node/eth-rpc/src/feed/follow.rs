//! Turns moves of the best chain into what happened to Ethereum blocks.

use crate::{
    chain::{BlockRef, Chain},
    error::{internal, RpcResult},
    types::{Block, Hash},
};
use futures::{stream, Stream, StreamExt};
use sc_client_api::{BlockchainEvents, HeaderBackend, ImportNotifications};
use sp_blockchain::{HashAndNumber, TreeRoute};

/// One step of the canonical Ethereum chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainEvent {
    /// The block left the canonical chain.
    Reverted(BlockRef),
    /// The block is canonical and readable.
    Applied(BlockRef),
}

/// The steps along `route`: blocks that leave, newest first, then blocks that come, oldest first.
///
/// `closed_in` tells which Ethereum block a Substrate block closed; most close none. A block that
/// both branches closed with the same hash neither leaves nor comes: to Ethereum nothing happened.
pub(super) fn events(
    route: &TreeRoute<Block>,
    mut closed_in: impl FnMut(Hash) -> RpcResult<Option<BlockRef>>,
) -> RpcResult<Vec<ChainEvent>> {
    let mut collect = |side: &[HashAndNumber<Block>]| -> RpcResult<Vec<BlockRef>> {
        side.iter().filter_map(|block| closed_in(block.hash).transpose()).collect()
    };
    let mut reverted = collect(route.retracted())?;
    let applied = collect(route.enacted())?;
    let mut same = 0;
    while let (Some(old), Some(new)) = (reverted.last(), applied.get(same)) {
        if old.hash != new.hash {
            break;
        }
        reverted.pop();
        same += 1;
    }
    let reverted = reverted.into_iter().map(ChainEvent::Reverted);
    Ok(reverted.chain(applied.into_iter().skip(same).map(ChainEvent::Applied)).collect())
}

/// Follows the client's best chain from one known block to the next.
///
/// It keeps its own last block instead of trusting the route in a notification: whatever was
/// missed in between (blocks of the initial sync, a head moved by finality) is in the next route.
pub(crate) struct Follower {
    chain: Chain,
    best: Hash,
}

impl Follower {
    /// Begins at the present best block.
    pub(crate) fn new(chain: Chain) -> Self {
        let best = chain.client().info().best_hash;
        Self { chain, best }
    }

    /// When to look again: with each of `imported`, and with each final block, because a head that
    /// finality moves is not among the imported.
    pub(crate) fn moves(&self, imported: ImportNotifications<Block>) -> impl Stream<Item = ()> {
        let finalized = self.chain.client().finality_notification_stream();
        stream::select(imported.map(drop), finalized.map(drop))
    }

    /// The steps from the last known best block to the present one.
    ///
    /// None across a hole in the chain, as a warp sync leaves it: what is in it this node does not
    /// know. An error moves on to the present block too, so that one unreadable block does not stop
    /// the feed.
    pub(crate) fn advance(&mut self) -> RpcResult<Vec<ChainEvent>> {
        let best = self.chain.client().info().best_hash;
        let old = std::mem::replace(&mut self.best, best);
        if old == best {
            return Ok(Vec::new());
        }
        let route = sp_blockchain::tree_route(&**self.chain.client(), old, best);
        match known(route)? {
            Some(route) => events(&route, |at| self.chain.closed_in(at)),
            None => {
                tracing::info!(target: "eth-rpc", ?old, ?best, "blocks between are not here: goes on after");
                Ok(Vec::new())
            }
        }
    }
}

/// The route, if there is no hole on it.
fn known<R>(route: sp_blockchain::Result<R>) -> RpcResult<Option<R>> {
    match route {
        Ok(route) => Ok(Some(route)),
        Err(sp_blockchain::Error::UnknownBlock(_)) => Ok(None),
        Err(error) => Err(internal(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::B256;
    use ChainEvent::{Applied, Reverted};

    fn at(id: u8) -> Hash {
        Hash::repeat_byte(id)
    }

    /// The Ethereum block that the Substrate block `id` closed in these tests.
    fn eth(id: u8, number: u64) -> BlockRef {
        BlockRef { number, hash: B256::repeat_byte(id), at: at(id) }
    }

    /// A route that leaves `retracted` (newest first), and enters `enacted` (oldest first).
    fn route(retracted: &[u8], enacted: &[u8]) -> TreeRoute<Block> {
        let ids = retracted.iter().chain(&[0]).chain(enacted);
        let blocks =
            ids.map(|id| HashAndNumber { number: u32::from(*id), hash: at(*id) }).collect();
        TreeRoute::new(blocks, retracted.len()).unwrap()
    }

    fn run(route: &TreeRoute<Block>, closed: &[(u8, BlockRef)]) -> Vec<ChainEvent> {
        let find = |hash| closed.iter().find(|(id, _)| at(*id) == hash).map(|(_, block)| *block);
        events(route, |hash| Ok(find(hash))).unwrap()
    }

    #[test]
    fn extension_applies_in_order_and_skips_blocks_without_ethereum_block() {
        let closed = [(1, eth(1, 7)), (4, eth(4, 8))];
        let got = run(&route(&[], &[1, 2, 3, 4]), &closed);
        assert_eq!(got, [Applied(eth(1, 7)), Applied(eth(4, 8))]);
    }

    #[test]
    fn reorg_reverts_newest_first_then_applies_oldest_first() {
        let closed =
            [(3, eth(3, 9)), (1, eth(1, 8)), (4, eth(4, 8)), (5, eth(5, 9)), (6, eth(6, 10))];
        let got = run(&route(&[3, 2, 1], &[4, 5, 6]), &closed);
        let expected = [
            Reverted(eth(3, 9)),
            Reverted(eth(1, 8)),
            Applied(eth(4, 8)),
            Applied(eth(5, 9)),
            Applied(eth(6, 10)),
        ];
        assert_eq!(got, expected);
    }

    #[test]
    fn step_back_only_reverts() {
        let closed = [(2, eth(2, 9)), (1, eth(1, 8))];
        let got = run(&route(&[2, 1], &[]), &closed);
        assert_eq!(got, [Reverted(eth(2, 9)), Reverted(eth(1, 8))]);
    }

    #[test]
    fn branches_without_ethereum_blocks_give_nothing() {
        assert!(run(&route(&[2, 1], &[3, 4, 5]), &[]).is_empty());
    }

    #[test]
    fn same_ethereum_block_on_both_branches_is_no_event() {
        // Blocks 1 and 4 closed the identical Ethereum block; 2 and 5 differ.
        let moved = BlockRef { at: at(4), ..eth(1, 8) };
        let closed = [(2, eth(2, 9)), (1, eth(1, 8)), (4, moved), (5, eth(5, 9))];
        let got = run(&route(&[2, 1], &[4, 5]), &closed);
        assert_eq!(got, [Reverted(eth(2, 9)), Applied(eth(5, 9))]);
    }

    #[test]
    fn same_block_above_a_different_one_is_still_replayed() {
        // Only a common beginning may be dropped, or the order of numbers would break.
        let again = BlockRef { at: at(5), ..eth(2, 9) };
        let closed = [(2, eth(2, 9)), (1, eth(1, 8)), (4, eth(4, 8)), (5, again)];
        let got = run(&route(&[2, 1], &[4, 5]), &closed);
        let expected =
            [Reverted(eth(2, 9)), Reverted(eth(1, 8)), Applied(eth(4, 8)), Applied(again)];
        assert_eq!(got, expected);
    }

    #[test]
    fn hole_of_a_warp_sync_is_no_error_and_other_failures_are() {
        assert_eq!(known(Ok(7)).unwrap(), Some(7));
        let hole = sp_blockchain::Error::UnknownBlock("header not found in db".into());
        assert_eq!(known::<u8>(Err(hole)).unwrap(), None);
        assert!(known::<u8>(Err(sp_blockchain::Error::Backend("damaged".into()))).is_err());
    }

    #[test]
    fn unreadable_block_is_an_error_and_not_a_gap() {
        let got = events(&route(&[], &[1]), |_| Err(crate::error::internal("damaged")));
        assert!(got.is_err());
    }
}
