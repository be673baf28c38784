//! The state that cases start from, and who acts in it.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEnvelope, TxLegacy};
use alloy_eips::eip2930::AccessList;
use alloy_primitives::{keccak256, Address, Bytes, Signature, TxKind, B256, U256};
use bzk_core::CHAIN_ID;
use bzk_evm::{execute::BlockEnvironment, tx::RecoveredTx};
use bzk_witness::memory::{Contents, State};
use secp256k1::{Message, PublicKey, SecretKey, SECP256K1};

/// Base fee of the blocks, in wei per gas.
pub(crate) const BASE_FEE: u64 = 7;
/// The account that gets the tips.
pub(crate) const COINBASE: Address = Address::repeat_byte(0xc0);
/// Number of the blocks: past the window of BLOCKHASH.
pub(crate) const NUMBER: u64 = 1_000;

/// A key and its address.
#[derive(Clone, Copy)]
pub(crate) struct Wallet {
    key: SecretKey,
    pub(crate) address: Address,
}

impl Wallet {
    /// The `index`-th key of the cases.
    pub(crate) fn numbered(index: u64) -> Self {
        Self::of(keccak256([b"bzk-cases".as_slice(), &index.to_be_bytes()].concat()))
    }

    /// The key with this secret.
    pub(crate) fn of(secret: B256) -> Self {
        let key = SecretKey::from_slice(secret.as_slice()).expect("below the curve order");
        let public = PublicKey::from_secret_key(SECP256K1, &key).serialize_uncompressed();
        Self { key, address: Address::from_slice(&keccak256(&public[1..])[12..]) }
    }

    /// Signs `call` as the transaction with this nonce.
    pub(crate) fn sign(&self, call: Call, nonce: u64) -> RecoveredTx {
        let Call { to, value, data: input, gas: gas_limit, list, kind, tip, fee } = call;
        let to = to.map_or(TxKind::Create, TxKind::Call);
        let gas_price = fee;
        let envelope: TxEnvelope = match kind {
            Kind::Legacy | Kind::Unprotected => {
                let chain_id = (kind == Kind::Legacy).then_some(CHAIN_ID);
                let tx = TxLegacy { chain_id, nonce, gas_price, gas_limit, to, value, input };
                let signature = self.signature(tx.signature_hash());
                tx.into_signed(signature).into()
            }
            Kind::AccessList => {
                let tx = TxEip2930 {
                    chain_id: CHAIN_ID,
                    nonce,
                    gas_price,
                    gas_limit,
                    to,
                    value,
                    access_list: list,
                    input,
                };
                let signature = self.signature(tx.signature_hash());
                tx.into_signed(signature).into()
            }
            Kind::DynamicFee => {
                let tx = TxEip1559 {
                    chain_id: CHAIN_ID,
                    nonce,
                    gas_limit,
                    max_fee_per_gas: fee,
                    max_priority_fee_per_gas: tip,
                    to,
                    value,
                    access_list: list,
                    input,
                };
                let signature = self.signature(tx.signature_hash());
                tx.into_signed(signature).into()
            }
        };
        let hash = *envelope.tx_hash();
        RecoveredTx { envelope, hash, sender: self.address }
    }

    fn signature(&self, hash: B256) -> Signature {
        let message = Message::from_digest(hash.0);
        let (parity, bytes) =
            SECP256K1.sign_ecdsa_recoverable(&message, &self.key).serialize_compact();
        Signature::from_bytes_and_parity(&bytes, parity.to_i32() == 1)
    }
}

/// Type of a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Type 0 with a chain id.
    #[default]
    Legacy,
    /// Type 0 without one.
    Unprotected,
    /// Type 1.
    AccessList,
    /// Type 2.
    DynamicFee,
}

/// What a transaction is to do.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) to: Option<Address>,
    pub(crate) value: U256,
    pub(crate) data: Bytes,
    pub(crate) gas: u64,
    pub(crate) list: AccessList,
    pub(crate) kind: Kind,
    pub(crate) tip: u128,
    pub(crate) fee: u128,
}

impl Default for Call {
    fn default() -> Self {
        Self {
            to: None,
            value: U256::ZERO,
            data: Bytes::new(),
            gas: 300_000,
            list: AccessList::default(),
            kind: Kind::Legacy,
            tip: 1,
            fee: 1_000_000_000,
        }
    }
}

impl Call {
    /// A call of `to`.
    pub(crate) fn to(to: Address) -> Self {
        Self { to: Some(to), ..Self::default() }
    }

    /// A creation with `init` as its code.
    pub(crate) fn create(init: impl Into<Bytes>) -> Self {
        Self { data: init.into(), gas: 1_000_000, ..Self::default() }
    }

    pub(crate) fn data(self, data: impl Into<Bytes>) -> Self {
        Self { data: data.into(), ..self }
    }

    pub(crate) fn value(self, value: u64) -> Self {
        Self { value: U256::from(value), ..self }
    }

    pub(crate) fn gas(self, gas: u64) -> Self {
        Self { gas, ..self }
    }

    pub(crate) fn kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    pub(crate) fn fees(self, tip: u128, fee: u128) -> Self {
        Self { tip, fee, ..self }
    }

    pub(crate) fn list(self, list: Vec<(Address, Vec<U256>)>) -> Self {
        let item = |(address, slots): (Address, Vec<U256>)| alloy_eips::eip2930::AccessListItem {
            address,
            storage_keys: slots.into_iter().map(B256::from).collect(),
        };
        Self { list: AccessList(list.into_iter().map(item).collect()), ..self }
    }
}

/// Address of the `index`-th account that is just there, so that the trie is deep.
pub(crate) fn bystander(index: u64) -> Address {
    Address::from_slice(&keccak256(index.to_be_bytes())[..20])
}

/// The state that cases start from: eight wallets, the coinbase, and some hundred others.
pub(crate) fn state() -> State {
    let rich = U256::from(10).pow(U256::from(24));
    let account = |balance: U256| Contents { balance, ..Contents::default() };
    let wallets = (0..8)
        .map(|index| (Wallet::numbered(index).address, Contents { nonce: index, ..account(rich) }));
    let others = (0..300).map(|index| (bystander(index), account(U256::from(index + 1))));
    let coinbase = (COINBASE, account(U256::from(1)));
    State::new(wallets.chain(others).chain([coinbase]))
}

/// A contract with `code` and as many filled slots as `slots`, from slot 0.
pub(crate) fn contract(code: impl Into<Bytes>, slots: u64) -> Contents {
    let storage = (0..slots).map(|slot| (U256::from(slot), U256::from(slot + 1)));
    Contents {
        nonce: 1,
        balance: U256::from(1_000_000),
        code: code.into(),
        storage: storage.collect(),
    }
}

/// The block that cases are in.
pub(crate) fn environment() -> BlockEnvironment {
    BlockEnvironment {
        chain_id: CHAIN_ID,
        number: NUMBER,
        timestamp_s: 1_800_000_000,
        gas_limit: 60_000_000,
        base_fee: BASE_FEE,
        coinbase: COINBASE,
        prev_randao: B256::repeat_byte(7),
    }
}

/// Hashes of the blocks before it, oldest first.
pub(crate) fn block_hashes(number: u64) -> Vec<(u64, B256)> {
    let first = number.saturating_sub(256);
    (first..number).map(|number| (number, keccak256(number.to_be_bytes()))).collect()
}
