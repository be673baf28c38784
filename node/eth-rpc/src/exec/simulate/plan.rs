//! Which blocks a simulation makes: numbers and times rise, gaps are filled with empty blocks.

use super::codes;
use crate::exec::{failure::Failure, overrides::narrow};
use alloy_rpc_types_eth::{
    simulate::SimBlock, state::StateOverride, BlockOverrides, TransactionRequest,
};
use bzk_evm::block::Header;

/// Seconds between two blocks where the caller does not say: the length of a slot.
const BLOCK_TIME_S: u64 = 2;

/// A block to simulate.
#[derive(Clone, Debug, Default)]
pub(super) struct PlannedBlock {
    pub(super) number: u64,
    pub(super) timestamp_s: u64,
    /// What else the caller sets; number and time are above.
    pub(super) overrides: BlockOverrides,
    pub(super) state: StateOverride,
    pub(super) calls: Vec<TransactionRequest>,
}

/// Gives each block of the request its number and time, at most `max_span` above `base`.
pub(super) fn plan(
    base: &Header,
    blocks: Vec<SimBlock>,
    max_span: usize,
) -> Result<Vec<PlannedBlock>, Failure> {
    let last = base.number.saturating_add(u64::try_from(max_span).unwrap_or(u64::MAX));
    let (mut number, mut time) = (base.number, base.timestamp);
    let mut planned = Vec::with_capacity(blocks.len());
    for block in blocks {
        let overrides = block.block_overrides.unwrap_or_default();
        let next = match overrides.number {
            Some(number) => narrow(number, "number")?,
            None => number.saturating_add(1),
        };
        if next <= number {
            return Err(codes::block_number(next, number));
        }
        if next > last {
            return Err(codes::limit("too many blocks"));
        }
        for skipped in number.saturating_add(1)..next {
            time = time.saturating_add(BLOCK_TIME_S);
            let empty = PlannedBlock { number: skipped, timestamp_s: time, ..Default::default() };
            planned.push(empty);
        }
        let at = overrides.time.unwrap_or(time.saturating_add(BLOCK_TIME_S));
        if at <= time {
            return Err(codes::block_timestamp(at, time));
        }
        (number, time) = (next, at);
        planned.push(PlannedBlock {
            number,
            timestamp_s: time,
            overrides,
            state: block.state_overrides.unwrap_or_default(),
            calls: block.calls,
        });
    }
    Ok(planned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::U256;
    use jsonrpsee::types::ErrorObjectOwned;

    fn base() -> Header {
        Header { number: 100, timestamp: 1_000, ..Default::default() }
    }

    fn at(number: Option<u64>, time: Option<u64>) -> SimBlock {
        let number = number.map(U256::from);
        SimBlock::default().with_block_overrides(BlockOverrides {
            number,
            time,
            ..Default::default()
        })
    }

    fn times(blocks: Vec<SimBlock>) -> Result<Vec<(u64, u64)>, (i32, String)> {
        match plan(&base(), blocks, 256) {
            Ok(blocks) => {
                Ok(blocks.iter().map(|block| (block.number, block.timestamp_s)).collect())
            }
            Err(failure) => {
                let error = ErrorObjectOwned::from(failure);
                Err((error.code(), error.message().to_string()))
            }
        }
    }

    #[test]
    fn defaults_count_up_from_the_base() {
        let blocks = vec![SimBlock::default(), SimBlock::default()];
        assert_eq!(times(blocks), Ok(vec![(101, 1_002), (102, 1_004)]));
    }

    #[test]
    fn gaps_are_filled_with_empty_blocks() {
        let blocks = vec![at(Some(103), None)];
        assert_eq!(times(blocks), Ok(vec![(101, 1_002), (102, 1_004), (103, 1_006)]));
    }

    #[test]
    fn numbers_must_rise() {
        let expected = (-38020, "block numbers must be in order: 102 <= 103".to_string());
        assert_eq!(times(vec![at(Some(103), None), at(Some(102), None)]), Err(expected));
        assert!(times(vec![at(Some(100), None)]).is_err());
    }

    #[test]
    fn times_must_rise() {
        let expected = (-38021, "block timestamps must be in order: 1002 <= 1002".to_string());
        assert_eq!(times(vec![at(None, Some(1_002)), at(None, Some(1_002))]), Err(expected));
    }

    #[test]
    fn span_is_bounded() {
        assert_eq!(times(vec![at(Some(356), None)]).unwrap().len(), 256);
        assert_eq!(times(vec![at(Some(357), None)]).unwrap_err().0, -38026);
        assert_eq!(times(vec![at(Some(u64::MAX), None)]).unwrap_err().0, -38026);
    }
}
