#!/usr/bin/env bash
# Runs the whole system on one machine. So far that is one sequencer with JSON-RPC.
# Usage: scripts/devnet.sh [DATA_DIR]      (default: a new chain in a temporary folder)
# Environment: BZK_RPC_PORT (default 8545).
source "$(dirname "$0")/env.sh"

"$ROOT/scripts/setup.sh"
stage "build the node" build_workspace

port=${BZK_RPC_PORT:-8545}
data=${1:-}
if [ -z "$data" ]; then
    data=$(mktemp -d)
    trap 'rm -rf "$data"' EXIT
fi
cat <<EOF
BitcoinZK development chain
  RPC (Ethereum and Substrate, HTTP and WebSocket)  http://127.0.0.1:$port
  chain id 97304, currency BTC (18 decimals)
  prefunded: the ten accounts of "test test test test test test test test test test test junk"
  polkadot-js: https://polkadot.js.org/apps/?rpc=ws://127.0.0.1:$port
  data: $data        stop with Ctrl-C
EOF
"$NODE_BIN" --dev --base-path "$data" --rpc-port "$port" &
node=$!
trap 'kill "$node" 2>/dev/null; wait "$node" 2>/dev/null; [ -n "${1:-}" ] || rm -rf "$data"' EXIT
trap 'exit 0' INT TERM
wait "$node"
