//! Finds test files and spreads them over the cores.

use crate::ethereum_tests::{
    block_tests,
    report::{Case, Summary, Verdict},
    state_tests,
};
use anyhow::{Context, Result};
use serde_json::Value;
use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    fs,
    panic::{catch_unwind, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicUsize, Ordering},
        Mutex,
    },
    thread,
};

/// The fork whose cases run.
pub(super) const FORK: &str = "Cancun";

/// Where a block test of the engine API has its payloads, in place of blocks.
pub(super) const ENGINE_PAYLOADS: &str = "engineNewPayloads";

/// Which format the files have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// GeneralStateTests.
    State,
    /// BlockchainTests.
    Block,
}

impl Kind {
    /// What `test` is by its fields; `None` for what is no test of these kinds.
    fn of(test: &Value) -> Option<Self> {
        if test.get("post").is_some() {
            Some(Self::State)
        } else if test.get("blocks").or(test.get(ENGINE_PAYLOADS)).is_some() {
            Some(Self::Block)
        } else {
            None
        }
    }
}

/// Fields of what else lies beside tests of these kinds: transaction tests, difficulty tests, what tests are filled from,
/// EOF containers.
const OTHER_FORMATS: [&[&str]; 4] = [
    &["txbytes", "result"],
    &["currentDifficulty", "parentDifficulty"],
    &["pre", "expect"],
    &["vectors"],
];

/// Whether this is a test of a format for which there is no [`Kind`].
fn is_of_other_format(test: &Value) -> bool {
    OTHER_FORMATS.iter().any(|fields| fields.iter().all(|field| test.get(*field).is_some()))
}

/// Whether a file is no collection of tests but a state that tests of the engine API share.
fn is_shared_state(file: &BTreeMap<String, Value>) -> bool {
    ["environment", "pre"].iter().all(|field| file.contains_key(*field))
}

/// The cases of one test.
pub(super) struct Plan<T> {
    /// Cases of our fork by name, or why they cannot be read.
    pub(super) cases: Vec<(String, Result<T, String>)>,
    /// How many cases other forks have.
    pub(super) other_forks: usize,
}

impl<T> Plan<T> {
    /// The plan of a test that has one case, or cannot be read.
    pub(super) fn single(name: &str, case: Result<T, String>) -> Self {
        Self { cases: vec![(name.to_string(), case)], other_forks: 0 }
    }
}

/// Runs every test of `kind` in the JSON files below `directory` whose cases' names contain `only`.
/// A file that cannot be read, or holds what is no test of any known format, counts as a failed
/// case.
///
/// # Errors
/// If a folder cannot be read.
pub fn run(kind: Kind, directory: &Path, only: &str) -> Result<Summary> {
    let files = json_files(directory)?;
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let work = || {
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let name = file.strip_prefix(directory).unwrap_or(file).display().to_string();
            let result = run_file(kind, file, &name, only);
            results.lock().expect("no thread panics with the lock").push((name, result));
        }
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, |cores| cores.get());
        (0..threads).for_each(|_| {
            scope.spawn(work);
        });
    });
    let mut results = results.into_inner().expect("no thread panics with the lock");
    results.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut summary = Summary::default();
    results.into_iter().for_each(|(_, result)| summary.merge(result));
    Ok(summary)
}

fn run_file(kind: Kind, file: &Path, name: &str, only: &str) -> Summary {
    let mut summary = Summary { files: 1, ..Default::default() };
    match read(file) {
        Ok(content) if is_shared_state(&content) => summary.other_kinds += 1,
        Ok(tests) => {
            for (test, content) in tests {
                let name = format!("{name}::{test}");
                summary.merge(run_test(kind, &name, content, only));
            }
        }
        Err(why) => summary.add(Case { name: name.to_string(), verdict: Verdict::Failed(why) }),
    }
    summary
}

/// The tests of a file by name.
fn read(file: &Path) -> Result<BTreeMap<String, Value>, String> {
    let bytes = fs::read(file).map_err(|error| format!("cannot be read: {error}"))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("not a test file: {error}"))
}

fn run_test(kind: Kind, name: &str, test: Value, only: &str) -> Summary {
    match Kind::of(&test) {
        _ if is_of_other_format(&test) => Summary { other_kinds: 1, ..Default::default() },
        Some(found) if found != kind => Summary { other_kinds: 1, ..Default::default() },
        Some(Kind::State) => run_plan(state_tests::plan(name, test), only, state_tests::run),
        Some(Kind::Block) => run_plan(block_tests::plan(name, test), only, block_tests::run),
        None => {
            let mut summary = Summary::default();
            let why = "not a test: it has neither `post` (state test) nor `blocks` (block test)";
            summary.add(Case { name: name.to_string(), verdict: Verdict::Failed(why.into()) });
            summary
        }
    }
}

fn run_plan<T>(plan: Plan<T>, only: &str, run: impl Fn(&T) -> Verdict) -> Summary {
    let mut summary = Summary { other_forks: plan.other_forks, ..Default::default() };
    for (name, test) in plan.cases.into_iter().filter(|(name, _)| name.contains(only)) {
        let verdict = match test {
            Ok(test) => catch_unwind(AssertUnwindSafe(|| run(&test)))
                .unwrap_or_else(|panic| Verdict::Failed(panic_text(&*panic))),
            Err(error) => Verdict::Failed(format!("cannot be read: {error}")),
        };
        summary.add(Case { name, verdict });
    }
    summary
}

/// What a panic said.
fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", text.unwrap_or("without a text"))
}

/// Every `.json` file below `directory` in order. Hidden files and folders are left out, and a
/// folder that links lead to twice is searched once.
fn json_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![directory.to_path_buf()];
    let mut searched = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        let cannot_read = || format!("cannot read the folder {}", folder.display());
        if !searched.insert(fs::canonicalize(&folder).with_context(cannot_read)?) {
            continue;
        }
        for entry in fs::read_dir(&folder).with_context(cannot_read)? {
            let entry = entry.with_context(cannot_read)?;
            let path = entry.path();
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_is_a_failure_that_says_why() {
        for text in ["slot 5 is missing", "plain"] {
            let plan = Plan::single("case", Ok(text));
            let summary = run_plan(plan, "", |text| match *text {
                "plain" => panic!("plain"),
                text => panic!("{text}"),
            });
            assert!(summary.to_string().contains(&format!("panicked: {text}")), "{summary}");
            assert_eq!(summary.failed(), 1);
        }
    }
}
