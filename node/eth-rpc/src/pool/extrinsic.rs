//! Ethereum transactions in and out of extrinsics.

use bitcoinzk_runtime::{RuntimeCall, UncheckedExtrinsic};
use codec::{Decode, DecodeAll, Encode};
use sp_runtime::OpaqueExtrinsic;

/// The extrinsic that carries `raw`; `None` if `raw` is longer than a transaction may be.
pub(super) fn wrap(raw: Vec<u8>) -> Option<OpaqueExtrinsic> {
    let extrinsic = UncheckedExtrinsic::from_raw_transaction(raw)?.encode();
    OpaqueExtrinsic::decode_all(&mut extrinsic.as_slice()).ok()
}

/// The Ethereum transaction that an extrinsic carries; `None` for other extrinsics. `extrinsic`
/// is without its length prefix, as the pool hands it out.
pub(super) fn ethereum_bytes(extrinsic: &[u8]) -> Option<Vec<u8>> {
    let encoded = extrinsic.encode();
    let decoded = UncheckedExtrinsic::decode(&mut encoded.as_slice()).ok()?;
    match decoded.0.function {
        RuntimeCall::Ethereum(pallet_ethereum::Call::transact { raw }) => Some(raw.into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn prop_wrapped_bytes_come_out_again(raw in prop::collection::vec(any::<u8>(), 0..300)) {
            let extrinsic = wrap(raw.clone()).unwrap();
            prop_assert_eq!(ethereum_bytes(extrinsic.inner()), Some(raw));
        }

        #[test]
        fn prop_unwrapping_survives_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            ethereum_bytes(&bytes);
        }
    }

    #[test]
    fn transaction_over_128_kib_is_not_wrapped() {
        assert!(wrap(vec![0; bzk_evm::profile::MAX_TX_BYTES]).is_some());
        assert!(wrap(vec![0; bzk_evm::profile::MAX_TX_BYTES + 1]).is_none());
    }
}
