//! Why a header is refused.

use bitcoin::{BlockHash, CompactTarget};
use core::fmt;

/// Why a header is refused, in the order in which the rules are tried (that of Bitcoin Core).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The bits are negative, zero, overflow, or are easier than the network allows.
    InvalidTarget {
        /// The bits of the header.
        bits: CompactTarget,
    },
    /// The hash is above the header's own target.
    HashAboveTarget {
        /// The header's hash.
        hash: BlockHash,
        /// The header's bits.
        bits: CompactTarget,
    },
    /// The chain must begin with the network's genesis header.
    NotGenesis {
        /// The hash that was given.
        found: BlockHash,
        /// The hash of the network's first header.
        expected: BlockHash,
    },
    /// The previous header is not known.
    UnknownParent {
        /// The hash of the header that is missing.
        parent: BlockHash,
    },
    /// The bits differ from what the chain asks for.
    WrongBits {
        /// The bits of the header.
        found: CompactTarget,
        /// The bits that the rules give.
        expected: CompactTarget,
    },
    /// A retarget by more than a factor of four; judged where the start of the period is not known.
    BitsOutOfRange {
        /// The bits of the header.
        found: CompactTarget,
        /// The hardest that is possible.
        hardest: CompactTarget,
        /// The easiest that is possible.
        easiest: CompactTarget,
    },
    /// The time does not exceed the median of the eleven before.
    TimeTooOld {
        /// The header's time, in Unix seconds.
        time: u32,
        /// The median, in Unix seconds.
        median: u32,
    },
    /// The first header of a period steps back by more than 600 s (BIP-94).
    TimeWarp {
        /// The header's time, in Unix seconds.
        time: u32,
        /// The time of the header before, in Unix seconds.
        previous: u32,
    },
    /// More than two hours ahead of the clock.
    TimeTooNew {
        /// The header's time, in Unix seconds.
        time: u32,
        /// The clock, in Unix seconds.
        now: u32,
    },
    /// The version is below what BIP-34, 66 and 65 ask for at this height.
    OldVersion {
        /// The header's version.
        version: i32,
        /// The lowest that is allowed.
        least: i32,
    },
    /// The height does not fit into 32 bits.
    HeightOverflow,
}

impl Refusal {
    /// Bitcoin Core's reject reason for the same header.
    pub fn core_reason(&self) -> &'static str {
        match self {
            Self::InvalidTarget { .. } | Self::HashAboveTarget { .. } => "high-hash",
            Self::NotGenesis { .. } | Self::UnknownParent { .. } => "prev-blk-not-found",
            Self::WrongBits { .. } | Self::BitsOutOfRange { .. } => "bad-diffbits",
            Self::TimeTooOld { .. } => "time-too-old",
            Self::TimeWarp { .. } => "time-timewarp-attack",
            Self::TimeTooNew { .. } => "time-too-new",
            Self::OldVersion { .. } => "bad-version",
            Self::HeightOverflow => "bad-height",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidTarget { bits } => {
                write!(f, "bits {bits:#010x} are not a target that this network allows")
            }
            Self::HashAboveTarget { hash, bits } => {
                write!(f, "proof of work missing: hash {hash} is above the target of bits {bits:#010x}")
            }
            Self::NotGenesis { found, expected } => {
                write!(f, "{found} is not the genesis header of this network, {expected}")
            }
            Self::UnknownParent { parent } => write!(f, "previous header {parent} is not known"),
            Self::WrongBits { found, expected } => {
                write!(f, "bits are {found:#010x} but the rules ask for {expected:#010x}")
            }
            Self::BitsOutOfRange { found, hardest, easiest } => write!(
                f,
                "bits {found:#010x} change the target by more than a factor of four ({hardest:#010x} to {easiest:#010x})"
            ),
            Self::TimeTooOld { time, median } => {
                write!(f, "time {time} is not above {median}, the median of the eleven headers before")
            }
            Self::TimeWarp { time, previous } => write!(
                f,
                "time {time} of a period's first header is more than 600 s before {previous}, the header before (BIP-94)"
            ),
            Self::TimeTooNew { time, now } => {
                write!(f, "time {time} is more than two hours ahead of the clock, {now}")
            }
            Self::OldVersion { version, least } => {
                write!(f, "version {version} is below {least}, which binds at this height")
            }
            Self::HeightOverflow => f.write_str("the height does not fit into 32 bits"),
        }
    }
}

impl core::error::Error for Refusal {}
