//! What became of each case.

use std::fmt;

/// The end of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All that the file expects came about.
    Passed,
    /// The same, where the file expects a refusal for a reason that was not compared with ours.
    Refused,
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
    /// Those of them that were refused for a reason that was not compared.
    pub refused: usize,
    /// Failed and excused cases, in the order of their names.
    pub notable: Vec<Case>,
    /// Cases of other forks, which were not run.
    pub other_forks: usize,
    /// Tests of the other kind, which were not run.
    pub other_kinds: usize,
}

impl Summary {
    /// Counts one case.
    pub(super) fn add(&mut self, case: Case) {
        match case.verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Refused => {
                self.passed += 1;
                self.refused += 1;
            }
            Verdict::Failed(_) | Verdict::Excused(_) => self.notable.push(case),
        }
    }

    /// Adds what a part of the run gave.
    pub(super) fn merge(&mut self, part: Self) {
        let Self { files, passed, refused, notable, other_forks, other_kinds } = part;
        self.files += files;
        self.passed += passed;
        self.refused += refused;
        self.notable.extend(notable);
        self.other_forks += other_forks;
        self.other_kinds += other_kinds;
    }

    /// Whether there was any test of the kind that was asked for, of whatever fork.
    pub fn found_tests(&self) -> bool {
        self.passed + self.notable.len() + self.other_forks > 0
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
                Verdict::Passed | Verdict::Refused => {}
                Verdict::Failed(why) => writeln!(f, "FAILED  {}: {why}", case.name)?,
                Verdict::Excused(why) => writeln!(f, "excused {}: {why}", case.name)?,
            }
        }
        let Self { files, refused, other_forks, other_kinds, .. } = self;
        write!(f, "{files} files, {other_forks} cases of other forks")?;
        writeln!(f, " and {other_kinds} tests of another kind not run")?;
        if *refused > 0 {
            writeln!(f, "{refused} passed by an expected refusal whose reason was not compared")?;
        }
        let (failed, excused) = (self.failed(), self.excused());
        write!(f, "{} passed, {failed} failed, {excused} excused", self.passed)
    }
}
