#!/usr/bin/env bash
# Measures a part of the system. Prints a table; the last line is one JSON object.
# Usage: scripts/bench.sh chain|prove|bridge [--json]  (--json: the table goes to stderr)
# Environment: BENCH_BUILD=0 takes the binaries as they are; BENCH_NODE and BENCH_TOOLS name others;
# scripts/bench/<part>.sh has those of each part.
source "$(dirname "$0")/env.sh"

part=${1:-}
case $part in chain | prove | bridge) ;; *) usage 2 ;; esac
case ${2:-} in
    "") exec 3>&1 ;;
    --json) exec 3>&2 ;;
    *) usage 2 ;;
esac
if [ "${BENCH_BUILD:-1}" = 1 ]; then
    "$ROOT/scripts/setup.sh" >&2
    build_workspace --bins >&2
fi
exec "$ROOT/scripts/bench/$part.sh"
