//! Taproot outputs (BIP-341) of the bridge.
//!
//! The committee's key P is always the internal key. Distributed key generation already commits it to no script, so
//! change may go to P itself; a deposit goes to P + H(P, leaf) G.

use crate::curve::{add_tweak, tagged, Point, Recover};
use bitcoin::{
    hashes::{sha256, Hash, HashEngine},
    opcodes::all::OP_PUSHNUM_1,
    script::Builder,
    taproot::{LeafVersion, TapLeafHash},
    Script, ScriptBuf,
};

/// The hash of a tapscript leaf, which is the Merkle root of a tree of one leaf.
pub fn leaf_hash(script: &Script) -> [u8; 32] {
    TapLeafHash::from_script(script, LeafVersion::TapScript).to_byte_array()
}

/// The tweak that commits the internal key to a Merkle root, or to no script.
pub fn tweak(internal: &[u8; 32], root: Option<&[u8; 32]>) -> [u8; 32] {
    let mut engine = tagged("TapTweak");
    engine.input(internal);
    if let Some(root) = root {
        engine.input(root);
    }
    sha256::Hash::from_engine(engine).to_byte_array()
}

/// The output key of an internal key that commits to a Merkle root, or to no script.
///
/// `None` when `internal` is not a BIP-340 key.
pub fn output_key<R: Recover>(internal: &[u8; 32], root: Option<&[u8; 32]>) -> Option<Point> {
    add_tweak::<R>(internal, &tweak(internal, root))
}

/// The script of an output that `key` can spend: witness version 1 and 32 bytes.
pub fn output_script(key: &[u8; 32]) -> ScriptBuf {
    Builder::new().push_opcode(OP_PUSHNUM_1).push_slice(key).into_script()
}
