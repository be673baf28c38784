//! A block to be made: a state, an environment, transactions.

use crate::world::{self, Call, Wallet};
use alloy_primitives::{Address, B256, U64};
use anyhow::{ensure, Result};
use bzk_evm::{execute::BlockEnvironment, tx::RecoveredTx};
use bzk_witness::{
    build,
    memory::{Contents, State},
    BlockInput, BlockWitness,
};
use serde::Serialize;
use std::collections::HashMap;

/// A block before it is executed.
pub(crate) struct Scenario {
    /// What it is about.
    pub(crate) name: String,
    /// The state before it.
    pub(crate) state: State,
    /// Its header's environment.
    pub(crate) environment: BlockEnvironment,
    /// Its transactions in order.
    pub(crate) transactions: Vec<RecoveredTx>,
    /// Whether transactions that the EVM refuses may be left out.
    pub(crate) lenient: bool,
    /// Whether the meter must have room for what each transaction holds.
    pub(crate) metered: bool,
    nonces: HashMap<Address, u64>,
}

/// A block after it was executed, as `bzk-prover` reads it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Case {
    /// What it is about.
    pub(crate) name: String,
    /// EIP-155 chain id.
    pub(crate) chain_id: u64,
    /// Whether the kernel must refuse it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) forged: bool,
    /// The block.
    pub(crate) witness: BlockWitness,
}

impl Scenario {
    /// An empty block over the usual state.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        let mut state = world::state();
        let environment = world::environment();
        for (number, hash) in world::block_hashes(environment.number) {
            state.set_block_hash(number, hash);
        }
        Self::over(name, state, environment)
    }

    /// An empty block over `state`.
    pub(crate) fn over(
        name: impl Into<String>,
        state: State,
        environment: BlockEnvironment,
    ) -> Self {
        Self {
            name: name.into(),
            state,
            environment,
            transactions: Vec::new(),
            lenient: false,
            metered: false,
            nonces: HashMap::new(),
        }
    }

    /// Adds an account.
    pub(crate) fn with(mut self, address: Address, contents: Contents) -> Self {
        self.state.put(address, contents);
        self
    }

    /// Adds a transaction of the `sender`-th wallet.
    pub(crate) fn send(self, sender: u64, call: Call) -> Self {
        self.send_from(Wallet::numbered(sender), call)
    }

    /// Adds a transaction of `wallet`.
    pub(crate) fn send_from(mut self, wallet: Wallet, call: Call) -> Self {
        let first = self.state.get(wallet.address).map_or(0, |account| account.nonce);
        let nonce = self.nonces.entry(wallet.address).or_insert(first);
        self.transactions.push(wallet.sign(call, *nonce));
        *nonce += 1;
        self
    }

    /// Executes the block and builds its witness.
    pub(crate) fn into_case(self) -> Result<Case> {
        let Self { name, state, environment, transactions, lenient, metered, .. } = self;
        let hashes = world::block_hashes(environment.number);
        let hashes: Vec<B256> = hashes.into_iter().map(|(_, hash)| hash).collect();
        let parent = hashes.last().copied().unwrap_or_default();
        let count = transactions.len();
        let (_, block, senders) = state.execute(&environment, parent, transactions);
        let included = block.body.transactions.len();
        ensure!(lenient || included == count, "{included} of {count} transactions are valid");
        let input = BlockInput {
            block: &block,
            senders: &senders,
            chain_id: environment.chain_id,
            parent_state_root: state.root(),
            block_hashes: &hashes,
        };
        let witness = build(&state, input)?;
        let fit = witness.transactions.iter().all(|transaction| transaction.cycles < U64::MAX);
        ensure!(fit || !metered, "a transaction holds more than the meter lets it");
        Ok(Case { name, chain_id: environment.chain_id, forged: false, witness })
    }
}
