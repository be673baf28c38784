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

seed=${BZK_SEED:-1}
maker=$CARGO_TARGET_DIR/release/bzk-cases

build() {
    "$ROOT/scripts/prover-build.sh"
    build_workspace --bins
}

# judge VERB ARGUMENT...: prints what fails and the count.
judge() { limited_prover "$@" | { grep -v ': ok,' || true; }; }

cases() {
    "$maker" edge | judge check --cases -
    "$maker" random --seed "$seed" --count 100 | judge check --cases -
    "$maker" forged | judge check --cases -
    "$maker" random --seed "$seed" --count 10 | judge attack --cases -
}

deep() {
    "$maker" random --seed $((seed + 1000)) --count 3000 | judge check --cases -
    "$maker" state-tests "$FIXTURES/ethereum/GeneralStateTests" | judge check --cases -
}

node() {
    held_node loaded-node.js "${BZK_LOAD_TXS:-150}" "$seed"
    judge check --l2-rpc "${held[0]}"
}

full() { "$maker" full | nice "$PROVER_BIN" heights --cases -; }

tables() {
    held_node proof-node.js keccak sponge logic arithmetic packing memory
    nice "$PROVER_BIN" heights --l2-rpc "${held[0]}" --from "${held[1]}" --to "${held[2]}"
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
