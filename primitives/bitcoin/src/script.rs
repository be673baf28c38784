//! Scripts that the bridge pays to.

use alloc::borrow::ToOwned;
use bitcoin::{Script, ScriptBuf};
use core::fmt;

/// The longest standard script, that of a public key hash behind base58 (P2PKH is 25 bytes) or a witness program.
const MAX_SCRIPT_BYTES: usize = 34;

/// The bridge does not pay to this script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptError {
    /// Not P2PKH, P2SH, P2WPKH, P2WSH or P2TR.
    NotStandard {
        /// The script's length.
        bytes: usize,
    },
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStandard { bytes } => {
                write!(f, "script of {bytes} bytes is not P2PKH, P2SH, P2WPKH, P2WSH or P2TR")
            }
        }
    }
}

impl core::error::Error for ScriptError {}

/// Takes the output script of a withdrawal.
///
/// # Errors
/// [`ScriptError::NotStandard`] for all but the five address types that every wallet and node knows.
pub fn payout_script(bytes: &[u8]) -> Result<ScriptBuf, ScriptError> {
    let script = Script::from_bytes(bytes);
    let standard = bytes.len() <= MAX_SCRIPT_BYTES
        && (script.is_p2pkh()
            || script.is_p2sh()
            || script.is_p2wpkh()
            || script.is_p2wsh()
            || script.is_p2tr());
    standard.then(|| script.to_owned()).ok_or(ScriptError::NotStandard { bytes: bytes.len() })
}

/// The least amount, in sats, of an output with this script that nodes relay: at less, spending it would cost more
/// than a third of it at 3 sat/vB (Core's `GetDustThreshold`).
pub fn dust_sats(script: &Script) -> u64 {
    script.minimal_non_dust().to_sat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scripts() -> [(Vec<u8>, u64); 5] {
        let of =
            |prefix: &[u8], bytes: usize, suffix: &[u8]| [prefix, &vec![7; bytes], suffix].concat();
        [
            (of(&[0x76, 0xa9, 20], 20, &[0x88, 0xac]), 546),
            (of(&[0xa9, 20], 20, &[0x87]), 540),
            (of(&[0x00, 20], 20, &[]), 294),
            (of(&[0x00, 32], 32, &[]), 330),
            (of(&[0x51, 32], 32, &[]), 330),
        ]
    }

    #[test]
    fn standard_scripts_pass_and_have_cores_dust_limits() {
        for (bytes, dust) in scripts() {
            let script = payout_script(&bytes).unwrap();
            assert_eq!(dust_sats(&script), dust);
        }
    }

    #[test]
    fn attack_withdrawal_to_a_bad_script() {
        let bad: [&[u8]; 8] = [
            &[],
            &[0x6a, 1, 7],
            &[0x51],
            &[0x52, 2, 7, 7],
            &[&[0x00, 21][..], &[7; 21]].concat(),
            &[&[0x52, 32][..], &[7; 32]].concat(),
            &[&[33][..], &[2; 33], &[0xac]].concat(),
            &[0x51, 2, 0x4e, 0x73],
        ];
        for script in bad {
            assert_eq!(
                payout_script(script),
                Err(ScriptError::NotStandard { bytes: script.len() }),
                "{script:02x?}"
            );
        }
    }

    #[test]
    fn attack_one_byte_around_a_standard_script() {
        for (bytes, _) in scripts() {
            assert!(payout_script(&bytes[..bytes.len() - 1]).is_err());
            assert!(payout_script(&[&bytes[..], &[0x51]].concat()).is_err());
        }
    }

    proptest! {
        #[test]
        fn prop_accepted_scripts_are_kept_byte_for_byte(
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            if let Ok(script) = payout_script(&bytes) {
                prop_assert_eq!(script.as_bytes(), &bytes[..]);
            }
        }
    }
}
