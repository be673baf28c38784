# Sourced by the other scripts: where slow artefacts live, and a stage timer.
# BZK_CACHE (default ~/.cache/bitcoinzk) holds cargo's target, npm packages and tools, so that
# they survive a fresh checkout.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export BZK_CACHE=${BZK_CACHE:-$HOME/.cache/bitcoinzk}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$BZK_CACHE/target}
export PATH=$BZK_CACHE/bin:$HOME/.cargo/bin:$PATH
NODE_BIN=$CARGO_TARGET_DIR/release/bitcoinzk
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

use_clippy() {
    RUSTC_WORKSPACE_WRAPPER=$(cd "$ROOT" && rustup which clippy-driver)
    export RUSTC_WORKSPACE_WRAPPER CLIPPY_ARGS=-Dwarnings__CLIPPY_HACKERY__
}
