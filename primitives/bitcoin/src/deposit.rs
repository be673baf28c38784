//! The output that pays the bridge: the committee spends it by key, the depositor by script once a delay is over.
//! Layouts: `contracts/README.md`.

use crate::{
    curve::{Point, Recover},
    script::dust_sats,
    taproot::{leaf_hash, output_key, output_script},
};
use alloc::vec::Vec;
use alloy_primitives::{keccak256, Address, B256, U256};
use bitcoin::{
    absolute::LockTime,
    hashes::Hash,
    opcodes::all::{OP_CHECKSIG, OP_CSV, OP_DROP},
    script::Builder,
    sighash::{Prevouts, SighashCache, TapSighashType},
    transaction::Version,
    Amount, FeeRate, OutPoint, ScriptBuf, Sequence, TapLeafHash, Transaction, TxIn, TxOut, Witness,
};
use core::{fmt, ops::RangeInclusive};

/// Delays, in blocks, that are a minimal push of exactly two bytes.
pub const REFUND_DELAYS: RangeInclusive<u16> = 128..=32_767;

/// The tapscript version of BIP-342 in the first byte of a control block.
const TAPSCRIPT: u8 = 0xc0;

/// A bridge contract; deposits to one are worth nothing to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bridge {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The contract.
    pub address: Address,
}

/// What a depositor chooses. With the epoch's group key it determines the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deposit {
    recipient: Address,
    salt: B256,
    refund_key: [u8; 32],
    delay: u16,
}

/// Why there is no such deposit or refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DepositError {
    /// The delay is not in [`REFUND_DELAYS`].
    Delay {
        /// The delay, in blocks.
        blocks: u16,
    },
    /// The group key is not a BIP-340 key.
    Key,
    /// What is left after the fee is below the dust limit.
    Dust {
        /// The deposit, in sats.
        sats: u64,
        /// Fee and dust limit together, in sats.
        needed: u64,
    },
}

impl fmt::Display for DepositError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delay { blocks } => write!(
                f,
                "refund delay of {blocks} blocks is not between {} and {}",
                REFUND_DELAYS.start(),
                REFUND_DELAYS.end()
            ),
            Self::Key => f.write_str("the group key is not a BIP-340 public key"),
            Self::Dust { sats, needed } => write!(
                f,
                "deposit of {sats} sats does not cover {needed} sats for the fee and the smallest output"
            ),
        }
    }
}

impl core::error::Error for DepositError {}

impl Deposit {
    /// A deposit for `recipient`. `salt` is anything that the depositor keeps; `refund_key` is the BIP-340 key that
    /// can take the coins back `delay` blocks after they were confirmed.
    ///
    /// # Errors
    /// [`DepositError::Delay`] outside [`REFUND_DELAYS`].
    pub fn new(
        recipient: Address,
        salt: B256,
        refund_key: [u8; 32],
        delay: u16,
    ) -> Result<Self, DepositError> {
        if !REFUND_DELAYS.contains(&delay) {
            return Err(DepositError::Delay { blocks: delay });
        }
        Ok(Self { recipient, salt, refund_key, delay })
    }

    /// keccak256(abi.encode(chain id, bridge, recipient, salt)).
    pub fn commitment(&self, bridge: &Bridge) -> B256 {
        let words = [
            B256::from(U256::from(bridge.chain_id)),
            bridge.address.into_word(),
            self.recipient.into_word(),
            self.salt,
        ];
        keccak256(words.map(|word| word.0).as_flattened())
    }

    /// The only leaf: `<commitment> DROP <delay> CHECKSEQUENCEVERIFY DROP <refund key> CHECKSIG`.
    pub fn leaf(&self, bridge: &Bridge) -> ScriptBuf {
        Builder::new()
            .push_slice(self.commitment(bridge).0)
            .push_opcode(OP_DROP)
            .push_int(self.delay.into())
            .push_opcode(OP_CSV)
            .push_opcode(OP_DROP)
            .push_slice(self.refund_key)
            .push_opcode(OP_CHECKSIG)
            .into_script()
    }

    /// The Merkle root that the output key commits to; signers tweak with it.
    pub fn root(&self, bridge: &Bridge) -> [u8; 32] {
        leaf_hash(&self.leaf(bridge))
    }

    /// The output key under the group key of an epoch.
    ///
    /// # Errors
    /// [`DepositError::Key`].
    pub fn output_key<R: Recover>(
        &self,
        bridge: &Bridge,
        group_key: &[u8; 32],
    ) -> Result<Point, DepositError> {
        output_key::<R>(group_key, Some(&self.root(bridge))).ok_or(DepositError::Key)
    }

    /// The script to pay to under the group key of an epoch.
    ///
    /// # Errors
    /// [`DepositError::Key`].
    pub fn script<R: Recover>(
        &self,
        bridge: &Bridge,
        group_key: &[u8; 32],
    ) -> Result<ScriptBuf, DepositError> {
        Ok(output_script(&self.output_key::<R>(bridge, group_key)?.x))
    }
}

/// The depositor's own way out, without the committee: spends the leaf when the delay is over.
#[derive(Clone, Debug)]
pub struct Refund {
    transaction: Transaction,
    spent: TxOut,
    leaf: ScriptBuf,
    control_block: Vec<u8>,
}

impl Refund {
    /// Spends `output` with `sats` at a deposit's script to the script `to`.
    ///
    /// # Errors
    /// [`DepositError::Key`], [`DepositError::Dust`].
    pub fn new<R: Recover>(
        deposit: &Deposit,
        bridge: &Bridge,
        group_key: &[u8; 32],
        (output, sats): (OutPoint, u64),
        to: ScriptBuf,
        rate: FeeRate,
    ) -> Result<Self, DepositError> {
        let key = deposit.output_key::<R>(bridge, group_key)?;
        let mut control_block = Vec::with_capacity(33);
        control_block.push(TAPSCRIPT | u8::from(key.odd));
        control_block.extend_from_slice(group_key);
        let dust = dust_sats(&to);
        let transaction = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: Vec::from([TxIn {
                previous_output: output,
                script_sig: ScriptBuf::new(),
                sequence: Sequence::from_height(deposit.delay),
                witness: Witness::new(),
            }]),
            output: Vec::from([TxOut { value: Amount::ZERO, script_pubkey: to }]),
        };
        let spent = TxOut { value: Amount::from_sat(sats), script_pubkey: output_script(&key.x) };
        let mut refund = Self { transaction, spent, leaf: deposit.leaf(bridge), control_block };
        let fee = rate
            .fee_wu(refund.clone().sign(&[0; 64]).weight())
            .map_or(u64::MAX, |fee| fee.to_sat());
        let value = sats.checked_sub(fee).filter(|value| *value >= dust);
        let value = value.ok_or(DepositError::Dust { sats, needed: fee.saturating_add(dust) })?;
        for output in &mut refund.transaction.output {
            output.value = Amount::from_sat(value);
        }
        Ok(refund)
    }

    /// The digest that the refund key signs (BIP-342, all inputs and outputs).
    pub fn sighash(&self) -> Option<[u8; 32]> {
        let leaf = TapLeafHash::from_byte_array(leaf_hash(&self.leaf));
        SighashCache::new(&self.transaction)
            .taproot_script_spend_signature_hash(
                0,
                &Prevouts::All(&[&self.spent]),
                leaf,
                TapSighashType::Default,
            )
            .ok()
            .map(|hash| hash.to_byte_array())
    }

    /// The transaction to broadcast.
    pub fn sign(mut self, signature: &[u8; 64]) -> Transaction {
        for input in &mut self.transaction.input {
            input.witness =
                Witness::from_slice(&[&signature[..], self.leaf.as_bytes(), &self.control_block]);
        }
        self.transaction
    }
}
