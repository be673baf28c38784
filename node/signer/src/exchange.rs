//! Messages between members through a folder that their operators carry from one to the other.
//!
//! Every file is an [`Envelope`]: signed with the session key of its sender for one exchange, and what is
//! secret in it is encrypted to its receiver. So the folder may be seen and lost, and whoever changes it
//! can stop the exchange and do nothing else. What a member sends is stored first and is sent again as it
//! was, so the commands can be repeated and killed at any point.
//!
//! Why not through the chain: it takes the messages that its ceremony and sessions ask for and no others; a
//! repair concerns the operators of as many members as the threshold, who have to agree by word of mouth
//! anyway; and ciphertexts of shares would stay public for ever.

use crate::{
    member::place,
    store::{write_atomically, KeyStore, StoreError},
};
use bzk_threshold::{
    bip340::{recover, SecretKey},
    committee::Member,
    envelope::Envelope,
    key::KeyShare,
    refresh,
    repair::Failure,
    view::KeyView,
};
use codec::{DecodeAll, Encode, MaxEncodedLen};
use rand_core::OsRng;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Permissions of a file that operators carry: what is secret in it is encrypted to its receiver.
const PUBLIC_FILE: u32 = 0o644;

/// Why an exchange cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    /// Somebody else's file, or one of another exchange.
    #[error("{0} is not signed by member {1} for this exchange: ask for it again, or use an empty folder")]
    Forged(PathBuf, u16),
    /// The store is of no member of this key.
    #[error("the session key of this store is of no member of epoch {0}")]
    Stranger(u32),
    /// A helper or a member of a refresh needs its share.
    #[error("the store has no share that fits the key of epoch {0}: repair it first")]
    NoShare(u32),
    /// The share is there.
    #[error("the store has a share that fits the key of epoch {0}: there is nothing to repair")]
    HasShare(u32),
    /// The helpers are none of this key.
    #[error("a repair of this key takes {0} helpers, other members than the one that asks")]
    BadHelpers(u16),
    /// The folder holds another request.
    #[error("{0} asks for another repair: use an empty folder")]
    OtherRequest(PathBuf),
    /// Somebody lies, or was shown something else.
    #[error("{0}")]
    Repair(Failure),
    /// A deal of a refresh is wrong.
    #[error(
        "the deal of member {0} is wrong: its share for us does not fit its commitment; begin \
             another attempt, or make a new key without the member"
    )]
    BadDeal(u16),
    /// A member has confirmed something else, or with a wrong signature.
    #[error(
        "member {0} has confirmed other deals than those in the folder: begin another attempt"
    )]
    OtherDeals(u16),
    /// Chance: repeat the command.
    #[error("a random number was bad, with a probability of 2^-128: try again")]
    Unlucky,
}

/// What is still to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A member asks for its share: repeat with its id once its operator has confirmed it by word of mouth.
    Approve {
        /// Who asks.
        lost: Member,
        /// The number of the request.
        id: [u8; 32],
    },
    /// These files are missing: their senders run the command too.
    Waiting(Vec<String>),
    /// The share is in the store.
    Repaired,
    /// All have confirmed: the chain can be told.
    Confirmed(refresh::Proposal),
    /// The chain has taken the refresh, and the store has changed over.
    Refreshed,
}

/// A member of a key with its store and the folder.
pub struct Exchange<'a> {
    pub(crate) store: &'a KeyStore,
    pub(crate) key: &'a KeyView,
    pub(crate) me: Member,
    pub(crate) secret: SecretKey,
    folder: &'a Path,
}

impl<'a> Exchange<'a> {
    /// The member of `store` and the `key` as the chain has it; makes the folder unless it is there.
    ///
    /// # Errors
    /// [`ExchangeError::Stranger`], or store and folder cannot be read.
    pub fn new(
        store: &'a KeyStore,
        key: &'a KeyView,
        folder: &'a Path,
    ) -> Result<Self, ExchangeError> {
        let stranger = ExchangeError::Stranger(key.epoch);
        let Some(secret) = store.session_key()? else { return Err(stranger) };
        let me = place(&key.committee, &secret.public()).ok_or(stranger)?;
        fs::create_dir_all(folder).map_err(|error| ExchangeError::Io(folder.into(), error))?;
        Ok(Self { store, key, me, secret, folder })
    }

    /// Our share of the key as the chain has it.
    pub(crate) fn share(&self) -> Result<Option<KeyShare>, ExchangeError> {
        Ok(self.store.follow(&self.key.transcript, &self.key.key)?)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What a file holds, if that is an envelope, not verified; `None` when there is no such file.
    fn decode<M>(&self, name: &str) -> Result<Option<Option<Envelope<M>>>, ExchangeError>
    where
        Envelope<M>: DecodeAll + MaxEncodedLen,
    {
        let path = self.path(name);
        let failed = |error| ExchangeError::Io(path.clone(), error);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let mut bytes = Vec::new();
        // One byte more than allowed fails to decode.
        let most = Envelope::<M>::max_encoded_len() as u64 + 1;
        file.take(most).read_to_end(&mut bytes).map_err(failed)?;
        Ok(Some(Envelope::<M>::decode_all(&mut &bytes[..]).ok()))
    }

    /// Who the envelope in a file says that has sent it; `None` when there is no such file, or no envelope in it.
    pub(crate) fn sender<M>(&self, name: &str) -> Result<Option<Member>, ExchangeError>
    where
        Envelope<M>: DecodeAll + MaxEncodedLen,
    {
        Ok(self.decode::<M>(name)?.flatten().map(|envelope| envelope.sender))
    }

    /// The envelope of `sender` in a file, not verified; `None` when there is no such file.
    pub(crate) fn open<M>(
        &self,
        name: &str,
        sender: Member,
    ) -> Result<Option<Envelope<M>>, ExchangeError>
    where
        Envelope<M>: DecodeAll + MaxEncodedLen,
    {
        let Some(found) = self.decode::<M>(name)? else { return Ok(None) };
        let envelope = found.filter(|envelope| envelope.sender == sender);
        envelope.map(Some).ok_or_else(|| ExchangeError::Forged(self.path(name), sender.0))
    }

    /// The message in a file, verified; `None` when there is no such file.
    pub(crate) fn read<M: Encode>(
        &self,
        name: &str,
        context: &[u8; 32],
        sender: Member,
    ) -> Result<Option<M>, ExchangeError>
    where
        Envelope<M>: DecodeAll + MaxEncodedLen,
    {
        let Some(envelope) = self.open::<M>(name, sender)? else { return Ok(None) };
        let key = self.key.committee.key(sender);
        match key.is_some_and(|key| envelope.verify(recover, context, key)) {
            true => Ok(Some(envelope.message)),
            false => Err(ExchangeError::Forged(self.path(name), sender.0)),
        }
    }

    /// The messages of `senders` that are there, and the names of the files that are not.
    pub(crate) fn collect<M: Encode>(
        &self,
        kind: &str,
        context: &[u8; 32],
        senders: impl Iterator<Item = Member>,
    ) -> Result<(BTreeMap<Member, M>, Vec<String>), ExchangeError>
    where
        Envelope<M>: DecodeAll + MaxEncodedLen,
    {
        let (mut messages, mut missing) = (BTreeMap::new(), Vec::new());
        for sender in senders {
            let name = file_name(kind, sender);
            match self.read(&name, context, sender)? {
                Some(message) => drop(messages.insert(sender, message)),
                None => missing.push(name),
            }
        }
        Ok((messages, missing))
    }

    /// Signs a message and writes it to the folder.
    pub(crate) fn write<M: Encode>(
        &self,
        name: &str,
        context: &[u8; 32],
        message: M,
    ) -> Result<(), ExchangeError> {
        self.put(name, &self.seal(context, message)?)
    }

    /// Sends our message of this kind: the stored one, or else what `make` gives, which is stored first.
    pub(crate) fn send<M: Encode>(
        &self,
        kind: &str,
        context: &[u8; 32],
        make: impl FnOnce() -> Result<M, ExchangeError>,
    ) -> Result<(), ExchangeError> {
        let bytes = match self.store.message(kind, context)? {
            Some(bytes) => bytes,
            None => {
                let bytes = self.seal(context, make()?)?;
                self.store.put_message(kind, context, &bytes)?;
                bytes
            }
        };
        self.put(&file_name(kind, self.me), &bytes)
    }

    fn seal<M: Encode>(&self, context: &[u8; 32], message: M) -> Result<Vec<u8>, ExchangeError> {
        let envelope = Envelope::seal(context, self.me, message, &self.secret, &mut OsRng);
        envelope.map(|envelope| envelope.encode()).ok_or(ExchangeError::Unlucky)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), ExchangeError> {
        write_atomically(self.folder, name, bytes, PUBLIC_FILE)
            .map_err(|error| ExchangeError::Io(self.path(name), error))
    }
}

/// The file with a message of `sender`.
pub(crate) fn file_name(kind: &str, sender: Member) -> String {
    format!("{kind}-{}", sender.0)
}
