#!/usr/bin/env bash
# Runs the whole system on one machine: bitcoind (regtest), a sequencer, a committee's signers, a relayer.
# Usage: scripts/devnet.sh [--prover] [DATA_DIR]      (default: a new chain in a temporary folder)
# --prover: batches of blocks go to a prover too, and its proofs to the contract on an anvil. It takes 10 GB and minutes for
#   a block, so the first proof is there within half an hour; building it and its circuits takes most of an hour and 16 GB,
#   once. A new chain's relay begins at Bitcoin's tip then, because a hundred headers are hours of proving.
# Environment: BZK_RPC_PORT (default 8545), BZK_BITCOIN_PORT (18443), BZK_P2P_PORT (30333),
#   BZK_METRICS_PORT (9615), BZK_SIGNERS (4, at most 32), BZK_BITCOINDS (1; the signers take them in
#   turn), BZK_BITCOIN_BLOCK_SECS (10, with a prover 600; 0 mines nothing), BZK_PROVER_PORT (8560).
source "$(dirname "$0")/env.sh"

prover=0
[ "${1:-}" != --prover ] || { prover=1; shift; }
[ $# -le 1 ] && [[ ${1:-} != -* ]] || usage 2

"$ROOT/scripts/setup.sh"
stage "build" build_workspace
if [ "$prover" = 1 ]; then
    stage "build the prover" "$ROOT/scripts/prover-build.sh"
    stage "circuits" set_up_circuits
    BZK_CIRCUITS=$(circuits_folder)
    export BZK_CIRCUITS PROVER_BIN
fi
exec node "$ROOT/scripts/clients/devnet.js" "$@"
