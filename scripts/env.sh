# Sourced by the other scripts: where slow artefacts live, and a stage timer.
# BZK_CACHE (default ~/.cache/bitcoinzk) holds cargo's target, npm packages and tools, so that
# they survive a fresh checkout.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export BZK_CACHE=${BZK_CACHE:-$HOME/.cache/bitcoinzk}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$BZK_CACHE/target}
export PATH=$BZK_CACHE/bin:$HOME/.cargo/bin:$PATH
NODE_BIN=$CARGO_TARGET_DIR/release/bitcoinzk
PROVER_BIN=$BZK_CACHE/prover-target/release/bzk-prover
NPM_DIR=$BZK_CACHE/npm
PYTHON_DIR=$BZK_CACHE/python
FIXTURES=${BZK_FIXTURES:-$ROOT/../shared/fixtures}
mkdir -p "$BZK_CACHE/bin"

# stage NAME COMMAND...: runs COMMAND and prints how long it took.
stage() {
    local name=$1 start=$SECONDS
    shift
    echo "== $name"
    "$@" || {
        echo "== $name FAILED after $((SECONDS - start)) s: $*" >&2
        return 1
    }
    echo "== $name done in $((SECONDS - start)) s"
}

# build_workspace ARGS...: builds the workspace. clippy stands in for rustc on our own crates, so that one
# build compiles and lints; a warning is an error because the toolchain is pinned.
# Always the whole workspace: a part of it would need other features below and rebuild the world.
build_workspace() {
    use_clippy
    cargo build --release --locked --workspace --manifest-path "$ROOT/Cargo.toml" "$@"
}

# circuits_folder: prints where the prover's circuits are. They belong to one state of the kernel, the crates that make
# them and the sizes of the tables.
circuits_folder() {
    local version
    version=$({
        cat "$ROOT"/node/prover/{kernel.patch,src/tables.rs}
        grep -A 1 -E '^name = "(evm_arithmetization|starky|plonky2.*)"' "$ROOT/node/prover/Cargo.lock"
    } | sha256sum)
    echo "$BZK_CACHE/circuits/${version:0:16}"
}

# set_up_circuits: builds them unless they are there; half an hour on two cores. BZK_SETUP=1 builds them anew. What it
# took stays beside them.
set_up_circuits() {
    local circuits
    circuits=$(circuits_folder)
    [ -f "$circuits/upper.bin" ] && [ "${BZK_SETUP:-0}" = 0 ] && return 0
    mkdir -p "$circuits"
    "$PROVER_BIN" setup --circuits "$circuits" 2>&1 | tee "$circuits/setup.log"
}

use_clippy() {
    RUSTC_WORKSPACE_WRAPPER=$(cd "$ROOT" && rustup which clippy-driver)
    export RUSTC_WORKSPACE_WRAPPER CLIPPY_ARGS=-Dwarnings__CLIPPY_HACKERY__
}
