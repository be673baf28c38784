#!/usr/bin/env bash
# Proves blocks of a running node up to the contract: block proofs, chain, wrap, Solidity verifier, forge, anvil.
# Usage: scripts/prove.sh [KIND...]     (a block of each kind, of those that scripts/clients/lib/proof-node.js has;
#                                        default: transfer empty; the large run of the README is
#                                        transfers mixed precompiles claim withdrawal)
#        scripts/prove.sh dummy          (a proof of no block, from a small circuit: the last two layers, the contract and its
#                                        tests in minutes, 5 GB and no circuits on disk)
# Circuits and proofs stay in $BZK_CACHE; what is there is not made again. The first run takes half an hour on two
# cores and 16 GB, later ones about ten minutes a block and 9 GB.
# Environment: BZK_MUTATIONS (default 1000) changes of the proof that plonky2 and the contract must judge alike;
# BZK_PROOFS: folder of the proofs (default: beside the circuits); BZK_SETUP=1 builds the circuits anew; BZK_CRASH=1
# kills the prover in each stage (kill -9) and starts it again; BZK_CASES: file of the blocks, which a run that was cut off
# leaves, so that the next one goes on with them: without a node, so the proof begins where nothing is known before.
source "$(dirname "$0")/env.sh"

kinds=("$@")
[ ${#kinds[@]} -gt 0 ] || kinds=(transfer empty)
project=$BZK_CACHE/verifier
[ "${kinds[*]}" != dummy ] || project=$project-dummy
circuits=$(circuits_folder)
proofs=${BZK_PROOFS:-$circuits/proofs}

settle() {
    local blocks
    if [ -f "${BZK_CASES:-}" ]; then
        blocks=(--cases "$BZK_CASES")
    else
        held_node proof-node.js "${kinds[@]}"
        blocks=(--l2-rpc "${held[0]}" --from "${held[1]}" --to "${held[2]}")
    fi
    local run=("$PROVER_BIN" settle --circuits "$circuits" --proofs "$proofs" "${blocks[@]}" --export "$project"
        --mutations "${BZK_MUTATIONS:-1000}")
    if [ "${BZK_CRASH:-0}" = 1 ]; then with_crashes "${run[@]}"; else "${run[@]}"; fi
}

# with_crashes COMMAND...: kills it in its first second and three seconds into what follows each stage that it ends for
# the first time, starts it again, until there is nothing left to end. Stages that are run again, as what loads the
# circuits, do not count: so each run gets further than the one before. Fails where a stage had nothing to do.
with_crashes() {
    local pid rc kills=0 finished=-1 now name
    crashed=$(mktemp)
    while :; do
        "$@" 2> >(tee -a "$crashed" >&2) &
        pid=$!
        while kill -0 "$pid" 2>/dev/null; do
            now=$(stages_finished)
            if [ "$now" -gt "$finished" ]; then
                [ "$finished" = -1 ] && sleep 1 || sleep 3
                finished=$now
                kill -9 "$pid" 2>/dev/null && kills=$((kills + 1))
                break
            fi
            sleep 0.5
        done
        rc=0
        wait "$pid" || rc=$?
        [ "$rc" = 137 ] || break
    done
    echo "killed $kills times, in or behind: $(stage_names | paste -sd,)"
    for name in segment-0 joined- batches- chain shrink wrap; do
        stage_names | grep -q "$name" && continue
        echo "no kill before the end of $name: its proof was there already" >&2
        rc=1
    done
    rm -f "$crashed"
    return "$rc"
}

# stage_names: the stages that a run under with_crashes has ended, each once.
stage_names() { sed -nE 's/^(.*): [0-9.]+ s, [0-9.]+ CPU s, [0-9.]+ GiB$/\1/p' "$crashed" | sort -u; }

stages_finished() { stage_names | wc -l; }

# The commands of those who only verify, on the proof that was made last.
commands() {
    local proof made
    proof=$(ls -t "$proofs"/wrap-*.bin | head -n 1)
    made=$(mktemp -d)
    "$PROVER_BIN" verify --circuits "$circuits" "$proof"
    head -c -1 "$proof" >"$made/damaged.bin"
    if "$PROVER_BIN" verify --circuits "$circuits" "$made/damaged.bin" 2>"$made/error"; then
        echo "a damaged proof is accepted" >&2
        return 1
    fi
    "$PROVER_BIN" export-verifier --circuits "$circuits" "$made"
    diff -r "$made/src" "$project/src"
    rm -r "$made"
}

dummy() {
    "$ROOT/scripts/prover-build.sh" build --release --workspace --example dummy
    "$BZK_CACHE/prover-target/release/examples/dummy" "$project" "${BZK_MUTATIONS:-1000}"
}

verify() {
    cp -r "$ROOT"/node/prover/circuits/forge/. "$project"
    ln -sfn "$ROOT/scripts/clients/bin" "$project/bin"
    (cd "$project" && "$FORGE" test -vv)
}

anvil() {
    (cd "$ROOT/scripts/clients" && node lib/verify-on-anvil.js "$project")
}

if [ "${kinds[*]}" = dummy ]; then
    stage "proof of no block" dummy
else
    stage "build the prover" "$ROOT/scripts/prover-build.sh"
    stage "circuits" set_up_circuits
    stage "block proofs, chain, wrap" settle
    stage "verify and export-verifier" commands
fi
stage "contract" verify
stage "contract on anvil" anvil
