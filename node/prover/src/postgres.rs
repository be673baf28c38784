//! Jobs in PostgreSQL, for several workers; by the library underway.
//!
//! A worker writes down that it lives (its heartbeat) while it does a job, and its connection holds a lock. One that is
//! killed does neither, so another takes the job. All workers see the same folder of proofs: what the first one had
//! finished is there.

use std::{
    sync::{
        mpsc::{self, Sender},
        Arc,
    },
    time::Duration,
};

use anyhow::{Context, Result};
use jiff::Span;
use sqlx::{
    postgres::{PgConnectOptions, PgPoolOptions},
    PgPool, Postgres as Database, Transaction,
};
use tokio::{
    runtime::{Builder, Runtime},
    task::spawn_blocking,
    time::sleep,
};
use underway::{
    queue,
    task::{self, RetryPolicy},
    Queue, Task, ToTaskResult, Worker,
};

use crate::jobs::{Job, Jobs, Outcome, Work, STACK};

/// Between two heartbeats, and how long none is missed.
pub const HEARTBEAT: Duration = Duration::from_secs(60);

const QUEUE: &str = "bzk-prover";
const TIMEOUT: Duration = Duration::from_secs(30);
/// Between two looks of a worker that has nothing to do.
const MOMENT: Duration = Duration::from_secs(1);
/// One that holds the lock, one for heartbeats, those who push.
const MOST_CONNECTIONS: u32 = 4;
/// Longer than any proof takes; underway asks for an end.
const YEAR: Duration = Duration::from_secs(31_536_000);
/// A worker whose machine is gone lets go of its lock within two minutes.
const KEEPALIVE: [(&str, &str); 3] = [
    ("tcp_keepalives_idle", "60"),
    ("tcp_keepalives_interval", "20"),
    ("tcp_keepalives_count", "3"),
];

/// Jobs in a database.
pub struct Postgres {
    runtime: Runtime,
    pool: PgPool,
    queue: Arc<Queue<Entry>>,
    heartbeat: Duration,
}

impl Postgres {
    /// Connects to the database at `url` (`postgres://...`) and makes the tables that it lacks.
    ///
    /// # Errors
    /// When the database is away or refuses.
    pub fn connect(url: &str, heartbeat: Duration) -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_stack_size(STACK)
            .enable_all()
            .build()?;
        let (pool, queue) = runtime.block_on(async {
            let pool = PgPoolOptions::new().max_connections(MOST_CONNECTIONS);
            let server = url.parse::<PgConnectOptions>()?.options(KEEPALIVE);
            let pool = pool.acquire_timeout(TIMEOUT).connect_with(server).await;
            let pool = pool.context("cannot reach PostgreSQL")?;
            underway::run_migrations(&pool).await.context("the tables of jobs")?;
            let queue = Queue::builder().name(QUEUE).pool(pool.clone()).build().await?;
            anyhow::Ok((pool, Arc::new(queue)))
        })?;
        Ok(Self { runtime, pool, queue, heartbeat })
    }

    /// Adds a job that waits for `delay`, unless it is there.
    async fn add(&self, job: &Job, delay: Duration) -> Result<()> {
        let entry = Entry {
            key: Some(serde_json::to_string(job)?),
            heartbeat: self.heartbeat,
            worker: None,
        };
        match self.queue.enqueue_after(&self.pool, &entry, job, span(delay)).await {
            Err(queue::Error::Database(sqlx::Error::Database(error)))
                if error.is_unique_violation() =>
            {
                Ok(())
            }
            result => result.map(drop).context("cannot put a job into PostgreSQL"),
        }
    }
}

impl Jobs for Postgres {
    fn push(&self, job: &Job) -> Result<()> {
        self.runtime.block_on(self.add(job, Duration::ZERO))
    }

    fn run(&self, work: Work) -> Result<()> {
        let (later, put_off) = mpsc::channel();
        let entry = Entry { key: None, heartbeat: self.heartbeat, worker: Some((work, later)) };
        let worker = Worker::new(self.queue.clone(), entry);
        self.runtime.spawn({
            let pool = self.pool.clone();
            async move { queue::run_deletion(&pool).await }
        });
        self.runtime.block_on(async {
            loop {
                // Whoever cannot say that a job is done must not go on saying that it is being done, so he ends.
                let taken = worker.process_next_task().await.context("PostgreSQL went away")?;
                // Not before it is done: until then it is there. What is lost here the batch asks for again.
                while let Ok((job, pause)) = put_off.try_recv() {
                    self.add(&job, pause).await?;
                }
                if taken.is_none() {
                    sleep(MOMENT).await;
                }
            }
        })
    }
}

/// A time as underway takes it.
fn span(time: Duration) -> Span {
    time.try_into().expect("it is shorter than 20,000 years")
}

/// A job as underway takes it.
struct Entry {
    /// Of the jobs with the same key one is there, until it is done.
    key: Option<String>,
    heartbeat: Duration,
    /// Does jobs, and hears of those that are to be tried again: underway's own retries wait from the time when a job
    /// was added, so that an old one would not wait at all.
    worker: Option<(Work, Sender<(Job, Duration)>)>,
}

impl Task for Entry {
    type Input = Job;
    type Output = ();

    async fn execute(&self, _: Transaction<'_, Database>, job: Job) -> task::Result<()> {
        let (work, later) = self.worker.clone().context("only a worker takes jobs").fatal()?;
        let done = spawn_blocking(move || {
            if let Outcome::Later(pause) = work(&job) {
                let _ = later.send((job, pause));
            }
        });
        done.await.retryable()
    }

    fn retry_policy(&self) -> RetryPolicy {
        RetryPolicy::builder().max_attempts(i32::MAX).build()
    }

    fn timeout(&self) -> Span {
        span(YEAR)
    }

    fn heartbeat(&self) -> Span {
        span(self.heartbeat)
    }

    fn concurrency_key(&self) -> Option<String> {
        self.key.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        env, fs,
        fs::OpenOptions,
        io::{stderr, Write},
        net::TcpListener,
        os::unix::{
            fs::{chown, MetadataExt},
            process::CommandExt,
        },
        path::{Path, PathBuf},
        process::{id as process_id, Child, Command, Stdio},
        sync::Arc,
        thread::sleep,
        time::Instant,
    };

    use super::*;

    const HEARTBEAT: Duration = Duration::from_secs(2);
    /// Of the processes that work: the database, and the folder in which they say what they do.
    const URL: &str = "BZK_WORKER_URL";
    const FOLDER: &str = "BZK_WORKER_FOLDER";
    /// PostgreSQL refuses to run as root.
    const NOBODY: u32 = 65_534;

    /// A server of its own, in a folder of its own.
    struct Server {
        process: Child,
        folder: PathBuf,
        url: String,
    }

    impl Server {
        /// Nothing when PostgreSQL is not installed.
        fn start(name: &str) -> Option<Self> {
            let Some(programs) = programs() else {
                // Not `eprintln`, which says nothing of a test that passes.
                let skipped =
                    format!("SKIPPED {name}: there is no PostgreSQL (apt install postgresql)");
                writeln!(stderr(), "{skipped}").unwrap();
                return None;
            };
            let folder = env::temp_dir().join(format!("bzk-postgres-{name}-{}", process_id()));
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).unwrap();
            let root = fs::metadata("/proc/self").map(|own| own.uid() == 0).unwrap();
            let command = |program: &str| {
                let mut command = Command::new(programs.join(program));
                command.current_dir(&folder).stdout(Stdio::null()).stderr(Stdio::null());
                if root {
                    command.uid(NOBODY).gid(NOBODY);
                }
                command
            };
            if root {
                chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
            }
            let data = folder.join("data");
            let init = ["-A", "trust", "-U", "bzk", "-N", "-D"];
            assert!(command("initdb").args(init).arg(&data).status().unwrap().success());
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let process = command("postgres")
                .arg("-D")
                .arg(&data)
                .args(["-h", "127.0.0.1", "-k", "", "-p", &port.to_string()])
                .spawn()
                .unwrap();
            let url = format!("postgres://bzk@127.0.0.1:{port}/postgres");
            let server = Self { process, folder, url };
            let start = Instant::now();
            while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
                assert!(start.elapsed() < Duration::from_secs(60), "PostgreSQL does not start");
                sleep(Duration::from_millis(50));
            }
            Some(server)
        }
    }

    impl Drop for Server {
        fn drop(&mut self) {
            let _ = self.process.kill();
            let _ = self.process.wait();
            let _ = fs::remove_dir_all(&self.folder);
        }
    }

    /// Where PostgreSQL's programs are: Debian keeps them out of the path.
    fn programs() -> Option<PathBuf> {
        let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let path = env::var("PATH").unwrap_or_default();
        debian
            .map(|version| version.path().join("bin"))
            .chain(path.split(':').map(PathBuf::from))
            .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
    }

    /// Not a test but a worker of the next one: does blocks by writing down that it does. Block 3 takes its first
    /// worker for ever, block 4 fails once.
    #[test]
    fn crash_worker() {
        let (Ok(url), Ok(folder)) = (env::var(URL), env::var(FOLDER)) else { return };
        let folder = PathBuf::from(folder);
        let work: Work = Arc::new(move |job| {
            let Job::Block(number) = job else { return Outcome::Done };
            let first = note(&folder, "begins", *number);
            match (number, first) {
                (3, true) => sleep(Duration::from_secs(600)),
                (4, true) => return Outcome::Later(Duration::from_millis(100)),
                _ => sleep(Duration::from_millis(300)),
            }
            note(&folder, "ends", *number);
            Outcome::Done
        });
        Postgres::connect(&url, HEARTBEAT).unwrap().run(work).unwrap();
    }

    /// Writes a line; tells whether it is the first of its kind.
    fn note(folder: &Path, what: &str, number: u64) -> bool {
        let first = lines(folder, what, number).is_empty();
        let line = format!("{what} {number} {}\n", process_id());
        let log = folder.join("log");
        let mut log = OpenOptions::new().create(true).append(true).open(log).unwrap();
        log.write_all(line.as_bytes()).unwrap();
        first
    }

    /// The processes that wrote such lines.
    fn lines(folder: &Path, what: &str, number: u64) -> Vec<u32> {
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        let prefix = format!("{what} {number} ");
        log.lines().filter_map(|line| line.strip_prefix(&prefix)?.parse().ok()).collect()
    }

    fn until(what: &str, condition: impl Fn() -> bool) {
        let start = Instant::now();
        while !condition() {
            assert!(start.elapsed() < Duration::from_secs(120), "{what} takes too long");
            sleep(Duration::from_millis(50));
        }
    }

    #[test]
    fn crash_job_of_a_killed_worker_goes_to_another() {
        let Some(server) = Server::start("crash_job_of_a_killed_worker_goes_to_another") else {
            return;
        };
        let folder = server.folder.join("work");
        fs::create_dir_all(&folder).unwrap();
        let jobs = Postgres::connect(&server.url, HEARTBEAT).unwrap();
        // Twice: the second time they are there already.
        for number in (1..=8).chain(1..=8) {
            jobs.push(&Job::Block(number)).unwrap();
        }
        let mut workers = [0, 1].map(|_| {
            Command::new(env::current_exe().unwrap())
                .args(["--exact", "postgres::tests::crash_worker", "--nocapture"])
                .envs([(URL, server.url.as_str()), (FOLDER, folder.to_str().unwrap())])
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        });
        let ended = |number| lines(&folder, "ends", number);
        until("the other blocks", || (1..=8).all(|number| number == 3 || ended(number).len() == 1));
        // While its worker lives nobody else takes block 3, however long it takes.
        sleep(HEARTBEAT * 3);
        let begun = lines(&folder, "begins", 3);
        assert_eq!(begun.len(), 1, "{begun:?}");
        let stuck = begun[0];
        let worker = workers.iter_mut().find(|worker| worker.id() == stuck).unwrap();
        // SIGKILL.
        worker.kill().unwrap();
        until("block 3", || ended(3).len() == 1);
        let ends: Vec<_> = (1..=8).map(|number| ended(number)[0]).collect();
        assert_ne!(ends[2], stuck);
        for number in 1..=8 {
            let times = if number == 3 || number == 4 { 2 } else { 1 };
            assert_eq!(lines(&folder, "begins", number).len(), times, "block {number}");
        }
        for worker in &mut workers {
            let _ = worker.kill();
            let _ = worker.wait();
        }
    }

    #[test]
    fn database_that_is_away_is_a_clear_error() {
        let error =
            Postgres::connect("postgres://bzk@127.0.0.1:1/postgres", HEARTBEAT).err().unwrap();
        assert!(format!("{error:#}").starts_with("cannot reach PostgreSQL"), "{error:#}");
    }
}
