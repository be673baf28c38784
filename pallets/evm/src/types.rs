//! Types of the pallet's storage and configuration.

use alloc::{collections::BTreeMap, vec::Vec};
use bzk_evm::trie::MAX_PATH_NIBBLES;
use codec::{Decode, Encode, EncodeLike, Error, Input, MaxEncodedLen, Output};
use frame_support::{traits::ConstU32, BoundedVec};
use scale_info::{build::Fields, Path, Type, TypeInfo};
use serde::{Deserialize, Serialize};
use sp_core::{H160, H256, U256};

/// Most keys that one Ethereum block can change. A changed account or slot costs 2,100 gas or
/// more and a block has less than 2^32 gas, so this is never reached.
pub const MAX_DIRTY: u32 = 1 << 21;

/// Most storage slots of a genesis account that a transaction could delete, that is one without
/// nonce and code. Bounds the work of that transaction.
pub const MAX_DELETABLE_SLOTS: u32 = 1_024;

/// Source of the hashes that BLOCKHASH returns.
pub trait BlockHashes {
    /// Hash of the Ethereum block `number`, zero if it is unknown.
    fn block_hash(number: u64) -> H256;
}

/// A chain without earlier blocks.
impl BlockHashes for () {
    fn block_hash(_: u64) -> H256 {
        H256::zero()
    }
}

/// An account that exists before the first block.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct GenesisAccount {
    /// Transactions sent so far, 1 for a contract.
    pub nonce: u64,
    /// Balance in wei.
    pub balance: U256,
    /// Runtime code, hex with 0x.
    #[serde(with = "sp_core::bytes")]
    pub code: Vec<u8>,
    /// Storage by slot; zero values are left out.
    pub storage: BTreeMap<H256, H256>,
}

/// Keys that one transaction changed in one account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct DirtyAccount {
    /// The account.
    pub address: H160,
    /// Its changed storage slots.
    pub slots: BoundedVec<H256, ConstU32<MAX_DIRTY>>,
}

/// Place of a trie node: whose trie, and the path from its root.
///
/// Encoded as 0 for the state trie or 1 and the hashed address for a storage trie, then one byte
/// per nibble with the nibble in the high half and no length. So the keys of a node's children
/// extend the node's own key by a nibble that differs and one that does not, which Substrate's
/// trie folds into one node: it has as many nodes as Ethereum's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrieKey {
    owner: Option<H256>,
    /// Nibbles, each in the high half of its byte.
    path: Vec<u8>,
}

impl TrieKey {
    /// The node at `nibbles` in the storage trie of `owner` (a hashed address), or in the state
    /// trie.
    pub fn new(owner: Option<H256>, nibbles: &[u8]) -> Self {
        let path = nibbles.iter().take(MAX_PATH_NIBBLES).map(|nibble| nibble << 4).collect();
        Self { owner, path }
    }

    /// Whose trie: `None` for the state trie, else a hashed address.
    pub fn owner(&self) -> Option<H256> {
        self.owner
    }

    /// The path from the root, one nibble per byte.
    pub fn nibbles(&self) -> Vec<u8> {
        self.path.iter().map(|byte| byte >> 4).collect()
    }
}

impl Encode for TrieKey {
    fn size_hint(&self) -> usize {
        self.path.len().saturating_add(33)
    }

    fn encode_to<O: Output + ?Sized>(&self, out: &mut O) {
        match &self.owner {
            None => out.push_byte(0),
            Some(owner) => {
                out.push_byte(1);
                out.write(owner.as_bytes());
            }
        }
        out.write(&self.path);
    }
}

impl EncodeLike for TrieKey {}

impl Decode for TrieKey {
    /// Takes all the rest of `input` as the path.
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let owner = match input.read_byte()? {
            0 => None,
            1 => Some(H256::decode(input)?),
            _ => return Err("trie key: the owner tag is neither 0 nor 1".into()),
        };
        let length = input.remaining_len()?.ok_or("trie key: input of unknown length")?;
        if length > MAX_PATH_NIBBLES {
            return Err("trie key: path of more than 64 nibbles".into());
        }
        let mut path = alloc::vec![0; length];
        input.read(&mut path)?;
        if path.iter().any(|byte| byte & 0x0f != 0) {
            return Err("trie key: the low half of a path byte is set".into());
        }
        Ok(Self { owner, path })
    }
}

impl MaxEncodedLen for TrieKey {
    fn max_encoded_len() -> usize {
        1 + 32 + MAX_PATH_NIBBLES
    }
}

impl TypeInfo for TrieKey {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder().path(Path::new("TrieKey", module_path!())).composite(
            Fields::named()
                .field(|field| field.ty::<Option<H256>>().name("owner").type_name("Option<H256>"))
                .field(|field| {
                    field
                        .ty::<Vec<u8>>()
                        .name("path")
                        .type_name("Vec<u8>")
                        .docs(&["Without a length: the rest of the key."])
                }),
        )
    }
}
