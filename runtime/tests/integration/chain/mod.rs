//! A chain in memory: genesis from a preset, blocks made and executed by the real runtime.

mod ethereum;
mod governance;
mod substrate;

pub(crate) use ethereum::{transfer, EvmKey};
pub(crate) use governance::Referendum;
pub(crate) use substrate::{session_keys, signed};

use bitcoinzk_runtime::{
    genesis::presets, units::SLOT_DURATION_MS, Babe, Block, Executive, Header, Runtime,
    RuntimeCall, RuntimeGenesisConfig, Session, UncheckedExtrinsic,
};
use codec::Encode;
use frame_support::{
    genesis_builder_helper::build_state, storage::transactional::with_transaction_unchecked,
};
use sp_consensus_babe::digests::{CompatibleDigestItem, PreDigest, SecondaryPlainPreDigest};
use sp_core::{H256, U256};
use sp_genesis_builder::PresetId;
use sp_io::{hashing::blake2_256, TestExternalities};
use sp_keyring::Sr25519Keyring;
use sp_runtime::{
    traits::{Block as _, Header as _},
    transaction_validity::InvalidTransaction,
    ApplyExtrinsicResult, Digest, DigestItem, DispatchResult, TransactionOutcome,
};

/// Slot of the first block.
const FIRST_SLOT: u64 = 800_000_000;

/// The state that a preset makes, as the node makes it: the preset over the default configuration.
pub(crate) fn genesis(preset: &str) -> TestExternalities {
    let mut externalities = TestExternalities::new_empty();
    externalities.execute_with(|| {
        let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).unwrap();
        let patch = presets::get(&PresetId::from(preset)).expect("the preset exists");
        presets::merge(&mut config, serde_json::from_slice(&patch).unwrap());
        build_state::<RuntimeGenesisConfig>(config.to_string().into_bytes()).unwrap();
    });
    externalities
}

/// One node's view: a state and the head it belongs to.
pub(crate) struct Chain {
    state: TestExternalities,
    head: Header,
    slot: u64,
}

impl Chain {
    /// A node that has only genesis.
    pub(crate) fn new(preset: &str) -> Self {
        let none = H256::zero();
        let head = Header::new(0, none, none, none, Digest::default());
        let mut state = genesis(preset);
        state.execute_with(|| frame_system::BlockHash::<Runtime>::insert(0, head.hash()));
        Self { state, head, slot: FIRST_SLOT }
    }

    /// Hash of the head.
    pub(crate) fn head_hash(&self) -> H256 {
        self.head.hash()
    }

    /// Runs `ask` on the state after the head.
    pub(crate) fn query<R>(&mut self, ask: impl FnOnce() -> R) -> R {
        self.state.execute_with(ask)
    }

    /// Makes the next block as the author of the next slot does. Refused extrinsics stay out of it.
    pub(crate) fn make(&mut self, extrinsics: Vec<UncheckedExtrinsic>) -> Made {
        let first = self.next_slot();
        // A disabled validator's slots stay empty.
        let (slot, author) = self.query(|| {
            let open = |(_, author): &(u64, u32)| !Session::disabled_validators().contains(author);
            (first..).map(|slot| (slot, owner(slot))).find(open).unwrap()
        });
        self.make_in(slot, author, extrinsics)
    }

    /// Makes a block in `slot`, not before [`Self::next_slot`], as the validator with this index.
    pub(crate) fn make_in(
        &mut self,
        slot: u64,
        author: u32,
        extrinsics: Vec<UncheckedExtrinsic>,
    ) -> Made {
        let header = self.open(slot, author);
        self.slot = slot;
        let made = self.state.execute_with(|| {
            Executive::initialize_block(&header);
            let now = slot * SLOT_DURATION_MS;
            let time = RuntimeCall::Timestamp(pallet_timestamp::Call::set { now });
            let time = UncheckedExtrinsic::new_bare(time);
            Executive::apply_extrinsic(time.clone()).unwrap().unwrap();
            let mut included = vec![time];
            let mut results = Vec::new();
            for extrinsic in extrinsics {
                // A refused extrinsic leaves no trace, as when a node builds a block.
                let result = with_transaction_unchecked(|| {
                    match Executive::apply_extrinsic(extrinsic.clone()) {
                        Ok(outcome) => TransactionOutcome::Commit(Ok(outcome)),
                        Err(error) => TransactionOutcome::Rollback(Err(error)),
                    }
                });
                if result.is_ok() {
                    included.push(extrinsic);
                }
                results.push(result);
            }
            Made { block: Block::new(Executive::finalize_block(), included), results }
        });
        self.head = made.block.header().clone();
        made
    }

    /// Executes a finished block as an importing node does; panics if anything differs.
    pub(crate) fn import(&mut self, block: Block) {
        let head = block.header().clone();
        self.state.execute_with(|| Executive::execute_block(block.into()));
        self.head = head;
    }

    /// The first slot after the head's.
    pub(crate) fn next_slot(&self) -> u64 {
        self.slot + 1
    }

    /// Makes `count` blocks without extrinsics.
    pub(crate) fn run(&mut self, count: u32) {
        for _ in 0..count {
            self.make(Vec::new());
        }
    }

    /// Makes blocks until `done`, at most `limit` of them.
    pub(crate) fn run_until(&mut self, limit: u32, mut done: impl FnMut() -> bool) {
        for _ in 0..limit {
            if self.query(&mut done) {
                return;
            }
            self.run(1);
        }
        panic!("not within {limit} blocks");
    }

    /// Makes a block with `call`, signed by `key`, and tells how the call went.
    pub(crate) fn call(
        &mut self,
        key: Sr25519Keyring,
        call: impl Into<RuntimeCall>,
    ) -> DispatchResult {
        let call = call.into();
        let extrinsic = self.query(|| {
            let nonce = frame_system::Pallet::<Runtime>::account_nonce(key.to_account_id());
            signed(key, nonce, call)
        });
        let mut made = self.make(vec![extrinsic.clone()]);
        // pallet-session counts the block that ends a session as full.
        if made.results == [Err(InvalidTransaction::ExhaustsResources.into())] {
            made = self.make(vec![extrinsic]);
        }
        made.results.remove(0).expect("a signed call is included")
    }

    /// The header that the author starts the next block with.
    fn open(&self, slot: u64, author: u32) -> Header {
        let number = self.head.number() + 1;
        let claim = claim(slot, author);
        let none = H256::zero();
        Header::new(number, none, none, self.head.hash(), Digest { logs: vec![claim] })
    }
}

/// A block and how each of its extrinsics went, without the timestamp.
pub(crate) struct Made {
    /// The finished block.
    pub(crate) block: Block,
    /// Results in the order of the extrinsics.
    pub(crate) results: Vec<ApplyExtrinsicResult>,
}

impl Made {
    /// Whether the block says that it closed an Ethereum block.
    pub(crate) fn closes_ethereum_block(&self) -> bool {
        self.block
            .header()
            .digest()
            .logs()
            .iter()
            .any(|item| matches!(item, DigestItem::Consensus(engine, _) if engine == b"fron"))
    }
}

/// Index of the validator that may author in `slot` whoever wins it (BABE's secondary slots).
pub(crate) fn owner(slot: u64) -> u32 {
    let validators = Session::validators().len();
    let lot = blake2_256(&(Babe::randomness(), slot).encode());
    (U256::from_big_endian(&lot) % U256::from(validators)).as_u32()
}

/// The author's claim to a slot.
pub(crate) fn claim(slot: u64, author: u32) -> DigestItem {
    let claim = SecondaryPlainPreDigest { slot: slot.into(), authority_index: author };
    <DigestItem as CompatibleDigestItem>::babe_pre_digest(PreDigest::SecondaryPlain(claim))
}
