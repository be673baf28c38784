//! The runners judge rightly. The samples are made with our own pallets: that these compute what
//! Ethereum computes is for the files of the Ethereum project to show.

mod block;
mod sample;
mod state;

use super::{run, Kind, Summary};
use serde_json::Value;

/// Runs one file with this content.
fn run_json(kind: Kind, content: &Value) -> Summary {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file.json"), content.to_string()).unwrap();
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
fn file_that_is_no_test_fails() {
    for kind in [Kind::State, Kind::Block] {
        assert_failed(&run_json(kind, &serde_json::json!({"a": 1})), "not a test file");
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
    let summary = run(Kind::State, folder.path(), "").unwrap();
    assert_eq!(summary.files, 1);
    assert!(run(Kind::State, &folder.path().join("absent"), "").is_err());
}
