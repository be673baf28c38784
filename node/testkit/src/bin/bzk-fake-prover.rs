//! Answers as `bzk-prover serve` does and proves nothing, for tests of what speaks with a prover: a real proof takes
//! minutes and 9 GB. Its public inputs are right but for the accumulators; its proof is noise.

use anyhow::Result;
use bzk_batch::Statement;
use bzk_testkit::load::RpcClient;
use clap::Parser;
use jsonrpsee::{
    server::Server,
    types::{ErrorObject, ErrorObjectOwned},
    RpcModule,
};
use serde_json::{json, Value};
use sp_core::{H160, H256};
use std::{collections::BTreeMap, sync::Mutex};

/// Serves `prover_submitBatch`, `prover_status` and `prover_proof`.
#[derive(Parser)]
struct Cli {
    /// URL of the L2 node's RPC.
    #[arg(long, env = "BZK_L2_RPC")]
    l2_rpc: String,
    /// Address and port to listen on.
    #[arg(long)]
    listen: String,
    /// Proofs that are about another state root, before right ones follow.
    #[arg(long, default_value_t = 0)]
    lies: u32,
}

struct Fake {
    l2_rpc: String,
    lies: Mutex<u32>,
    /// Blocks and prover's address of each batch, and how often its status was asked for.
    batches: Mutex<BTreeMap<String, (u64, u64, H160, usize)>>,
}

fn failure(message: impl ToString) -> ErrorObjectOwned {
    ErrorObject::owned(-32_000, message.to_string(), None::<()>)
}

impl Fake {
    fn submit(&self, from: u64, to: u64, address: &str) -> Result<String, ErrorObjectOwned> {
        let account: H160 = address.parse().map_err(|error| failure(format!("{error:?}")))?;
        let id = format!("{from:010}-{to:010}-{}", address.trim_start_matches("0x"));
        let mut batches = self.batches.lock().expect("no thread panics with it");
        batches.entry(id.clone()).or_insert((from, to, account, 0));
        Ok(id)
    }

    /// A batch waits, is in work, and is proven.
    fn status(&self, id: &str) -> Result<Value, ErrorObjectOwned> {
        let mut batches = self.batches.lock().expect("no thread panics with it");
        let (.., asked) = batches.get_mut(id).ok_or_else(|| failure("there is no such batch"))?;
        *asked += 1;
        let state = ["queued", "proving", "proven"][(*asked - 1).min(2)];
        Ok(json!({"id": id, "state": state, "error": null, "stages": []}))
    }

    async fn proof(&self, id: &str) -> Result<Value, ErrorObjectOwned> {
        let found = self.batches.lock().expect("no thread panics with it").get(id).copied();
        let (first, last, prover, _) = found.ok_or_else(|| failure("there is no such batch"))?;
        let mut statement = self.statement(first, last, prover).await.map_err(failure)?;
        let mut lies = self.lies.lock().expect("no thread panics with it");
        if *lies > 0 {
            *lies -= 1;
            statement.new_state.0[31] ^= 1;
        }
        let inputs = statement.inputs().map(|input| format!("0x{input:x}"));
        Ok(
            json!({"statement": {}, "inputs": inputs, "proof": format!("0x{}", "5a".repeat(77_000))}),
        )
    }

    async fn statement(&self, first: u64, last: u64, prover: H160) -> Result<Statement> {
        let mut node = RpcClient::connect(&self.l2_rpc).await?;
        let chain_id = node.call("eth_chainId", json!([])).await?;
        let chain_id = chain_id.as_str().unwrap_or_default().trim_start_matches("0x");
        let mut states = [H256::zero(); 2];
        for (state, number) in states.iter_mut().zip([first - 1, last]) {
            let params = json!([format!("0x{number:x}"), false]);
            let block = node.call("eth_getBlockByNumber", params).await?;
            *state = block["stateRoot"].as_str().unwrap_or_default().parse()?;
        }
        Ok(Statement {
            chain_id: u64::from_str_radix(chain_id, 16)?,
            first,
            last,
            old_state: states[0],
            new_state: states[1],
            old_accumulator: [first - 1; 4],
            new_accumulator: [last; 4],
            prover,
        })
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    let fake = Fake {
        l2_rpc: cli.l2_rpc,
        lies: Mutex::new(cli.lies),
        batches: Mutex::new(BTreeMap::new()),
    };
    let mut module = RpcModule::new(fake);
    module.register_method("prover_submitBatch", |params, fake, _| {
        let (from, to, address): (u64, u64, String) = params.parse()?;
        fake.submit(from, to, &address)
    })?;
    module.register_method("prover_status", |params, fake, _| {
        let (id,): (String,) = params.parse()?;
        fake.status(&id)
    })?;
    module.register_async_method("prover_proof", |params, fake, _| async move {
        let (id,): (String,) = params.parse()?;
        fake.proof(&id).await
    })?;
    let server = Server::builder().build(&cli.listen).await?;
    println!("http://{}", server.local_addr()?);
    server.start(module).stopped().await;
    Ok(())
}
