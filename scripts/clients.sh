#!/usr/bin/env bash
# Runs client tests against the built node, five files at a time: they mostly wait for blocks. Names the longest behind.
# Usage: scripts/clients.sh [NAME...]      (names of scripts/clients/test/NAME.test.js; default: all)
# Environment: BZK_CHECK=1 runs every block of each node through the prover's kernel before the node ends, and prints how
# many these were; a block that the kernel refuses fails the test. BZK_NODE: a node beside which its other programs are
# (default: the built one). How much is done: BZK_KILLS (crash, bridge-failures), BZK_REPLAY_TXS (replay), BZK_BRIDGE_LOAD
# (bridge-load), BZK_LOAD_TXS (load); BZK_SEED of what is random (crash, garbage). BZK_KEEP=1 keeps the data of the bridge's tests.
source "$(dirname "$0")/env.sh"

cd "$ROOT/scripts/clients"
[ -x "$NODE_BIN" ] || { echo "no node at $NODE_BIN: run scripts/test.sh setup build" >&2; exit 1; }
files=()
for name in "$@"; do
    [ -f "test/$name.test.js" ] || { echo "no test $name; there are $(basename -s .test.js test/* | xargs)" >&2; exit 2; }
    files+=("test/$name.test.js")
done
[ ${#files[@]} -gt 0 ] || files=(test/*.test.js)
files_at_a_time=5
# The kernel takes seconds for a block and has no limit of its own.
minutes=15
if [ "${BZK_CHECK:-0}" = 1 ]; then
    "$ROOT/scripts/prover-build.sh"
    BZK_CHECKED=$(mktemp)
    trap 'rm "$BZK_CHECKED"' EXIT
    export BZK_CHECKED PROVER_BIN
    # A kernel may take much memory.
    files_at_a_time=4
    minutes=90
fi
failed=0
node run.js "$files_at_a_time" "$minutes" "${files[@]}" || failed=1
if [ "${BZK_CHECK:-0}" = 1 ]; then
    awk '
        { blocks[$1] += $2; transactions[$1] += $3; seconds[$1] += $4 }
        function row(name, b, t, s) { printf "%-20s %6d blocks %6d transactions %7.1f s\n", name, b, t, s }
        END {
            for (name in blocks) {
                row(name, blocks[name], transactions[name], seconds[name])
                b += blocks[name]; t += transactions[name]; s += seconds[name]
            }
            row("the kernel checked", b, t, s)
            exit b == 0
        }' "$BZK_CHECKED" || { echo "no block was checked" >&2; failed=1; }
fi
exit "$failed"
