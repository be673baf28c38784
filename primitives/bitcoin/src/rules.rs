//! What differs between Bitcoin's networks in the judgement of a header.

use bitcoin::{block::Header, consensus::Params, constants::genesis_block, Network};

/// A header may be this many seconds ahead of the judge's clock (Core: `MAX_FUTURE_BLOCK_TIME`).
pub const FUTURE_LIMIT_SECS: u32 = 7_200;

/// The number of timestamps whose median a header must exceed (Core: `nMedianTimeSpan`).
pub const MEDIAN_SPAN: usize = 11;

/// How far the first header of a period may lie before the last of the period before, in seconds (BIP-94).
pub(crate) const BIP94_STEP_BACK_SECS: u32 = 600;

/// BIP-54 would forbid the first header of a period to step back further than this, in seconds.
pub(crate) const BIP54_STEP_BACK_SECS: u32 = 7_200;

/// The header rules of one network.
#[derive(Clone, Debug)]
pub struct Rules {
    params: Params,
    bip94: bool,
    /// From which height a version below 2, 3 and 4 is refused (BIP-34, BIP-66, BIP-65).
    version_heights: [u32; 3],
    genesis: Header,
}

impl Rules {
    /// The rules of `network`; [`Network::Testnet`] is testnet3.
    ///
    /// On regtest, BIP-34, 65 and 66 bind from height 1 as in Bitcoin Core since version 24; rust-bitcoin still has
    /// the heights of before.
    pub fn new(network: Network) -> Self {
        let params = Params::new(network);
        let version_heights = match network {
            Network::Regtest => [1, 1, 1],
            _ => [params.bip34_height, params.bip66_height, params.bip65_height],
        };
        let genesis = genesis_block(&params).header;
        Self { params, bip94: network == Network::Testnet4, version_heights, genesis }
    }

    /// A network of one's own: `params` with the first header `genesis`, no version rule. Tests use it to retarget
    /// within few and cheap headers.
    pub fn custom(params: Params, bip94: bool, genesis: Header) -> Self {
        Self { params, bip94, version_heights: [u32::MAX; 3], genesis }
    }

    /// The network's first header.
    pub fn genesis(&self) -> &Header {
        &self.genesis
    }

    /// Proof-of-work parameters.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Whether the network follows BIP-94: the period's first bits are the base of a retarget, and a period may
    /// not begin long before the last one ended.
    pub fn bip94(&self) -> bool {
        self.bip94
    }

    /// Whether `height` is the first of a difficulty period.
    pub fn starts_period(&self, height: u32) -> bool {
        u64::from(height).checked_rem(self.params.difficulty_adjustment_interval()) == Some(0)
    }

    /// Whether `height` is the last of a difficulty period.
    pub(crate) fn ends_period(&self, height: u32) -> bool {
        height.checked_add(1).is_some_and(|next| self.starts_period(next))
    }

    /// The lowest version that a header at `height` may have.
    pub fn least_version(&self, height: u32) -> i32 {
        let [bip34, bip66, bip65] = self.version_heights;
        match height {
            _ if height >= bip65 => 4,
            _ if height >= bip66 => 3,
            _ if height >= bip34 => 2,
            _ => i32::MIN,
        }
    }
}
