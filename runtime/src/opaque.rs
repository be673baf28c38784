//! Types of the node, which moves extrinsics as bytes and leaves their meaning to the runtime: so it
//! keeps working when an upgrade changes them.

use sp_runtime::{generic, traits::BlakeTwo256, OpaqueExtrinsic};

/// An extrinsic as bytes.
pub type UncheckedExtrinsic = OpaqueExtrinsic;

/// Header of a Substrate block.
pub type Header = generic::Header<crate::BlockNumber, BlakeTwo256>;

/// A Substrate block whose extrinsics are bytes.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;
