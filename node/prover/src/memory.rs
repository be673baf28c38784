//! Whether there is memory for a stage. A process that asks for more than there is gets killed, and says nothing.

use std::{fs, path::Path};

use anyhow::{ensure, Result};

const GIB: u64 = 1 << 30;

/// Checks that `gib` GiB can be had.
///
/// # Errors
/// When there is less, by the kernel's estimate or by the limit of the process's control group.
pub fn ensure_gib(gib: u64) -> Result<()> {
    let group = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = group.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let group = Path::new("/sys/fs/cgroup").join(group);
    let text = |file: &str| fs::read_to_string(group.join(file)).unwrap_or_default();
    let in_group = in_group(&text("memory.max"), &text("memory.current"), &text("memory.stat"));
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    enough(gib, available(&meminfo).into_iter().chain(in_group).min())
}

/// Bytes that a control group leaves; nothing when it has no limit. Files that it has read give way.
fn in_group(max: &str, current: &str, stat: &str) -> Option<u64> {
    let most: u64 = max.trim().parse().ok()?;
    let used: u64 = current.trim().parse().ok()?;
    let cached = stat.lines().find_map(|line| line.strip_prefix("inactive_file "));
    let cached = cached.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or(0);
    Some(most.saturating_sub(used.saturating_sub(cached)))
}

/// Bytes that `meminfo` says may be had without swapping; nothing on a system that does not tell.
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

fn enough(gib: u64, available: Option<u64>) -> Result<()> {
    let bytes = available.unwrap_or(u64::MAX);
    ensure!(
        bytes / GIB >= gib,
        "this needs {gib} GiB of memory, {} MiB are free: end other processes or take a larger machine",
        bytes >> 20
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_memory_is_an_error_that_says_how_much_is_needed() {
        let meminfo = "MemTotal:       24000000 kB\nMemAvailable:    8388608 kB\nBuffers: 1 kB\n";
        let available = available(meminfo);
        assert_eq!(available, Some(8 * GIB));
        enough(8, available).unwrap();
        let error = enough(9, available).unwrap_err().to_string();
        assert!(error.starts_with("this needs 9 GiB of memory, 8192 MiB are free"), "{error}");
    }

    #[test]
    fn control_group_bounds_it() {
        let stat = "anon 5\ninactive_file 300\nactive_file 7\n";
        assert_eq!(in_group("1000\n", "500\n", stat), Some(800));
        assert_eq!(in_group("1000\n", "1500\n", ""), Some(0));
        assert_eq!(in_group("max\n", "500\n", stat), None);
    }

    #[test]
    fn system_that_does_not_tell_is_trusted() {
        assert_eq!(available("MemTotal: 1 kB\n"), None);
        enough(1_000, None).unwrap();
    }

    #[test]
    fn no_machine_has_a_million_gibibytes() {
        assert!(ensure_gib(1_000_000).is_err());
        ensure_gib(0).unwrap();
    }
}
