//! A chain in memory: genesis from a preset, blocks made and executed by the real runtime.

mod ethereum;
mod substrate;

pub(crate) use ethereum::{transfer, EvmKey};
pub(crate) use substrate::signed;

use bitcoinzk_runtime::{
    genesis::presets, units::SLOT_DURATION_MS, Block, Executive, Header, Runtime, RuntimeCall,
    RuntimeGenesisConfig, UncheckedExtrinsic,
};
use frame_support::genesis_builder_helper::build_state;
use sp_consensus_babe::digests::{CompatibleDigestItem, PreDigest, SecondaryPlainPreDigest};
use sp_core::H256;
use sp_genesis_builder::PresetId;
use sp_io::TestExternalities;
use sp_runtime::{
    traits::{Block as _, Header as _},
    ApplyExtrinsicResult, Digest, DigestItem,
};

/// Slot of the first block.
const FIRST_SLOT: u64 = 800_000_000;

/// The state that a preset makes, as the node makes it: the preset over the default configuration.
pub(crate) fn genesis(preset: &str) -> TestExternalities {
    let mut externalities = TestExternalities::new_empty();
    externalities.execute_with(|| {
        let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).unwrap();
        let patch = presets::get(&PresetId::from(preset)).expect("the preset exists");
        merge(&mut config, serde_json::from_slice(&patch).unwrap());
        build_state::<RuntimeGenesisConfig>(config.to_string().into_bytes()).unwrap();
    });
    externalities
}

fn merge(target: &mut serde_json::Value, patch: serde_json::Value) {
    match (target, patch) {
        (serde_json::Value::Object(target), serde_json::Value::Object(patch)) => {
            for (key, value) in patch {
                merge(target.entry(key).or_insert(serde_json::Value::Null), value);
            }
        }
        (target, patch) => *target = patch,
    }
}

/// One node's view: a state and the head it belongs to.
pub(crate) struct Chain {
    state: TestExternalities,
    head: Header,
}

impl Chain {
    /// A node that has only genesis.
    pub(crate) fn new(preset: &str) -> Self {
        let none = H256::zero();
        let head = Header::new(0, none, none, none, Digest::default());
        let mut state = genesis(preset);
        state.execute_with(|| frame_system::BlockHash::<Runtime>::insert(0, head.hash()));
        Self { state, head }
    }

    /// Hash of the head.
    pub(crate) fn head_hash(&self) -> H256 {
        self.head.hash()
    }

    /// Runs `ask` on the state after the head.
    pub(crate) fn query<R>(&mut self, ask: impl FnOnce() -> R) -> R {
        self.state.execute_with(ask)
    }

    /// Makes the next block as an author does. Refused extrinsics stay out of it.
    pub(crate) fn make(&mut self, extrinsics: Vec<UncheckedExtrinsic>) -> Made {
        let header = self.open();
        let slot = FIRST_SLOT + u64::from(*header.number());
        let made = self.state.execute_with(|| {
            Executive::initialize_block(&header);
            let now = slot * SLOT_DURATION_MS;
            let time = RuntimeCall::Timestamp(pallet_timestamp::Call::set { now });
            let time = UncheckedExtrinsic::new_bare(time);
            Executive::apply_extrinsic(time.clone()).unwrap().unwrap();
            let mut included = vec![time];
            let mut results = Vec::new();
            for extrinsic in extrinsics {
                let result = Executive::apply_extrinsic(extrinsic.clone());
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

    /// The header that the author starts the next block with.
    fn open(&self) -> Header {
        let number = self.head.number() + 1;
        let claim = claim(FIRST_SLOT + u64::from(number));
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

/// The author's claim to a slot.
fn claim(slot: u64) -> DigestItem {
    let claim = SecondaryPlainPreDigest { slot: slot.into(), authority_index: 0 };
    <DigestItem as CompatibleDigestItem>::babe_pre_digest(PreDigest::SecondaryPlain(claim))
}
