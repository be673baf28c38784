//! Merkle proofs, and the ways to forge them.

use bzk_bitcoin::{
    bitcoin::{
        absolute::LockTime, consensus::serialize, hashes::Hash, transaction::Version, Amount,
        OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxMerkleNode, TxOut, Txid, Witness,
    },
    merkle_path, MerklePath, ProofError, TransactionError, TxProof,
};
use proptest::prelude::*;

fn transaction(tag: u32, script: usize) -> Transaction {
    let previous_output = match tag {
        0 => OutPoint::null(),
        _ => OutPoint { txid: Txid::from_byte_array([tag as u8; 32]), vout: tag },
    };
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn {
            previous_output,
            script_sig: ScriptBuf::from(vec![0x51; 2]),
            sequence: Sequence::MAX,
            witness: Witness::new(),
        }],
        output: vec![TxOut {
            value: Amount::from_sat(tag.into()),
            script_pubkey: ScriptBuf::from(vec![0x51; script]),
        }],
    }
}

/// A block's transactions; the first is a coinbase.
fn block(count: u32) -> Vec<Transaction> {
    (0..count).map(|tag| transaction(tag, 22)).collect()
}

fn txids(block: &[Transaction]) -> Vec<Txid> {
    block.iter().map(Transaction::compute_txid).collect()
}

fn root(block: &[Transaction]) -> TxMerkleNode {
    let root = bzk_bitcoin::bitcoin::merkle_tree::calculate_root(txids(block).into_iter()).unwrap();
    TxMerkleNode::from_byte_array(root.to_byte_array())
}

fn proof(block: &[Transaction], position: usize) -> TxProof {
    TxProof {
        transaction: serialize(&block[position]),
        path: merkle_path(&txids(block), position).unwrap(),
        coinbase: serialize(&block[0]),
        coinbase_siblings: merkle_path(&txids(block), 0).unwrap().siblings,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn prop_every_transaction_of_a_block_is_proven(count in 1u32..70, at: u16) {
        let block = block(count);
        let position = usize::from(at) % block.len();
        let proven = proof(&block, position).verify(root(&block));
        prop_assert_eq!(proven.as_ref(), Ok(&block[position]));
        prop_assert_eq!(merkle_path(&txids(&block), block.len()), None);
    }

    #[test]
    fn prop_changed_proofs_fail(count in 2u32..70, at: u16, byte: u16, flip in 1u8..) {
        let block = block(count);
        let root = root(&block);
        let honest = proof(&block, usize::from(at) % block.len());
        let change = |bytes: &mut [u8]| bytes[usize::from(byte) % bytes.len()] ^= flip;
        let mut changed = honest.clone();
        change(&mut changed.transaction);
        prop_assert!(changed.verify(root).is_err());
        let mut changed = honest.clone();
        change(&mut changed.coinbase);
        prop_assert!(changed.verify(root).is_err());
        let mut changed = honest.clone();
        change(changed.path.siblings.as_flattened_mut());
        prop_assert!(changed.verify(root).is_err());
        let mut changed = honest;
        change(changed.coinbase_siblings.as_flattened_mut());
        prop_assert!(changed.verify(root).is_err());
    }

    #[test]
    fn prop_decoding_any_proof_does_not_panic(
        transaction: Vec<u8>, coinbase: Vec<u8>, position: u32,
        siblings in proptest::collection::vec(any::<[u8; 32]>(), 0..20),
    ) {
        let coinbase_siblings = siblings.clone();
        let path = MerklePath { position, siblings };
        let _ = TxProof { transaction, path, coinbase, coinbase_siblings }.verify(TxMerkleNode::all_zeros());
    }
}

#[test]
fn witness_does_not_count() {
    let mut block = block(5);
    let root = root(&block);
    block[3].input[0].witness.push([1; 64]);
    assert_eq!(proof(&block, 3).verify(root), Ok(block[3].clone()));
}

#[test]
fn attack_short_merkle_path() {
    // An inner node passed off as a transaction needs 64 bytes; any other leaf does not hash to it.
    let block = block(8);
    let mut short = proof(&block, 5);
    short.path.siblings.remove(0);
    short.path.position >>= 1;
    let unequal = ProofError::UnequalDepths { transaction: 2, coinbase: 3 };
    assert_eq!(short.verify(root(&block)), Err(unequal));
    short.coinbase_siblings.remove(0);
    assert_eq!(short.verify(root(&block)), Err(ProofError::WrongRoot));
}

#[test]
fn attack_long_merkle_path() {
    let block = block(8);
    let mut long = proof(&block, 5);
    long.path.siblings.push([0; 32]);
    long.coinbase_siblings.push([0; 32]);
    assert_eq!(long.verify(root(&block)), Err(ProofError::WrongRoot));
    long.path.siblings = vec![[0; 32]; 17];
    long.coinbase_siblings = vec![[0; 32]; 17];
    assert_eq!(long.verify(root(&block)), Err(ProofError::TooDeep { depth: 17 }));
}

/// A 64-byte transaction in a block is at once an inner node; "below" it an attacker hangs a forged payment.
#[test]
fn attack_sixty_four_byte_transaction_as_inner_node() {
    let forged = transaction(9, 22);
    let mut tiny = transaction(7, 2);
    assert_eq!(serialize(&tiny).len(), 64);
    // What a miner would have to grind: the last 32 bytes of the tiny transaction are the forged txid. The hash
    // does not care whether it is a transaction, so put it there by force.
    let mut node = serialize(&tiny);
    node[32..].copy_from_slice(&forged.compute_txid().to_byte_array());
    let node_hash = bzk_bitcoin::bitcoin::hashes::sha256d::Hash::hash(&node).to_byte_array();
    let coinbase = transaction(0, 22);
    let coinbase_id = coinbase.compute_txid().to_byte_array();
    let parent = MerklePath { position: 0, siblings: vec![node_hash] }.root(coinbase_id).unwrap();
    let root = TxMerkleNode::from_byte_array(parent);
    let left: [u8; 32] = node[..32].try_into().unwrap();
    let attack = TxProof {
        transaction: serialize(&forged),
        path: MerklePath { position: 3, siblings: vec![left, coinbase_id] },
        coinbase: serialize(&coinbase),
        coinbase_siblings: vec![node_hash],
    };
    // The forged path does lead to the root; the coinbase's depth gives it away.
    assert_eq!(attack.path.root(forged.compute_txid().to_byte_array()), Ok(parent));
    let unequal = ProofError::UnequalDepths { transaction: 2, coinbase: 1 };
    assert_eq!(attack.verify(root), Err(unequal));
    // The tiny transaction itself is no proof either, as payment or as coinbase.
    let block = [coinbase.clone(), tiny.clone()];
    let proven = proof(&block, 1).verify(self::root(&block));
    assert_eq!(proven, Err(ProofError::Transaction(TransactionError::MerkleNodeSized)));
    tiny.input[0].previous_output = OutPoint::null();
    let block = [tiny, forged];
    let proven = proof(&block, 1).verify(self::root(&block));
    assert_eq!(proven, Err(ProofError::Coinbase(TransactionError::MerkleNodeSized)));
}

#[test]
fn attack_wrong_coinbase_depth() {
    // The coinbase of a tree twice as deep, cut to the length of the other path.
    let block = block(16);
    let root = root(&block);
    let mut forged = proof(&block, 6);
    forged.coinbase_siblings.pop();
    let unequal = ProofError::UnequalDepths { transaction: 4, coinbase: 3 };
    assert_eq!(forged.verify(root), Err(unequal));
    forged.path.siblings.pop();
    assert_eq!(forged.verify(root), Err(ProofError::WrongRoot));
}

#[test]
fn attack_other_transaction_as_coinbase() {
    let block = block(8);
    let mut forged = proof(&block, 5);
    forged.coinbase = serialize(&block[1]);
    forged.coinbase_siblings = merkle_path(&txids(&block), 1).unwrap().siblings;
    assert_eq!(forged.verify(root(&block)), Err(ProofError::NotCoinbase));
}

#[test]
fn attack_position_with_high_bits() {
    // The same path under another number, to claim one payment twice.
    let block = block(8);
    for position in [5 + 8, 5 + (1 << 31)] {
        let mut forged = proof(&block, 5);
        forged.path.position = position;
        let outside = ProofError::PositionOutside { position, depth: 3 };
        assert_eq!(forged.verify(root(&block)), Err(outside));
    }
    let mut forged = proof(&block, 5);
    forged.path.position = 4;
    assert_eq!(forged.verify(root(&block)), Err(ProofError::WrongRoot));
}

/// CVE-2012-2459: the last node of an odd level is paired with itself, so it seems to be there twice.
#[test]
fn attack_repeated_last_transaction() {
    let block = block(7);
    let honest = proof(&block, 6);
    assert_eq!(honest.path.siblings[0], block[6].compute_txid().to_byte_array());
    assert!(honest.verify(root(&block)).is_ok());
    let mut forged = honest;
    forged.path.position = 7;
    assert_eq!(forged.verify(root(&block)), Err(ProofError::RepeatedNode));
}
