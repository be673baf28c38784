//! All RPC methods of the node, Substrate's and Ethereum's, on one port (9944 unless `--rpc-port`
//! says otherwise).

use crate::bridge_rpc;
use crate::service::{Block, Handles, SealingRpc, VoterRpc};
use bzk_eth_rpc::EthContext;
use jsonrpsee::RpcModule;
use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
use sc_consensus_babe::BabeWorkerHandle;
use sc_consensus_babe_rpc::{Babe, BabeApiServer};
use sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer};
use sc_consensus_manual_seal::rpc::{ManualSeal, ManualSealApiServer};
use sc_rpc::{
    dev::{Dev, DevApiServer},
    SubscriptionTaskExecutor,
};
use sc_sync_state_rpc::{SyncState, SyncStateApiServer};
use std::error::Error;
use substrate_frame_rpc_system::{System, SystemApiServer};

/// What the methods work with.
pub(crate) struct RpcDeps {
    /// Client, pool, keys.
    pub handles: Handles,
    /// The chain's specification.
    pub chain_spec: Box<dyn sc_chain_spec::ChainSpec>,
    /// Answers questions about epochs.
    pub babe_worker: BabeWorkerHandle<Block>,
    /// Answers questions about finality.
    pub voter: VoterRpc,
    /// Makes blocks on demand, on a development chain.
    pub sealing: Option<SealingRpc>,
    /// Ethereum's methods.
    pub eth: EthContext,
}

/// Merges all methods into one module.
///
/// Called once for each address that the server listens on.
pub(crate) fn create(
    deps: &RpcDeps,
    executor: SubscriptionTaskExecutor,
) -> Result<RpcModule<()>, Box<dyn Error + Send + Sync>> {
    let Handles { client, pool, keystore, select_chain, .. } = deps.handles.clone();
    let voter = deps.voter.clone();
    let mut module = RpcModule::new(());

    module.merge(System::new(client.clone(), pool).into_rpc())?;
    module.merge(TransactionPayment::new(client.clone()).into_rpc())?;
    module.merge(
        Babe::new(client.clone(), deps.babe_worker.clone(), keystore, select_chain).into_rpc(),
    )?;
    module.merge(
        Grandpa::new(
            executor,
            voter.voters.clone(),
            voter.voter_state,
            voter.justifications,
            voter.proofs,
        )
        .into_rpc(),
    )?;
    module.merge(
        SyncState::new(
            deps.chain_spec.cloned_box(),
            client.clone(),
            voter.voters,
            deps.babe_worker.clone(),
        )?
        .into_rpc(),
    )?;
    module.merge(bridge_rpc::module(client.clone())?)?;
    module.merge(Dev::new(client).into_rpc())?;
    module.merge(bzk_eth_rpc::module(&deps.eth)?)?;
    if let Some(sealing) = &deps.sealing {
        module.merge(ManualSeal::new(sealing.clone()).into_rpc())?;
    }
    Ok(module)
}
