//! An anvil that holds the predeployed contracts.

use bzk_l2_client::{
    alloy_primitives::{hex, Address, B256, U256},
    Account, L2Client,
};
use serde_json::{json, Value};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
};

/// A running anvil; it stops when dropped.
pub(crate) struct Anvil {
    process: Child,
    port: u16,
    /// What it prints: the name of each method that is called, on a line of its own.
    printed: Receiver<String>,
}

impl Drop for Anvil {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Anvil {
    /// Starts anvil with the accounts of `contracts/genesis/regtest.json`; `None`, said plainly, when one of the two
    /// is not there.
    pub(crate) fn start() -> Option<Self> {
        let contracts = std::env::var_os("BZK_CONTRACTS").map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../contracts"),
            PathBuf::from,
        );
        let genesis = contracts.join("genesis/regtest.json");
        let cache = std::env::var_os("BZK_CACHE").map_or_else(
            || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/bitcoinzk"),
            PathBuf::from,
        );
        let program = cache.join("npm/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");
        for needed in [&genesis, &program] {
            if !needed.exists() {
                eprintln!("SKIPPED: {} is missing (scripts/setup.sh)", needed.display());
                return None;
            }
        }
        let mut process = Command::new(program)
            .args(["--port", "0", "--chain-id", "97304", "--slots-in-an-epoch", "1"])
            .args(["--gas-limit", "60000000"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = output
            .find_map(|line| line.unwrap().strip_prefix("Listening on 127.0.0.1:")?.parse().ok())
            .unwrap();
        let (lines, printed) = mpsc::channel();
        // Anvil stops when nobody reads its output.
        std::thread::spawn(move || {
            for line in output.map_while(Result::ok) {
                lines.send(line).ok();
            }
        });
        let anvil = Self { process, port, printed };
        let genesis: Value = serde_json::from_slice(&std::fs::read(genesis).unwrap()).unwrap();
        for account in genesis["accounts"].as_array().unwrap() {
            let address = &account["address"];
            anvil.call("anvil_setCode", json!([address, account["code"]]));
            let balance: U256 = match &account["balance"] {
                Value::String(text) => text.parse().unwrap(),
                number => number.to_string().parse().unwrap(),
            };
            anvil.call("anvil_setBalance", json!([address, balance]));
            for (slot, value) in account["storage"].as_object().unwrap() {
                anvil.call("anvil_setStorageAt", json!([address, slot, value]));
            }
        }
        Some(anvil)
    }

    /// One of anvil's rich accounts: the keys of the mnemonic "test test ... junk".
    pub(crate) fn account(number: usize) -> Account {
        let keys = [
            "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
            "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
            "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
            "7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
        ];
        Account::from_hex(keys[number]).unwrap()
    }

    pub(crate) fn client(&self, account: Account) -> L2Client {
        L2Client::new(&format!("http://127.0.0.1:{}", self.port), Some(account)).unwrap()
    }

    pub(crate) fn balance(&self, address: Address) -> U256 {
        let balance = self.call("eth_getBalance", json!([address, "latest"]));
        balance.as_str().unwrap().parse().unwrap()
    }

    /// Makes empty blocks, so that earlier ones are final.
    pub(crate) fn mine(&self, blocks: u32) {
        self.call("anvil_mine", json!([format!("{blocks:#x}")]));
    }

    /// Puts a contract at an address.
    pub(crate) fn set_code(&self, contract: Address, code: &str) {
        self.call("anvil_setCode", json!([contract, code]));
    }

    /// The time of the next block, in Unix seconds.
    pub(crate) fn set_next_time(&self, seconds: u32) {
        self.call("evm_setNextBlockTimestamp", json!([seconds]));
    }

    /// Writes one byte of a contract's storage; `byte` counts from the low end of the slot.
    pub(crate) fn set_byte(&self, contract: Address, slot: &str, byte: usize, value: u8) {
        let word = self.call("eth_getStorageAt", json!([contract, slot, "latest"]));
        let mut word: B256 = word.as_str().unwrap().parse().unwrap();
        word.0[31 - byte] = value;
        self.call("anvil_setStorageAt", json!([contract, slot, word]));
    }

    /// The methods that were called since the last look.
    pub(crate) fn called(&self) -> Vec<String> {
        const LOOK: &str = "anvil_nodeInfo";
        self.call(LOOK, json!([]));
        self.printed.iter().take_while(|line| line != LOOK).collect()
    }

    fn call(&self, method: &str, arguments: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": arguments});
        let body = body.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut answer: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"));
        assert_eq!(answer["error"], Value::Null, "{method}");
        answer["result"].take()
    }
}

#[test]
fn accounts_are_those_of_anvil() {
    let first = hex!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
    assert_eq!(Anvil::account(0).address(), Address::from(first));
}
