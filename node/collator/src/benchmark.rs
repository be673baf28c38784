//! `bitcoinzk benchmark`: Parity's benchmark commands. They are a program of its own, `frame-omni-bencher`, that runs any
//! runtime's wasm; their library would link parachains and the host functions of benchmarks into every validator.

use std::{env, ffi::OsString, io::ErrorKind, os::unix::process::CommandExt, process::Command};

/// Names the program where it is not on the PATH.
const PROGRAM: &str = "FRAME_OMNI_BENCHER";

/// Arguments of `frame-omni-bencher v1 benchmark`.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchmarkCmd {
    /// For instance `pallet --runtime WASM --pallet pallet_evm --extrinsic '*'`; `pallet --help` lists them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
    arguments: Vec<OsString>,
}

impl BenchmarkCmd {
    /// Becomes the program; returns only where that fails, with what to do.
    pub(crate) fn run(&self) -> sc_cli::Result<()> {
        let program = env::var_os(PROGRAM).unwrap_or_else(|| "frame-omni-bencher".into());
        let error = Command::new(&program).args(["v1", "benchmark"]).args(&self.arguments).exec();
        let program = program.to_string_lossy();
        Err(match error.kind() {
            ErrorKind::NotFound => format!(
                "no program {program}: install it (cargo install --locked frame-omni-bencher@0.28.0) or name it in \
                 {PROGRAM}; scripts/weights.sh measures all our pallets"
            ),
            _ => format!("{program} does not start: {error}"),
        }
        .into())
    }
}
