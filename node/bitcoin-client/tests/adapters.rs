//! Each adapter does what the port promises: bitcoind, a real ElectrumX over it, and what stands for Esplora.

mod support;

use bzk_bitcoin::{
    bitcoin::{
        absolute::LockTime, hashes::Hash, Amount, BlockHash, OutPoint, ScriptBuf, Transaction,
        TxOut, Txid,
    },
    output_script,
};
use bzk_bitcoin_client::{
    regtest::Regtest, Auth, BitcoinClient, Bitcoind, Coin, Electrum, Error, Esplora,
};
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use support::{electrumx::ElectrumX, esplora};

/// More than a page of Esplora.
const PAYMENTS: u32 = 60;

/// The generator's x coordinate: nobody spends from here.
fn script() -> ScriptBuf {
    let key = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    let key: bzk_bitcoin::bitcoin::XOnlyPublicKey = key.parse().unwrap();
    output_script(&key.serialize())
}

fn best(node: &Regtest) -> BlockHash {
    hash(node.call("getbestblockhash", &[]))
}

fn hash(answer: Result<serde_json::Value, String>) -> BlockHash {
    answer.unwrap().as_str().unwrap().parse().unwrap()
}

/// Waits until the back end has the node's chain.
async fn in_step(node: &Regtest, client: &dyn BitcoinClient) {
    let start = Instant::now();
    loop {
        let tip = client.tip().await;
        if tip.as_ref().is_ok_and(|tip| tip.hash == best(node)) {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "the back end stays at {tip:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What the port promises, against a node with an empty chain.
async fn keeps_its_promises(node: &Regtest, client: &dyn BitcoinClient) {
    chain(node, client).await;
    let (first, last) = payments(node, client).await;
    spending(node, client, &first).await;
    reorganisation(node, client, &last).await;
    broadcasting(node, client).await;
}

async fn chain(node: &Regtest, client: &dyn BitcoinClient) {
    // More than one difficulty period, which is the most that Electrum servers give at once.
    let hashes = node.mine(2_100);
    in_step(node, client).await;
    let tip = client.tip().await.unwrap();
    assert_eq!((tip.height, tip.hash), (2_100, hashes[2_099]));
    let headers = client.headers(0, 3_000).await.unwrap();
    assert_eq!(headers.len(), 2_101);
    assert!(headers.windows(2).all(|pair| pair[1].prev_blockhash == pair[0].block_hash()));
    let at = |from, count| async move {
        let headers = client.headers(from, count).await.unwrap();
        headers.iter().map(|header| header.block_hash()).collect::<Vec<_>>()
    };
    assert_eq!(at(1, 2).await, hashes[..2]);
    assert_eq!(at(2_100, 5).await, hashes[2_099..]);
    assert_eq!(at(2_101, 5).await, []);
    assert_eq!(at(4_000_000, 1).await, []);
    assert_eq!(at(7, 0).await, []);
    // A new node has no estimates; all relay at 1 sat per vbyte, or a tenth of it.
    let rate = client.fee_rate(6).await.unwrap();
    assert!((25..2_500).contains(&rate.to_sat_per_kwu()), "{rate}");
}

/// The first and the last of the payments.
async fn payments(node: &Regtest, client: &dyn BitcoinClient) -> (Transaction, Transaction) {
    assert_eq!(client.outputs(&script(), 0).await.unwrap(), []);
    let nobody = Txid::from_byte_array([7; 32]);
    assert_eq!(client.inclusion(&nobody).await.unwrap(), None);
    let mut paid = Vec::new();
    for number in 0..PAYMENTS {
        let transaction = node.pay(&[(script(), 10_000 + u64::from(number))]);
        if number == 0 {
            in_step(node, client).await;
            assert_eq!(client.inclusion(&transaction.compute_txid()).await.unwrap(), None);
            assert_eq!(client.outputs(&script(), 0).await.unwrap(), []);
        }
        paid.push(transaction);
        if number % 20 == 19 {
            node.mine(1);
        }
    }
    in_step(node, client).await;
    let outputs = client.outputs(&script(), 0).await.unwrap();
    assert_eq!(outputs.len(), PAYMENTS as usize);
    assert!(outputs.windows(2).all(|pair| pair[0].height <= pair[1].height), "oldest first");
    for (transaction, number) in paid.iter().zip(0..) {
        let outpoint = OutPoint { txid: transaction.compute_txid(), vout: 0 };
        let found = outputs.iter().find(|output| output.outpoint == outpoint).unwrap();
        assert_eq!(found.amount, Amount::from_sat(10_000 + u64::from(number)));
        assert_eq!(found.height, 2_101 + number / 20);
    }
    assert_eq!(client.outputs(&script(), 2_102).await.unwrap(), outputs[20..]);
    assert_eq!(client.outputs(&script(), 2_104).await.unwrap(), []);
    // The proof is for the contract, so it is held against the header that the node has.
    for (transaction, height) in [(&paid[0], 2_101), (&paid[37], 2_102)] {
        let txid = transaction.compute_txid();
        let inclusion = client.inclusion(&txid).await.unwrap().unwrap();
        let header = client.headers(height, 1).await.unwrap()[0];
        assert_eq!((inclusion.height, inclusion.header), (height, header));
        let proven = inclusion.proof.verify(header.merkle_root).unwrap();
        assert_eq!((proven.compute_txid(), proven.output), (txid, transaction.output.clone()));
    }
    (paid.swap_remove(0), paid.pop().unwrap())
}

async fn spending(node: &Regtest, client: &dyn BitcoinClient, paid: &Transaction) {
    let output = OutPoint { txid: paid.compute_txid(), vout: 0 };
    let (value, script_pubkey) = (Amount::from_sat(10_000), script());
    let unspent = Coin::Unspent(TxOut { value, script_pubkey });
    assert_eq!(client.coin(&output).await.unwrap(), unspent);
    // The change of the first payment is not spent; the coinbase that it spends is.
    let change = OutPoint { vout: 1, ..output };
    assert_eq!(client.coin(&change).await.unwrap(), Coin::Unspent(paid.output[1].clone()));
    let spent = paid.input[0].previous_output;
    let absent = OutPoint { vout: 9, ..output };
    let unknown = OutPoint { txid: Txid::from_byte_array([7; 32]), vout: 0 };
    assert_eq!(client.coin(&spent).await.unwrap(), Coin::Spent);
    assert_eq!(client.coin(&absent).await.unwrap(), Coin::Unknown);
    assert_eq!(client.coin(&unknown).await.unwrap(), Coin::Unknown);
    // A spend counts when it is confirmed.
    let next = node.pay(&[(script(), 1_000)]);
    in_step(node, client).await;
    let coin = next.input[0].previous_output;
    assert!(matches!(client.coin(&coin).await.unwrap(), Coin::Unspent(_)), "not confirmed");
    let fresh = OutPoint { txid: next.compute_txid(), vout: 0 };
    assert_eq!(client.coin(&fresh).await.unwrap(), Coin::Unspent(next.output[0].clone()));
    node.mine(1);
    in_step(node, client).await;
    assert_eq!(client.coin(&coin).await.unwrap(), Coin::Spent);
}

async fn reorganisation(node: &Regtest, client: &dyn BitcoinClient, last: &Transaction) {
    let before = client.tip().await.unwrap();
    let block = hash(node.call("getblockhash", &[json!(2_103)]));
    node.invalidate(&block);
    // The branch mines the dropped payments again, all in its first block, and has more work.
    node.mine(3);
    in_step(node, client).await;
    let tip = client.tip().await.unwrap();
    assert_eq!((tip.height, tip.hash), (2_105, best(node)));
    assert_ne!(client.headers(before.height, 1).await.unwrap()[0].block_hash(), before.hash);
    let inclusion = client.inclusion(&last.compute_txid()).await.unwrap().unwrap();
    let header = client.headers(2_103, 1).await.unwrap()[0];
    assert_eq!((inclusion.height, inclusion.header), (2_103, header));
    assert_ne!(header.block_hash(), block);
    assert_eq!(client.outputs(&script(), 0).await.unwrap().len(), PAYMENTS as usize + 1);
}

async fn broadcasting(node: &Regtest, client: &dyn BitcoinClient) {
    let transaction = node.pay(&[(script(), 2_000)]);
    // It is in the mempool already, and that is what was wanted.
    client.broadcast(&transaction).await.unwrap();
    node.mine(1);
    in_step(node, client).await;
    client.broadcast(&transaction).await.unwrap();
    let mut wrong = transaction.clone();
    wrong.lock_time = LockTime::from_height(1).unwrap();
    let refused = client.broadcast(&wrong).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn bitcoind_keeps_its_promises() {
    let node = Regtest::start();
    keeps_its_promises(&node, &node.client()).await;
}

#[tokio::test]
async fn electrum_keeps_its_promises() {
    let node = Regtest::start();
    let Some(server) = ElectrumX::start(&node) else { return };
    let start = Instant::now();
    let client = loop {
        match Electrum::new(&server.url()).await {
            Ok(client) => break client,
            // It listens once it has caught up.
            Err(Error::Unreachable(_)) if start.elapsed() < Duration::from_secs(60) => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(error) => panic!("{error}\n{}", server.log()),
        }
    };
    keeps_its_promises(&node, &client).await;
}

#[tokio::test]
async fn esplora_keeps_its_promises() {
    let node = Arc::new(Regtest::start());
    let client = Esplora::new(&esplora::start(Arc::clone(&node))).unwrap();
    keeps_its_promises(&node, &client).await;
}

/// All that the port can be asked; every answer must be an error.
async fn fails_at_everything(client: &dyn BitcoinClient, what: &str) {
    let txid = Txid::from_byte_array([7; 32]);
    let outpoint = OutPoint { txid, vout: 0 };
    let transaction =
        bzk_bitcoin::bitcoin::constants::genesis_block(bzk_bitcoin::bitcoin::Network::Regtest)
            .txdata
            .remove(0);
    let answers = [
        client.tip().await.map(|_| ()).err(),
        client.headers(0, 2).await.map(|_| ()).err(),
        client.inclusion(&txid).await.map(|_| ()).err(),
        client.outputs(&script(), 0).await.map(|_| ()).err(),
        client.coin(&outpoint).await.map(|_| ()).err(),
        client.fee_rate(6).await.map(|_| ()).err(),
        client.broadcast(&transaction).await.err(),
    ];
    for (answer, asked) in answers.iter().zip(0..) {
        assert!(answer.is_some(), "{what}, question {asked}: taken as an answer");
    }
}

/// Not JSON, JSON of another shape, and numbers that cannot be.
const NONSENSE: [&str; 9] = [
    "",
    "\u{0}\u{1}\u{2}",
    "<html><body>502 Bad Gateway</body></html>",
    "{",
    "[]",
    "{\"result\":{\"a\":[1,2,3]}}",
    "-1",
    "\"zz\"",
    "99999999999999999999999999",
];

#[tokio::test]
async fn attack_server_that_answers_nonsense() {
    for nonsense in NONSENSE {
        for status in [200, 404, 500] {
            let url = support::http(move |_| (status, nonsense.into()));
            let auth = Auth::Password { user: "a".into(), password: "b".into() };
            let what = format!("{status} {nonsense:?}");
            fails_at_everything(&Bitcoind::new(&url, auth), &what).await;
            // Esplora says 404 for what is not there, and an empty page is an answer.
            if status != 404 && nonsense != "[]" {
                fails_at_everything(&Esplora::new(&url).unwrap(), &what).await;
            }
        }
    }
}

#[tokio::test]
async fn attack_electrum_server_that_answers_nonsense() {
    use std::io::{BufRead, BufReader, Write};
    for nonsense in [json!({ "a": 1 }), json!("zz"), json!(true), json!([[]])] {
        let result = nonsense.clone();
        let url = support::serve(move |stream| {
            let mut answers = &stream;
            for line in BufReader::new(&stream).lines().map_while(Result::ok) {
                let asked: serde_json::Value = serde_json::from_str(&line).unwrap();
                let result = match asked["method"].as_str() {
                    Some("server.version") => json!(["nonsense", "1.4"]),
                    _ => result.clone(),
                };
                let answer = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result });
                if writeln!(answers, "{answer}").is_err() {
                    return;
                }
            }
        });
        let client = Electrum::new(&url.replace("http", "tcp")).await.unwrap();
        fails_at_everything(&client, &nonsense.to_string()).await;
    }
}

/// An answer of blockstream.info to `GET /tx/98316d...`, a mainnet transaction with an output of each of two types;
/// spent or not as the documented shape of `GET /tx/:txid/outspend/:vout` says.
#[tokio::test]
async fn esplora_answers_of_a_real_server_are_understood() {
    let recorded = include_str!("support/blockstream-tx.json");
    let txid = "98316dcb21daaa221865208fe0323616ee6dd84e6020b78bc6908e914ac03892";
    let url = support::http(move |asked| {
        let path: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
        match path[..] {
            ["tx", asked] if asked == txid => (200, recorded.into()),
            ["tx", asked, "outspend", "0"] if asked == txid => (200, r#"{"spent":false}"#.into()),
            ["tx", asked, "outspend", "1"] if asked == txid => {
                let status = r#"{"confirmed":true,"block_height":824206,"block_hash":"00"}"#;
                let status = status.replace("\"00\"", &format!("\"{}\"", "00".repeat(32)));
                let spent =
                    format!(r#"{{"spent":true,"txid":"{txid}","vin":0,"status":{status}}}"#);
                (200, spent.into())
            }
            ["scripthash", _, "txs"] => (200, format!("[{recorded}]").into()),
            ["scripthash", _, "txs", "chain", _] => (200, "[]".into()),
            _ => (404, "Not found".into()),
        }
    });
    let client = Esplora::new(&url).unwrap();
    let script = |digits: &str| ScriptBuf::from_hex(digits).unwrap();
    let taproot = script("51203d07d2d99aed4e465abb056e679dc6b697152db27149fedf23464d626e188f1d");
    let p2sh = script("a9148042770d5c6df6139944e63a368228131f117c1a87");
    let outpoint = |vout| OutPoint { txid: txid.parse().unwrap(), vout };
    let unspent = Coin::Unspent(TxOut { value: Amount::from_sat(546), script_pubkey: taproot });
    assert_eq!(client.coin(&outpoint(0)).await.unwrap(), unspent);
    assert_eq!(client.coin(&outpoint(1)).await.unwrap(), Coin::Spent);
    assert_eq!(client.coin(&outpoint(2)).await.unwrap(), Coin::Unknown);
    let outputs = client.outputs(&p2sh, 824_000).await.unwrap();
    assert_eq!(outputs.len(), 1);
    let found = &outputs[0];
    assert_eq!(
        (found.outpoint, found.amount, found.height),
        (outpoint(1), Amount::from_sat(593_046), 824_205)
    );
    assert_eq!(client.outputs(&p2sh, 824_206).await.unwrap(), []);
}
