//! Reads block headers from a file: raw, or as lines of hexadecimal digits.

use anyhow::{bail, ensure, Context, Result};
use bzk_bitcoin::bitcoin::{block::Header, consensus::deserialize, hex::FromHex};
use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

/// The length of a header.
const HEADER_BYTES: usize = 80;

/// The longest line of hexadecimal digits; room for a difficulty period of headers.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// A header and where it stands in its file.
#[derive(Debug)]
pub(crate) struct Placed {
    /// The line, from 1; `None` in a raw file.
    pub(crate) line: Option<usize>,
    pub(crate) header: Header,
}

/// Hands each header of the file to `take`, in order, until that fails.
///
/// A file that begins with text is read as lines, each of one or more headers in hexadecimal. Before the digits a
/// line may have a name and a colon (`fork:`) or `0x`; empty lines and those that begin with `#` are skipped. Any
/// other file is raw headers of 80 bytes.
///
/// # Errors
/// The file cannot be read, a line is not hexadecimal, or something is not a whole number of headers.
pub(crate) fn read(path: &Path, take: impl FnMut(Placed) -> Result<()>) -> Result<()> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
    let mut reader = BufReader::new(file);
    let start = reader.fill_buf().with_context(|| format!("cannot read {name}"))?;
    ensure!(!start.is_empty(), "{name} is empty");
    // A raw header holds its parent's hash, hence bytes that are no text, within the first 36.
    let is_text = start
        .iter()
        .take(HEADER_BYTES)
        .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    if is_text { lines(reader, take) } else { raw(reader, take) }.with_context(|| name.to_string())
}

fn raw(mut reader: impl Read, mut take: impl FnMut(Placed) -> Result<()>) -> Result<()> {
    let mut position = 0usize;
    loop {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        reader.by_ref().take(HEADER_BYTES as u64).read_to_end(&mut bytes)?;
        match bytes.len() {
            0 => return Ok(()),
            HEADER_BYTES => take(Placed { line: None, header: deserialize(&bytes)? })?,
            rest => {
                bail!("{rest} bytes are left over after {position} headers of {HEADER_BYTES} bytes")
            }
        }
        position += 1;
    }
}

fn lines(mut reader: impl BufRead, mut take: impl FnMut(Placed) -> Result<()>) -> Result<()> {
    for number in 1.. {
        let mut line = Vec::new();
        let read = reader.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        ensure!(
            (read as u64) < MAX_LINE_BYTES,
            "line {number} is longer than {MAX_LINE_BYTES} bytes"
        );
        let line =
            std::str::from_utf8(&line).with_context(|| format!("line {number} is not text"))?;
        for bytes in decode(line).with_context(|| format!("line {number}"))?.chunks(HEADER_BYTES) {
            take(Placed { line: Some(number), header: deserialize(bytes)? })?;
        }
    }
    Ok(())
}

/// The bytes of the headers on one line; none on an empty line and on a comment.
fn decode(line: &str) -> Result<Vec<u8>> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(Vec::new());
    }
    let digits = line.rsplit_once(':').map_or(line, |(_, digits)| digits).trim();
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    let bytes = Vec::<u8>::from_hex(digits).context("not hexadecimal digits")?;
    ensure!(
        !bytes.is_empty() && bytes.len() % HEADER_BYTES == 0,
        "{} bytes are not a whole number of headers of {HEADER_BYTES} bytes",
        bytes.len()
    );
    Ok(bytes)
}
