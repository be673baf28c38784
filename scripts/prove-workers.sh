#!/usr/bin/env bash
# Two provers share the blocks of a running node over PostgreSQL and one folder of proofs. One of them is killed (kill -9)
# while both prove; the other one ends the batch, and the contract on anvil has to take its proof.
# Usage: scripts/prove-workers.sh [KIND...]     (two blocks or more of those that scripts/prove.sh has; default: empty transfer)
# PostgreSQL has to be installed (`apt install postgresql`). A quarter of an hour on two cores, and 18 GB; where the circuits
# are not built, as much as for scripts/prove.sh before.
source "$(dirname "$0")/env.sh"

kinds=("$@")
[ ${#kinds[@]} -gt 0 ] || kinds=(empty transfer)

workers() {
    held_node proof-node.js "${kinds[@]}"
    cd "$ROOT/scripts/clients"
    PROVER_BIN=$PROVER_BIN BZK_CIRCUITS=$(circuits_folder) node lib/prove-by-workers.js "${held[@]}"
}

stage "build the prover" "$ROOT/scripts/prover-build.sh"
stage "circuits" set_up_circuits
stage "two workers" workers
