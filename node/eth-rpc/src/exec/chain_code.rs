//! Calls by the chain's own code, where its runtime is newer than this node.
//!
//! The answers are those of this node's own calls but for what the runtime API leaves out: why a run
//! halted, and calls that take more gas, or more cycles to prove, than a block may. `BASEFEE` reads the block's even
//! where no fee is offered, and `pending` is the newest block.

use super::{
    failure::{Failure, Refusal},
    runner::{Done, Runner},
};
use crate::{
    chain::Chain,
    error::{self, RpcResult},
    state::StateView,
    types::{h160, h256, Block},
};
use alloy_primitives::{Address, U256};
use bzk_evm::{account::to_evm, tx::TxError};
use bzk_runtime_api::{
    AccessListItem, CallError, CallOutcome, CallRequest, EthereumRuntimeRPCApi, Exit,
};
use revm::context::{result::InvalidTransaction, TxEnv};
use sp_api::{ApiExt, ProvideRuntimeApi};

/// The chain's own code, on one state.
pub(crate) struct ChainCode {
    chain: Chain,
    // Kept so that it is not pruned meanwhile.
    state: StateView,
    block_gas_limit: u64,
}

impl ChainCode {
    /// The code of `state`, whose block has this gas limit; `None` if it is called in another way
    /// than this node knows.
    pub(crate) fn new(
        chain: Chain,
        state: StateView,
        block_gas_limit: u64,
    ) -> RpcResult<Option<Self>> {
        let known = chain
            .client()
            .runtime_api()
            .has_api::<dyn EthereumRuntimeRPCApi<Block>>(state.at())
            .map_err(error::internal)?;
        Ok(known.then_some(Self { chain, state, block_gas_limit }))
    }
}

impl Runner for ChainCode {
    fn attempt(&mut self, tx: TxEnv) -> Result<Done, Failure> {
        let api = self.chain.client().runtime_api();
        let outcome = api.call(self.state.at(), request(&tx)).map_err(Failure::internal)?;
        done(outcome.map_err(|error| failure(error, &tx))?)
    }

    fn block_gas_limit(&self) -> u64 {
        self.block_gas_limit
    }

    fn balance(&mut self, address: Address) -> Result<U256, Failure> {
        let api = self.chain.client().runtime_api();
        let account = api.account_basic(self.state.at(), h160(address));
        Ok(to_evm(account.map_err(Failure::internal)?.balance))
    }

    fn has_code(&mut self, address: Address) -> Result<bool, Failure> {
        let api = self.chain.client().runtime_api();
        let code = api.account_code_at(self.state.at(), h160(address));
        Ok(!code.map_err(Failure::internal)?.is_empty())
    }
}

/// `tx` for the runtime, which knows no types: a price is fee cap and tip in one.
fn request(tx: &TxEnv) -> CallRequest {
    let item = |item: &alloy_eips::eip2930::AccessListItem| AccessListItem {
        address: h160(item.address),
        storage_keys: item.storage_keys.iter().copied().map(h256).collect(),
    };
    CallRequest {
        from: h160(tx.caller),
        to: tx.kind.to().copied().map(h160),
        data: tx.data.to_vec(),
        value: sp_core::U256::from_big_endian(&tx.value.to_be_bytes::<32>()),
        gas_limit: Some(tx.gas_limit),
        max_fee_per_gas: Some(tx.gas_price),
        max_priority_fee_per_gas: Some(tx.gas_priority_fee.unwrap_or(tx.gas_price)),
        access_list: tx.access_list.0.iter().map(item).collect(),
    }
}

fn done(outcome: CallOutcome) -> Result<Done, Failure> {
    let output = outcome.output.into();
    match outcome.exit {
        Exit::Succeeded => Ok(Done { output, gas_spent: outcome.gas_used }),
        Exit::Reverted => Err(Failure::Reverted(output)),
        Exit::Halted => Err(Failure::Stopped),
    }
}

fn failure(error: CallError, tx: &TxEnv) -> Failure {
    let code = match error {
        CallError::Refused(code) => code,
        CallError::CyclesExhausted => {
            return Failure::server(
                "proving the transaction takes more kernel cycles than a block may",
            )
        }
        CallError::State => return Failure::internal("the chain's code cannot read its state"),
        CallError::NoBlock => return error::header_not_found().into(),
    };
    let reason = TxError::from_code(code);
    let text = match reason {
        Some(reason) => format!("{reason}: address {}", tx.caller),
        None => format!("transaction rejected with code {code}: address {}", tx.caller),
    };
    let rule = match reason {
        // The runtime does not say how much it takes; the text does not either.
        Some(TxError::IntrinsicGas) => InvalidTransaction::CallGasCostMoreThanGasLimit {
            initial_gas: tx.gas_limit.saturating_add(1),
            gas_limit: tx.gas_limit,
        },
        _ => InvalidTransaction::Str(text.clone().into()),
    };
    Failure::Refused(Refusal { rule, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonrpsee::types::ErrorObjectOwned;
    use revm::primitives::TxKind;

    fn tx() -> TxEnv {
        TxEnv {
            caller: Address::repeat_byte(1),
            kind: TxKind::Call(Address::repeat_byte(2)),
            data: vec![3].into(),
            value: U256::from(4),
            gas_limit: 5,
            gas_price: 6,
            ..Default::default()
        }
    }

    fn outcome(exit: Exit) -> CallOutcome {
        CallOutcome { exit, output: vec![7], created: None, gas_used: 8, cycles: 9, logs: vec![] }
    }

    #[test]
    fn request_says_what_the_transaction_says() {
        let asked = request(&tx());
        assert_eq!((asked.from, asked.to), (h160(tx().caller), Some(sp_core::H160([2; 20]))));
        assert_eq!((asked.data, asked.value, asked.gas_limit), (vec![3], 4_u64.into(), Some(5)));
        assert_eq!((asked.max_fee_per_gas, asked.max_priority_fee_per_gas), (Some(6), Some(6)));
        let tx = TxEnv { kind: TxKind::Create, gas_priority_fee: Some(2), ..tx() };
        let asked = request(&tx);
        assert_eq!((asked.to, asked.max_priority_fee_per_gas), (None, Some(2)));
    }

    #[test]
    fn outcomes_are_those_of_native_runs() {
        let success = done(outcome(Exit::Succeeded)).unwrap();
        assert_eq!((success.output.to_vec(), success.gas_spent), (vec![7], 8));
        let reverted = ErrorObjectOwned::from(done(outcome(Exit::Reverted)).unwrap_err());
        assert_eq!(
            (reverted.code(), reverted.data().unwrap().get()),
            (error::REVERTED, "\"0x07\"")
        );
        let halted = done(outcome(Exit::Halted)).unwrap_err();
        assert!(halted.is_of_run());
        assert_eq!(ErrorObjectOwned::from(halted).code(), error::SERVER);
    }

    #[test]
    fn refusals_have_geths_words_and_only_lack_of_gas_may_be_tried_with_more() {
        for reason in TxError::ALL {
            let failure = failure(CallError::Refused(reason.code()), &tx());
            let lacks_gas = *reason == TxError::IntrinsicGas;
            assert_eq!((failure.lacks_gas(), failure.is_of_run()), (lacks_gas, lacks_gas));
            let error = ErrorObjectOwned::from(failure);
            assert!(error.message().starts_with(reason.text()), "{}", error.message());
        }
        let unknown = failure(CallError::Refused(u8::MAX), &tx());
        assert!(!unknown.is_of_run());
        assert!(ErrorObjectOwned::from(unknown).message().contains("code 255"));
        assert!(!failure(CallError::CyclesExhausted, &tx()).is_of_run());
    }
}
