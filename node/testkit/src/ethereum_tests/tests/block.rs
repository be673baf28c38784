//! Block tests.

use super::{
    super::{
        chain::{self, Chain},
        runtime::{Runtime, System, EVM},
        Kind, Summary,
    },
    assert_counts, assert_excused, assert_failed, run_json, sample,
};
use alloy_primitives::{hex, Address, B256};
use bzk_evm::{
    block::{self, Block, Commitments},
    execute::BlockEnvironment,
};
use frame_support::{dispatch::DispatchClass, weights::Weight};
use pallet_ethereum::{BlockHash, ChainHead, CurrentBlock, Head, NextBaseFee};
use serde_json::{json, Value};
use sp_core::H256;

const GAS_LIMIT: u64 = 30_000_000;

fn environment(number: u64, timestamp_s: u64) -> BlockEnvironment {
    BlockEnvironment {
        chain_id: 1,
        number,
        timestamp_s,
        gas_limit: GAS_LIMIT,
        base_fee: 1_000,
        coinbase: sample::COINBASE,
        prev_randao: B256::repeat_byte(number as u8),
    }
}

/// Block 0 with the extra data that the files like to have.
fn genesis() -> Block {
    let state_root = Chain::new(sample::genesis()).execute(chain::state_root);
    let commitments = Commitments {
        state_root,
        transactions_root: block::transactions_root(&[]),
        receipts_root: block::receipts_root(&[]),
        ..Default::default()
    };
    let mut header = block::header(&environment(0, 1_000), &commitments);
    header.extra_data = vec![0x42].into();
    block::block(header, Vec::new())
}

/// Makes blocks with the pallets, one upon the other.
struct Maker(Chain);

impl Maker {
    fn new() -> Self {
        let genesis = genesis().header;
        let mut chain = Chain::new(sample::genesis());
        chain.execute(|| {
            let hash = H256(block::hash(&genesis).0);
            Head::<Runtime>::put(ChainHead {
                number: 0,
                hash,
                timestamp_s: genesis.timestamp,
                gas_limit: GAS_LIMIT,
            });
            pallet_ethereum::BlockGasLimit::<Runtime>::put(GAS_LIMIT);
            BlockHash::<Runtime>::insert(0, hash);
            // An empty block lowers the base fee by an eighth.
            NextBaseFee::<Runtime>::put(875);
        });
        Self(chain)
    }

    fn make(&mut self, timestamp_s: u64, transactions: &[Vec<u8>]) -> Block {
        self.0.execute(|| {
            let number = Head::<Runtime>::get().number + 1;
            chain::begin(&environment(number, timestamp_s), vec![1, 2].try_into().unwrap());
            transactions.iter().for_each(|raw| chain::apply(raw).unwrap());
            chain::end().unwrap();
            block::decode(&CurrentBlock::<Runtime>::get(), 1 << 24).unwrap()
        })
    }
}

/// Two blocks on each other, the first with two transactions.
fn chain_of_two() -> Vec<Block> {
    let mut maker = Maker::new();
    let mut sender = sample::sender();
    let transactions = [
        sample::call(&mut sender, sample::CONTRACT, 100_000),
        sample::call(&mut sender, Address::repeat_byte(9), 21_000),
    ];
    vec![maker.make(1_010, &transactions), maker.make(1_020, &[])]
}

fn valid(block: &Block) -> Value {
    json!({
        "blockHeader": {"hash": sample::text(block::hash(&block.header))},
        "rlp": hex::encode_prefixed(block::encode(block)),
        "transactions": [],
        "uncleHeaders": [],
        "withdrawals": []
    })
}

fn invalid(block: &Block) -> Value {
    json!({
        "expectException": "InvalidBlock",
        "rlp": hex::encode_prefixed(block::encode(block)),
    })
}

fn file(blocks: Vec<Value>, last: &Block) -> Value {
    file_from(&genesis(), blocks, last)
}

fn file_from(genesis: &Block, blocks: Vec<Value>, last: &Block) -> Value {
    json!({"sample": {
        "_info": {},
        "blocks": blocks,
        "genesisBlockHeader": {"hash": sample::text(block::hash(&genesis.header))},
        "genesisRLP": hex::encode_prefixed(block::encode(genesis)),
        "lastblockhash": sample::text(block::hash(&last.header)),
        "network": "Cancun",
        "pre": sample::pre(),
        "sealEngine": "NoProof"
    }})
}

fn run(file: &Value) -> Summary {
    run_json(Kind::Block, file)
}

/// The sample with a block changed by `edit`, as the second and last one.
fn edited(edit: impl FnOnce(&mut Block)) -> (Block, Block) {
    let [first, mut second]: [Block; 2] = chain_of_two().try_into().unwrap();
    edit(&mut second);
    (first, second)
}

#[test]
fn chain_with_the_expected_head_and_state_passes() {
    let chain = chain_of_two();
    assert!(chain[0].header.gas_used > 42_000 && !chain[0].header.logs_bloom.is_zero());
    let mut file = file(chain.iter().map(valid).collect(), &chain[1]);
    file["sample"]["postStateHash"] = sample::text(chain[1].header.state_root);
    assert_counts(&run(&file), "1 passed, 0 failed, 0 excused");
    file["sample"]["postStateHash"] = sample::text(chain[0].header.parent_hash);
    assert_failed(&run(&file), "post state");
}

#[test]
fn post_state_is_compared_account_by_account() {
    let mut file = file(vec![], &genesis());
    file["sample"]["postState"] = sample::pre();
    assert_counts(&run(&file), "1 passed, 0 failed, 0 excused");
    file["sample"]["postState"][sample::CONTRACT.to_string()]["nonce"] = "0x02".into();
    assert_failed(&run(&file), "post state");
}

#[test]
fn wrong_head_or_genesis_fails() {
    let chain = chain_of_two();
    let blocks: Vec<Value> = chain.iter().map(valid).collect();
    assert_failed(&run(&file(blocks.clone(), &chain[0])), "last block hash");
    let mut file = file(blocks, &chain[1]);
    file["sample"]["pre"][sample::CONTRACT.to_string()]["nonce"] = "0x02".into();
    assert_failed(&run(&file), "genesis state root");
}

#[test]
fn every_header_field_is_checked() {
    let edits: [fn(&mut Block); 17] = [
        |block| block.header.parent_hash = B256::repeat_byte(1),
        |block| block.header.ommers_hash = B256::repeat_byte(1),
        |block| block.header.state_root = B256::repeat_byte(1),
        |block| block.header.transactions_root = B256::repeat_byte(1),
        |block| block.header.receipts_root = B256::repeat_byte(1),
        |block| block.header.logs_bloom.0[3] ^= 1,
        |block| block.header.difficulty = alloy_primitives::U256::from(1),
        |block| block.header.number += 1,
        |block| block.header.gas_limit += GAS_LIMIT / 1_024,
        |block| block.header.gas_used += 1,
        |block| block.header.timestamp = 1_010,
        |block| block.header.extra_data = vec![0; 33].into(),
        |block| block.header.nonce.0[7] = 1,
        |block| block.header.base_fee_per_gas = Some(875),
        |block| block.header.withdrawals_root = None,
        |block| block.header.blob_gas_used = Some(131_072),
        |block| block.header.parent_beacon_block_root = Some(B256::repeat_byte(1)),
    ];
    for (index, edit) in edits.into_iter().enumerate() {
        let (first, second) = edited(edit);
        let file = file(vec![valid(&first), invalid(&second)], &first);
        let summary = run(&file);
        assert_eq!(summary.passed, 1, "edit {index}: {summary}");
    }
}

#[test]
fn header_fields_that_are_free_are_taken_from_the_block() {
    let (first, _) = edited(|_| ());
    let (_, mut second) = edited(|_| ());
    second.header.gas_limit -= GAS_LIMIT / 1_024 - 1;
    second.header.mix_hash = B256::repeat_byte(9);
    second.header.extra_data = vec![7; 32].into();
    second.header.timestamp = 1_011;
    second.header.beneficiary = Address::repeat_byte(3);
    let file = file(vec![valid(&first), valid(&second)], &second);
    assert_counts(&run(&file), "1 passed, 0 failed, 0 excused");
}

#[test]
fn invalid_block_that_is_imported_fails_and_so_does_a_valid_one_that_is_refused() {
    let chain = chain_of_two();
    let file_of = |blocks| file(blocks, &chain[1]);
    let summary = run(&file_of(vec![valid(&chain[0]), invalid(&chain[1])]));
    assert_failed(&summary, "block 1 imported, but expects InvalidBlock");
    let (first, second) = edited(|block| block.header.receipts_root = B256::repeat_byte(1));
    let summary = run(&file(vec![valid(&first), valid(&second)], &second));
    assert_failed(&summary, "block 1 refused: receipts root");
    let orphan = run(&file_of(vec![valid(&chain[1])]));
    assert_failed(&orphan, "unknown parent");
}

#[test]
fn refused_block_leaves_the_state_as_it_was() {
    let chain = chain_of_two();
    let mut bad = chain[0].clone();
    bad.header.state_root = B256::repeat_byte(1);
    let blocks = vec![invalid(&bad), valid(&chain[0]), invalid(&bad), valid(&chain[1])];
    assert_counts(&run(&file(blocks, &chain[1])), "1 passed, 0 failed, 0 excused");
}

#[test]
fn newest_valid_block_is_the_head_even_on_a_side_chain() {
    let chain = chain_of_two();
    // Another first block, and another second one on the old first.
    let side = Maker::new().make(1_012, &[]);
    let mut maker = Maker::new();
    let mut sender = sample::sender();
    let transactions = [
        sample::call(&mut sender, sample::CONTRACT, 100_000),
        sample::call(&mut sender, Address::repeat_byte(9), 21_000),
    ];
    assert_eq!(maker.make(1_010, &transactions), chain[0]);
    let second = maker.make(1_030, &[sample::call(&mut sender, sample::CONTRACT, 100_000)]);
    let blocks = vec![valid(&chain[0]), valid(&chain[1]), valid(&side), valid(&second)];
    assert_counts(&run(&file(blocks.clone(), &second)), "1 passed, 0 failed, 0 excused");
    assert_failed(&run(&file(blocks, &chain[1])), "last block hash");
}

#[test]
fn garbage_is_an_invalid_block() {
    for rlp in ["0x", "0xc0", "0x80", "0xf8ff"] {
        let blocks = vec![json!({"expectException": "rlp", "rlp": rlp})];
        assert_counts(&run(&file(blocks, &genesis())), "1 passed, 0 failed, 0 excused");
    }
}

#[test]
fn blocks_outside_the_profile_are_excused_by_name() {
    type Change = fn(&mut Block);
    let reasons: [(Change, &str); 4] = [
        (|block| block.header.withdrawals_root = Some(B256::repeat_byte(1)), "withdrawals"),
        (|block| block.header.excess_blob_gas = Some(1), "blob gas"),
        (|block| block.header.parent_beacon_block_root = Some(B256::repeat_byte(1)), "beacon root"),
        (|block| block.header.timestamp = 1 << 32, "timestamp 4294967296"),
    ];
    for (edit, reason) in reasons {
        let (first, second) = edited(edit);
        assert_excused(&run(&file(vec![valid(&first), valid(&second)], &second)), reason);
    }
}

#[test]
fn transactions_outside_the_profile_excuse_their_block() {
    let mut maker = Maker::new();
    let mut block =
        maker.make(1_010, &[sample::call(&mut sample::sender(), sample::BLOB_READER, 100_000)]);
    block.header.state_root = B256::repeat_byte(1);
    assert_excused(&run(&file(vec![valid(&block)], &block)), "executes BLOBHASH");

    let raw = sample::call(&mut sample::sender(), Address::with_last_byte(2), 100_000);
    let tx = bzk_evm::tx::decode(&raw).unwrap();
    let block = block::block(block.header, vec![tx]);
    assert_excused(&run(&file(vec![valid(&block)], &block)), "sent to a precompile");
}

#[test]
fn transactions_that_nobody_can_prove_share_a_block() {
    let [user, other] = [sample::MEMORY_USER, sample::CONTRACT];
    for calls in [[user, other], [other, user], [user, user]] {
        let mut sender = sample::sender();
        let transactions = calls.map(|to| sample::call(&mut sender, to, 3_000_000));
        let block = Maker::new().make(1_010, &transactions);
        let summary = run(&file(vec![valid(&block)], &block));
        assert_counts(&summary, "1 passed, 0 failed, 0 excused");
        // Of which the memory takes 2,195,587. It must not run out of gas before.
        assert!((2_200_000..4_500_000).contains(&block.header.gas_used), "{calls:?}");
    }
}

#[test]
fn weight_of_the_blocks_before_keeps_nobody_out() {
    let mut maker = Maker::new();
    maker.0.execute(|| {
        System::register_extra_weight_unchecked(Weight::MAX, DispatchClass::Normal);
    });
    let mut sender = sample::sender();
    let transactions = [(); 2].map(|()| sample::call(&mut sender, sample::CONTRACT, 100_000));
    assert_eq!(maker.make(1_010, &transactions).body.transactions.len(), 2);
}

#[test]
fn block_of_more_logs_than_ours_take_is_excused() {
    let (genesis, mut first) = with_gas_limits(1 << 31, 1 << 31);
    let raw = sample::call(&mut sample::sender(), sample::LOGGER, sample::LOGGER_GAS);
    first.body.transactions = vec![bzk_evm::tx::decode(&raw).unwrap()];
    let summary = run(&file_from(&genesis, vec![valid(&first)], &first));
    assert_excused(&summary, "bytes of transactions and logs, above 16 MiB");
}

#[test]
fn expected_refusal_of_a_transaction_is_compared() {
    let raw = sample::call(&mut sample::sender(), sample::CONTRACT, 20_999);
    let mut block = chain_of_two().remove(0);
    block.body.transactions = vec![bzk_evm::tx::decode(&raw).unwrap()];
    for (name, not_compared) in [
        ("TransactionException.INTRINSIC_GAS_TOO_LOW", 0),
        // The file is wrong, or has a fault in mind of which we know nothing.
        ("TR_NoFunds", 1),
        ("BlockException.INVALID_TRANSACTIONS_ROOT", 1),
    ] {
        let mut bad = invalid(&block);
        bad["expectException"] = name.into();
        let summary = run(&file(vec![bad], &genesis()));
        assert_counts(&summary, "1 passed, 0 failed, 0 excused");
        assert_eq!(summary.refused, not_compared, "{name}");
    }
}

#[test]
fn networks_other_than_ours_are_not_run_and_transitions_excused() {
    let chain = chain_of_two();
    let mut file = file(chain.iter().map(valid).collect(), &chain[1]);
    file["sample"]["network"] = "ShanghaiToCancunAtTime15k".into();
    assert_excused(&run(&file), "fork transition ShanghaiToCancunAtTime15k");
    file["sample"]["network"] = "Shanghai".into();
    let summary = run(&file);
    assert_counts(&summary, "0 passed, 0 failed, 0 excused");
    assert_eq!(summary.other_forks, 1);
}

#[test]
fn state_of_the_sample_has_no_stale_nodes() {
    let mut maker = Maker::new();
    maker.make(1_010, &[sample::call(&mut sample::sender(), sample::CONTRACT, 100_000)]);
    maker.0.execute(|| EVM::check_state().unwrap());
}

/// The first block of the sample on a genesis block of another gas limit.
fn with_gas_limits(genesis_limit: u64, limit: u64) -> (Block, Block) {
    let mut genesis = genesis();
    genesis.header.gas_limit = genesis_limit;
    let mut first = chain_of_two().remove(0);
    first.header.parent_hash = block::hash(&genesis.header);
    first.header.gas_limit = limit;
    (genesis, first)
}

#[test]
fn gas_limits_that_governance_cannot_set_are_imported() {
    for limit in [u64::from(u32::MAX), 1 << 32, 0xff_1122_3344_5566, (1 << 63) - 1] {
        let (genesis, first) = with_gas_limits(limit, limit - 5);
        let summary = run(&file_from(&genesis, vec![valid(&first)], &first));
        assert_counts(&summary, "1 passed, 0 failed, 0 excused");
    }
}

#[test]
fn gas_limits_that_no_client_takes_are_refused() {
    for (parent, limit) in
        [((1 << 63) - 1, 1 << 63), (1 << 40, (1 << 40) + (1 << 30)), (5_000, 4_999)]
    {
        let (genesis, first) = with_gas_limits(parent, limit);
        let summary = run(&file_from(&genesis, vec![invalid(&first)], &genesis));
        assert_counts(&summary, "1 passed, 0 failed, 0 excused");
    }
}

#[test]
fn invalid_block_on_an_older_one_leaves_head_and_state() {
    let chain = chain_of_two();
    let mut side = Maker::new().make(1_012, &[]);
    side.header.state_root = B256::repeat_byte(1);
    let blocks = vec![valid(&chain[0]), valid(&chain[1]), invalid(&side)];
    let mut file = file(blocks, &chain[1]);
    file["sample"]["postStateHash"] = sample::text(chain[1].header.state_root);
    assert_counts(&run(&file), "1 passed, 0 failed, 0 excused");
}

#[test]
fn exception_of_our_fork_or_of_all_makes_a_block_invalid() {
    let (first, second) = edited(|block| block.header.receipts_root = B256::repeat_byte(1));
    for key in ["expectException", "expectExceptionALL", "expectExceptionCancun"] {
        // Newer files have the decoded header of invalid blocks too.
        let mut bad = valid(&second);
        bad[key] = "BlockException.INVALID_RECEIPTS_ROOT".into();
        let summary = run(&file(vec![valid(&first), bad], &first));
        assert_counts(&summary, "1 passed, 0 failed, 0 excused");
        let mut good = valid(&first);
        good[key] = "BlockException.INVALID_RECEIPTS_ROOT".into();
        let summary = run(&file(vec![good], &first));
        assert_failed(&summary, "block 0 imported, but expects BlockException.INVALID_RECEIPTS");
    }
    let mut other = valid(&first);
    other["expectExceptionIstanbul"] = "of a fork that is not ours".into();
    assert_counts(&run(&file(vec![other], &first)), "1 passed, 0 failed, 0 excused");
}

#[test]
fn block_that_is_not_hex_is_an_invalid_one() {
    let bad = json!({"expectException": "rlp", "rlp": "0xzz"});
    assert_counts(&run(&file(vec![bad], &genesis())), "1 passed, 0 failed, 0 excused");
    let mut claimed = valid(&genesis());
    claimed["rlp"] = "0xzz".into();
    assert_failed(&run(&file(vec![claimed], &genesis())), "block 0 invalid character");
}

#[test]
fn wrong_blob_gas_after_a_genesis_with_blob_gas_is_excused() {
    let after = |excess| {
        let mut with_blobs = genesis();
        with_blobs.header.excess_blob_gas = Some(excess);
        let mut first = chain_of_two().remove(0);
        first.header.parent_hash = block::hash(&with_blobs.header);
        run(&file_from(&with_blobs, vec![invalid(&first)], &with_blobs))
    };
    assert_excused(&after((3 << 17) + 1), "genesis block with blob gas");
    // So far zero is right: whatever is wrong with the block, we should have refused it.
    assert_failed(&after(3 << 17), "block 0 imported, but expects InvalidBlock");
}

#[test]
fn tests_of_the_engine_api_are_excused() {
    let engine = json!({"sample": {
        "network": "Cancun",
        "pre": sample::pre(),
        "genesisBlockHeader": {"hash": sample::text(B256::ZERO)},
        "engineNewPayloads": [],
        "lastblockhash": sample::text(B256::ZERO)
    }});
    assert_excused(&run(&engine), "sample: payloads of the engine API");
}

#[test]
fn test_that_cannot_be_read_leaves_the_others_of_its_file() {
    let chain = chain_of_two();
    let mut file = file(chain.iter().map(valid).collect(), &chain[1]);
    file["without-network"] = json!({"blocks": []});
    file["without-genesis"] = json!({"blocks": [], "network": "Cancun"});
    let summary = run(&file);
    assert_counts(&summary, "1 passed, 2 failed, 0 excused");
    let text = summary.to_string();
    assert!(text.contains("without-network: cannot be read: a block test without `network`"));
    assert!(text.contains("without-genesis: cannot be read: missing field `genesisRLP`"), "{text}");
}

/// The fields that execution-spec-tests adds.
#[test]
fn file_of_execution_spec_tests_passes() {
    let chain = chain_of_two();
    let (_, second) = edited(|block| block.header.receipts_root = B256::repeat_byte(1));
    let mut bad = invalid(&second);
    bad["rlp_decoded"] = valid(&second);
    let mut blocks: Vec<Value> = chain.iter().map(valid).collect();
    blocks.insert(1, bad);
    let mut file = file(blocks, &chain[1]);
    let test = &mut file["sample"];
    test["config"] = json!({"network": "Cancun", "chainid": "0x01"});
    test["blocks"][0]["blocknumber"] = "1".into();
    test["blocks"][0]["transactions"] = json!([{"to": "", "v": "0x:bigint 0x1"}]);
    test["hasBigInt"] = "1".into();
    assert_counts(&run(&file), "1 passed, 0 failed, 0 excused");
}
