//! Holds the resident memory of the node about a limit.
//!
//! ParityDB maps its files. The system counts the pages that were touched as the node's and takes them back when another
//! program wants the memory, not before: gigabytes after an hour of load, most of them of old blocks. What is above the
//! limit is given back here, a little at a time, from all files in turn. Nothing is lost by `MADV_PAGEOUT` (madvise(2)):
//! a page that is wanted again comes from the file again, and one that was changed stays in the system's cache until it
//! is written.

use std::{
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

/// How often the memory is looked at.
const PERIOD: Duration = Duration::from_secs(5);

/// Most bytes given back in a period: more than an hour of load adds (3 GiB), and so few that reading again what was in use
/// delays no block. Where new accounts come at 900 a second the memory goes over the limit for a while.
const MOST: usize = 16 << 20;

/// Bytes of addresses in one call.
const PIECE: usize = 4 << 20;

/// Gives pages of the files below `folder` back while more than `limit` bytes of this process are resident. Ends when the
/// system refuses, as Linux before 5.4 does.
pub(super) async fn hold_below(limit: usize, folder: PathBuf) {
    let mut hand = 0;
    loop {
        tokio::time::sleep(PERIOD).await;
        match give_back(limit, resident, &folder, hand) {
            Ok(next) => hand = next,
            Err(error) => {
                return log::warn!(
                    target: "resident",
                    "resident memory is not held below {} MiB: {error}; it may still be lower, since the system takes \
                     pages of the database back when it needs them",
                    limit >> 20
                )
            }
        }
    }
}

/// Gives back what is above `limit` bytes of `resident`, [`MOST`] at most, from address `hand` on. Returns the address that
/// comes next.
fn give_back(
    limit: usize,
    resident: impl Fn() -> io::Result<usize>,
    folder: &Path,
    mut hand: usize,
) -> io::Result<usize> {
    let before = resident()?;
    let goal = before.saturating_sub(MOST).max(limit);
    if before > goal {
        // ParityDB maps a gigabyte beyond the end of each file.
        let length = |path: &Path| fs::metadata(path).map_or(0, |file| file.len() as usize);
        for piece in pieces(&fs::read_to_string("/proc/self/maps")?, folder, length, hand) {
            hand = piece.end;
            page_out(piece)?;
            if resident()? <= goal {
                break;
            }
        }
    }
    Ok(hand)
}

/// Bytes of this process in memory (proc_pid_status(5)).
fn resident() -> io::Result<usize> {
    let status = fs::read_to_string("/proc/self/status")?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok());
    kib.map(|kib: usize| kib << 10).ok_or_else(|| io::Error::other("no VmRSS in /proc/self/status"))
}

/// The addresses at which `maps` (proc_pid_maps(5)) has files below `folder`, each up to its `length` in bytes, in pieces of at
/// most [`PIECE`] bytes: those from `hand` on, then the others.
fn pieces(
    maps: &str,
    folder: &Path,
    length: impl Fn(&Path) -> usize,
    hand: usize,
) -> Vec<Range<usize>> {
    let mut pieces: Vec<_> = maps
        .lines()
        .filter_map(|line| {
            // start-end permissions offset device inode path
            let path = Path::new(line.find('/').and_then(|at| line.get(at..))?);
            let (start, end) = line.split_whitespace().next()?.split_once('-')?;
            let start = usize::from_str_radix(start, 16).ok()?;
            let end = usize::from_str_radix(end, 16).ok()?;
            path.starts_with(folder).then(|| start..end.min(start.saturating_add(length(path))))
        })
        .flat_map(|Range { start, end }| {
            (start..end).step_by(PIECE).map(move |at| at..end.min(at.saturating_add(PIECE)))
        })
        .collect();
    let first = pieces.partition_point(|piece| piece.start < hand);
    pieces.rotate_left(first);
    pieces
}

/// Takes the pages at `addresses` out of memory. What is mapped there no more is left out.
#[allow(
    unsafe_code,
    reason = "madvise is C's; this advice changes no memory, whatever is mapped at the addresses by now"
)]
fn page_out(addresses: Range<usize>) -> io::Result<()> {
    // SAFETY: MADV_PAGEOUT keeps the contents of all pages, so no address is a wrong one.
    let answer =
        unsafe { libc::madvise(addresses.start as _, addresses.len(), libc::MADV_PAGEOUT) };
    match io::Error::last_os_error() {
        error if answer != 0 && error.raw_os_error() != Some(libc::ENOMEM) => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs::File};

    #[test]
    fn pieces_are_those_of_the_folder_from_the_hand_on() {
        let maps = "\
            1000-2000 rw-s 00000000 fe:00 7    /data/db/full/table_00_1\n\
            3000-4000 r-xp 00000000 fe:00 8    /usr/bin/bitcoinzk\n\
            5000-6000 rw-p 00000000 00:00 0 \n\
            7000-8000 rw-p 00000000 00:00 0    [heap]\n\
            100000-a00000 rw-s 00000000 fe:00 9    /data/db/full/with a space (deleted)\n\
            b00000-c00000 rw-s 00000000 fe:00 9    /data/dbase/table\n";
        let of_db = |hand| pieces(maps, Path::new("/data/db"), |_| usize::MAX, hand);
        let all = [0x1000..0x2000, 0x100000..0x500000, 0x500000..0x900000, 0x900000..0xa00000];
        assert_eq!(of_db(0), all);
        assert_eq!(
            of_db(0x500000),
            [all[2].clone(), all[3].clone(), all[0].clone(), all[1].clone()]
        );
        assert_eq!(of_db(0xf00000), all);
        let first = |_: &Path| 0x400_123;
        let short = pieces(maps, Path::new("/data/db"), first, 0);
        assert_eq!(
            short,
            [all[0].clone(), all[1].clone(), 0x500000..0x500123],
            "to the end of the file"
        );
        assert!(pieces("x\n-\n1-/\n\u{2028}/\n", Path::new("/"), first, 0).is_empty());
    }

    #[test]
    #[allow(unsafe_code, reason = "a mapped file may be changed by others; nobody knows this one")]
    fn pages_of_files_leave_the_memory_and_come_back() -> io::Result<()> {
        // Beside the test itself, because /tmp may be memory.
        let folder = tempfile::tempdir_in(env::current_exe().unwrap().parent().unwrap()).unwrap();
        let path = folder.path().join("table");
        let size = 32 << 20;
        fs::write(&path, vec![1; size]).unwrap();
        let file = File::options().read(true).write(true).open(&path).unwrap();
        file.sync_all().unwrap();
        // SAFETY: no one else has the file.
        let mut map = unsafe { memmap2::MmapMut::map_mut(&file) }.unwrap();
        assert!(map.iter().all(|byte| *byte == 1));
        map[7] = 2;
        // Of this file alone: the other tests of this process use memory as well.
        let mapped = || Ok(resident_of(&path));
        assert_eq!(mapped()?, size);
        assert!(resident()? > size);

        let hand = give_back(0, mapped, folder.path(), 0)?;
        let between = mapped()?;
        assert!(between + MOST / 2 < size, "{between} of {size} bytes");
        assert!(map.as_ptr_range().contains(&(hand as *const u8)), "half of it is left");
        give_back(0, mapped, folder.path(), hand)?;
        assert!(mapped()? + MOST / 2 < between);

        assert_eq!(map[7], 2);
        assert_eq!(map.iter().filter(|byte| **byte == 1).count(), size - 1);
        assert_eq!(mapped()?, size);
        assert_eq!(give_back(size, mapped, folder.path(), 5)?, 5, "nothing is above the limit");
        Ok(())
    }

    /// Bytes of the file `path` in the memory of this process (proc_pid_smaps(5)).
    fn resident_of(path: &Path) -> usize {
        let smaps = fs::read_to_string("/proc/self/smaps").unwrap();
        let (_, mapping) = smaps.split_once(path.to_str().unwrap()).unwrap();
        let kib = mapping.lines().find_map(|line| line.strip_prefix("Rss:")?.strip_suffix("kB"));
        kib.unwrap().trim().parse::<usize>().unwrap() << 10
    }
}
