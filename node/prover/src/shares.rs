//! How the segments of a large block are divided among workers.
//!
//! The proofs of a block's segments are independent of each other, and where each begins follows from the block. So each
//! worker runs the kernel through the block, which is little work, and proves its share. Joining them, one behind the
//! other, is an eighth of the work and is done by one worker.

use ethereum_types::H256;
use serde::{Deserialize, Serialize};

use crate::{jobs::Job, pipeline::Pipeline};

/// Cycles of a share: eight segments, a quarter of an hour on two cores. A block of fewer is not divided.
const SHARE_CYCLES: u64 = 1 << 20;

/// Shares of a block, for each is a job and runs the kernel.
const MOST_SHARES: u64 = 64;

/// One of the shares of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Which: from 0 on.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

/// Jobs for the shares that nobody has proven of a block of so many `cycles`; none when it is small.
pub fn missing(pipeline: &Pipeline, block: u64, hash: H256, cycles: u64) -> Vec<Job> {
    let of = (cycles / SHARE_CYCLES).min(MOST_SHARES) as usize;
    if of < 2 {
        return Vec::new();
    }
    let shares = (0..of).map(|number| Share { number, of });
    shares
        .filter(|share| !pipeline.share_file(hash, *share).exists())
        .map(|share| Job::Segments { block, share })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::{env, fs, process::id};

    use super::*;

    #[test]
    fn large_block_is_divided_until_all_shares_are_proven() {
        let proofs = env::temp_dir().join(format!("bzk-shares-{}", id()));
        let _ = fs::remove_dir_all(&proofs);
        let pipeline = Pipeline { circuits: proofs.join("circuits"), proofs };
        let hash = H256::repeat_byte(1);
        let missing = |cycles| missing(&pipeline, 7, hash, cycles);
        assert_eq!(missing(0), []);
        assert_eq!(missing(2 * SHARE_CYCLES - 1), []);
        assert_eq!(missing(u64::MAX).len() as u64, MOST_SHARES);
        let job = |number| Job::Segments { block: 7, share: Share { number, of: 3 } };
        assert_eq!(missing(3 * SHARE_CYCLES), [job(0), job(1), job(2)]);

        let done = pipeline.share_file(hash, Share { number: 1, of: 3 });
        fs::create_dir_all(done.parent().unwrap()).unwrap();
        fs::write(done, "").unwrap();
        assert_eq!(missing(3 * SHARE_CYCLES), [job(0), job(2)]);
        fs::remove_dir_all(&pipeline.proofs).unwrap();
    }
}
