//! The directory of a signer: sealed secrets and the log, locked by one process.

use crate::{
    log::{AttemptLog, LogError},
    seal::{SealError, SealKey, SALT_BYTES},
};
use bzk_threshold::{
    bip340::SecretKey,
    committee::Member,
    dkg::participant::SecretPolynomial,
    key::{GroupKey, KeyShare},
};
use codec::{DecodeAll, Encode};
use rand_core::{OsRng, RngCore};
use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it. Two signers with one share would betray it.
    #[error("another process uses the key store {0}: stop it first")]
    Locked(PathBuf),
    /// The disk.
    #[error("key store: {0}")]
    Io(#[from] io::Error),
    /// A secret does not open.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The log cannot be used.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A secret opens to something else than a secret.
    #[error("{0} opens, but is no such secret: the store is of another version")]
    Malformed(String),
    /// There is a session key: it would be lost.
    #[error("the store has a session key: use another directory for a new one")]
    HasKey,
}

/// An open store. The lock goes with it, or with the process, however that ends.
pub struct KeyStore {
    directory: PathBuf,
    key: SealKey,
    log: AttemptLog,
    // The last field: let go when all else is closed.
    _lock: Lock,
}

/// A locked file. To close it is not enough: a program that another thread is about to start has the same file open until
/// it runs, and with it the lock.
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

const SESSION_KEY: &str = "session-key";

/// Permissions of the store and its files: a passphrase can be guessed by whoever reads what it seals.
const PRIVATE_DIRECTORY: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;

impl KeyStore {
    /// Opens the store in `directory`, or makes one with this passphrase.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process has it open; see [`StoreError`]. A wrong passphrase
    /// shows when the first secret is read.
    pub fn open(directory: &Path, passphrase: &[u8]) -> Result<Self, StoreError> {
        fs::DirBuilder::new().recursive(true).mode(PRIVATE_DIRECTORY).create(directory)?;
        // The lock is of the file, not of its name: it ends when the process does, by a kill too.
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(directory.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked(directory.to_owned()));
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let salt = Self::salt(directory)?;
        Ok(Self {
            directory: directory.to_owned(),
            key: SealKey::derive(passphrase, &salt),
            log: AttemptLog::open(&directory.join("attempts.log"))?,
            _lock: Lock(lock),
        })
    }

    fn salt(directory: &Path) -> Result<[u8; SALT_BYTES], StoreError> {
        let path = directory.join("salt");
        match fs::read(&path) {
            Ok(salt) => salt.try_into().map_err(|_| StoreError::Malformed("salt".into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut salt = [0; SALT_BYTES];
                OsRng.fill_bytes(&mut salt);
                write_atomically(directory, "salt", &salt, PRIVATE_FILE)?;
                Ok(salt)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The log of attempts.
    pub fn log(&mut self) -> &mut AttemptLog {
        &mut self.log
    }

    fn put(&self, name: &str, secret: &[u8]) -> Result<(), StoreError> {
        let sealed = self.key.seal(name, secret);
        Ok(write_atomically(&self.directory, name, &sealed, PRIVATE_FILE)?)
    }

    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        match fs::read(self.directory.join(name)) {
            Ok(sealed) => Ok(Some(self.key.open(name, &sealed)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes the session key of this member.
    ///
    /// # Errors
    /// [`StoreError::HasKey`].
    pub fn create_session_key(&self) -> Result<SecretKey, StoreError> {
        if self.directory.join(SESSION_KEY).exists() {
            return Err(StoreError::HasKey);
        }
        let secret = SecretKey::random(&mut OsRng);
        self.put(SESSION_KEY, &secret.to_bytes()[..])?;
        Ok(secret)
    }

    /// The session key, if there is one.
    pub fn session_key(&self) -> Result<Option<SecretKey>, StoreError> {
        let Some(bytes) = self.get(SESSION_KEY)? else { return Ok(None) };
        let bytes: Option<Zeroizing<[u8; 32]>> = bytes[..].try_into().ok().map(Zeroizing::new);
        let key = bytes.and_then(|bytes| SecretKey::from_bytes(&bytes));
        key.map(Some).ok_or_else(|| StoreError::Malformed(SESSION_KEY.into()))
    }

    /// Stores the polynomial of the ceremony with this committee digest.
    pub fn put_polynomial(
        &self,
        committee: &[u8; 32],
        polynomial: &SecretPolynomial,
    ) -> Result<(), StoreError> {
        self.put(&format!("polynomial-{}", hex(committee)), &Zeroizing::new(polynomial.concat()))
    }

    /// The polynomial of the ceremony with this committee digest, if it is ours.
    pub fn polynomial(&self, committee: &[u8; 32]) -> Result<Option<SecretPolynomial>, StoreError> {
        let name = format!("polynomial-{}", hex(committee));
        let Some(bytes) = self.get(&name)? else { return Ok(None) };
        let coefficients: Result<Vec<[u8; 32]>, _> =
            bytes.chunks(32).map(<[u8; 32]>::try_from).collect();
        coefficients.map(|c| Some(Zeroizing::new(c))).map_err(|_| StoreError::Malformed(name))
    }

    /// Destroys the polynomial of the ceremony with this committee digest, if it is there.
    pub fn forget_polynomial(&self, committee: &[u8; 32]) -> Result<(), StoreError> {
        let path = self.directory.join(format!("polynomial-{}", hex(committee)));
        match fs::remove_file(path) {
            Ok(()) => Ok(File::open(&self.directory)?.sync_all()?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Stores the share of the key that the ceremony of this transcript made.
    pub fn put_share(
        &self,
        transcript: &[u8; 32],
        group: &GroupKey,
        share: &KeyShare,
    ) -> Result<(), StoreError> {
        self.put_share_as(&format!("share-{}", hex(transcript)), group, share)
    }

    fn put_share_as(
        &self,
        name: &str,
        group: &GroupKey,
        share: &KeyShare,
    ) -> Result<(), StoreError> {
        let bytes = Zeroizing::new((group, share.member, share.secret()).encode());
        self.put(name, &bytes)
    }

    /// The share of the key of this transcript, if there is one.
    pub fn share(&self, transcript: &[u8; 32]) -> Result<Option<(GroupKey, KeyShare)>, StoreError> {
        self.get_share(format!("share-{}", hex(transcript)))
    }

    fn get_share(&self, name: String) -> Result<Option<(GroupKey, KeyShare)>, StoreError> {
        let Some(bytes) = self.get(&name)? else { return Ok(None) };
        let (group, member, secret) = <(GroupKey, Member, [u8; 32])>::decode_all(&mut &bytes[..])
            .map_err(|_| StoreError::Malformed(name))?;
        Ok(Some((group, KeyShare::new(member, secret))))
    }

    /// Stores the share that a refresh makes, beside the one that signs until the chain has taken it.
    pub fn put_renewed_share(
        &self,
        transcript: &[u8; 32],
        renewed: &GroupKey,
        share: &KeyShare,
    ) -> Result<(), StoreError> {
        self.put_share_as(&renewed_name(transcript, renewed), renewed, share)
    }

    /// The share that fits `group`, the key of this transcript as the chain has it; `None` when it has to be
    /// repaired. When the chain has taken a refresh, its share replaces the old one here, and those of
    /// refreshes that came to nothing are destroyed with it. A crash in between is made up for next time.
    pub fn follow(
        &self,
        transcript: &[u8; 32],
        group: &GroupKey,
    ) -> Result<Option<KeyShare>, StoreError> {
        let fitting = |found: Option<(GroupKey, KeyShare)>| {
            found.map(|(_, share)| share).filter(|share| share.package(group).is_some())
        };
        let name = renewed_name(transcript, group);
        let mut share = fitting(self.share(transcript)?);
        if share.is_none() {
            share = fitting(self.get_share(name.clone())?);
            if let Some(share) = &share {
                self.put_share(transcript, group, share)?;
            }
        }
        if share.is_some() && self.directory.join(&name).exists() {
            self.destroy_renewed(transcript, &name)?;
        }
        Ok(share)
    }

    /// Removes the shares of all refreshes, `last` at the end: while it is there, this is not done.
    fn destroy_renewed(&self, transcript: &[u8; 32], last: &str) -> Result<(), StoreError> {
        let prefix = format!("share-{}-", hex(transcript));
        for entry in fs::read_dir(&self.directory)? {
            let name = entry?.file_name();
            if name.to_str().is_some_and(|name| name.starts_with(&prefix) && name != last) {
                fs::remove_file(self.directory.join(name))?;
            }
        }
        fs::remove_file(self.directory.join(last))?;
        Ok(File::open(&self.directory)?.sync_all()?)
    }

    /// Stores a message before it is shown to anybody, so that never two of its kind are.
    pub fn put_message(
        &self,
        kind: &str,
        context: &[u8; 32],
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        self.put(&format!("{kind}-{}", hex(context)), bytes)
    }

    /// The message of this kind that was stored for `context`.
    pub fn message(&self, kind: &str, context: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        let bytes = self.get(&format!("{kind}-{}", hex(context)))?;
        Ok(bytes.map(|bytes| bytes.to_vec()))
    }
}

fn renewed_name(transcript: &[u8; 32], group: &GroupKey) -> String {
    format!("share-{}-{}", hex(transcript), hex(&group.digest()))
}

/// Writes a file with these permissions that is there whole or not at all, and on disk when this returns.
pub(crate) fn write_atomically(
    directory: &Path,
    name: &str,
    bytes: &[u8],
    mode: u32,
) -> io::Result<()> {
    let temporary = directory.join(format!("{name}.new"));
    let mut file =
        File::options().create(true).truncate(true).write(true).mode(mode).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, directory.join(name))?;
    File::open(directory)?.sync_all()
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_ends_with_the_store_also_where_a_child_has_the_file_open() {
        let directory = tempfile::tempdir().unwrap();
        let store = KeyStore::open(directory.path(), b"passphrase").unwrap();
        // What a child has between its fork and the start of its program.
        let of_child = store._lock.0.try_clone().unwrap();
        assert!(matches!(
            KeyStore::open(directory.path(), b"passphrase"),
            Err(StoreError::Locked(_))
        ));
        drop(store);
        assert!(KeyStore::open(directory.path(), b"passphrase").is_ok());
        drop(of_child);
    }
}
