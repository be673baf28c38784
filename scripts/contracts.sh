#!/usr/bin/env bash
# Builds and tests the contracts; checks that the genesis files are those of the sources; prints gas.
# Usage: scripts/contracts.sh [build|test|gas|genesis]...   (default: build genesis test gas)
#   genesis   compares contracts/genesis/regtest.json with the sources; GENESIS_WRITE=1 writes it
# Needs the npm packages of scripts/setup.sh; downloads nothing.
source "$(dirname "$0")/env.sh"
export BZK_FIXTURES=${BZK_FIXTURES:-$FIXTURES}

# setup.sh links what it installed; forge finds solc through it.
[ -x "$FORGE" ] && [ -e "$ROOT/scripts/clients/node_modules" ] || {
    echo "no forge at $FORGE: run scripts/setup.sh" >&2
    exit 1
}
cd "$ROOT/contracts"

build() { "$FORGE" build --sizes src script; }

# foundry.toml says why tests have a profile of their own.
tests() { FOUNDRY_PROFILE=test "$FORGE" test --no-match-path 'test/Gas.t.sol'; }

# Each call a transaction of its own: with 21,000, calldata and cold storage.
gas() { FOUNDRY_PROFILE=test "$FORGE" test --isolate --match-path 'test/Gas.t.sol' -vv | grep -E '_gas|^Suite result'; }

genesis() {
    local made=genesis/regtest.json
    [ "${GENESIS_WRITE:-0}" = 1 ] || made=genesis/check.json
    GENESIS_OUT=$made "$FORGE" script script/Genesis.s.sol >/dev/null
    [ "$made" != genesis/regtest.json ] || return 0
    cmp "$made" genesis/regtest.json || {
        rm "$made"
        echo "contracts/genesis/regtest.json is old: GENESIS_WRITE=1 scripts/contracts.sh genesis" >&2
        return 1
    }
    rm "$made"
}

[ $# -gt 0 ] || set -- build genesis test gas
for step in "$@"; do
    case $step in
        build | gas | genesis) stage "$step" "$step" ;;
        test) stage test tests ;;
        *) usage 2 ;;
    esac
done
