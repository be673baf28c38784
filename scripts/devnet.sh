#!/usr/bin/env bash
# Runs the whole system on one machine: bitcoind (regtest), a sequencer, a committee's signers, a relayer.
# Usage: scripts/devnet.sh [DATA_DIR]      (default: a new chain in a temporary folder)
# Environment: BZK_RPC_PORT (default 8545), BZK_BITCOIN_PORT (18443), BZK_P2P_PORT (30333),
#   BZK_METRICS_PORT (9615), BZK_SIGNERS (4, at most 32), BZK_BITCOINDS (1; the signers take them in
#   turn), BZK_BITCOIN_BLOCK_SECS (10; 0 mines nothing).
source "$(dirname "$0")/env.sh"

"$ROOT/scripts/setup.sh"
stage "build" build_workspace
exec node "$ROOT/scripts/clients/devnet.js" "$@"
