//! Keys in files.

use anyhow::{Context as _, Result};
use bzk_bitcoin::bitcoin::{
    hex::DisplayHex,
    key::{Keypair, Secp256k1},
};
use rand_core::{OsRng, RngCore};
use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// The content of a file with a key.
pub(crate) fn read(path: &Path) -> Result<String> {
    let content = std::fs::read_to_string(path);
    Ok(content.with_context(|| format!("cannot read {}", path.display()))?.trim().to_owned())
}

/// The key of a file, 32 bytes in hexadecimal.
pub(crate) fn keypair(path: &Path) -> Result<Keypair> {
    Keypair::from_seckey_str(&Secp256k1::new(), &read(path)?).with_context(|| {
        format!("{} does not hold a private key of 32 bytes in hexadecimal", path.display())
    })
}

/// The key of a file, which is made, for its owner alone to read, when it is not there.
pub(crate) fn keypair_or_new(path: &Path) -> Result<Keypair> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match file {
        Ok(mut file) => {
            let secret = random();
            writeln!(file, "{}", secret.to_lower_hex_string())?;
            file.sync_all()?;
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error).with_context(|| format!("cannot make {}", path.display())),
    }
    keypair(path)
}

/// 32 random bytes.
pub(crate) fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    OsRng.fill_bytes(&mut bytes);
    bytes
}
