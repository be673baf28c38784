//! Finds test files and spreads them over the cores.

use crate::ethereum_tests::{
    block_tests,
    report::{Case, Summary, Verdict},
    state_tests,
};
use anyhow::{Context, Result};
use std::{
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

/// Which format the files have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// GeneralStateTests.
    State,
    /// BlockchainTests.
    Block,
}

/// What one file holds.
pub(super) struct Plan<T> {
    /// Cases of our fork by name, or why they cannot be read.
    pub(super) cases: Vec<(String, Result<T, String>)>,
    /// How many cases other forks have.
    pub(super) other_forks: usize,
}

/// Runs every JSON file below `directory` whose cases' names contain `only`.
///
/// # Errors
/// If a folder or a file cannot be read. A file that is not a test counts as a failed case.
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
    for (_, result) in results {
        let (cases, other_forks) = result?;
        summary.add(cases, other_forks);
    }
    Ok(summary)
}

fn run_file(kind: Kind, file: &Path, name: &str, only: &str) -> Result<(Vec<Case>, usize)> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let results = match kind {
        Kind::State => {
            state_tests::plan(&text).map(|plan| run_plan(plan, name, only, state_tests::run))
        }
        Kind::Block => {
            block_tests::plan(&text).map(|plan| run_plan(plan, name, only, block_tests::run))
        }
    };
    Ok(results.unwrap_or_else(|error| {
        let verdict = Verdict::Failed(format!("not a test file: {error}"));
        (vec![Case { name: name.to_string(), verdict }], 0)
    }))
}

fn run_plan<T>(
    plan: Plan<T>,
    file: &str,
    only: &str,
    run: impl Fn(&T) -> Verdict,
) -> (Vec<Case>, usize) {
    let cases = plan
        .cases
        .into_iter()
        .map(|(case, test)| (format!("{file}::{case}"), test))
        .filter(|(name, _)| name.contains(only))
        .map(|(name, test)| {
            let verdict = match test {
                Ok(test) => catch_unwind(AssertUnwindSafe(|| run(&test)))
                    .unwrap_or_else(|_| Verdict::Failed("panicked".into())),
                Err(error) => Verdict::Failed(format!("cannot be read: {error}")),
            };
            Case { name, verdict }
        })
        .collect();
    (cases, plan.other_forks)
}

/// Every `.json` file below `directory`, hidden folders left out, in order.
fn json_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![directory.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder)
            .with_context(|| format!("cannot read the folder {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            let hidden =
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if path.is_dir() && !hidden {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
