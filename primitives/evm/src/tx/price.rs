//! Prices beyond 128 bits, which the transaction types have no room for and Ethereum allows.

use super::TxError;
use alloy_rlp::Header;
use core::ops::Range;

/// Bytes of the largest price that a transaction type can hold, and of the largest in Ethereum.
const OVERFLOW: Range<usize> = 17..33;

/// Why `raw`, which does not decode, is refused: for a price of 2^128 or more, or as malformed.
pub(super) fn error(raw: &[u8]) -> TxError {
    match overflows(raw) {
        Some(true) => TxError::PriceOverflow,
        _ => TxError::Malformed,
    }
}

/// Whether one of the prices of `raw` is a number of more than 128 and at most 256 bits; `None` if
/// the fields before them are none.
fn overflows(raw: &[u8]) -> Option<bool> {
    // Where the prices are: after nonce; after chain id and nonce, one or two of them.
    let (mut fields, skipped, prices) = match raw.split_first()? {
        (0x01, list) => (list, 2, 1),
        (0x02, list) => (list, 2, 2),
        _ => (raw, 1, 1),
    };
    let mut fields = Header::decode_bytes(&mut fields, true).ok()?;
    for _ in 0..skipped {
        Header::decode_bytes(&mut fields, false).ok()?;
    }
    for _ in 0..prices {
        let price = Header::decode_bytes(&mut fields, false).ok()?;
        if OVERFLOW.contains(&price.len()) && price.first() != Some(&0) {
            return Some(true);
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use alloy_rlp::Encodable;
    use proptest::prelude::*;

    fn envelope(kind: Option<u8>, fields: &[&[u8]]) -> Vec<u8> {
        let mut payload = Vec::new();
        fields.iter().for_each(|field| field.encode(&mut payload));
        let mut raw: Vec<u8> = kind.into_iter().collect();
        Header { list: true, payload_length: payload.len() }.encode(&mut raw);
        raw.extend(payload);
        raw
    }

    #[test]
    fn price_over_128_bits_is_named_in_every_type() {
        let huge = [0xff; 17].as_slice();
        let largest = [0xff; 32].as_slice();
        for raw in [
            envelope(None, &[&[1], huge]),
            envelope(Some(1), &[&[1], &[1], huge]),
            envelope(Some(2), &[&[1], &[1], huge, &[1]]),
            envelope(Some(2), &[&[1], &[1], &[1], largest]),
        ] {
            assert_eq!(super::super::decode(&raw), Err(TxError::PriceOverflow));
        }
    }

    #[test]
    fn what_is_no_price_is_malformed() {
        for raw in [
            envelope(None, &[&[0xff; 17], &[1]]),
            envelope(None, &[&[1], &[0xff; 33]]),
            envelope(None, &[&[1], &[0; 17]]),
            envelope(Some(2), &[&[1], &[1], &[1], &[1], &[0xff; 17]]),
            envelope(Some(1), &[&[1]]),
        ] {
            assert_eq!(super::super::decode(&raw), Err(TxError::Malformed));
        }
    }

    proptest! {
        #[test]
        fn prop_any_bytes_are_survived(raw in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = error(&raw);
        }
    }
}
