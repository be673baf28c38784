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
