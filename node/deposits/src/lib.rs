//! # Deposits on file
//! What a deposit's output commits to: the depositor writes it to a file, and whoever has the file finds the deposit on
//! Bitcoin, claims it, or, with the key for refunds, takes it back.

use anyhow::{ensure, Context, Result};
use bzk_bitcoin::{
    bitcoin::{consensus::serialize, OutPoint, ScriptBuf},
    curve::{Point, Portable},
    output_script, Bridge, Deposit,
};
use bzk_bitcoin_client::Inclusion;
use bzk_l2_client::{
    alloy_primitives::{Address, B256},
    contracts::{self, BtcBridge, TxProof},
};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

/// The longest file of deposits that is read, in bytes; about 200,000 deposits.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// A deposit to look out for: what its output commits to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watched {
    /// Who gets the BTC.
    pub recipient: Address,
    /// What the depositor chose.
    pub salt: B256,
    /// The x-only key of the refund path.
    pub refund_key: B256,
    /// The blocks until the refund path opens.
    pub refund_delay: u16,
    /// The epoch whose group key the deposit goes to.
    pub epoch: u32,
    /// That group key, x-only.
    pub group_key: B256,
    /// The Bitcoin height at which to begin to look.
    pub from_height: u32,
}

/// Reads deposits, one JSON object a line; empty lines are skipped.
///
/// # Errors
/// The file cannot be read or is too long, or a line is not a deposit; the error names the line.
pub fn read(path: &Path) -> Result<Vec<Watched>> {
    read_each(path)?.into_iter().collect()
}

/// As [`read`], but a line that is not a deposit is an error of its own: who writes others wrongly, or is not done with
/// the last one, must not keep the rest from being claimed.
///
/// # Errors
/// The file cannot be read or is too long.
pub fn read_each(path: &Path) -> Result<Vec<Result<Watched>>> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
    let size = file.metadata()?.len();
    ensure!(size <= MAX_FILE_BYTES, "{name} has {size} bytes; at most {MAX_FILE_BYTES} are read");
    let mut deposits = Vec::new();
    for (line, number) in BufReader::new(file.take(MAX_FILE_BYTES)).lines().zip(1..) {
        let line = line.with_context(|| format!("{name}, line {number}"))?;
        if !line.trim().is_empty() {
            let deposit = serde_json::from_str(&line);
            deposits.push(deposit.with_context(|| format!("{name}, line {number}")));
        }
    }
    Ok(deposits)
}

impl Watched {
    /// The key of the deposit's output.
    ///
    /// # Errors
    /// The delay or the group key is none.
    pub fn output_key(&self, bridge: &Bridge) -> Result<Point> {
        let deposit =
            Deposit::new(self.recipient, self.salt, self.refund_key.0, self.refund_delay)?;
        Ok(deposit.output_key::<Portable>(bridge, &self.group_key.0)?)
    }

    /// The script of the deposit's output.
    ///
    /// # Errors
    /// The delay or the group key is none.
    pub fn script(&self, bridge: &Bridge) -> Result<ScriptBuf> {
        Ok(output_script(&self.output_key(bridge)?.x))
    }

    /// The call that claims an output which pays this deposit.
    ///
    /// # Errors
    /// The delay or the group key is none.
    pub fn claim(
        &self,
        bridge: &Bridge,
        outpoint: &OutPoint,
        inclusion: &Inclusion,
    ) -> Result<BtcBridge::claimCall> {
        Ok(BtcBridge::claimCall {
            deposit: contracts::Deposit {
                epoch: self.epoch,
                vout: outpoint.vout,
                parity: self.output_key(bridge)?.odd.into(),
                recipient: self.recipient,
                salt: self.salt,
                refundKey: self.refund_key,
            },
            rawTx: inclusion.proof.transaction.clone().into(),
            proof: contract_proof(inclusion),
        })
    }
}

/// A proof in the form of the contract.
pub fn contract_proof(inclusion: &Inclusion) -> TxProof {
    let path = |siblings: &[[u8; 32]]| siblings.iter().map(|hash| (*hash).into()).collect();
    TxProof {
        height: inclusion.height,
        header: serialize(&inclusion.header).into(),
        index: inclusion.proof.path.position,
        path: path(&inclusion.proof.path.siblings),
        coinbase: inclusion.proof.coinbase.clone().into(),
        coinbasePath: path(&inclusion.proof.coinbase_siblings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched() -> Watched {
        Watched {
            recipient: Address::repeat_byte(1),
            salt: B256::repeat_byte(2),
            refund_key: B256::repeat_byte(3),
            refund_delay: 12_960,
            epoch: 1,
            group_key: "0xf9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"
                .parse()
                .unwrap(),
            from_height: 100,
        }
    }

    #[test]
    fn file_of_deposits_is_read_line_by_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let line = serde_json::to_string(&watched()).unwrap();
        std::fs::write(file.path(), format!("{line}\n\n{line}\n")).unwrap();
        assert_eq!(read(file.path()).unwrap(), [watched(), watched()]);
        std::fs::write(file.path(), format!("{line}\n{}\n", line.replace("epoch", "epoc")))
            .unwrap();
        let error = format!("{:#}", read(file.path()).unwrap_err());
        assert!(error.contains("line 2") && error.contains("epoc"), "{error}");
    }

    #[test]
    fn attack_line_that_is_no_deposit_does_not_hide_the_others() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let line = serde_json::to_string(&watched()).unwrap();
        // The last line is only half written.
        std::fs::write(file.path(), format!("{{}}\n{line}\n{}", &line[..40])).unwrap();
        let deposits = read_each(file.path()).unwrap();
        assert!(deposits[0].is_err() && deposits[2].is_err());
        assert_eq!(*deposits[1].as_ref().unwrap(), watched());
        assert!(read(file.path()).is_err());
    }

    #[test]
    fn deposit_that_cannot_be_is_an_error() {
        let bridge = Bridge { chain_id: 97_304, address: contracts::BTC_BRIDGE };
        assert!(watched().script(&bridge).unwrap().is_p2tr());
        assert!(Watched { refund_delay: 5, ..watched() }.script(&bridge).is_err());
        assert!(Watched { group_key: B256::ZERO, ..watched() }.script(&bridge).is_err());
    }
}
