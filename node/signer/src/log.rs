//! The log of attempts: append only, synced before `append` returns.
//!
//! Records have one length and a checksum. A crash can leave a torn record at the end: it was never
//! acted upon, because nothing is done before the sync, so it is cut off. Anything else that does not
//! fit is damage, and the signer does not start: an attempt it forgot could be begun again.

use bzk_threshold::{signing::signer::Record, tagged_hash};
use codec::{DecodeAll, Encode, MaxEncodedLen};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

const CHECKSUM_BYTES: usize = 8;

fn record_bytes() -> usize {
    Record::max_encoded_len() + CHECKSUM_BYTES
}

/// Why a log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The disk.
    #[error("log: {0}")]
    Io(#[from] io::Error),
    /// A record that is not the last does not fit its checksum.
    #[error("record {0} of the log is damaged: restore the store, or register a new session key")]
    Damaged(usize),
}

/// An open log.
pub struct AttemptLog {
    file: File,
    records: Vec<Record>,
}

fn frame(record: &Record) -> Vec<u8> {
    let mut bytes = record.encode();
    let checksum = tagged_hash("bzk/signer/log", &[&bytes]);
    bytes.extend_from_slice(&checksum[..CHECKSUM_BYTES]);
    bytes
}

fn unframe(bytes: &[u8]) -> Option<Record> {
    let record =
        Record::decode_all(&mut bytes.get(..bytes.len().checked_sub(CHECKSUM_BYTES)?)?).ok()?;
    (frame(&record) == bytes).then_some(record)
}

impl AttemptLog {
    /// Opens or creates the log at `path` and cuts a torn end off.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn open(path: &Path) -> Result<Self, LogError> {
        let mut file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let frames = bytes.chunks(record_bytes());
        let last = frames.len().saturating_sub(1);
        let mut records = Vec::new();
        for (index, bytes) in frames.enumerate() {
            match unframe(bytes) {
                Some(record) => records.push(record),
                None if index == last => {}
                None => return Err(LogError::Damaged(index)),
            }
        }
        let length = (records.len() * record_bytes()) as u64;
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        file.sync_all()?;
        Ok(Self { file, records })
    }

    /// What the log holds.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Appends `record`; it is on disk when this returns.
    ///
    /// # Errors
    /// The disk; the signer must stop then, because what is on disk is unknown.
    pub fn append(&mut self, record: Record) -> Result<(), LogError> {
        self.file.write_all(&frame(&record))?;
        self.file.sync_data()?;
        self.records.push(record);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bzk_threshold::signing::signer::Step;

    fn record(attempt: u16) -> Record {
        Record { group: [7; 32], session: 3, attempt, step: Step::Started }
    }

    /// A log of two records and its bytes.
    fn two() -> (tempfile::TempDir, std::path::PathBuf, Vec<u8>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut log = AttemptLog::open(&path).unwrap();
        log.append(record(1)).unwrap();
        log.append(record(2)).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes.len(), 2 * record_bytes());
        (dir, path, bytes)
    }

    #[test]
    fn records_survive() {
        let (_dir, path, _) = two();
        let mut log = AttemptLog::open(&path).unwrap();
        assert_eq!(log.records(), [record(1), record(2)]);
        log.append(record(3)).unwrap();
        assert_eq!(AttemptLog::open(&path).unwrap().records().len(), 3);
    }

    #[test]
    fn crash_at_every_byte_of_an_append_keeps_what_was_synced() {
        let (_dir, path, bytes) = two();
        for length in 0..bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let mut log = AttemptLog::open(&path).unwrap();
            assert_eq!(log.records().len(), length / record_bytes());
            log.append(record(9)).unwrap();
            let reopened = AttemptLog::open(&path).unwrap();
            assert_eq!(reopened.records().last(), Some(&record(9)));
        }
    }

    #[test]
    fn damage_before_the_end_stops_the_signer() {
        let (_dir, path, bytes) = two();
        for byte in 0..record_bytes() {
            let mut damaged = bytes.clone();
            damaged[byte] ^= 1;
            std::fs::write(&path, &damaged).unwrap();
            assert!(matches!(AttemptLog::open(&path), Err(LogError::Damaged(0))));
        }
    }
}
