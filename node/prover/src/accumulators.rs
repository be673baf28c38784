//! Accumulators of a node's chain, from its headers alone. The contract takes a batch where the one before it ended, so
//! the accumulator before the batch has to be known, whoever proved that one and whenever. They begin at block 0.

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{ensure, Context, Result};
use bzk_circuits::{
    statement::{block, poseidon, Accumulator, Tip, WORD},
    F,
};
use ethereum_types::{H256, U256};
use plonky2::field::types::Field;
use serde_json::json;

use crate::{header::Header, rpc::Node, stage, witness::HexBytes};

/// Hashes that BLOCKHASH knows.
const WINDOW: usize = 256;
/// Blocks that are read before what they come to is kept.
const STRIDE: u64 = 4096;

/// The accumulator after block `number` of the node at `rpc`. It is kept in `folder`, so that the next call reads only
/// the blocks since; the first one reads all.
///
/// # Errors
/// When the node is away or has no such block, its chain changes meanwhile, or the disk is full.
pub fn after(rpc: &str, folder: &Path, number: u64) -> Result<Accumulator> {
    let node = Node::new(rpc);
    let (chain_id, _) = node.chain_and_head()?;
    let header = |number: u64| -> Result<Header> {
        let bytes: HexBytes = node.call("debug_getRawHeader", json!([format!("0x{number:x}")]))?;
        Header::decode(&bytes.0, chain_id).with_context(|| format!("block {number}"))
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut known = kept(folder)?;
    known.retain(|(at, _)| *at <= number);
    let (mut at, mut accumulator) = loop {
        let Some((at, path)) = known.pop() else { break (0, genesis(&header(0)?)?) };
        if path == file(folder, at, header(at)?.hash) {
            break (at, stage::read(&path)?);
        }
    };
    let mut window = VecDeque::from([H256::zero(); WINDOW]);
    for number in at.saturating_sub(WINDOW as u64 - 1)..=at {
        slide(&mut window, header(number)?.hash);
    }
    while at < number {
        at += 1;
        let header = header(at)?;
        ensure!(
            window.back() == Some(&header.parent),
            "the chain changed at block {at}: try again"
        );
        accumulator = accumulator.next(&inputs(&header, &window)?)?;
        slide(&mut window, header.hash);
        if at == number || at % STRIDE == 0 {
            let bytes = serde_json::to_vec(&accumulator)?;
            stage::write_whole(&file(folder, at, header.hash), &bytes)?;
        }
    }
    Ok(accumulator)
}

/// The files in `folder` with their blocks, the latest last.
fn kept(folder: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some((Ok(number), _)) = name.split_once('-').map(|(at, rest)| (at.parse(), rest)) {
            files.push((number, path));
        }
    }
    files.sort();
    Ok(files)
}

fn file(folder: &Path, number: u64, hash: H256) -> PathBuf {
    folder.join(format!("{number:010}-{hash:x}.json"))
}

fn slide(window: &mut VecDeque<H256>, hash: H256) {
    window.pop_front();
    window.push_back(hash);
}

fn genesis(header: &Header) -> Result<Accumulator> {
    let mut window = vec![F::ZERO; (WINDOW - 1) * WORD];
    window.extend(words(header.hash));
    let tip = Tip {
        number: small(header.metadata.block_number)?,
        timestamp: small(header.metadata.block_timestamp)?,
        state: words(header.state_root),
        window: poseidon(&window),
    };
    Ok(Accumulator { before: [F::ZERO; 4], block: [F::ZERO; 4], tip })
}

/// The public inputs of a block's proof that its header and the `window` of hashes before it tell; zeros for the others.
fn inputs(header: &Header, window: &VecDeque<H256>) -> Result<Vec<F>> {
    let roots = [header.state_root, header.transactions_root, header.receipts_root];
    let hashes: Vec<F> = window.iter().copied().flat_map(words).collect();
    let mut inputs = vec![F::ZERO; block::LEN];
    inputs[block::ROOTS_AFTER].copy_from_slice(&roots.map(words).concat());
    inputs[block::METADATA].copy_from_slice(&metadata(header)?);
    inputs[block::PREVIOUS_HASHES].copy_from_slice(&hashes);
    inputs[block::HASH].copy_from_slice(&words(header.hash));
    Ok(inputs)
}

/// The header's fields in the order of the zkEVM's `BlockMetadata`.
fn metadata(header: &Header) -> Result<Vec<F>> {
    let fields = &header.metadata;
    let mut elements = words(fields.block_beneficiary.into())[..5].to_vec();
    elements.push(small(fields.block_timestamp)?);
    elements.push(small(fields.block_number)?);
    elements.push(small(fields.block_difficulty)?);
    elements.extend(words(fields.block_random));
    elements.push(small(fields.block_gaslimit)?);
    elements.push(small(fields.block_chain_id)?);
    elements.extend(large(fields.block_base_fee)?);
    elements.push(small(fields.block_gas_used)?);
    elements.extend(large(fields.block_blob_gas_used)?);
    elements.extend(large(fields.block_excess_blob_gas)?);
    elements.extend(words(fields.parent_beacon_block_root));
    elements.extend(fields.block_bloom.into_iter().flat_map(limbs));
    Ok(elements)
}

/// 32 bits each, the lowest first.
fn limbs(value: U256) -> [F; WORD] {
    let both = |limb: u64| [limb & 0xffff_ffff, limb >> 32];
    core::array::from_fn(|i| F::from_canonical_u64(both(value.0[i / 2])[i % 2]))
}

fn words(hash: H256) -> [F; WORD] {
    limbs(U256::from_big_endian(hash.as_bytes()))
}

/// A number below 2^32.
fn small(value: U256) -> Result<F> {
    ensure!(value.bits() <= 32, "{value} has more than 32 bits");
    Ok(limbs(value)[0])
}

/// A number below 2^64.
fn large(value: U256) -> Result<[F; 2]> {
    ensure!(value.bits() <= 64, "{value} has more than 64 bits");
    Ok([limbs(value)[0], limbs(value)[1]])
}

#[cfg(test)]
mod tests {
    use std::{
        env,
        process::id,
        sync::{Arc, Mutex},
        thread,
    };

    use bzk_circuits::statement::EMPTY_ROOT;
    use evm_arithmetization::proof::PublicValues;
    use keccak_hash::keccak;
    use rlp::RlpStream;
    use serde_json::Value;
    use tiny_http::{Response, Server};

    use super::*;

    const CHAIN_ID: u64 = 97_304;

    fn folder(name: &str) -> PathBuf {
        let folder = env::temp_dir().join(format!("bzk-accumulators-{name}-{}", id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    /// Headers of a chain; two chains with the same `salt` up to a block are the same up to there.
    fn chain(length: u64, salt: impl Fn(u64) -> u8) -> Vec<Vec<u8>> {
        let mut headers = Vec::<Vec<u8>>::new();
        for number in 0..length {
            let hash = |of: u8| keccak([of, salt(number), number as u8, (number >> 8) as u8]);
            let bloom: Vec<u8> = (0..8).flat_map(|of| hash(of).0).collect();
            let parent = headers.last().map(keccak).unwrap_or_default();
            let mut stream = RlpStream::new_list(20);
            stream
                .append(&parent)
                .append(&hash(10))
                .append(&ethereum_types::Address::from(hash(11)));
            stream.append(&hash(12)).append(&hash(13)).append(&hash(14)).append(&bloom);
            stream.append(&0u8).append(&number).append(&30_000_000u64).append(&(21_000 + number));
            stream.append(&(1_700_000_000 + number)).append(&Vec::<u8>::new()).append(&hash(15));
            stream
                .append(&Vec::from([0u8; 8]))
                .append(&(7_000_000_000u64 + number))
                .append(&hash(16));
            stream.append(&0u8).append(&0u8).append(&H256::zero());
            headers.push(stream.out().to_vec());
        }
        headers
    }

    /// A node with these headers, and the numbers that it was asked for.
    fn node(headers: Vec<Vec<u8>>) -> (String, Arc<Mutex<Vec<u64>>>) {
        let server = Server::http("127.0.0.1:0").unwrap();
        let url = format!("http://{}", server.server_addr());
        let asked = Arc::<Mutex<Vec<u64>>>::default();
        thread::spawn({
            let asked = asked.clone();
            move || {
                for mut request in server.incoming_requests() {
                    let call: Value = serde_json::from_reader(request.as_reader()).unwrap();
                    let result = match call["method"].as_str().unwrap() {
                        "debug_getRawHeader" => {
                            let number = call["params"][0].as_str().unwrap();
                            let number = u64::from_str_radix(&number[2..], 16).unwrap();
                            asked.lock().unwrap().push(number);
                            json!(format!("0x{}", hex::encode(&headers[number as usize])))
                        }
                        "eth_chainId" => json!(format!("0x{CHAIN_ID:x}")),
                        _ => json!(format!("0x{:x}", headers.len() - 1)),
                    };
                    let answer = json!({"jsonrpc": "2.0", "id": 1, "result": result}).to_string();
                    request.respond(Response::from_string(answer)).unwrap();
                }
            }
        });
        (url, asked)
    }

    #[test]
    fn inputs_say_of_a_block_what_its_proof_says() {
        let bytes = &chain(4, |_| 1)[3];
        let header = Header::decode(bytes, CHAIN_ID).unwrap();
        let window: VecDeque<_> = (0..=255u8).map(|number| keccak([number])).collect();
        let inputs = inputs(&header, &window).unwrap();
        let said = PublicValues::<F>::from_public_inputs(&inputs);
        assert_eq!(said.block_metadata, header.metadata);
        assert_eq!(said.block_hashes.prev_hashes, Vec::from(window));
        assert_eq!(said.block_hashes.cur_hash, header.hash);
        let roots = said.trie_roots_after;
        assert_eq!(roots.state_root, header.state_root);
        assert_eq!(roots.transactions_root, header.transactions_root);
        assert_eq!(roots.receipts_root, header.receipts_root);
    }

    #[test]
    fn whole_block_is_told_by_the_places_that_the_chain_circuit_reads() {
        let mut inputs = vec![F::ZERO; block::LEN];
        let empty = EMPTY_ROOT.map(F::from_canonical_u32);
        inputs[block::TRANSACTIONS_BEFORE].copy_from_slice(&empty);
        inputs[block::RECEIPTS_BEFORE].copy_from_slice(&empty);
        let places = [block::TRANSACTIONS_FROM, block::GAS_FROM, block::GAS_TO, block::GAS_USED];
        for (place, value) in places.into_iter().zip(1..) {
            inputs[place] = F::from_canonical_u64(value);
        }
        let said = PublicValues::<F>::from_public_inputs(&inputs);
        let root = keccak(rlp::NULL_RLP);
        let before = said.trie_roots_before;
        assert_eq!([before.transactions_root, before.receipts_root], [root; 2]);
        let (extra, used) = (said.extra_block_data, said.block_metadata.block_gas_used);
        let read = [extra.txn_number_before, extra.gas_used_before, extra.gas_used_after, used];
        assert_eq!(read, [1u64, 2, 3, 4].map(U256::from));
    }

    #[test]
    fn first_block_starts_from_the_accumulator_of_the_genesis() {
        let headers = chain(2, |_| 1);
        let headers = [0, 1].map(|number| Header::decode(&headers[number], CHAIN_ID).unwrap());
        let mut window = VecDeque::from([H256::zero(); WINDOW]);
        slide(&mut window, headers[0].hash);
        let mut first = inputs(&headers[1], &window).unwrap();
        first[block::STATE_BEFORE].copy_from_slice(&words(headers[0].state_root));
        let start = Accumulator::start(&first, F::from_canonical_u64(1_700_000_000)).unwrap();
        assert_eq!(genesis(&headers[0]).unwrap(), start);
    }

    #[test]
    fn accumulator_is_the_same_in_one_go_and_in_steps_that_are_kept() {
        let (url, asked) = node(chain(600, |_| 1));
        let whole = after(&url, &folder("whole"), 599).unwrap();
        assert_eq!(whole.tip.number, F::from_canonical_u64(599));
        let folder = folder("steps");
        for number in [1, 2, 255, 256, 257, 400] {
            let accumulator = after(&url, &folder, number).unwrap();
            assert_eq!(accumulator.tip.number, F::from_canonical_u64(number));
        }
        asked.lock().unwrap().clear();
        assert_eq!(after(&url, &folder, 599).unwrap(), whole);
        // The last one that is kept, its window, and what came since.
        let expected: Vec<_> = [400].into_iter().chain(145..=400).chain(401..600).collect();
        assert_eq!(*asked.lock().unwrap(), expected);
        // One before those that are kept.
        let earlier = after(&url, &folder, 256).unwrap();
        assert_eq!(earlier.tip.number, F::from_canonical_u64(256));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn accumulator_of_blocks_that_the_chain_left_is_not_used() {
        let folder = folder("left");
        let (url, _) = node(chain(10, |_| 1));
        let left = after(&url, &folder, 8).unwrap();
        after(&url, &folder, 4).unwrap();
        let (url, _) = node(chain(10, |number| 1 + u8::from(number > 5)));
        let other = after(&url, &folder, 8).unwrap();
        assert_ne!(other, left);
        assert_eq!(other, after(&url, &self::folder("fresh"), 8).unwrap());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn chain_that_changes_meanwhile_is_an_error() {
        let mut headers = chain(10, |_| 1);
        let other = chain(10, |_| 2);
        headers.splice(6.., other[6..].iter().cloned());
        let (url, _) = node(headers);
        let error = after(&url, &folder("meanwhile"), 8).unwrap_err().to_string();
        assert_eq!(error, "the chain changed at block 6: try again");
    }
}
