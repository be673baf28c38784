//! The runners judge rightly. The samples are made with our own pallets: that these compute what
//! Ethereum computes is for the files of the Ethereum project to show.

mod block;
mod sample;
mod state;

use super::{run, Kind, Summary};
use serde_json::{json, Value};

/// Runs one file with this content.
fn run_json(kind: Kind, content: &Value) -> Summary {
    run_files(kind, &[("file.json", content.to_string().as_bytes())])
}

/// Runs a folder of files with these names and contents.
fn run_files(kind: Kind, files: &[(&str, &[u8])]) -> Summary {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    run(kind, folder.path(), "").unwrap()
}

/// The counts as the last line prints them, and all that was said before it.
fn counts(summary: &Summary) -> (String, String) {
    let text = summary.to_string();
    let (before, last) = text.rsplit_once('\n').unwrap();
    (last.to_string(), before.to_string())
}

#[track_caller]
fn assert_counts(summary: &Summary, expected: &str) {
    let (last, before) = counts(summary);
    assert_eq!(last, expected, "{before}");
}

/// The one verdict has this reason.
#[track_caller]
fn assert_excused(summary: &Summary, reason: &str) {
    assert_counts(summary, "0 passed, 0 failed, 1 excused");
    assert!(summary.to_string().contains(reason), "{summary}");
}

#[track_caller]
fn assert_failed(summary: &Summary, reason: &str) {
    assert_counts(summary, "0 passed, 1 failed, 0 excused");
    assert!(summary.to_string().contains(reason), "{summary}");
}

#[test]
fn test_of_no_known_kind_fails() {
    for kind in [Kind::State, Kind::Block] {
        for content in [json!({"a": 1}), json!({"a": {"env": {}, "pre": {}}}), json!({"a": null})] {
            let summary = run_json(kind, &content);
            assert_failed(&summary, "file.json::a: not a test: it has neither `post`");
        }
    }
}

#[test]
fn files_that_cannot_be_read_fail_one_by_one() {
    for kind in [Kind::State, Kind::Block] {
        let files: [(&str, &[u8]); 5] = [
            ("cut.json", b"{\"a\": {"),
            ("empty.json", b""),
            ("list.json", b"[]"),
            ("not-text.json", &[b'{', b'"', 0xff, b'"', b':', b'1', b'}']),
            ("without-tests.json", b"{}"),
        ];
        let summary = run_files(kind, &files);
        assert_counts(&summary, "0 passed, 4 failed, 0 excused");
        let text = summary.to_string();
        for (name, _) in &files[..4] {
            assert!(text.contains(&format!("FAILED  {name}: not a test file: ")), "{text}");
        }
    }
}

#[cfg(unix)]
#[test]
fn link_to_nothing_fails_and_one_back_up_ends() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("a");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(inner.join("file.json"), "{}").unwrap();
    std::os::unix::fs::symlink(folder.path(), inner.join("up")).unwrap();
    std::os::unix::fs::symlink("absent", inner.join("dangling.json")).unwrap();
    let summary = run(Kind::State, folder.path(), "").unwrap();
    assert_failed(&summary, "dangling.json: cannot be read: ");
    assert_eq!(summary.files, 2);
}

#[test]
fn tests_of_the_other_kind_are_counted_and_not_run() {
    let state = json!({"a": {"env": {}, "pre": {}, "post": {"London": [{}]}}});
    let block = json!({"a": {"network": "London", "blocks": []}});
    let files = [state.to_string(), block.to_string()];
    for kind in [Kind::State, Kind::Block] {
        let files = [("state.json", files[0].as_bytes()), ("block.json", files[1].as_bytes())];
        let summary = run_files(kind, &files);
        assert_counts(&summary, "0 passed, 0 failed, 0 excused");
        let text = "2 files, 1 cases of other forks and 1 tests of another kind not run";
        assert!(summary.to_string().contains(text), "{summary}");
        assert!(summary.found_tests());
    }
    assert!(!run_json(Kind::State, &block).found_tests());
    assert!(!run_files(Kind::State, &[("note.txt", b"no test")]).found_tests());
}

/// What the archives of ethereum/tests and execution-spec-tests have beside state and block tests.
#[test]
fn tests_of_other_formats_are_counted_and_not_run() {
    let transaction = json!({"a": {"_info": {}, "txbytes": "0x", "result": {"Cancun": {}}}});
    let difficulty = json!({"b": {"parentDifficulty": "0x1", "currentDifficulty": "0x2"}});
    let fillers = [
        json!({"d": {"env": {}, "pre": {}, "expect": [], "transaction": {}}}),
        json!({"e": {"genesisBlockHeader": {}, "pre": {}, "blocks": [], "expect": []}}),
    ];
    let container = json!({"f": {"_info": {}, "vectors": {}}});
    let shared =
        json!({"testIds": ["c"], "environment": {}, "pre": {}, "network": "Cancun", "group": 1});
    for kind in [Kind::State, Kind::Block] {
        let [state, block] = &fillers;
        for content in [&transaction, &difficulty, state, block, &container, &shared] {
            let summary = run_json(kind, content);
            assert_counts(&summary, "0 passed, 0 failed, 0 excused");
            assert_eq!((summary.other_kinds, summary.found_tests()), (1, false), "{content}");
        }
    }
}

#[test]
fn folders_are_searched_and_hidden_ones_left_out() {
    let folder = tempfile::tempdir().unwrap();
    for path in ["a/b", ".meta"] {
        std::fs::create_dir_all(folder.path().join(path)).unwrap();
        std::fs::write(folder.path().join(path).join("file.json"), "[]").unwrap();
    }
    std::fs::write(folder.path().join("note.txt"), "no test").unwrap();
    // What archives made on a Mac have beside each file.
    std::fs::write(folder.path().join("._file.json"), "no test").unwrap();
    let summary = run(Kind::State, folder.path(), "").unwrap();
    assert_eq!(summary.files, 1);
    assert!(run(Kind::State, &folder.path().join("absent"), "").is_err());
}
