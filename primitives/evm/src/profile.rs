//! The rules of execution: Cancun less blobs, beacon roots and withdrawals.
//!
//! These are the rules that the prover's kernel enforces under its feature `polygon_pos`; a block
//! that follows others cannot be proven.

use revm::{context::CfgEnv, primitives::hardfork::SpecId};

/// The hard fork. Prague changes gas, so a newer one would not match the prover.
pub const SPEC: SpecId = SpecId::CANCUN;

/// Largest code of a contract, in bytes (24 KiB on Ethereum, 32 KiB in the prover's kernel).
pub const MAX_CODE_SIZE: usize = 0x8000;

/// Largest init code, in bytes (EIP-3860).
pub const MAX_INITCODE_SIZE: usize = 0xc000;

/// Largest encoded transaction, in bytes; the limit of geth's pool.
pub const MAX_TX_BYTES: usize = 128 * 1024;

/// First precompiled contract.
pub const FIRST_PRECOMPILE: u8 = 0x01;

/// Last precompiled contract: BLAKE2F. The point evaluation (0x0a) is warm but a plain account.
pub const LAST_PRECOMPILE: u8 = 0x09;

/// Highest address that is warm from the start of each transaction.
pub const LAST_WARM: u8 = 0x0a;

/// Header and environment fields that the kernel reads as 32-bit numbers (block number, timestamp,
/// gas limit, gas used, chain id) must stay below this.
pub const KERNEL_WORD_LIMIT: u64 = 1 << 32;

/// revm's configuration for the profile.
pub fn cfg(chain_id: u64) -> CfgEnv {
    let mut cfg = CfgEnv::new_with_spec(SPEC).with_chain_id(chain_id);
    cfg.limit_contract_code_size = Some(MAX_CODE_SIZE);
    cfg.limit_contract_initcode_size = Some(MAX_INITCODE_SIZE);
    cfg
}

#[cfg(test)]
mod tests {
    use super::*;
    use revm::context_interface::Cfg as _;

    #[test]
    fn configuration_carries_the_limits_of_the_kernel() {
        let cfg = cfg(97_304);
        assert_eq!(cfg.chain_id(), 97_304);
        assert_eq!(cfg.spec, SpecId::CANCUN);
        assert_eq!(cfg.max_code_size(), 0x8000);
        assert_eq!(cfg.max_initcode_size(), 0xc000);
        assert!(cfg.tx_chain_id_check());
        assert!(!cfg.is_amsterdam_eip8037_enabled());
    }
}
