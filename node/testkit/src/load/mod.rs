//! Load for the benchmarks: pre-signed transactions pushed through plain JSON-RPC over HTTP, so
//! that the generator costs little of the two cores that it shares with the node it measures.

mod http;
mod latency;
mod run;
mod wallet;
mod workload;

pub use http::RpcClient;
pub use latency::{latency, Latency};
pub use run::{run, LoadReport, Settings};
pub use wallet::Wallet;
pub use workload::{Workload, WorkloadKind};
