//! The program as an operator runs it, with servers that stand for its two nodes.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(60);

/// A directory with a passphrase, and a store once a command has made it.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("passphrase"), "correct horse\n").unwrap();
        Self(directory)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bzk-signer"));
        command.arg("--store").arg(self.path("store"));
        command.arg("--passphrase-file").arg(self.path("passphrase"));
        command.args(arguments).env_clear();
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn start(&self, node: SocketAddr, bitcoin: SocketAddr, metrics: SocketAddr) -> Daemon {
        fs::write(self.path("cookie"), "user:password").unwrap();
        let child = self
            .command(&["run", "--interval-ms", "20"])
            .args(["--l2-rpc", &format!("http://{node}"), "--metrics", &metrics.to_string()])
            .args(["--bitcoin-rpc", &format!("http://{bitcoin}"), "--bitcoin-cookie"])
            .arg(self.path("cookie"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Daemon(child)
    }
}

/// A running daemon; killed if it is dropped.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Daemon {
    /// Sends a signal and gives the exit code and what was said.
    fn end(mut self, signal: &str) -> (Option<i32>, String) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let mut said = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.0.wait().unwrap().code(), said)
    }
}

/// Answers JSON-RPC at an address: `None` hangs up.
fn serve(
    answer: impl Fn(&serde_json::Value) -> Option<serde_json::Value> + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away is its own concern.
            let _ = reply(&stream, &answer);
        }
    });
    address
}

fn reply(
    mut stream: &TcpStream,
    answer: &impl Fn(&serde_json::Value) -> Option<serde_json::Value>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let request: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let Some(result) = answer(&request) else { return Ok(()) };
    let body = serde_json::json!({ "jsonrpc": "2.0", "id": request["id"], "result": result, "error": null });
    let body = body.to_string();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// A chain with nothing to do.
fn idle_node() -> SocketAddr {
    serve(|request| {
        Some(match request["method"].as_str().unwrap() {
            "chain_getFinalizedHead" => format!("0x{}", "11".repeat(32)).into(),
            "chain_getHeader" => serde_json::json!({ "number": "0x7" }),
            // No ceremony, no keys, no sessions.
            "state_call" => "0x000000".into(),
            other => panic!("{other} is not asked for"),
        })
    })
}

fn bitcoind(height: u32) -> SocketAddr {
    serve(move |request| {
        Some(match request["method"].as_str().unwrap() {
            "getbestblockhash" => "22".repeat(32).into(),
            "getblockheader" => serde_json::json!({ "height": height }),
            other => panic!("{other} is not asked for"),
        })
    })
}

/// An address where nobody listens.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\n\r\n").ok()?;
    let mut answer = String::new();
    // The rest of the request is not read, so the end may be a reset.
    let _ = stream.read_to_string(&mut answer);
    Some(answer)
}

fn wait(address: SocketAddr, path: &str, holds: impl Fn(&str) -> bool) -> String {
    let start = Instant::now();
    loop {
        let answer = get(address, path).unwrap_or_default();
        if holds(&answer) {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "{path}: {answer}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn help_tells_of_every_command_and_option() {
    let help = |arguments: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_bzk-signer")).args(arguments).output().unwrap();
        assert!(output.status.success());
        text(&output.stdout)
    };
    let all = help(&["--help"]);
    let options = [
        ("keygen", vec![]),
        ("key", vec![]),
        ("possession", vec!["--genesis", "--account"]),
        (
            "run",
            vec![
                "--l2-rpc",
                "--threshold-index",
                "--bridge-index",
                "--bitcoin-rpc",
                "--bitcoin-cookie",
                "--interval-ms",
                "--metrics",
            ],
        ),
        ("repair", vec!["<FOLDER>", "--helpers", "--approve", "--epoch", "--l2-rpc"]),
        ("refresh", vec!["<FOLDER>", "--attempt", "--epoch", "--l2-rpc"]),
    ];
    for (command, options) in options {
        assert!(all.contains(&format!("\n  {command} ")), "{command} in {all}");
        let text = help(&[command, "--help"]);
        for option in options {
            assert!(text.contains(option), "{option} of {command} in {text}");
        }
        // Each option says what it is for.
        let bare = text.lines().zip(text.lines().skip(1)).find(|(line, next)| {
            line.trim_start().starts_with("--") && !line.contains("  ") && next.trim().is_empty()
        });
        assert_eq!(bare, None, "{command}");
    }
    assert!(all.contains("--store") && all.contains("--passphrase-file"), "{all}");
}

#[test]
fn daemon_is_healthy_and_stops_in_order() {
    for signal in ["-TERM", "-INT"] {
        let home = Home::new();
        assert!(home.run(&["keygen"]).status.success());
        let metrics = nobody();
        let daemon = home.start(idle_node(), bitcoind(77), metrics);
        let shown = wait(metrics, "/metrics", |text| text.contains("bzk_signer_sessions_doubted"));
        assert!(shown.contains("\nbzk_signer_bitcoin_height 77\n"), "{shown}");
        for gauge in ["keys 0", "keys_without_share 0", "sessions 0", "sessions_doubted 0"] {
            assert!(shown.contains(&format!("\nbzk_signer_{gauge}\n")), "{gauge} in {shown}");
        }
        wait(metrics, "/health", |text| text.starts_with("HTTP/1.1 200"));
        let (code, said) = daemon.end(signal);
        assert_eq!((code, said.as_str()), (Some(0), "stopped\n"));
        // Nothing holds the store.
        assert!(home.run(&["key"]).status.success());
    }
}

#[test]
fn daemon_counts_failures_of_either_node() {
    for (node, bitcoin, told) in [
        (nobody(), bitcoind(1), "chain_getFinalizedHead at http"),
        (idle_node(), nobody(), "bitcoind: "),
    ] {
        let home = Home::new();
        assert!(home.run(&["keygen"]).status.success());
        let metrics = nobody();
        let daemon = home.start(node, bitcoin, metrics);
        wait(metrics, "/metrics", |text| text.contains("bzk_signer_failures_total "));
        let (code, said) = daemon.end("-TERM");
        assert_eq!(code, Some(0));
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn attack_second_daemon_on_a_store_is_refused() {
    let home = Home::new();
    assert!(home.run(&["keygen"]).status.success());
    let (node, bitcoin, metrics) = (idle_node(), bitcoind(1), nobody());
    let first = home.start(node, bitcoin, metrics);
    wait(metrics, "/health", |text| text.starts_with("HTTP/1.1 200"));
    let mut second = home.start(node, bitcoin, nobody());
    let mut said = String::new();
    second.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(second.0.wait().unwrap().code(), Some(1));
    assert!(said.contains("another process uses the key store"), "{said}");
    assert_eq!(first.end("-TERM").0, Some(0));
}

fn refused(output: &Output, why: &str) {
    let said = text(&output.stderr);
    assert!(!output.status.success() && said.contains(why), "{said}");
}

#[test]
fn key_store_needs_its_passphrase() {
    let home = Home::new();
    refused(&home.run(&["key"]), "run `bzk-signer keygen` first");
    let made = home.run(&["keygen"]);
    assert_eq!(text(&made.stdout).trim().len(), 64);
    assert_eq!(home.run(&["key"]).stdout, made.stdout);
    refused(&home.run(&["keygen"]), "the store has a session key");
    let sealed = |path: &Path| fs::read(path).unwrap().len();
    assert_eq!(sealed(&home.path("store").join("session-key")), 24 + 32 + 16, "nonce, key, tag");
    fs::write(home.path("passphrase"), "another").unwrap();
    refused(&home.run(&["key"]), "wrong passphrase");
    fs::write(home.path("passphrase"), "\n").unwrap();
    refused(&home.run(&["key"]), "is empty");
    fs::write(home.path("passphrase"), "correct horse").unwrap();
    assert_eq!(home.run(&["key"]).stdout, made.stdout, "a line feed does not count");
}

#[test]
fn commands_say_what_is_wrong() {
    let home = Home::new();
    assert!(home.run(&["keygen"]).status.success());
    let possession = ["possession", "--genesis", "0x12", "--account", "0x34"];
    refused(&home.run(&possession), "0x12 is not 32 bytes in hex");
    refused(&home.run(&["run"]), "--bitcoin-cookie");
    let node = format!("http://{}", idle_node());
    let folder = home.path("folder");
    let folder = folder.to_str().unwrap();
    refused(&home.run(&["refresh", folder, "--l2-rpc", &node]), "the chain has no such key");
    refused(
        &home.run(&["repair", folder, "--l2-rpc", &node, "--approve", "12"]),
        "12 is not 32 bytes",
    );
}

/// What the policy of a member reads before it answers for a payout whose session is open.
fn read_for_a_payout(halted: bool) -> Vec<&'static str> {
    use bzk_bitcoin_client::{Auth, Bitcoind};
    use bzk_signer::{
        executor::Policy,
        node::{Node, Pallets},
        payouts::OwnNodes,
    };
    use bzk_threshold::signing::request::{Input, Request};

    let (tell, read) = std::sync::mpsc::channel();
    let node = serve(move |request| {
        if request["method"] == "chain_getFinalizedHead" {
            return Some(format!("0x{}", "11".repeat(32)).into());
        }
        assert_eq!(request["method"], "state_getStorage");
        let asked = request["params"][0].as_str().unwrap();
        let item = ["Requests", "Halted", "Versions"].into_iter().find(|item| {
            let key = ["BtcBridge", *item].map(|name| sp_crypto_hashing::twox_128(name.as_bytes()));
            asked.starts_with(&format!("0x{}", bzk_signer::store::hex(&key.concat())))
        });
        let item = item.expect("it is one of these");
        tell.send(item).unwrap();
        Some(match item {
            // Version 0 of batch 0.
            "Requests" => format!("0x{}", "00".repeat(12)).into(),
            // By order of governance.
            "Halted" if halted => "0x03".into(),
            _ => serde_json::Value::Null,
        })
    });
    let node = Node::new(format!("http://{node}"), Pallets { threshold: 1, bridge: 2 });
    let login = Auth::Password { user: String::new(), password: String::new() };
    let bitcoin = Bitcoind::new(&format!("http://{}", nobody()), login);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let inputs = vec![Input { sighash: [1; 32], root: None }].try_into().unwrap();
    let request = Request { group: [1; 32], session: 7, required: 3, inputs };
    let mut policy = OwnNodes::new(&node, &bitcoin, &runtime);
    assert!(!policy.allows(&request));
    read.try_iter().collect()
}

#[test]
fn attack_session_from_before_a_halt_is_not_signed() {
    assert_eq!(read_for_a_payout(false), ["Requests", "Halted", "Versions"]);
    assert_eq!(read_for_a_payout(true), ["Requests", "Halted"]);
}
