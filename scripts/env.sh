# Sourced by the other scripts: where slow artefacts live, stages, cargo as all of them call it; and `--help`, which
# prints what their first lines say.
# BZK_CACHE (default ~/.cache/bitcoinzk) holds cargo's target, npm packages and tools, so that
# they survive a fresh checkout.
set -euo pipefail

SCRIPT=$(realpath "$0")
# usage [STATUS]: ends the script with its usage, the comment it begins with.
usage() {
    sed -n '1d; /^#/!q; s/^# \{0,1\}//p' "$SCRIPT" >&$((${1:-0} ? 2 : 1))
    exit "${1:-0}"
}
case ${1:-} in -h | --help) usage ;; esac

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export BZK_CACHE=${BZK_CACHE:-$HOME/.cache/bitcoinzk}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$BZK_CACHE/target}
export PATH=$BZK_CACHE/bin:$HOME/.cargo/bin:$PATH
NODE_BIN=$CARGO_TARGET_DIR/release/bitcoinzk
PROVER_BIN=$BZK_CACHE/prover-target/release/bzk-prover
NPM_DIR=$BZK_CACHE/npm
# Not npm's wrappers: they end with 0 whatever the program ended with, and leave it running when they are killed.
FORGE=$NPM_DIR/node_modules/@foundry-rs/forge-linux-amd64/bin/forge
ANVIL=$NPM_DIR/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil
PYTHON_DIR=$BZK_CACHE/python
FIXTURES=${BZK_FIXTURES:-$ROOT/../shared/fixtures}
mkdir -p "$BZK_CACHE/bin"

# How many stages failed, and whether the script goes on behind one that did.
failed=0
keep_going=0

# stage NAME COMMAND...: runs COMMAND in a shell of its own, so that what it exports ends with it, up to its first
# failure; prints how long it took. A failure ends the script; with keep_going=1 it counts.
# Not for a condition: in `if stage` and `stage ||` bash goes on behind every failure in COMMAND but the last.
stage() {
    local name=$1 start=$SECONDS code
    shift
    echo "== $name"
    set +e
    (set -e; "$@")
    code=$?
    set -e
    if [ "$code" = 0 ]; then
        echo "== $name done in $((SECONDS - start)) s"
        return
    fi
    echo "== $name FAILED with $code after $((SECONDS - start)) s: $*" >&2
    failed=$((failed + 1))
    [ "$keep_going" = 1 ] || exit 1
}

# workspace_cargo ARGS...: cargo on the workspace, with clippy in rustc's place on our own crates, so that one build
# compiles and lints; a warning is an error because the toolchain is pinned. Exports nothing: the prover and the
# next runtime have other compilers. (`__CLIPPY_HACKERY__` is what clippy-driver separates its arguments by.)
workspace_cargo() {
    local clippy
    clippy=$(cd "$ROOT" && rustup which clippy-driver)
    RUSTC_WORKSPACE_WRAPPER=$clippy CLIPPY_ARGS=-Dwarnings__CLIPPY_HACKERY__ \
        "$ROOT/scripts/fresh.py" "$ROOT" cargo "$1" --release --locked "${@:2}"
}

# build_workspace ARGS...: always all of it: a part would need other features below and rebuild the world.
build_workspace() { workspace_cargo build --workspace "$@"; }

# limited_prover ARGS...: the prover. A kernel that runs away takes all memory; so it ends with an error instead.
limited_prover() { (ulimit -v 14000000 && nice "$PROVER_BIN" "$@"); }

# held_node FILE ARGS...: starts a node by this file of scripts/clients/lib, which keeps it until this shell ends. Sets
# `held` to the words of the line that it says when all is there.
held_node() {
    exec 3< <(cd "$ROOT/scripts/clients" && exec node "lib/$1" "${@:2}")
    trap "kill $! 2>/dev/null || true" EXIT
    read -ra held <&3 || { echo "$1: the node or what it is to do failed" >&2; return 1; }
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
