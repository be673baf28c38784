//! The command `check-headers`, run as people run it.

use bzk_bitcoin::{
    bitcoin::{
        block::{Header, Version},
        consensus::serialize,
        hex::{DisplayHex, FromHex},
        CompactTarget, Network, Target,
    },
    Rules,
};
use serde_json::Value;
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

const EASIEST: u32 = 0x207f_ffff;

/// Exit code, standard output and standard error.
fn run(arguments: &[&str], file: &Path) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_bzk-relayer"))
        .arg("check-headers")
        .args(arguments)
        .arg(file)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn json(arguments: &[&str], file: &Path) -> (i32, Value) {
    let (code, output, errors) = run(&[arguments, &["--json"]].concat(), file);
    (code, serde_json::from_str(&output).unwrap_or_else(|_| panic!("{output}{errors}")))
}

fn fixture(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("BZK_FIXTURES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures"),
        PathBuf::from,
    );
    let path = root.join("bitcoin").join(name);
    if !path.exists() {
        eprintln!("SKIPPED: {} is missing (set BZK_FIXTURES)", path.display());
        return None;
    }
    Some(path)
}

fn file(bytes: impl AsRef<[u8]>) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes.as_ref()).unwrap();
    file
}

/// Regtest from genesis, ten minutes apart.
fn regtest(count: u32) -> Vec<Header> {
    let mut headers = vec![*Rules::new(Network::Regtest).genesis()];
    while headers.len() < count as usize {
        headers.push(on(headers.last().unwrap(), 600));
    }
    headers
}

fn on(parent: &Header, seconds: u32) -> Header {
    let mut header = Header {
        version: Version::from_consensus(4),
        prev_blockhash: parent.block_hash(),
        merkle_root: parent.merkle_root,
        time: parent.time + seconds,
        bits: CompactTarget::from_consensus(EASIEST),
        nonce: 0,
    };
    while !Target::from_compact(header.bits).is_met_by(header.block_hash()) {
        header.nonce += 1;
    }
    header
}

fn lines(headers: &[Header]) -> String {
    headers.iter().map(|header| serialize(header).to_lower_hex_string() + "\n").collect()
}

fn raw(headers: &[Header]) -> Vec<u8> {
    headers.iter().flat_map(serialize).collect()
}

#[test]
fn mainnet_file_is_accepted_whole() {
    let Some(path) = fixture("mainnet-headers-0-10236.raw") else { return };
    let (code, output, _) = run(&["--network", "mainnet"], &path);
    assert_eq!(code, 0);
    assert_eq!(
        output,
        "accepted: 10237 of 10237 headers\n\
         tip: 000000004f74d42205b9d7ae1cb5c1591e723894a71358fce73b7e0919628161\n\
         height: 10236\n\
         work: 43968251111421 (0x000000000000000000000000000000000000000000000000000027fd27fd27fd)\n\
         first refusal: none\n"
    );
}

#[test]
fn testnet3_file_with_forks_is_accepted_whole() {
    let Some(path) = fixture("testnet3-headers-with-forks.hex") else { return };
    let (code, report) = json(&["--network", "testnet3"], &path);
    assert_eq!(
        (code, &report["accepted"], &report["tip"]["height"]),
        (0, &549.into(), &546.into())
    );
    assert_eq!(report["first_refusal"], Value::Null);
    // The same headers are nothing to another network.
    for network in ["mainnet", "testnet4", "signet", "regtest"] {
        let (code, report) = json(&["--network", network], &path);
        assert_eq!((code, &report["accepted"]), (1, &0.into()), "{network}");
    }
}

#[test]
fn mainnet_from_the_middle_is_accepted_at_its_height_only() {
    let Some(path) = fixture("mainnet-headers-0-10236.raw") else { return };
    let bytes = std::fs::read(path).unwrap();
    let part = file(&bytes[1_000 * 80..]);
    let (code, report) = json(&["--network", "mainnet", "--start-height", "1000"], part.path());
    assert_eq!((code, &report["accepted"]), (0, &9_237.into()));
    assert_eq!(report["tip"]["height"], 10_236);
    assert_eq!(report["tip"]["work"], (9_237u64 * 0x1_0001_0001).to_string());
    let (code, report) = json(&["--network", "mainnet"], part.path());
    assert_eq!((code, &report["accepted"]), (1, &0.into()));
    assert_eq!(report["first_refusal"]["code"], "prev-blk-not-found");
}

#[test]
fn mainnet_json_fixture_as_hex_lines_is_accepted_over_its_retarget() {
    let Some(path) = fixture("reorg-and-retarget.json") else { return };
    let value: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut headers = vec![&value["genesis"]];
    headers.extend(value["preRetargetChain"].as_array().unwrap());
    headers.extend(value["postRetargetChain"].as_array().unwrap());
    let digits: Vec<&str> = headers.iter().map(|header| header["hex"].as_str().unwrap()).collect();
    let orphan = format!("orphan: {}", value["orphan_437478"]["hex"].as_str().unwrap());
    let text = [&digits[..], &[&orphan]].concat().join("\n");
    let arguments = ["--network", "mainnet", "--start-height", "437466"];
    let (code, report) = json(&arguments, file(&text).path());
    assert_eq!((code, &report["accepted"]), (0, &15.into()));
    assert_eq!(
        report["tip"]["hash"],
        value["postRetargetChain"][7]["digest"].as_str().unwrap()[2..]
    );
    // One block off, and the retarget is where none may be.
    let arguments = ["--network", "mainnet", "--start-height", "437465"];
    let (code, report) = json(&arguments, file(&text).path());
    assert_eq!((code, &report["accepted"]), (1, &6.into()));
    assert_eq!(report["first_refusal"]["code"], "bad-diffbits");
    assert_eq!(report["first_refusal"]["height"], 437_471);
}

#[test]
fn raw_hex_and_joined_lines_are_the_same_headers() {
    let headers = regtest(20);
    let digits = raw(&headers).to_lower_hex_string();
    let commented = format!("# regtest\r\n\r\n0x{}", lines(&headers).replace('\n', "\r\n"));
    let upper = lines(&headers).to_uppercase();
    let (_, expected) = json(&["--network", "regtest"], file(raw(&headers)).path());
    assert_eq!((&expected["accepted"], &expected["tip"]["work"]), (&20.into(), &"40".into()));
    for text in [lines(&headers), digits, commented, upper] {
        let (code, report) = json(&["--network", "regtest"], file(&text).path());
        assert_eq!((code, &report), (0, &expected), "{text:.100}");
    }
    // The genesis header may be left out, but then it is not counted.
    let (code, report) = json(&["--network", "regtest"], file(raw(&headers[1..])).path());
    assert_eq!((code, &report["accepted"], &report["tip"]), (0, &19.into(), &expected["tip"]));
}

#[test]
fn reorganisation_moves_the_tip_and_a_tie_does_not() {
    let main = regtest(10);
    let mut branch = vec![on(&main[5], 601)];
    for _ in 0..4 {
        branch.push(on(branch.last().unwrap(), 600));
    }
    let arguments = ["--network", "regtest"];
    let tie = json(&arguments, file(raw(&[&main[..], &branch[..4]].concat())).path()).1;
    assert_eq!(tie["tip"]["hash"], main[9].block_hash().to_string());
    let longer = json(&arguments, file(raw(&[&main[..], &branch].concat())).path()).1;
    assert_eq!(longer["tip"]["hash"], branch[4].block_hash().to_string());
    assert_eq!((&longer["reorganisations"], &longer["accepted"]), (&1.into(), &15.into()));
}

#[test]
fn first_refusal_is_named_and_other_branches_go_on() {
    let mut headers = regtest(10);
    let mut forged = headers[4];
    forged.time += 1;
    while Target::from_compact(forged.bits).is_met_by(forged.block_hash()) {
        forged.nonce += 1;
    }
    headers.insert(4, forged);
    headers.insert(5, on(&forged, 600));
    let (code, report) = json(&["--network", "regtest"], file(lines(&headers)).path());
    assert_eq!((code, &report["accepted"], &report["refused"]), (1, &10.into(), &2.into()));
    let refusal = &report["first_refusal"];
    assert_eq!(refusal["code"], "high-hash");
    assert_eq!(
        (&refusal["header"], &refusal["line"], &refusal["height"]),
        (&4.into(), &5.into(), &4.into())
    );
    assert_eq!(refusal["hash"], forged.block_hash().to_string());
    let (_, output, _) = run(&["--network", "regtest"], file(lines(&headers)).path());
    assert!(output.contains(
        "\nfirst refusal: header 4 (line 5), height 4: high-hash: proof of work missing"
    ));
}

#[test]
fn clock_can_be_set() {
    let headers = regtest(3);
    let time = headers[2].time;
    let path = file(raw(&headers));
    let at = |now: u32| json(&["--network", "regtest", "--now", &now.to_string()], path.path());
    assert_eq!(at(time - 7_200).0, 0);
    let (code, report) = at(time - 7_201);
    assert_eq!((code, &report["accepted"]), (1, &2.into()));
    assert_eq!(report["first_refusal"]["code"], "time-too-new");
}

#[test]
fn repeated_headers_count_once() {
    let headers = regtest(5);
    let twice = [&headers[..], &headers[..3]].concat();
    let (code, report) = json(&["--network", "regtest"], file(raw(&twice)).path());
    assert_eq!((code, &report["accepted"], &report["repeated"]), (0, &5.into(), &3.into()));
}

#[test]
fn unreadable_files_are_errors_that_name_the_place() {
    let headers = regtest(3);
    let mut cut = raw(&headers);
    cut.truncate(200);
    let half_line = lines(&headers).trim_end()[..400].to_owned();
    let cases: [(&[u8], &str); 5] = [
        (b"", "is empty"),
        (b"# nothing\n", "holds no headers"),
        (&cut, "40 bytes are left over after 2 headers"),
        (half_line.as_bytes(), "line 3"),
        (b"0100zz\n", "line 1: not hexadecimal"),
    ];
    for (bytes, expected) in cases {
        let (code, output, errors) = run(&["--network", "regtest"], file(bytes).path());
        assert_eq!((code, output.as_str()), (2, ""), "{expected}");
        assert!(errors.starts_with("error: ") && errors.contains(expected), "{errors}");
    }
    let (code, _, errors) = run(&["--network", "regtest"], Path::new("/no/such/file"));
    assert!(code == 2 && errors.contains("cannot open /no/such/file"), "{errors}");
    let (code, _, errors) = run(&["--network", "litecoin"], Path::new("x"));
    assert!(
        code == 2 && errors.contains("mainnet, testnet3, testnet4, signet, regtest"),
        "{errors}"
    );
}

#[test]
fn lower_case_and_prefix_do_not_matter_to_the_decoder() {
    let header = regtest(1)[0];
    let digits = serialize(&header).to_lower_hex_string();
    assert_eq!(Vec::<u8>::from_hex(&digits).unwrap(), serialize(&header));
    for text in [format!("0x{digits}"), format!("fork:{digits}"), format!("  a b : 0x{digits}  \n")]
    {
        assert_eq!(json(&["--network", "regtest"], file(&text).path()).0, 0, "{text}");
    }
}
