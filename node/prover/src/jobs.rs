//! What workers do: a job is what one of them does while others do something else.
//!
//! What became of a batch stands in the queue (`queue.rs`), what was proven in files; jobs only say who does what
//! next. So a job may be lost, come twice or be done by two: nothing is wrong then, only slower.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::shares::Share;

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Job {
    /// To prove some of the segments of a large block.
    Segments {
        /// Its number.
        block: u64,
        /// Which segments.
        share: Share,
    },
    /// To prove the block with this number; what its segments have is not proven again.
    Block(u64),
    /// To join the blocks of the batch with this id and wrap the proof, once all blocks are proven.
    Batch(String),
}

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// There is nothing more to do.
    Done,
    /// It is to be tried again after this time.
    Later(Duration),
}

/// Stack of a thread that works, in bytes: what the first one of a process has. Circuits are large values.
pub const STACK: usize = 8 << 20;

/// What does a job.
pub type Work = Arc<dyn Fn(&Job) -> Outcome + Send + Sync>;

/// Who works on what.
pub trait Jobs: Send + Sync {
    /// Adds a job, unless it is there.
    ///
    /// # Errors
    /// When the jobs are out of reach.
    fn push(&self, job: &Job) -> Result<()>;

    /// Does one job after the other until the process ends. A job whose worker is killed goes to another one.
    ///
    /// # Errors
    /// When the jobs are out of reach.
    fn run(&self, work: Work) -> Result<()>;
}

/// The jobs of a single worker, in its memory: after a restart they are pushed again.
#[derive(Debug, Default)]
pub struct Local {
    /// In the order in which they were pushed, with the time before which they wait.
    jobs: Mutex<VecDeque<(Instant, Job)>>,
    pushed: Condvar,
}

impl Local {
    /// The first job that need not wait; blocks until there is one.
    fn next(&self) -> Job {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let now = Instant::now();
            if let Some(at) = jobs.iter().position(|(time, _)| *time <= now) {
                if let Some((_, job)) = jobs.remove(at) {
                    return job;
                }
            }
            let wait = jobs.iter().map(|(time, _)| *time - now).min().unwrap_or(Duration::MAX);
            // A year is as good as for ever, and no clock overflows.
            let wait = wait.min(Duration::from_secs(31_536_000));
            let woken = self.pushed.wait_timeout(jobs, wait);
            jobs = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn add(&self, time: Instant, job: &Job) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if jobs.iter().all(|(_, other)| other != job) {
            jobs.push_back((time, job.clone()));
            self.pushed.notify_one();
        }
    }
}

impl Jobs for Local {
    fn push(&self, job: &Job) -> Result<()> {
        self.add(Instant::now(), job);
        Ok(())
    }

    fn run(&self, work: Work) -> Result<()> {
        loop {
            let job = self.next();
            if let Outcome::Later(pause) = work(&job) {
                self.add(Instant::now() + pause, &job);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;

    #[test]
    fn jobs_are_done_in_order_once_and_again_when_they_failed() {
        let jobs = Arc::new(Local::default());
        let order = [Job::Batch("a".into()), Job::Block(2), Job::Block(1), Job::Block(2)];
        order.iter().for_each(|job| jobs.push(job).unwrap());
        let (done, seen) = mpsc::channel();
        let done = Mutex::new((done, true));
        let work: Work = Arc::new(move |job| {
            let (done, first) = &mut *done.lock().unwrap();
            done.send(job.clone()).unwrap();
            if std::mem::take(first) {
                return Outcome::Later(Duration::from_millis(1));
            }
            Outcome::Done
        });
        thread::spawn({
            let jobs = jobs.clone();
            move || jobs.run(work)
        });
        let next = || seen.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(next(), Job::Batch("a".into()));
        let mut rest = [next(), next(), next()].map(|job| format!("{job:?}"));
        rest.sort();
        assert_eq!(rest, ["Batch(\"a\")", "Block(1)", "Block(2)"]);
        // A job that comes while there is none wakes the worker.
        jobs.push(&Job::Block(7)).unwrap();
        assert_eq!(next(), Job::Block(7));
    }
}
