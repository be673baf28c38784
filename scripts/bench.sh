#!/usr/bin/env bash
# Measures a part of the system. Prints a table; the last line is one JSON object.
# Usage: scripts/bench.sh chain|prove|bridge [--json]  (--json: the table goes to stderr)
# Environment: BENCH_BUILD=0 takes the binaries as they are; BENCH_NODE and BENCH_TOOLS name others;
# scripts/bench/<part>.sh has those of each part.
source "$(dirname "$0")/env.sh"

part=${1:-}
[ -x "$ROOT/scripts/bench/$part.sh" ] || { echo "usage: $0 chain|prove|bridge [--json]" >&2; exit 2; }
[ "${2:-}" = --json ] && exec 3>&2 || exec 3>&1
if [ "${BENCH_BUILD:-1}" = 1 ]; then
    "$ROOT/scripts/setup.sh" >&2
    build_workspace --bins >&2
fi
exec "$ROOT/scripts/bench/$part.sh"
