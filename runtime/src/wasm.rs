//! The wasm blob of this runtime; `None` when it was built with `SKIP_WASM_BUILD`.
#![allow(missing_docs, reason = "the file is generated")]

include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));
