//! Signed Substrate extrinsics.

use bitcoinzk_runtime::{
    AccountId, Nonce, RuntimeCall, SessionKeys, Signature, SignedPayload, TxExtension,
    UncheckedExtrinsic,
};
use codec::Encode;
use frame_metadata_hash_extension::CheckMetadataHash;
use pallet_transaction_payment::ChargeTransactionPayment;
use sp_core::proof_of_possession::statement_of_ownership;
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};
use sp_runtime::{generic::Era, MultiAddress};

/// `call` signed by `key`. Call it inside [`super::Chain::query`]: the signature covers the genesis.
pub(crate) fn signed(key: Sr25519Keyring, nonce: Nonce, call: RuntimeCall) -> UncheckedExtrinsic {
    let extension: TxExtension = (
        frame_system::AuthorizeCall::new(),
        frame_system::CheckNonZeroSender::new(),
        frame_system::CheckSpecVersion::new(),
        frame_system::CheckTxVersion::new(),
        frame_system::CheckGenesis::new(),
        frame_system::CheckEra::from(Era::Immortal),
        frame_system::CheckNonce::from(nonce),
        frame_system::CheckWeight::new(),
        ChargeTransactionPayment::from(0),
        CheckMetadataHash::new(false),
        frame_system::WeightReclaim::new(),
    );
    let payload = SignedPayload::new(call, extension).unwrap();
    let signature = Signature::Sr25519(payload.using_encoded(|bytes| key.sign(bytes)));
    let (call, extension, _) = payload.deconstruct();
    let signer = MultiAddress::Id(key.to_account_id());
    UncheckedExtrinsic::new_signed(call, signer, signature, extension)
}

/// Session keys of `author` and `voter`, and the proof that `owner` has their secrets.
pub(crate) fn session_keys(
    author: Sr25519Keyring,
    voter: Ed25519Keyring,
    owner: &AccountId,
) -> (SessionKeys, Vec<u8>) {
    let keys = SessionKeys { babe: author.public().into(), grandpa: voter.public().into() };
    let statement = statement_of_ownership(&owner.encode());
    (keys, (author.sign(&statement), voter.sign(&statement)).encode())
}
