#!/usr/bin/env bash
# Runs client tests against the built node, four files at a time: they mostly wait for blocks.
# Usage: scripts/clients.sh [NAME...]      (names of scripts/clients/test/NAME.test.js; default: all)
source "$(dirname "$0")/env.sh"

cd "$ROOT/scripts/clients"
[ -x "$NODE_BIN" ] || { echo "no node at $NODE_BIN: run scripts/test.sh setup build" >&2; exit 1; }
files=()
for name in "$@"; do files+=("test/$name.test.js"); done
[ ${#files[@]} -gt 0 ] || files=(test/*.test.js)
exec node --test --test-force-exit --test-concurrency=4 --test-timeout=900000 "${files[@]}"
