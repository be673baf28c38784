use super::{root::TrieSource, *};
use crate::exec::fixture::{self, code, CALLER, OTHER, TARGET};
use alloy_primitives::{keccak256, map::HashMap, Address, Bytes};
use alloy_trie::{
    root::{state_root_unhashed, storage_root_unhashed},
    TrieAccount,
};
use bzk_evm::trie::{self, NodeStore, EMPTY_ROOT};
use jsonrpsee::types::ErrorObjectOwned;
use revm::{
    bytecode::Bytecode,
    database::{CacheDB, DbAccount, EmptyDB},
    state::AccountInfo,
};
use serde_json::{json, Value};
use sp_core::H256;
use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

/// Adds 1 to slot 0 and returns it.
const COUNTER: &str = "5f5460010180 5f555f5260205ff3";

#[derive(Default)]
struct Nodes(HashMap<(Option<H256>, Vec<u8>), Vec<u8>>);

impl NodeStore for Nodes {
    fn get(&self, owner: Option<H256>, path: &[u8]) -> Option<Vec<u8>> {
        self.0.get(&(owner, path.to_vec())).cloned()
    }

    fn set(&mut self, owner: Option<H256>, path: &[u8], node: Vec<u8>) {
        self.0.insert((owner, path.to_vec()), node);
    }

    fn remove(&mut self, owner: Option<H256>, path: &[u8]) {
        self.0.remove(&(owner, path.to_vec()));
    }
}

/// A state in memory with its trie.
#[derive(Clone)]
struct World {
    db: Arc<CacheDB<EmptyDB>>,
    nodes: Arc<Nodes>,
    root: H256,
    storage_roots: Arc<BTreeMap<Address, H256>>,
}

impl World {
    fn new(
        accounts: impl IntoIterator<Item = (Address, u64, &'static str, Vec<(u64, u64)>)>,
    ) -> Self {
        let (mut db, mut nodes) = (CacheDB::new(EmptyDB::default()), Nodes::default());
        let (mut leaves, mut storage_roots) = (Vec::new(), BTreeMap::new());
        for (address, balance, hex, slots) in accounts {
            let code = Bytecode::new_legacy(fixture::code(&hex.replace(' ', "")));
            let code_hash =
                if code.is_empty() { revm::primitives::KECCAK_EMPTY } else { code.hash_slow() };
            let info = AccountInfo {
                balance: U256::from(balance),
                nonce: 1,
                code_hash,
                code: Some(code),
                ..Default::default()
            };
            db.insert_account_info(address, info);
            let owner = H256(keccak256(address).0);
            let values = slots.iter().map(|(slot, value)| {
                let key = keccak256(U256::from(*slot).to_be_bytes::<32>());
                (H256(key.0), Some(alloy_rlp::encode(U256::from(*value))))
            });
            let storage_root = trie::update(&mut nodes, Some(owner), EMPTY_ROOT, values).unwrap();
            for (slot, value) in slots {
                db.insert_account_storage(address, U256::from(slot), U256::from(value)).unwrap();
            }
            storage_roots.insert(address, storage_root);
            let leaf = bzk_evm::account::Account {
                nonce: 1,
                balance: balance.into(),
                code_hash: H256(code_hash.0),
                storage_root,
            };
            leaves.push((owner, Some(leaf.rlp())));
        }
        let root = trie::update(&mut nodes, None, EMPTY_ROOT, leaves).unwrap();
        let (db, nodes) = (Arc::new(db), Arc::new(nodes));
        Self { db, nodes, root, storage_roots: Arc::new(storage_roots) }
    }

    fn run(&self, payload: Value) -> Result<Value, ErrorObjectOwned> {
        let payload = serde_json::from_value(payload).unwrap();
        let header = base();
        let hash = bzk_evm::block::hash(&header);
        let base = Base { header: &header, hash, chain_id: fixture::CHAIN_ID };
        let deadline = Instant::now() + Duration::from_secs(60);
        let blocks = simulate(self.clone(), base, payload, &Limits::default(), deadline)?;
        Ok(serde_json::to_value(blocks).unwrap())
    }

    fn code_of(&self, payload: Value) -> i32 {
        self.run(payload).unwrap_err().code()
    }
}

impl revm::DatabaseRef for World {
    type Error = Infallible;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        self.db.basic_ref(address)
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, Infallible> {
        self.db.code_by_hash_ref(hash)
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Infallible> {
        self.db.storage_ref(address, slot)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Infallible> {
        self.db.block_hash_ref(number)
    }
}

impl TrieSource for World {
    fn state_root(&self) -> Result<B256, Failure> {
        Ok(B256::new(self.root.0))
    }

    fn storage_root(&self, address: Address) -> Result<B256, Failure> {
        Ok(B256::new(self.storage_roots.get(&address).copied().unwrap_or(EMPTY_ROOT).0))
    }

    fn node(&self, owner: Option<B256>, path: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        Ok(self.nodes.get(owner.map(|owner| H256(owner.0)), path))
    }
}

fn base() -> Header {
    Header {
        number: 100,
        timestamp: 1_000,
        gas_limit: 10_000_000,
        base_fee_per_gas: Some(fixture::BASE_FEE),
        ..Default::default()
    }
}

fn world() -> World {
    World::new([
        (CALLER, 1_000_000_000_000_000_000, "", vec![]),
        (TARGET, 0, COUNTER, vec![(0, 40), (9, 9)]),
        (Address::repeat_byte(0x55), 5, "", vec![]),
    ])
}

fn call(to: Address) -> Value {
    json!({ "from": CALLER, "to": to })
}

fn one(call: Value) -> Value {
    json!({ "blockStateCalls": [{ "calls": [call] }] })
}

fn word(value: u64) -> String {
    B256::from(U256::from(value)).to_string()
}

#[test]
fn second_block_sees_what_the_first_did() {
    let blocks = world()
        .run(json!({ "blockStateCalls": [
            { "calls": [call(TARGET)] }, { "calls": [call(TARGET), call(TARGET)] }
        ]}))
        .unwrap();
    assert_eq!(blocks[0]["calls"][0]["returnData"], word(41));
    assert_eq!(blocks[1]["calls"][1]["returnData"], word(43));
    assert_eq!(blocks[1]["parentHash"], blocks[0]["hash"]);
    assert_eq!((&blocks[0]["number"], &blocks[1]["number"]), (&json!("0x65"), &json!("0x66")));
    assert_ne!(blocks[0]["stateRoot"], blocks[1]["stateRoot"]);
    assert_eq!(blocks[0]["calls"][0]["status"], "0x1");
}

#[test]
fn state_root_is_that_of_the_final_state() {
    let new = Address::repeat_byte(0x99);
    let blocks = world()
        .run(json!({ "blockStateCalls": [
            { "calls": [{ "from": CALLER, "to": new, "value": "0x7" }] },
            { "calls": [call(TARGET)],
              "stateOverrides": { Address::repeat_byte(0x55).to_string(): { "balance": "0x6" } } },
        ]}))
        .unwrap();
    let empty = revm::primitives::KECCAK_EMPTY;
    let code_hash = keccak256(code(&COUNTER.replace(' ', "")));
    let storage = [(0u64, 41u64), (9, 9)]
        .map(|(slot, value)| (B256::from(U256::from(slot)), U256::from(value)));
    let account = |nonce, balance: u64, code_hash, storage_root| TrieAccount {
        nonce,
        balance: U256::from(balance),
        storage_root,
        code_hash,
    };
    let none = storage_root_unhashed([]);
    let expected = state_root_unhashed([
        (CALLER, account(3, 1_000_000_000_000_000_000 - 7, empty, none)),
        (TARGET, account(1, 0, code_hash, storage_root_unhashed(storage))),
        (Address::repeat_byte(0x55), account(1, 6, empty, none)),
        (new, account(0, 7, empty, none)),
    ]);
    assert_eq!(blocks[1]["stateRoot"], expected.to_string());
}

#[test]
fn replaced_storage_counts_in_the_root_without_what_it_replaced() {
    let state = json!({ TARGET.to_string(): { "state": { word(3): word(4) } } });
    let blocks = world().run(json!({ "blockStateCalls": [{ "stateOverrides": state }] })).unwrap();
    let storage = storage_root_unhashed([(B256::from(U256::from(3)), U256::from(4))]);
    let other = World::new([
        (CALLER, 1_000_000_000_000_000_000, "", vec![]),
        (TARGET, 0, COUNTER, vec![(3, 4)]),
        (Address::repeat_byte(0x55), 5, "", vec![]),
    ]);
    assert_eq!(other.storage_root(TARGET).unwrap(), storage);
    assert_eq!(blocks[0]["stateRoot"], other.state_root().unwrap().to_string());
}

#[test]
fn block_hash_of_a_simulated_block_can_be_read() {
    // BLOCKHASH(NUMBER - 1).
    let reader = "6001430340 5f5260205ff3".replace(' ', "");
    let state = json!({ OTHER.to_string(): { "code": format!("0x{reader}") } });
    let blocks = world()
        .run(json!({ "blockStateCalls": [
            { "stateOverrides": state, "calls": [call(OTHER)] }, { "calls": [call(OTHER)] }
        ]}))
        .unwrap();
    let base_hash = bzk_evm::block::hash(&base()).to_string();
    assert_eq!(blocks[0]["calls"][0]["returnData"], base_hash);
    assert_eq!(blocks[1]["calls"][0]["returnData"], blocks[0]["hash"]);
}

#[test]
fn header_is_hashed_and_shaped_as_the_chains_own() {
    let blocks = world().run(one(call(TARGET))).unwrap();
    let header: alloy_rpc_types_eth::Header = serde_json::from_value(blocks[0].clone()).unwrap();
    assert_eq!(bzk_evm::block::hash(&header.inner), header.hash);
    assert_eq!(header.inner.gas_used, {
        let used = blocks[0]["calls"][0]["gasUsed"].as_str().unwrap();
        u64::from_str_radix(used.trim_start_matches("0x"), 16).unwrap()
    });
    assert_eq!(header.inner.parent_beacon_block_root, Some(B256::ZERO));
    assert_eq!(header.inner.base_fee_per_gas, Some(0));
    assert_eq!(blocks[0]["withdrawals"], json!([]));
}

#[test]
fn transfers_are_logged_when_asked_for() {
    let payload = |trace| {
        json!({ "traceTransfers": trace, "blockStateCalls": [{ "calls": [
            { "from": CALLER, "to": OTHER, "value": "0x3e8" }
        ]}]})
    };
    let blocks = world().run(payload(true)).unwrap();
    let log = &blocks[0]["calls"][0]["logs"][0];
    assert_eq!(log["address"], "0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
    assert_eq!(log["topics"][1], CALLER.into_word().to_string());
    assert_eq!(log["topics"][2], OTHER.into_word().to_string());
    assert_eq!(log["data"], word(1_000));
    assert_eq!(log["blockHash"], blocks[0]["hash"]);
    assert_eq!(log["transactionHash"], blocks[0]["transactions"][0]);
    let quiet = world().run(payload(false)).unwrap();
    assert_eq!(quiet[0]["calls"][0]["logs"], json!([]));
    // Such logs are no part of the block.
    assert_eq!(quiet[0]["hash"], blocks[0]["hash"]);
}

#[test]
fn transfer_of_a_frame_that_reverts_is_not_logged() {
    // Sends 5 wei to a contract that reverts, and goes on.
    let reverting = Address::repeat_byte(0x66);
    let sender = format!("5f5f5f5f600573{}5af15000", alloy_primitives::hex::encode(reverting));
    let state = json!({
        OTHER.to_string(): { "code": format!("0x{sender}"), "balance": "0xa" },
        reverting.to_string(): { "code": "0x5f5ffd" },
    });
    let blocks = world()
        .run(json!({ "traceTransfers": true, "blockStateCalls": [
            { "stateOverrides": state, "calls": [
                call(OTHER), { "from": CALLER, "to": OTHER, "value": "0x1" }
            ]}
        ]}))
        .unwrap();
    assert_eq!(blocks[0]["calls"][0]["logs"], json!([]));
    assert_eq!(blocks[0]["calls"][1]["logs"].as_array().unwrap().len(), 1);
}

#[test]
fn selfdestruct_is_a_transfer() {
    let heir = Address::repeat_byte(0x77);
    let contract = format!("73{}ff", alloy_primitives::hex::encode(heir));
    let state = json!({ OTHER.to_string(): { "code": format!("0x{contract}"), "balance": "0xa" } });
    let blocks = world()
        .run(json!({ "traceTransfers": true, "blockStateCalls": [
            { "stateOverrides": state, "calls": [call(OTHER)] }
        ]}))
        .unwrap();
    let log = &blocks[0]["calls"][0]["logs"][0];
    assert_eq!((&log["topics"][2], &log["data"]), (&json!(heir.into_word()), &json!(word(10))));
}

#[test]
fn failed_calls_have_codes_and_do_not_end_the_block() {
    let state = json!({
        OTHER.to_string(): { "code": "0x5f5ffd" },
        Address::repeat_byte(0x66).to_string(): { "code": "0xfe" },
    });
    let blocks = world()
        .run(json!({ "blockStateCalls": [{ "stateOverrides": state, "calls": [
            call(OTHER),
            { "from": CALLER, "to": Address::repeat_byte(0x66), "gas": "0x10000" },
            call(TARGET),
        ]}]}))
        .unwrap();
    let calls = &blocks[0]["calls"];
    assert_eq!(calls[0]["error"]["code"], 3);
    assert_eq!(calls[0]["error"]["message"], "execution reverted");
    assert_eq!(calls[1]["error"]["code"], -32015);
    assert_eq!(calls[1]["error"]["message"], "vm execution error: invalid opcode: INVALID");
    assert_eq!(calls[2]["returnData"], word(41));
}

#[test]
fn full_transactions_name_their_sender() {
    let blocks = world()
        .run(json!({ "returnFullTransactions": true, "blockStateCalls": [
            { "calls": [call(TARGET)] }
        ]}))
        .unwrap();
    let tx = &blocks[0]["transactions"][0];
    assert_eq!(tx["from"], json!(CALLER));
    assert_eq!((&tx["type"], &tx["nonce"]), (&json!("0x2"), &json!("0x1")));
    assert_eq!(tx["blockHash"], blocks[0]["hash"]);
}

#[test]
fn nonces_follow_the_sender_over_blocks() {
    let call = || json!({ "calls": [call(TARGET)] });
    let blocks = world()
        .run(json!({ "returnFullTransactions": true, "blockStateCalls": [call(), call()] }))
        .unwrap();
    assert_eq!(blocks[1]["transactions"][0]["nonce"], "0x2");
}

#[test]
fn validation_applies_the_rules_of_blocks() {
    let strict =
        |call: Value| json!({ "validation": true, "blockStateCalls": [{ "calls": [call] }] });
    let paid = |nonce: &str, value: &str| {
        json!({ "from": CALLER, "to": OTHER, "nonce": nonce, "value": value, "gas": "0x5208",
                "maxFeePerGas": "0x77359400" })
    };
    let world = world();
    assert_eq!(world.code_of(strict(call(TARGET))), -38012);
    assert_eq!(world.code_of(strict(paid("0x0", "0x0"))), -38010);
    assert_eq!(world.code_of(strict(paid("0x2", "0x0"))), -38011);
    assert_eq!(world.code_of(strict(paid("0x1", "0xde0b6b3a7640000"))), -38014);
    let blocks = world.run(strict(paid("0x1", "0x1"))).unwrap();
    // The base block was empty, so the fee falls by one part in eight.
    assert_eq!(blocks[0]["baseFeePerGas"], json!(format!("{:#x}", fixture::BASE_FEE / 8 * 7)));
}

#[test]
fn calls_that_cannot_start_end_the_simulation_with_their_code() {
    let world = world();
    let with = |field: &str, value: &str| {
        let mut call = call(TARGET);
        call[field] = json!(value);
        one(call)
    };
    assert_eq!(world.code_of(with("gas", "0x0")), -38013);
    assert_eq!(world.code_of(with("value", "0xde0b6b3a7640001")), -38014);
    assert_eq!(world.code_of(with("gas", "0x989681")), -38015);
    let create = json!({ "from": CALLER, "input": Bytes::from(vec![0; 0xc001]) });
    assert_eq!(world.code_of(one(create)), -38025);
    assert_eq!(world.code_of(json!({ "blockStateCalls": [] })), -32602);
}

#[test]
fn without_validation_fees_and_nonces_are_free() {
    let fee = json!({ "baseFeePerGas": "0xa" });
    let payload = json!({ "blockStateCalls": [{ "blockOverrides": fee, "calls": [
        { "from": CALLER, "to": TARGET, "nonce": "0x50" }
    ]}]});
    let blocks = world().run(payload).unwrap();
    assert_eq!(blocks[0]["baseFeePerGas"], "0xa");
    assert_eq!(blocks[0]["calls"][0]["status"], "0x1");
}

#[test]
fn blocks_and_calls_are_bounded() {
    let blocks: Vec<_> = (0..257).map(|_| json!({})).collect();
    assert_eq!(world().code_of(json!({ "blockStateCalls": blocks })), -38026);
    let calls: Vec<_> = (0..=Limits::default().simulate_calls).map(|_| json!({})).collect();
    assert_eq!(world().code_of(json!({ "blockStateCalls": [{ "calls": calls }] })), -38026);
}

#[test]
fn account_kinds_of_the_overlay_are_told_apart() {
    // What the root relies on: replaced storage is marked as complete.
    let mut db = CacheDB::new(EmptyDB::default());
    db.replace_account_storage(OTHER, Default::default()).unwrap();
    let account: &DbAccount = db.cache.accounts.get(&OTHER).unwrap();
    assert!(account.account_state.is_storage_cleared());
}
