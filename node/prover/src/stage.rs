//! Runs the stages of a proof: tells what each one took, and keeps what it made.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process,
    sync::{
        atomic::{AtomicU64, Ordering::SeqCst},
        Mutex, MutexGuard, PoisonError,
    },
    time::Instant,
};

use anyhow::{Context, Result};
use serde::{de::DeserializeOwned, Serialize};

/// Highest resident memory of the stages inside the running one that have ended, in KiB.
static INNER_PEAK: AtomicU64 = AtomicU64::new(0);

/// What a stage took.
#[derive(Debug, Clone, Serialize)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Wall time.
    pub seconds: f64,
    /// CPU time of all threads.
    pub cpu_seconds: f64,
    /// Highest resident memory.
    pub peak_gib: f64,
}

/// The stages that have ended.
static FINISHED: Mutex<Vec<Stage>> = Mutex::new(Vec::new());

fn list() -> MutexGuard<'static, Vec<Stage>> {
    FINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The stages that have ended since [`forget`], the inner ones before the outer one.
pub fn finished() -> Vec<Stage> {
    list().clone()
}

/// Starts a new list of stages.
pub fn forget() {
    list().clear();
}

/// CPU seconds of the process, and its highest resident memory since the start of the running stage, in GiB.
pub fn totals() -> (f64, f64) {
    (cpu_seconds(), gib(status_kib("VmHWM:")))
}

/// Runs a stage; prints its seconds, the CPU seconds of all threads and the highest resident memory to stderr.
/// Stages may hold stages, and one runs after the other.
///
/// # Errors
/// The stage's.
pub fn timed<T>(stage: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let outer_peak = INNER_PEAK.swap(0, SeqCst).max(status_kib("VmHWM:"));
    // Linux: starts a new high-water mark.
    let _ = fs::write("/proc/self/clear_refs", "5");
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let result = work().with_context(|| stage.trim().to_string());
    let peak = INNER_PEAK.load(SeqCst).max(status_kib("VmHWM:"));
    INNER_PEAK.store(outer_peak.max(peak), SeqCst);
    let stage = Stage {
        name: stage.trim().into(),
        seconds: start.elapsed().as_secs_f64(),
        cpu_seconds: cpu_seconds() - cpu,
        peak_gib: gib(peak),
    };
    let Stage { name, seconds, cpu_seconds, peak_gib } = &stage;
    eprintln!("{name}: {seconds:.1} s, {cpu_seconds:.1} CPU s, {peak_gib:.2} GiB");
    list().push(stage);
    result
}

/// What a stage made, from `path`; or, when it is not there, made now and put there.
///
/// # Errors
/// The stage's; when the file is damaged or cannot be written.
pub fn kept<T: Serialize + DeserializeOwned>(
    path: &Path,
    stage: &str,
    work: impl FnOnce() -> Result<T>,
) -> Result<T> {
    if path.exists() {
        return read(path);
    }
    let made = timed(stage, work)?;
    write_whole(path, &serde_json::to_vec(&made)?)?;
    Ok(made)
}

/// Reads a file of JSON.
///
/// # Errors
/// When it is not there or damaged.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is damaged: delete it", path.display()))
}

/// Writes a file that is there whole or not at all, whenever the process or the machine stops.
///
/// # Errors
/// As the file system has them; on a full disk nothing is left behind.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let part = part(path);
    let written = File::create(&part).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
        .and_then(|()| fs::rename(&part, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Removes all other files of the folder of `path`, from which it was made. One that stays takes room and nothing else.
pub fn keep_alone(path: &Path) {
    let others = path.parent().and_then(|folder| fs::read_dir(folder).ok());
    for other in others.into_iter().flatten().flatten() {
        if other.path() != path {
            let _ = fs::remove_file(other.path());
        }
    }
}

/// Where a file is while this process writes it. Workers that share a folder may write the same file at once.
pub(crate) fn part(path: &Path) -> PathBuf {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    path.with_extension(format!("{}-{}.part", host.trim(), process::id()))
}

/// A field of the process's status, in KiB; 0 where there is none.
fn status_kib(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|value| value.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// CPU time of all threads so far; Linux counts it in hundredths of a second.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name, in brackets, may hold anything; user and system time are the 12th and 13th field behind it.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11);
    fields.take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn gib(kib: u64) -> f64 {
    kib as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use std::{
        env,
        process::{id, Command, Stdio},
        thread::sleep,
        time::Duration,
    };

    use super::*;

    /// Names the file that `crash_child` writes.
    const CHILD: &str = "BZK_CRASH_CHILD";
    const BYTES: usize = 4 << 20;

    fn folder(name: &str) -> PathBuf {
        let folder = env::temp_dir().join(format!("bzk-stage-{name}-{}", id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// Not a test but the process that the next one kills: writes one content after the other.
    #[test]
    fn crash_child() {
        let Ok(path) = env::var(CHILD) else { return };
        for value in (0..=u8::MAX).cycle() {
            write_whole(Path::new(&path), &vec![value; BYTES]).unwrap();
        }
    }

    #[test]
    fn crash_writer_that_is_killed_leaves_a_whole_file() {
        let folder = folder("kill");
        let path = folder.join("proof.json");
        for round in 0..20 {
            let mut child = Command::new(env::current_exe().unwrap())
                .args(["--exact", "stage::tests::crash_child", "--nocapture"])
                .env(CHILD, &path)
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            while !path.exists() {
                sleep(Duration::from_millis(1));
            }
            sleep(Duration::from_micros(7_310 * round));
            // SIGKILL.
            child.kill().unwrap();
            child.wait().unwrap();
            let bytes = fs::read(&path).unwrap();
            assert_eq!(bytes.len(), BYTES);
            assert!(bytes.iter().all(|byte| *byte == bytes[0]), "a mixture in round {round}");
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn crash_stage_that_left_half_a_file_is_run_again() {
        let folder = folder("half");
        let path = folder.join("proof.json");
        fs::write(part(&path), b"[1, 2").unwrap();
        let made: Vec<u8> = kept(&path, "stage", || Ok(vec![1, 2, 3])).unwrap();
        assert_eq!(made, [1, 2, 3]);
        let again: Vec<u8> = kept(&path, "stage", || panic!("it is there")).unwrap();
        assert_eq!(again, made);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_a_file_was_made_from_is_removed_and_nothing_else() {
        let folder = folder("alone");
        let path = folder.join("block/joined.json");
        fs::create_dir_all(folder.join("block")).unwrap();
        for file in ["other.json", "block/joined.json", "block/segment.json", "block/share-0-of-2"]
        {
            fs::write(folder.join(file), "1").unwrap();
        }
        keep_alone(&path);
        let left = fs::read_dir(folder.join("block")).unwrap().map(|file| file.unwrap().path());
        assert_eq!(left.collect::<Vec<_>>(), [path]);
        assert!(folder.join("other.json").exists());
        keep_alone(&folder.join("none/joined.json"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn failed_stage_leaves_nothing_and_says_which_it_was() {
        let folder = folder("failed");
        let path = folder.join("proof.json");
        let error = kept::<u8>(&path, "wrap", || anyhow::bail!("no memory")).unwrap_err();
        assert_eq!(format!("{error:#}"), "wrap: no memory");
        assert!(!path.exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn full_disk_is_an_error_that_names_the_file() {
        // Always full.
        let folder = folder("full");
        let path = folder.join("proof.json");
        std::os::unix::fs::symlink("/dev/full", part(&path)).unwrap();
        let error = kept(&path, "wrap", || Ok(vec![1u8; 100])).unwrap_err();
        assert!(format!("{error:#}").contains("proof.json: No space left"), "{error:#}");
        assert!(!path.exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
