#!/usr/bin/env bash
# Runs blocks through the zkEVM's kernel: what fails here can never be proven.
# Usage: scripts/prover-check.sh [cases|node|full|tables|deep|all]...     (default: cases node)
#   cases   edges by hand and random programs, executed over a state in memory; forgeries of such blocks
#   node    every block of a development node under a random load
#   full    blocks of transactions that hold as much as they may, cut into segments: is there a circuit for each?
#   tables  blocks of a node that fill each of the prover's tables, cut into segments: is there a circuit for each?
#   deep    Ethereum's state tests and many more random programs; takes an hour
# Environment: BZK_LOAD_TXS (default 150), BZK_SEED (default 1), BZK_FIXTURES.
source "$(dirname "$0")/env.sh"

# A kernel that runs away takes all memory; so it ends with an error instead.
MEMORY_KIB=14000000
seed=${BZK_SEED:-1}
prover=$BZK_CACHE/prover-target/release/bzk-prover
maker=$CARGO_TARGET_DIR/release/bzk-cases

build() {
    "$ROOT/scripts/prover-build.sh"
    build_workspace --bins
}

# check ARGUMENT...: prints what fails and the count.
check() {
    (ulimit -v "$MEMORY_KIB" && nice "$prover" check "$@") | { grep -v ': ok,' || true; }
}

cases() {
    check --cases <("$maker" edge)
    check --cases <("$maker" random --seed "$seed" --count 100)
    check --cases <("$maker" forged)
    attack --cases <("$maker" random --seed "$seed" --count 10)
}

attack() {
    (ulimit -v "$MEMORY_KIB" && nice "$prover" attack "$@") | { grep -v ': ok,' || true; }
}

deep() {
    check --cases <("$maker" random --seed $((seed + 1000)) --count 3000)
    check --cases <("$maker" state-tests "$FIXTURES/ethereum/GeneralStateTests")
}

node() {
    local url
    exec 3< <(cd "$ROOT/scripts/clients" && exec node lib/loaded-node.js "${BZK_LOAD_TXS:-150}" "$seed")
    local holder=$!
    trap "kill $holder 2>/dev/null || true" EXIT
    read -r url <&3 || { echo "the node or its load failed" >&2; return 1; }
    check --rpc "$url"
}

full() {
    nice "$prover" heights --cases <("$maker" full)
}

tables() {
    local url first last
    exec 3< <(cd "$ROOT/scripts/clients" && exec node lib/proof-node.js keccak sponge logic arithmetic packing memory)
    local holder=$!
    trap "kill $holder 2>/dev/null || true" EXIT
    read -r url first last <&3 || { echo "the node or its blocks failed" >&2; return 1; }
    nice "$prover" heights --rpc "$url" --from "$first" --to "$last"
}

selected=("$@")
[ ${#selected[@]} -gt 0 ] || selected=(cases node)
[ "${selected[0]}" != all ] || selected=(cases node full tables deep)
for name in "${selected[@]}"; do
    case $name in
        cases | node | full | tables | deep) ;;
        *) echo "no check $name; there are cases node full tables deep all" >&2; exit 2 ;;
    esac
done
stage "build the prover, the cases and the node" build
keep_going=1
for name in "${selected[@]}"; do stage "$name" "$name"; done
[ "$failed" = 0 ]
