#!/usr/bin/env bash
# Proves blocks of a running node up to the contract: block proofs, chain, wrap, Solidity verifier, forge, anvil.
# Usage: scripts/prove.sh [KIND...]     (a block of each kind, of those that scripts/clients/lib/proof-node.js has;
#                                        default: transfer empty; the large run of the README is
#                                        transfers mixed precompiles claim withdrawal)
# Circuits and proofs stay in $BZK_CACHE; what is there is not made again. The first run takes half an hour on two
# cores and 16 GB, later ones about ten minutes a block and 9 GB.
# Environment: BZK_MUTATIONS (default 1000) changes of the proof that plonky2 and the contract must judge alike;
# BZK_PROOFS: folder of the proofs (default: beside the circuits); BZK_SETUP=1 builds the circuits anew; BZK_CRASH=1
# kills the prover in each stage (kill -9) and starts it again.
source "$(dirname "$0")/env.sh"

project=$BZK_CACHE/verifier
kinds=("$@")
[ ${#kinds[@]} -gt 0 ] || kinds=(transfer empty)
circuits=$(circuits_folder)
proofs=${BZK_PROOFS:-$circuits/proofs}

settle() {
    held_node proof-node.js "${kinds[@]}"
    local run=("$PROVER_BIN" settle --circuits "$circuits" --proofs "$proofs" --rpc "${held[0]}" --from "${held[1]}"
        --to "${held[2]}" --export "$project" --mutations "${BZK_MUTATIONS:-1000}")
    if [ "${BZK_CRASH:-0}" = 1 ]; then with_crashes "${run[@]}"; else "${run[@]}"; fi
}

# with_crashes COMMAND...: kills it three seconds into each stage behind one that it has finished, starts it again,
# until there is nothing left to finish.
with_crashes() {
    local pid rc kills=0 finished now
    mkdir -p "$proofs"
    finished=$(stages_finished)
    while :; do
        "$@" &
        pid=$!
        while kill -0 "$pid" 2>/dev/null; do
            now=$(stages_finished)
            if [ "$now" -gt "$finished" ]; then
                finished=$now
                sleep 3
                kill -9 "$pid" 2>/dev/null && kills=$((kills + 1))
                break
            fi
            sleep 0.5
        done
        rc=0
        wait "$pid" || rc=$?
        [ "$rc" = 137 ] || break
    done
    echo "killed $kills times"
    return "$rc"
}

stages_finished() {
    find "$proofs" \( -name '*.json' -o -name 'wrap-*.bin' \) | wc -l
}

verify() {
    cp -r "$ROOT"/node/prover/circuits/forge/. "$project"
    ln -sfn "$ROOT/scripts/clients/bin" "$project/bin"
    (cd "$project" && "$NPM_DIR/node_modules/@foundry-rs/forge-linux-amd64/bin/forge" test -vv)
}

anvil() {
    (cd "$ROOT/scripts/clients" && node lib/verify-on-anvil.js "$project")
}

stage "build the prover" "$ROOT/scripts/prover-build.sh"
stage "circuits" set_up_circuits
stage "block proofs, chain, wrap" settle
stage "contract" verify
stage "contract on anvil" anvil
