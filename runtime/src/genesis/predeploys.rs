//! Contracts of others that tools expect on every chain.

use alloc::vec::Vec;
use alloy_primitives::hex::const_decode_to_array;
use sp_core::H160;

/// Deploys code at an address that depends on the code and a salt alone (Arachnid's proxy).
pub const CREATE2_DEPLOYER: H160 = H160(decode(b"4e59b44847b379578588920ca78fbf26c0b4956c"));

/// Bundles many calls into one (Multicall3); wallets and front ends expect it at this address.
pub const MULTICALL3: H160 = H160(decode(b"ca11bde05977b3631167028862be2a173976ca11"));

/// Takes the priority fees; first of our own range `0x425a4b00..` ("BZK").
///
/// The prover needs a coinbase that exists in the state, hence a contract. It comes with those of
/// [`super::bridge`].
pub const FEE_VAULT: H160 = H160(decode(b"425a4b0000000000000000000000000000000001"));

/// A contract of the genesis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predeploy {
    /// The name that documents and tools use.
    pub name: &'static str,
    /// Where it lives.
    pub address: H160,
    /// Its runtime code.
    pub code: &'static [u8],
}

/// Decodes a file of hex digits while compiling; a bad digit fails the build.
pub(super) const fn decode<const N: usize>(digits: &[u8]) -> [u8; N] {
    match const_decode_to_array(digits) {
        Ok(code) => code,
        Err(_) => panic!("a predeploy is not plain hex"),
    }
}

const CREATE2_DEPLOYER_HEX: &[u8] = include_bytes!("../../genesis/create2_deployer.hex");
const MULTICALL3_HEX: &[u8] = include_bytes!("../../genesis/multicall3.hex");

static CREATE2_DEPLOYER_CODE: [u8; CREATE2_DEPLOYER_HEX.len() / 2] = decode(CREATE2_DEPLOYER_HEX);
static MULTICALL3_CODE: [u8; MULTICALL3_HEX.len() / 2] = decode(MULTICALL3_HEX);

/// All of them, each with nonce 1 as if it had been created by a transaction.
pub fn predeploys() -> Vec<Predeploy> {
    alloc::vec![
        Predeploy {
            name: "Create2Deployer",
            address: CREATE2_DEPLOYER,
            code: &CREATE2_DEPLOYER_CODE,
        },
        Predeploy { name: "Multicall3", address: MULTICALL3, code: &MULTICALL3_CODE },
    ]
}
