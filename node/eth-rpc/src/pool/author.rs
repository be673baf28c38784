//! The pool as the author of blocks sees it.

use super::{
    held::Held,
    thrift::{self, Thrifty},
    PoolView,
};
use crate::{
    metrics::AuthorMetrics,
    types::{Block, FullPool, Hash},
};
use async_trait::async_trait;
use bzk_evm::tx::TxError;
use sc_transaction_pool_api::{
    ImportNotificationStream, InPoolTransaction, PoolStatus, ReadyTransactions, TransactionPool,
    TransactionSource, TransactionStatusStreamFor, TxInvalidityReportMap,
};
use sp_runtime::{transaction_validity::TransactionValidityError, OpaqueExtrinsic};
use std::{
    collections::HashMap,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};
use substrate_prometheus_endpoint::Registry;
use tokio::{runtime::Handle, task};

/// The pool's transaction.
type Pooled = <FullPool as TransactionPool>::InPoolTransaction;

type PoolError = <FullPool as TransactionPool>::Error;

type Ready = Box<dyn ReadyTransactions<Item = Arc<Pooled>> + Send>;

/// The pool of a node, of which an author takes the transactions for a block.
///
/// That no block can hold a transaction comes out only as it runs, for up to a tenth of a second, and then it pays
/// nothing. So its sender is held back for five minutes, and each block has a bound on such time, from however many
/// senders.
///
/// The author does not wait for the removal of what turned out to be invalid: the pool applies what it has revalidated
/// under the same lock, which takes a second where it holds 15,000 transactions, and the block would come too late.
/// All else is the pool's.
#[derive(Clone)]
pub struct AuthorPool {
    pool: Arc<FullPool>,
    held: Arc<Held>,
    metrics: Option<AuthorMetrics>,
}

impl AuthorPool {
    /// The pool of `view`, which refuses the transactions of senders that are held back.
    pub fn new(view: &PoolView, registry: Option<&Registry>) -> Self {
        let (pool, held) = (view.0.pool.clone(), view.0.held.clone());
        Self { pool, held, metrics: AuthorMetrics::new(registry) }
    }

    fn thrifty(&self, ready: Ready) -> Ready {
        Box::new(Thrifty::new(ready, self.held.clone(), self.metrics.clone()))
    }

    /// Removes invalid transactions, and holds back the senders of those that no block can hold.
    async fn remove(self, at: Option<Hash>, invalid: TxInvalidityReportMap<Hash>) {
        for (hash, error) in &invalid {
            if error.as_ref().is_some_and(is_unprovable) {
                self.hold(hash);
            }
        }
        self.pool.report_invalid(at, invalid).await;
    }

    /// Holds back the sender of the pool's transaction `hash`, which could be in no block.
    fn hold(&self, hash: &Hash) {
        let tx = self.pool.ready_transaction(hash);
        let Some(sender) = tx.and_then(|tx| thrift::sender(tx.provides())) else { return };
        tracing::debug!(target: "eth-rpc", ?sender, "no block can hold its transaction: held back");
        self.held.hold(sender, Instant::now());
        if let Some(metrics) = &self.metrics {
            metrics.unprovable();
        }
    }
}

/// Whether the transaction that was refused with `error` is dearer to prove than a whole block may be.
fn is_unprovable(error: &TransactionValidityError) -> bool {
    match error {
        TransactionValidityError::Invalid(invalid) => {
            pallet_ethereum::tx_error(*invalid) == Some(TxError::CyclesExceedBlock)
        }
        TransactionValidityError::Unknown(_) => false,
    }
}

#[async_trait]
impl TransactionPool for AuthorPool {
    type Block = Block;
    type Hash = Hash;
    type InPoolTransaction = Pooled;
    type Error = PoolError;

    async fn submit_at(
        &self,
        at: Hash,
        source: TransactionSource,
        xts: Vec<OpaqueExtrinsic>,
    ) -> Result<Vec<Result<Hash, PoolError>>, PoolError> {
        self.pool.submit_at(at, source, xts).await
    }

    async fn submit_one(
        &self,
        at: Hash,
        source: TransactionSource,
        xt: OpaqueExtrinsic,
    ) -> Result<Hash, PoolError> {
        self.pool.submit_one(at, source, xt).await
    }

    async fn submit_and_watch(
        &self,
        at: Hash,
        source: TransactionSource,
        xt: OpaqueExtrinsic,
    ) -> Result<Pin<Box<TransactionStatusStreamFor<Self>>>, PoolError> {
        self.pool.submit_and_watch(at, source, xt).await
    }

    async fn ready_at(&self, at: Hash) -> Ready {
        self.thrifty(self.pool.ready_at(at).await)
    }

    fn ready(&self) -> Ready {
        self.thrifty(self.pool.ready())
    }

    async fn ready_at_with_timeout(&self, at: Hash, timeout: Duration) -> Ready {
        self.thrifty(self.pool.ready_at_with_timeout(at, timeout).await)
    }

    /// Removes them later; gives none.
    async fn report_invalid(
        &self,
        at: Option<Hash>,
        invalid_tx_errors: TxInvalidityReportMap<Hash>,
    ) -> Vec<Arc<Pooled>> {
        if !invalid_tx_errors.is_empty() {
            let remove = self.clone().remove(at, invalid_tx_errors);
            task::spawn_blocking(|| Handle::current().block_on(remove));
        }
        Vec::new()
    }

    fn futures(&self) -> Vec<Pooled> {
        self.pool.futures()
    }

    fn status(&self) -> PoolStatus {
        self.pool.status()
    }

    fn import_notification_stream(&self) -> ImportNotificationStream<Hash> {
        self.pool.import_notification_stream()
    }

    fn on_broadcasted(&self, propagations: HashMap<Hash, Vec<String>>) {
        self.pool.on_broadcasted(propagations);
    }

    fn hash_of(&self, xt: &OpaqueExtrinsic) -> Hash {
        self.pool.hash_of(xt)
    }

    fn ready_transaction(&self, hash: &Hash) -> Option<Arc<Pooled>> {
        self.pool.ready_transaction(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sp_runtime::transaction_validity::{InvalidTransaction, UnknownTransaction};

    #[test]
    fn only_what_no_block_can_hold_is_unprovable() {
        let refused = |error| TransactionValidityError::Invalid(pallet_ethereum::invalid(error));
        assert!(is_unprovable(&refused(TxError::CyclesExceedBlock)));
        for error in TxError::ALL.iter().filter(|error| **error != TxError::CyclesExceedBlock) {
            assert!(!is_unprovable(&refused(*error)), "{error}");
        }
        assert!(!is_unprovable(&InvalidTransaction::ExhaustsResources.into()));
        assert!(!is_unprovable(&UnknownTransaction::CannotLookup.into()));
    }
}
