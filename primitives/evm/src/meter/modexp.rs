//! What the kernel does for MODEXP.
//!
//! It stores base, exponent and modulus as numbers of the same length, that of the longest, in
//! limbs of 16 bytes. It squares once per bit of the exponent and multiplies once per set bit; each
//! of these is two schoolbook products. The gas of EIP-2565 ignores that a long exponent makes base
//! and modulus long too, so cycles per gas are unbounded and have to be counted from the input.

/// Bytes of a limb.
const LIMB: u64 = 16;

/// Shortest base or modulus, in bytes, that is too long.
const TOO_LONG: u64 = 1 << 32;

/// Shortest exponent, in bytes, that is too long.
const TOO_LONG_EXPONENT: u64 = 1 << 24;

/// Modular products and limbs per number that `input` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Work {
    /// Squarings and multiplications.
    pub(super) products: u64,
    /// Limbs of each number.
    pub(super) limbs: u64,
}

/// A length field of the header; zero past the end of the input.
fn length(input: &[u8], field: usize) -> u64 {
    let start = field.saturating_mul(32);
    let byte = |index: usize| input.get(start.saturating_add(index)).copied().unwrap_or_default();
    if (0..24).any(|index| byte(index) != 0) {
        return u64::MAX;
    }
    (24..32).fold(0u64, |value, index| (value << 8) | u64::from(byte(index)))
}

/// Whether a number of `input` is so long that no block may hold the call.
///
/// For such a base or modulus no block has the gas. But before the kernel charges, it reads the exponent behind the
/// base, and there its memory ends in a panic; and with a modulus of 2^67 bytes the product that is the gas begins anew
/// at 0. Nor do all nodes agree on it: a `usize` of 64 bits holds most such lengths, for which revm says that the gas
/// is out, one of wasm holds none.
///
/// An exponent is cheap to make long: its missing bytes are zeros. revm writes them down all the same, and no allocation
/// of wasm is longer than 32 MiB.
pub(super) fn is_too_long(input: &[u8]) -> bool {
    length(input, 0) >= TOO_LONG
        || length(input, 1) >= TOO_LONG_EXPONENT
        || length(input, 2) >= TOO_LONG
}

/// The work for `input`, missing bytes of which are zeros.
pub(super) fn work(input: &[u8]) -> Work {
    let [base, exponent, modulus] = [length(input, 0), length(input, 1), length(input, 2)];
    let limbs = base.max(exponent).max(modulus).div_ceil(LIMB);
    let start = usize::try_from(base.saturating_add(96)).unwrap_or(usize::MAX);
    let end = start.saturating_add(usize::try_from(exponent).unwrap_or(usize::MAX));
    let given = input.get(start.min(input.len())..end.min(input.len())).unwrap_or_default();
    let set_bits: u64 = given.iter().map(|byte| u64::from(byte.count_ones())).sum();
    let bits =
        given.iter().zip(0u64..).find(|(byte, _)| **byte != 0).map_or(0, |(first, position)| {
            let rest = exponent.saturating_sub(position).saturating_sub(1).saturating_mul(8);
            rest.saturating_add(u64::from(8u32.saturating_sub(first.leading_zeros())))
        });
    Work { products: bits.saturating_add(set_bits), limbs }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn input(base: &[u8], exponent: &[u8], modulus: &[u8]) -> Vec<u8> {
        let mut input = Vec::new();
        for part in [base, exponent, modulus] {
            input.extend([0; 24]);
            input.extend((part.len() as u64).to_be_bytes());
        }
        for part in [base, exponent, modulus] {
            input.extend(part);
        }
        input
    }

    #[test]
    fn full_exponent_of_32_bytes_takes_512_products_of_two_limbs() {
        let work = work(&input(&[1; 32], &[0xff; 32], &[7; 32]));
        assert_eq!(work, Work { products: 512, limbs: 2 });
    }

    #[test]
    fn leading_zeros_of_the_exponent_take_no_products_but_make_numbers_long() {
        let mut exponent = [0; 64];
        exponent[63] = 0b101;
        assert_eq!(work(&input(&[2], &exponent, &[7])), Work { products: 5, limbs: 4 });
    }

    #[test]
    fn missing_low_bytes_of_the_exponent_count_as_zeros() {
        let mut cut = input(&[], &[1, 0, 0], &[]);
        cut.truncate(97);
        assert_eq!(work(&cut), Work { products: 17 + 1, limbs: 1 });
    }

    #[test]
    fn empty_and_absurd_inputs_do_not_panic() {
        assert_eq!(work(&[]), Work { products: 0, limbs: 0 });
        assert_eq!(work(&[0xff; 96]).products, 0);
        assert!(work(&[0xff; 200]).limbs > 1 << 59);
    }
}
