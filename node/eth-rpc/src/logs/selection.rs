//! Which blocks a client wants logs of.

use crate::{
    chain::BlockRef,
    error::{invalid_params, RpcResult},
    types::B256,
};
use alloy_eips::BlockNumberOrTag;

/// The blocks that a filter covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockSelection {
    /// The one block of this hash.
    Hash(B256),
    /// From one block to another, both included; an end that is not given is the head.
    Range {
        /// First block.
        from: Option<BlockNumberOrTag>,
        /// Last block.
        to: Option<BlockNumberOrTag>,
    },
}

impl BlockSelection {
    /// Checks that a filter or subscription over these blocks can be served by following the
    /// chain: geth's rules.
    pub fn check_live(&self) -> RpcResult<()> {
        use BlockNumberOrTag::{Earliest, Latest, Number, Pending};
        let Self::Range { from, to } = self else { return Ok(()) };
        match (from.unwrap_or(Latest), to.unwrap_or(Latest)) {
            (Pending, _) | (_, Pending) => Err(invalid_params("pending logs are not supported")),
            (Latest | Earliest | Number(_), Latest) => Ok(()),
            (Earliest, Number(_)) => Ok(()),
            (Number(from), Number(to)) if from <= to => Ok(()),
            _ => Err(invalid_params("invalid block range params")),
        }
    }

    /// Whether a block that has just come or gone is one of them. Tags do not exclude any.
    pub fn covers(&self, block: &BlockRef) -> bool {
        let number = |end: &Option<BlockNumberOrTag>| end.and_then(|end| end.as_number());
        match self {
            Self::Hash(hash) => block.hash == *hash,
            Self::Range { from, to } => {
                number(from).is_none_or(|from| from <= block.number)
                    && number(to).is_none_or(|to| block.number <= to)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ranges_that_reach_the_future_can_be_followed() {
        use BlockNumberOrTag::{Earliest, Finalized, Latest, Number, Pending, Safe};
        let check = |from, to| BlockSelection::Range { from, to }.check_live();
        for (from, to) in [
            (None, None),
            (Some(Latest), Some(Latest)),
            (Some(Number(5)), None),
            (Some(Number(5)), Some(Number(5))),
            (Some(Earliest), Some(Number(9))),
        ] {
            assert!(check(from, to).is_ok(), "{from:?} {to:?}");
        }
        for (from, to) in [
            (Some(Number(6)), Some(Number(5))),
            (None, Some(Number(5))),
            (Some(Safe), None),
            (None, Some(Finalized)),
        ] {
            let error = check(from, to).unwrap_err();
            assert_eq!(error.message(), "invalid block range params", "{from:?} {to:?}");
        }
        let error = check(None, Some(Pending)).unwrap_err();
        assert_eq!(error.message(), "pending logs are not supported");
    }

    #[test]
    fn only_numbers_and_a_hash_restrict_what_is_covered() {
        let block = |number| BlockRef {
            number,
            hash: B256::with_last_byte(number as u8),
            at: Default::default(),
        };
        let range = |from, to| BlockSelection::Range { from, to };
        assert!(range(None, None).covers(&block(5)));
        assert!(range(Some(BlockNumberOrTag::Earliest), None).covers(&block(5)));
        assert!(range(Some(5.into()), Some(5.into())).covers(&block(5)));
        assert!(!range(Some(6.into()), None).covers(&block(5)));
        assert!(!range(None, Some(4.into())).covers(&block(5)));
        assert!(BlockSelection::Hash(block(5).hash).covers(&block(5)));
        assert!(!BlockSelection::Hash(block(5).hash).covers(&block(6)));
    }
}
