#!/usr/bin/env bash
# Runs every Ethereum block-test file (BlockchainTests, network Cancun) below DIR through the
# real pallets; the runner makes the system call of EIP-4788 in their place. The last line is
# "N passed, N failed, N excused"; excused and failed cases are named above it. A file that
# cannot be read is a failed case. Fails if a case fails or there is none.
# Usage: scripts/blocktests.sh DIR [--only TEXT]
source "$(dirname "$0")/env.sh"

[ $# -ge 1 ] || { echo "usage: $0 DIR [--only TEXT]" >&2; exit 2; }
directory=$(cd "$1" && pwd) || { echo "no folder $1: nothing to run" >&2; exit 2; }
shift
"$ROOT/scripts/setup.sh" >&2
cd "$ROOT"
# Features of the whole workspace, so that nothing is built a second time after `build`.
build_workspace --bin bzk-testkit >&2
exec "$CARGO_TARGET_DIR/release/bzk-testkit" blocktests "$directory" "$@"
