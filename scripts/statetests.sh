#!/usr/bin/env bash
# Runs every file of Ethereum's tests below DIR through the real pallets: state tests (GeneralStateTests, cases of Cancun)
# or, under its other name blocktests.sh, block tests (BlockchainTests, network Cancun; the runner makes the system call
# of EIP-4788 in the pallets' place). The last line is "N passed, N failed, N excused"; excused and failed cases are
# named above it; a file that cannot be read is a failed case. An expected refusal of a transaction is compared with ours
# where the file's name for it has one meaning; how many were not is said above the last line. Fails if a case fails or
# there is none.
# Usage: scripts/statetests.sh DIR [--only TEXT]
#        scripts/blocktests.sh DIR [--only TEXT]
source "$(dirname "$0")/env.sh"

[ $# -ge 1 ] || usage 2
directory=$(cd "$1" && pwd) || { echo "no folder $1: nothing to run" >&2; exit 2; }
shift
"$ROOT/scripts/setup.sh" >&2
# Features of the whole workspace, so that nothing is built a second time after `build`.
build_workspace --bin bzk-testkit >&2
exec "$CARGO_TARGET_DIR/release/bzk-testkit" "$(basename "$0" .sh)" "$directory" "$@"
