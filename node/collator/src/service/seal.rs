//! Shows BABE the headers as their authors signed them.
//!
//! BABE compares the headers of a slot and reports an author that made two; the chain punishes it by the two
//! signatures. The parameters of an import carry a signature beside its header, and `sc-consensus-babe` 0.60 puts the
//! header alone into the report: the runtime refuses each of them (`InvalidEquivocationProof`), and nobody is slashed.
//! So [`Sealed`] goes around BABE and puts the seal into the header; [`Unsealed`] goes below it and takes the seal out
//! again, because a block is executed without.

use super::Block;
use sc_consensus::{BlockCheckParams, BlockImport, BlockImportParams, ImportResult};
use sp_runtime::{traits::Header as _, DigestItem};

/// Imports blocks with the seal at the end of the header.
#[derive(Clone)]
pub(crate) struct Sealed<I>(pub(crate) I);

/// Imports blocks with the seal beside the header, as authors and the queue hand them in.
#[derive(Clone)]
pub(crate) struct Unsealed<I>(pub(crate) I);

#[async_trait::async_trait]
impl<I: BlockImport<Block> + Send + Sync> BlockImport<Block> for Sealed<I> {
    type Error = I::Error;

    async fn check_block(
        &self,
        block: BlockCheckParams<Block>,
    ) -> Result<ImportResult, Self::Error> {
        self.0.check_block(block).await
    }

    async fn import_block(
        &self,
        mut params: BlockImportParams<Block>,
    ) -> Result<ImportResult, Self::Error> {
        params.header.digest_mut().logs.append(&mut params.post_digests);
        self.0.import_block(params).await
    }
}

#[async_trait::async_trait]
impl<I: BlockImport<Block> + Send + Sync> BlockImport<Block> for Unsealed<I> {
    type Error = I::Error;

    async fn check_block(
        &self,
        block: BlockCheckParams<Block>,
    ) -> Result<ImportResult, Self::Error> {
        self.0.check_block(block).await
    }

    async fn import_block(
        &self,
        mut params: BlockImportParams<Block>,
    ) -> Result<ImportResult, Self::Error> {
        if let Some(DigestItem::Seal(..)) = params.header.digest().logs.last() {
            params.post_digests.extend(params.header.digest_mut().pop());
        }
        self.0.import_block(params).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitcoinzk_runtime::Header;
    use parking_lot::Mutex;
    use sp_consensus::{BlockOrigin, Error};
    use sp_runtime::Digest;
    use std::sync::Arc;

    /// Passes everything on and remembers what it saw last: digest, seals beside it, hash of the block.
    #[derive(Clone)]
    struct Probe<I>(Arc<Mutex<Vec<Seen>>>, I);

    type Seen = (Vec<DigestItem>, Vec<DigestItem>, sp_core::H256);

    struct End;

    #[async_trait::async_trait]
    impl BlockImport<Block> for End {
        type Error = Error;

        async fn check_block(&self, _: BlockCheckParams<Block>) -> Result<ImportResult, Error> {
            Ok(ImportResult::AlreadyInChain)
        }

        async fn import_block(&self, _: BlockImportParams<Block>) -> Result<ImportResult, Error> {
            Ok(ImportResult::AlreadyInChain)
        }
    }

    #[async_trait::async_trait]
    impl<I: BlockImport<Block> + Send + Sync> BlockImport<Block> for Probe<I> {
        type Error = I::Error;

        async fn check_block(
            &self,
            block: BlockCheckParams<Block>,
        ) -> Result<ImportResult, I::Error> {
            self.1.check_block(block).await
        }

        async fn import_block(
            &self,
            params: BlockImportParams<Block>,
        ) -> Result<ImportResult, I::Error> {
            let logs = params.header.digest().logs.clone();
            self.0.lock().push((logs, params.post_digests.clone(), params.post_hash()));
            self.1.import_block(params).await
        }
    }

    #[test]
    fn the_seal_is_in_the_header_between_the_two_and_beside_it_below() {
        let claim = DigestItem::PreRuntime(*b"BABE", vec![1]);
        let seal = DigestItem::Seal(*b"BABE", vec![2; 64]);
        let none = sp_core::H256::zero();
        for seals in [vec![seal.clone()], vec![]] {
            let digest = Digest { logs: vec![claim.clone()] };
            let header = Header::new(1, none, none, none, digest);
            let mut params = BlockImportParams::new(BlockOrigin::NetworkBroadcast, header);
            params.post_digests = seals.clone();
            let hash = params.post_hash();

            let seen = Arc::<Mutex<Vec<Seen>>>::default();
            let below = Unsealed(Probe(seen.clone(), End));
            let all = Sealed(Probe(seen.clone(), below));
            futures::executor::block_on(all.import_block(params)).unwrap();

            let whole = [vec![claim.clone()], seals.clone()].concat();
            let expected = [(whole, vec![], hash), (vec![claim.clone()], seals, hash)];
            assert_eq!(*seen.lock(), expected);
        }
    }
}
