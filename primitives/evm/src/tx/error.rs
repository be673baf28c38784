//! Why a transaction is refused, with geth's texts and a code that fits one byte.

use revm::context_interface::result::InvalidTransaction;

macro_rules! tx_errors {
    ($($(#[$doc:meta])* $name:ident = $code:literal => $text:literal,)+) => {
        /// Why a transaction is refused.
        ///
        /// `Display` gives the text that geth's RPC answers, because wallets and libraries match
        /// on it. [`Self::code`] crosses the transaction pool as `InvalidTransaction::Custom`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum TxError {
            $($(#[$doc])* $name = $code,)+
        }

        impl TxError {
            /// Every error, in the order of the codes.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The error with this code.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)+
                    _ => None,
                }
            }

            /// The text that geth gives for this error.
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

tx_errors! {
    /// The EIP-2718 type is none of 0, 1 and 2.
    TypeNotSupported = 1 => "transaction type not supported",
    /// The bytes are not the one canonical encoding of a transaction.
    Malformed = 2 => "rlp: invalid transaction encoding",
    /// Longer than [`crate::profile::MAX_TX_BYTES`].
    Oversized = 3 => "oversized data",
    /// `r` or `s` is zero, or `s` is above half the group order (EIP-2).
    InvalidSignature = 4 => "invalid transaction v, r, s values",
    /// No public key recovers from the signature.
    InvalidSender = 5 => "invalid sender",
    /// Signed for another chain.
    InvalidChainId = 6 => "invalid chain id for signer",
    /// The gas limit does not cover the intrinsic cost.
    IntrinsicGas = 7 => "intrinsic gas too low",
    /// Init code above [`crate::profile::MAX_INITCODE_SIZE`] (EIP-3860).
    InitCodeTooLarge = 8 => "max initcode size exceeded",
    /// The tip is above the fee cap.
    TipAboveFeeCap = 9 => "max priority fee per gas higher than max fee per gas",
    /// A nonce of 2^64-1 (EIP-2681).
    NonceMax = 10 => "nonce has max value",
    /// Sent straight to one of 0x01..=0x09: the prover's kernel cannot handle a failing one.
    PrecompileRecipient = 11 => "transaction to a precompiled contract is not supported",
    /// Gas limit x fee cap + value does not fit 256 bits.
    CostOverflow = 12 => "insufficient funds for gas * price + value: cost exceeds 2^256-1",
    /// The account has already used this nonce.
    NonceTooLow = 13 => "nonce too low",
    /// The account has not reached this nonce.
    NonceTooHigh = 14 => "nonce too high",
    /// The balance does not cover the largest possible cost.
    InsufficientFunds = 15 => "insufficient funds for gas * price + value",
    /// The fee cap is below the base fee of the block.
    FeeCapTooLow = 16 => "max fee per gas less than block base fee",
    /// The sender has code (EIP-3607).
    SenderNotEoa = 17 => "sender not an eoa",
    /// The gas limit is above that of the block.
    BlockGasLimit = 18 => "exceeds block gas limit",
    /// Too far ahead of the account's nonce.
    AccountLimit = 19 => "account limit exceeded",
    /// The price is below what the pool takes.
    Underpriced = 20 => "transaction underpriced",
    /// Replaces a pending transaction without the price bump.
    ReplacementUnderpriced = 21 => "replacement transaction underpriced",
    /// Dearer to prove than a block may be.
    CyclesExceedBlock = 22 => "exceeds block proving limit",
    /// Any other refusal by the EVM.
    Rejected = 23 => "transaction rejected by the evm",
    /// A price of 2^128 wei per gas or more; all the money there is does not pay for one unit.
    PriceOverflow = 24 => "insufficient funds for gas * price + value: price exceeds 2^128-1",
}

impl TxError {
    /// The code, stable across versions and never 0.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl core::fmt::Display for TxError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for TxError {}

impl From<&InvalidTransaction> for TxError {
    fn from(error: &InvalidTransaction) -> Self {
        use InvalidTransaction as Evm;
        match error {
            Evm::PriorityFeeGreaterThanMaxFee => Self::TipAboveFeeCap,
            Evm::GasPriceLessThanBasefee => Self::FeeCapTooLow,
            Evm::CallerGasLimitMoreThanBlock => Self::BlockGasLimit,
            Evm::CallGasCostMoreThanGasLimit { .. } | Evm::GasFloorMoreThanGasLimit { .. } => {
                Self::IntrinsicGas
            }
            Evm::RejectCallerWithCode => Self::SenderNotEoa,
            Evm::LackOfFundForMaxFee { .. } => Self::InsufficientFunds,
            Evm::OverflowPaymentInTransaction => Self::CostOverflow,
            Evm::NonceOverflowInTransaction => Self::NonceMax,
            Evm::NonceTooHigh { .. } => Self::NonceTooHigh,
            Evm::NonceTooLow { .. } => Self::NonceTooLow,
            Evm::CreateInitCodeSizeLimit => Self::InitCodeTooLarge,
            Evm::InvalidChainId | Evm::MissingChainId => Self::InvalidChainId,
            Evm::Eip4844NotSupported | Evm::Eip7702NotSupported => Self::TypeNotSupported,
            _ => Self::Rejected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_find_their_error() {
        for (index, error) in TxError::ALL.iter().enumerate() {
            assert_eq!(usize::from(error.code()), index + 1);
            assert_eq!(TxError::from_code(error.code()), Some(*error));
        }
        assert_eq!(TxError::from_code(0), None);
        assert_eq!(TxError::from_code(u8::MAX), None);
    }

    #[test]
    fn texts_are_unique() {
        for (index, error) in TxError::ALL.iter().enumerate() {
            assert!(TxError::ALL.iter().skip(index + 1).all(|other| other.text() != error.text()));
        }
    }
}
