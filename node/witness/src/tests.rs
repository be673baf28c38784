//! What a witness holds, and that it is enough.

use crate::{
    build,
    ledger::key,
    memory::{Contents, State},
    BlockInput, BlockWitness, WitnessError,
};
use alloy_consensus::{SignableTransaction, TxEip2930, TxEnvelope};
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{keccak256, Address, Bytes, Signature, TxKind, B256, U256};
use bzk_evm::{
    account::EMPTY_ROOT,
    block::Block,
    execute::BlockEnvironment,
    trie::{prove, NodeStore},
    tx::RecoveredTx,
};
use proptest::prelude::*;
use revm::{
    bytecode::opcode::{self as op},
    state::{AccountInfo, Bytecode},
    DatabaseRef,
};
use sp_core::H256;
use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
};

const SENDER: Address = Address::repeat_byte(0x51);
const COINBASE: Address = Address::repeat_byte(0xc0);
const CONTRACT: Address = Address::repeat_byte(0xa1);

/// Takes pairs of slot and value, one byte each; stores them; a last odd byte makes it revert.
fn writer() -> Vec<u8> {
    let byte_at_top = [op::CALLDATALOAD, op::PUSH0, op::BYTE];
    let mut code = vec![op::PUSH0, op::JUMPDEST];
    // [at] -> to the end (26) when at + 1 >= the length.
    code.extend([op::CALLDATASIZE, op::DUP2, op::PUSH1, 1, op::ADD, op::LT, op::ISZERO]);
    code.extend([op::PUSH1, 32, op::JUMPI]);
    code.extend([op::DUP1, op::PUSH1, 1, op::ADD]);
    code.extend(byte_at_top);
    code.push(op::DUP2);
    code.extend(byte_at_top);
    code.extend([op::SSTORE, op::PUSH1, 2, op::ADD, op::PUSH1, 1, op::JUMP]);
    code.resize(32, op::INVALID);
    code.extend([op::JUMPDEST, op::PUSH1, 1, op::CALLDATASIZE, op::AND, op::PUSH1, 41, op::JUMPI]);
    code.extend([op::STOP, op::JUMPDEST, op::PUSH0, op::PUSH0, op::REVERT]);
    code
}

fn contract(code: Vec<u8>, slots: u64) -> Contents {
    let storage = (0..slots).map(|slot| (U256::from(slot), U256::from(7))).collect();
    Contents { nonce: 1, balance: U256::ZERO, code: code.into(), storage }
}

fn state(slots: u64) -> State {
    let rich = Contents { balance: U256::from(10).pow(U256::from(20)), ..Contents::default() };
    let others = (0..60u64).map(|index| {
        let address = Address::from_slice(&keccak256(index.to_be_bytes())[..20]);
        (address, Contents { nonce: 1, ..Contents::default() })
    });
    let named = [
        (SENDER, rich),
        (COINBASE, Contents { nonce: 1, ..Contents::default() }),
        (CONTRACT, contract(writer(), slots)),
    ];
    State::new(others.chain(named))
}

fn transaction(nonce: u64, to: Address, data: Vec<u8>, slots: &[u64]) -> RecoveredTx {
    let storage_keys = slots.iter().map(|slot| B256::from(U256::from(*slot))).collect();
    let item = AccessListItem { address: CONTRACT, storage_keys };
    let tx = TxEip2930 {
        chain_id: bzk_core::CHAIN_ID,
        nonce,
        gas_price: 10,
        gas_limit: 1_000_000,
        to: TxKind::Call(to),
        value: U256::ZERO,
        access_list: AccessList(if slots.is_empty() { vec![] } else { vec![item] }),
        input: data.into(),
    };
    let envelope: TxEnvelope = tx.into_signed(Signature::test_signature()).into();
    RecoveredTx { hash: *envelope.tx_hash(), envelope, sender: SENDER }
}

fn environment() -> BlockEnvironment {
    BlockEnvironment {
        chain_id: bzk_core::CHAIN_ID,
        number: 1,
        timestamp_s: 1_000,
        gas_limit: 60_000_000,
        base_fee: 7,
        coinbase: COINBASE,
        prev_randao: B256::ZERO,
    }
}

fn executed(state: &State, transactions: Vec<RecoveredTx>) -> (Block, Vec<Address>) {
    let count = transactions.len();
    let (_, block, senders) = state.execute(&environment(), B256::ZERO, transactions);
    assert_eq!(block.body.transactions.len(), count);
    (block, senders)
}

fn input<'a>(state: &State, block: &'a Block, senders: &'a [Address]) -> BlockInput<'a> {
    BlockInput {
        block,
        senders,
        chain_id: bzk_core::CHAIN_ID,
        parent_state_root: state.root(),
        block_hashes: &[],
    }
}

fn witness(state: &State, transactions: Vec<RecoveredTx>) -> BlockWitness {
    let (block, senders) = executed(state, transactions);
    build(state, input(state, &block, &senders)).unwrap()
}

fn proof(state: &State, owner: Option<H256>, root: H256, key: H256) -> Vec<Bytes> {
    let nodes = prove(state, owner, root, key).unwrap();
    nodes.into_iter().map(Bytes::from).collect()
}

/// A state that knows nothing but a witness.
struct Stateless {
    nodes: HashMap<(Option<H256>, Vec<u8>), Vec<u8>>,
    root: B256,
    codes: HashMap<B256, Bytes>,
}

impl Stateless {
    fn new(witness: &BlockWitness) -> Self {
        let known: BTreeMap<_, _> =
            witness.nodes.iter().map(|node| (H256(keccak256(node).0), node)).collect();
        let mut nodes = HashMap::new();
        let root = H256(witness.parent_state_root.0);
        Self::place(&known, None, Vec::new(), root, &mut nodes);
        let codes = witness.codes.iter().map(|code| (keccak256(code), code.clone())).collect();
        Self { nodes, root: witness.parent_state_root, codes }
    }

    /// Puts the nodes below `hash` where they belong; storage tries hang below their accounts.
    fn place(
        known: &BTreeMap<H256, &Bytes>,
        owner: Option<H256>,
        path: Vec<u8>,
        hash: H256,
        nodes: &mut HashMap<(Option<H256>, Vec<u8>), Vec<u8>>,
    ) {
        let Some(bytes) = known.get(&hash) else { return };
        nodes.insert((owner, path.clone()), bytes.to_vec());
        Self::descend(known, owner, path, bytes, nodes);
    }

    fn descend(
        known: &BTreeMap<H256, &Bytes>,
        owner: Option<H256>,
        path: Vec<u8>,
        node: &[u8],
        nodes: &mut HashMap<(Option<H256>, Vec<u8>), Vec<u8>>,
    ) {
        use alloy_trie::nodes::TrieNode;
        let decoded = <TrieNode as alloy_rlp::Decodable>::decode(&mut &node[..]).unwrap();
        let mut child = |path: Vec<u8>, link: &[u8]| match link.len() {
            33 => Self::place(known, owner, path, H256::from_slice(&link[1..]), nodes),
            _ => Self::descend(known, owner, path, link, nodes),
        };
        match decoded {
            TrieNode::EmptyRoot => {}
            TrieNode::Branch(branch) => {
                for (index, link) in branch.as_ref().children() {
                    if let Some(link) = link {
                        child([path.as_slice(), &[index]].concat(), link.as_slice());
                    }
                }
            }
            TrieNode::Extension(extension) => {
                let path = [path, extension.key.to_vec()].concat();
                child(path, extension.child.as_slice());
            }
            TrieNode::Leaf(leaf) if owner.is_none() => {
                let account: alloy_trie::TrieAccount =
                    alloy_rlp::Decodable::decode(&mut leaf.value.as_slice()).unwrap();
                let nibbles = [path, leaf.key.to_vec()].concat();
                let bytes: Vec<u8> = nibbles.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
                let owner = Some(H256::from_slice(&bytes));
                let root = H256(account.storage_root.0);
                if root != EMPTY_ROOT {
                    Self::place(known, owner, Vec::new(), root, nodes);
                }
            }
            TrieNode::Leaf(_) => {}
        }
    }

    fn account(&self, address: Address) -> Option<alloy_trie::TrieAccount> {
        let root = H256(self.root.0);
        let leaf = bzk_evm::trie::get(self, None, root, key(address.as_slice())).unwrap()?;
        Some(alloy_rlp::Decodable::decode(&mut leaf.as_slice()).unwrap())
    }
}

impl NodeStore for Stateless {
    fn get(&self, owner: Option<H256>, path: &[u8]) -> Option<Vec<u8>> {
        self.nodes.get(&(owner, path.to_vec())).cloned()
    }

    fn set(&mut self, _: Option<H256>, _: &[u8], _: Vec<u8>) {
        unreachable!("a witness is not written to")
    }

    fn remove(&mut self, _: Option<H256>, _: &[u8]) {
        unreachable!("a witness is not written to")
    }
}

impl DatabaseRef for Stateless {
    type Error = Infallible;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(self.account(address).map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            code: None,
            ..AccountInfo::default()
        }))
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, Infallible> {
        Ok(Bytecode::new_legacy(self.codes[&hash].clone()))
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Infallible> {
        let Some(account) = self.account(address) else { return Ok(U256::ZERO) };
        let owner = Some(key(address.as_slice()));
        let (root, slot) = (H256(account.storage_root.0), key(&slot.to_be_bytes::<32>()));
        let leaf = bzk_evm::trie::get(self, owner, root, slot).unwrap();
        let value = |leaf: Vec<u8>| alloy_rlp::Decodable::decode(&mut leaf.as_slice()).unwrap();
        Ok(leaf.map_or(U256::ZERO, value))
    }

    fn block_hash_ref(&self, _: u64) -> Result<B256, Infallible> {
        Ok(B256::ZERO)
    }
}

#[test]
fn transfer_opens_sender_receiver_and_coinbase() {
    let state = state(0);
    let nobody = Address::repeat_byte(0x77);
    let witness = witness(&state, vec![transaction(0, nobody, vec![], &[])]);
    let root = H256(state.root().0);
    let opened = [SENDER, COINBASE, nobody].map(|address| key(address.as_slice()));
    let expected = opened.iter().flat_map(|key| proof(&state, None, root, *key)).collect();
    assert_eq!(witness.nodes, expected);
    assert!(witness.codes.is_empty());
    let access = &witness.transactions[0].accounts;
    assert!(access[&SENDER].nonce.is_some() && access[&SENDER].balance.is_some());
    assert_eq!(access[&nobody], Default::default());
}

#[test]
fn empty_block_opens_the_coinbase_alone() {
    let state = state(3);
    let witness = witness(&state, vec![]);
    let coinbase = proof(&state, None, H256(state.root().0), key(COINBASE.as_slice()));
    assert_eq!(witness.nodes, coinbase.into_iter().collect());
    assert!(witness.codes.is_empty());
}

#[test]
fn code_is_there_when_it_runs_and_not_when_only_the_balance_is_read() {
    let reader = Address::repeat_byte(0xb0);
    let mut code = vec![op::PUSH20];
    code.extend(CONTRACT);
    code.extend([op::BALANCE, op::STOP]);
    let mut state = state(0);
    state.put(reader, contract(code.clone(), 0));
    let witness = witness(&state, vec![transaction(0, reader, vec![], &[])]);
    assert_eq!(witness.codes.into_iter().collect::<Vec<_>>(), [Bytes::from(code)]);
}

#[test]
fn deletion_that_a_revert_undoes_opens_the_sibling() {
    let state = state(2);
    let owner = key(CONTRACT.as_slice());
    let leaf = bzk_evm::trie::get(&state, None, H256(state.root().0), owner).unwrap().unwrap();
    let account: alloy_trie::TrieAccount =
        alloy_rlp::Decodable::decode(&mut leaf.as_slice()).unwrap();
    let root = H256(account.storage_root.0);
    let path =
        |slot: u64| proof(&state, Some(owner), root, key(&U256::from(slot).to_be_bytes::<32>()));
    let reverted = witness(&state, vec![transaction(0, CONTRACT, vec![0, 0, 9], &[])]);
    assert!(path(0).iter().chain(&path(1)).all(|node| reverted.nodes.contains(node)));
    // A change that deletes nothing leaves the other slot closed.
    let kept = witness(&state, vec![transaction(0, CONTRACT, vec![0, 5], &[])]);
    assert!(path(0).iter().all(|node| kept.nodes.contains(node)));
    assert!(!path(1).iter().all(|node| kept.nodes.contains(node)));
}

#[test]
fn listed_slots_are_opened_though_nothing_reads_them() {
    let state = state(40);
    let nobody = Address::repeat_byte(0x77);
    let without = witness(&state, vec![transaction(0, nobody, vec![], &[])]);
    let with = witness(&state, vec![transaction(0, nobody, vec![], &[3, 99])]);
    assert!(with.nodes.len() > without.nodes.len());
}

/// A frame whose gas ends while it touches an account: what the kernel looks up before it charges is opened, though
/// the outcome does not have it.
#[test]
fn account_that_the_kernel_looks_up_is_opened_though_its_gas_is_not_paid() {
    let heir = Address::repeat_byte(0x66);
    let (caller, callee) = (Address::repeat_byte(0xb0), Address::repeat_byte(0xb1));
    let mut code = vec![op::PUSH20];
    code.extend(heir);
    code.push(op::SELFDESTRUCT);
    let mut state = state(0);
    state.put(callee, contract(code, 0));
    let mut code = [op::PUSH0; 5].to_vec();
    code.push(op::PUSH20);
    code.extend(callee);
    // Less than SELFDESTRUCT takes.
    code.extend([op::PUSH2, 0x10, 0x00, op::CALL]);
    state.put(caller, contract(code, 0));
    let witness = witness(&state, vec![transaction(0, caller, vec![], &[])]);
    let way = proof(&state, None, H256(state.root().0), key(heir.as_slice()));
    assert!(way.iter().all(|node| witness.nodes.contains(node)));
    assert_eq!(witness.transactions[0].accounts[&heir], Default::default());
}

#[test]
fn slot_that_was_zero_for_a_moment_is_noted() {
    let state = state(2);
    let witness = witness(&state, vec![transaction(0, CONTRACT, vec![0, 0, 0, 7, 1, 3], &[])]);
    let access = &witness.transactions[0].accounts[&CONTRACT];
    let slot = |number: u64| B256::from(U256::from(number));
    assert_eq!(access.storage_zeroed.iter().copied().collect::<Vec<_>>(), [slot(0)]);
    assert_eq!(access.storage_written, BTreeMap::from([(slot(1), U256::from(3))]));
    assert!(access.storage_read.contains(&slot(0)));
}

#[test]
fn header_that_execution_does_not_give_is_refused() {
    let state = state(3);
    let (block, senders) = executed(&state, vec![transaction(0, CONTRACT, vec![1, 0], &[])]);
    let refused = |change: fn(&mut Block), what: &str| {
        let mut block = block.clone();
        change(&mut block);
        match build(&state, input(&state, &block, &senders)).unwrap_err() {
            WitnessError::Mismatch { what: field, .. } => assert_eq!(field, what),
            other => panic!("{other}"),
        }
    };
    refused(|block| block.header.state_root = B256::ZERO, "the state root");
    refused(|block| block.header.receipts_root = B256::ZERO, "the receipts root");
    refused(|block| block.header.gas_used += 1, "the gas");
}

#[test]
fn transaction_that_no_longer_executes_is_named() {
    let state = state(0);
    let (block, _) = executed(&state, vec![transaction(0, CONTRACT, vec![], &[])]);
    let pauper = [Address::repeat_byte(0x99)];
    let error = build(&state, input(&state, &block, &pauper)).unwrap_err();
    assert!(matches!(error, WitnessError::Execution { index: 0, .. }), "{error}");
    let error = build(&state, input(&state, &block, &[])).unwrap_err();
    assert!(matches!(error, WitnessError::Execution { .. }), "{error}");
}

#[test]
fn parent_without_its_nodes_is_an_error() {
    let state = state(3);
    let (block, senders) = executed(&state, vec![transaction(0, CONTRACT, vec![1, 0], &[])]);
    let mut input = input(&state, &block, &senders);
    input.parent_state_root = B256::repeat_byte(1);
    assert!(matches!(build(&state, input), Err(WitnessError::State(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn prop_witness_alone_gives_the_same_witness(
        slots in 0u64..12,
        writes in prop::collection::vec(
            prop::collection::vec((0u8..14, 0u8..3), 0..5),
            0..6,
        ),
        reverted in any::<u8>(),
    ) {
        let state = state(slots);
        let transactions = writes.iter().enumerate().map(|(index, pairs)| {
            let mut data: Vec<u8> = pairs.iter().flat_map(|(slot, value)| [*slot, *value]).collect();
            if reverted >> index & 1 == 1 {
                data.push(0);
            }
            transaction(index as u64, CONTRACT, data, &[])
        });
        let (block, senders) = executed(&state, transactions.collect());
        let input = input(&state, &block, &senders);
        let witness = build(&state, input).unwrap();
        let again = build(&Stateless::new(&witness), input).unwrap();
        prop_assert_eq!(again, witness);
    }
}
