//! What became of each case.

use std::fmt;

/// The end of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All that the file expects came about.
    Passed,
    /// Something else came about.
    Failed(String),
    /// It left our execution profile, for this reason.
    Excused(String),
}

/// One case of a test file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// File, test and index.
    pub name: String,
    /// How it ended.
    pub verdict: Verdict,
}

/// The cases of a run, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files read.
    pub files: usize,
    /// Cases with the expected result.
    pub passed: usize,
    /// Failed and excused cases, in the order of their names.
    pub notable: Vec<Case>,
    /// Cases of other forks, which were not run.
    pub other_forks: usize,
}

impl Summary {
    /// Adds what one file gave.
    pub(super) fn add(&mut self, cases: Vec<Case>, other_forks: usize) {
        self.files += 1;
        self.other_forks += other_forks;
        for case in cases {
            match case.verdict {
                Verdict::Passed => self.passed += 1,
                Verdict::Failed(_) | Verdict::Excused(_) => self.notable.push(case),
            }
        }
    }

    /// How many cases failed.
    pub fn failed(&self) -> usize {
        self.notable.iter().filter(|case| matches!(case.verdict, Verdict::Failed(_))).count()
    }

    /// How many cases are outside the profile.
    pub fn excused(&self) -> usize {
        self.notable.len() - self.failed()
    }
}

/// Every excused and failed case by name, then the counts on the last line.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for case in &self.notable {
            match &case.verdict {
                Verdict::Passed => {}
                Verdict::Failed(why) => writeln!(f, "FAILED  {}: {why}", case.name)?,
                Verdict::Excused(why) => writeln!(f, "excused {}: {why}", case.name)?,
            }
        }
        writeln!(f, "{} files, {} cases of other forks not run", self.files, self.other_forks)?;
        let (failed, excused) = (self.failed(), self.excused());
        write!(f, "{} passed, {failed} failed, {excused} excused", self.passed)
    }
}
