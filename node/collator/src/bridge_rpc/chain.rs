//! The bridge's state at one block: of the runtime, and of the contracts.

use super::{bad, failed};
use crate::service::{Block, FullClient};
use bzk_bitcoin::{
    bitcoin::{address::NetworkUnchecked, Address as BitcoinAddress, Network},
    Bridge,
};
use bzk_core::CHAIN_ID;
use bzk_l2_client::{
    alloy_primitives::Address,
    alloy_sol_types::SolCall,
    contracts::{BitcoinRelay, BtcBridge, BITCOIN_RELAY, BTC_BRIDGE},
};
use bzk_runtime_api::{CallRequest, EthereumRuntimeRPCApi, Exit};
use jsonrpsee::types::ErrorObjectOwned;
use sp_api::{ApiRef, ProvideRuntimeApi};
use sp_blockchain::HeaderBackend;
use sp_core::{H160, U256};
use sp_runtime::traits::Block as BlockT;

/// The chain at one block.
pub(super) struct Chain<'a> {
    client: &'a FullClient,
    /// The block.
    pub(super) at: <Block as BlockT>::Hash,
}

impl<'a> Chain<'a> {
    /// At the best block.
    pub(super) fn best(client: &'a FullClient) -> Self {
        Self { client, at: client.info().best_hash }
    }

    /// At the last final block.
    pub(super) fn finalised(&self) -> Self {
        Self { client: self.client, at: self.client.info().finalized_hash }
    }

    /// The runtime's own state.
    pub(super) fn runtime(&self) -> ApiRef<'_, <FullClient as ProvideRuntimeApi<Block>>::Api> {
        self.client.runtime_api()
    }

    /// Runs a function of a contract and keeps nothing of it.
    fn call<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, ErrorObjectOwned> {
        let request = CallRequest {
            from: H160::zero(),
            to: Some(H160(to.into())),
            data: call.abi_encode(),
            value: U256::zero(),
            gas_limit: None,
            max_fee_per_gas: None,
            max_priority_fee_per_gas: None,
            access_list: Vec::new(),
        };
        let name = C::SIGNATURE;
        let outcome = self.runtime().call(self.at, request).map_err(failed)?;
        let outcome = outcome.map_err(|error| failed(format!("{name} of {to}: {error:?}")))?;
        if outcome.exit != Exit::Succeeded {
            return Err(failed(format!("{name} of {to} fails: is the bridge in this genesis?")));
        }
        C::abi_decode_returns(&outcome.output).map_err(failed)
    }

    /// Asks the bridge.
    pub(super) fn bridge<C: SolCall>(&self, call: &C) -> Result<C::Return, ErrorObjectOwned> {
        self.call(BTC_BRIDGE, call)
    }

    /// Asks the relay of headers.
    pub(super) fn relay<C: SolCall>(&self, call: &C) -> Result<C::Return, ErrorObjectOwned> {
        self.call(BITCOIN_RELAY, call)
    }

    /// The contract that deposits commit to.
    pub(super) fn contract(&self) -> Bridge {
        Bridge { chain_id: CHAIN_ID, address: BTC_BRIDGE }
    }

    /// Height of Bitcoin's chain as the relay has it, and which network it is.
    pub(super) fn bitcoin(&self) -> Result<(u32, Network), ErrorObjectOwned> {
        let tip = self.relay(&BitcoinRelay::tipCall {})?;
        let network = match tip.network {
            0 => Network::Bitcoin,
            1 => Network::Testnet,
            2 => Network::Testnet4,
            3 => Network::Signet,
            _ => Network::Regtest,
        };
        Ok((tip.height, network))
    }

    /// An address of the relay's network.
    pub(super) fn address(&self, text: &str) -> Result<BitcoinAddress, ErrorObjectOwned> {
        let (_, network) = self.bitcoin()?;
        let address: BitcoinAddress<NetworkUnchecked> = text.parse().map_err(|error| {
            bad(format!("{text:?} is no Bitcoin address ({error}): give one of {network}"))
        })?;
        address.require_network(network).map_err(|_| {
            bad(format!("{text} is an address of another network: give one of {network}"))
        })
    }

    /// The rules of the contract.
    pub(super) fn terms(&self) -> Result<BtcBridge::termsReturn, ErrorObjectOwned> {
        self.bridge(&BtcBridge::termsCall {})
    }
}
