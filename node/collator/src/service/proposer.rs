//! Fills blocks from the pool and leaves time to close them.

use super::{Block, FullClient};
use bzk_eth_rpc::pool::AuthorPool;
use futures::{future::MapOk, TryFutureExt};
use sc_basic_authorship::ProposerFactory;
use sp_consensus::{Environment, ProposeArgs, Proposer};

/// The share of the time for a proposal after which no more transactions go in. Substrate leaves
/// a tenth for what follows, but here the close is long: the Ethereum state trie, the block's
/// roots, Substrate's state root. A proposal that comes too late is lost with all its work.
const FILLING_SHARE: f32 = 0.75;

type Factory = ProposerFactory<AuthorPool, FullClient>;
type Inner = <Factory as Environment<Block>>::Proposer;

/// Makes proposers that are done in time.
pub(crate) struct TimelyFactory(Factory);

/// Proposes one block.
pub(crate) struct TimelyProposer(Inner);

impl TimelyFactory {
    /// Makes the proposers of `factory` stop filling earlier.
    pub(crate) fn new(factory: Factory) -> Self {
        Self(factory)
    }
}

impl Environment<Block> for TimelyFactory {
    type Proposer = TimelyProposer;
    type CreateProposer =
        MapOk<<Factory as Environment<Block>>::CreateProposer, fn(Inner) -> TimelyProposer>;
    type Error = <Factory as Environment<Block>>::Error;

    fn init(
        &mut self,
        parent: &<Block as sp_runtime::traits::Block>::Header,
    ) -> Self::CreateProposer {
        self.0.init(parent).map_ok(TimelyProposer as fn(Inner) -> TimelyProposer)
    }
}

impl Proposer<Block> for TimelyProposer {
    type Error = <Inner as Proposer<Block>>::Error;
    type Proposal = <Inner as Proposer<Block>>::Proposal;

    fn propose(self, mut args: ProposeArgs<Block>) -> Self::Proposal {
        args.max_duration = args.max_duration.mul_f32(FILLING_SHARE);
        self.0.propose(args)
    }
}
