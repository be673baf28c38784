//! Whether there is memory for a stage. A process that asks for more than there is gets killed, and says nothing.

use std::{fs, path::Path};

use anyhow::{ensure, Result};

const GIB: u64 = 1 << 30;

/// Checks that this process can have `gib` GiB, with what it has.
///
/// # Errors
/// When there is less, by the kernel's estimate, the limit of the process's control group or its own (`ulimit -v`).
pub fn ensure_gib(gib: u64) -> Result<()> {
    let group = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = group.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let group = Path::new("/sys/fs/cgroup").join(group);
    let text = |file: &str| fs::read_to_string(group.join(file)).unwrap_or_default();
    let in_group = in_group(&text("memory.max"), &text("memory.current"), &text("memory.stat"));
    let system = |file: &str| fs::read_to_string(Path::new("/proc").join(file)).unwrap_or_default();
    let status = system("self/status");
    let in_process = in_process(&system("self/limits"), &status);
    let available = field(&system("meminfo"), "MemAvailable:");
    let own = field(&status, "VmRSS:").unwrap_or(0);
    let more = [available, in_group, in_process].into_iter().flatten().min();
    enough(gib, more.map(|more| more.saturating_add(own)))
}

/// Bytes that a control group leaves; nothing when it has no limit. Files that it has read give way.
fn in_group(max: &str, current: &str, stat: &str) -> Option<u64> {
    let most: u64 = max.trim().parse().ok()?;
    let used: u64 = current.trim().parse().ok()?;
    let cached = stat.lines().find_map(|line| line.strip_prefix("inactive_file "));
    let cached = cached.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or(0);
    Some(most.saturating_sub(used.saturating_sub(cached)))
}

/// Bytes of address space that the process may still take; nothing when it has no limit.
fn in_process(limits: &str, status: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let most: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(most.saturating_sub(field(status, "VmSize:")?))
}

/// A field of `/proc/meminfo` or `/proc/self/status` in bytes; nothing on a system that does not tell.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

fn enough(gib: u64, available: Option<u64>) -> Result<()> {
    let bytes = available.unwrap_or(u64::MAX);
    ensure!(
        bytes / GIB >= gib,
        "this needs {gib} GiB of memory, {} MiB can be had: end other processes or take a larger machine",
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
        let available = field(meminfo, "MemAvailable:");
        assert_eq!(available, Some(8 * GIB));
        enough(8, available).unwrap();
        let error = enough(9, available).unwrap_err().to_string();
        assert!(error.starts_with("this needs 9 GiB of memory, 8192 MiB can be had"), "{error}");
    }

    #[test]
    fn control_group_bounds_it() {
        let stat = "anon 5\ninactive_file 300\nactive_file 7\n";
        assert_eq!(in_group("1000\n", "500\n", stat), Some(800));
        assert_eq!(in_group("1000\n", "1500\n", ""), Some(0));
        assert_eq!(in_group("max\n", "500\n", stat), None);
    }

    #[test]
    fn limit_of_the_process_bounds_it() {
        let limits = |most: &str| {
            format!("Max processes 7 7 processes\nMax address space {most} {most} bytes\n")
        };
        let status = "VmPeak:\t  90 kB\nVmSize:\t  3 kB\n";
        assert_eq!(in_process(&limits("10000"), status), Some(10_000 - 3 * 1024));
        assert_eq!(in_process(&limits("1000"), status), Some(0));
        assert_eq!(in_process(&limits("unlimited"), status), None);
    }

    #[test]
    fn system_that_does_not_tell_is_trusted() {
        assert_eq!(field("MemTotal: 1 kB\n", "MemAvailable:"), None);
        enough(1_000, None).unwrap();
    }

    #[test]
    fn no_machine_has_a_million_gibibytes() {
        assert!(ensure_gib(1_000_000).is_err());
        ensure_gib(0).unwrap();
    }
}
