//! The methods over JSON-RPC.

mod call;
mod debug;
mod trace;

pub(crate) use call::CallApiServer;
pub(crate) use debug::DebugApiServer;
pub(crate) use trace::TraceApiServer;
