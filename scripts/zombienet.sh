#!/usr/bin/env bash
# Runs the network scenarios of zombienet/ on this machine, each with fresh nodes.
# Usage: scripts/zombienet.sh [SCENARIO...]     (equivocation finality late-join reorg, as in zombienet/; default: all)
# Environment: BZK_CACHE, BZK_NODE (default: the built node).
source "$(dirname "$0")/env.sh"

export ZOMBIE_NODE=${BZK_NODE:-$NODE_BIN}
[ -x "$ZOMBIE_NODE" ] && [ -e "$ROOT/scripts/clients/node_modules" ] || {
    echo "no node at $ZOMBIE_NODE, or no npm packages: run scripts/test.sh setup build" >&2
    exit 1
}

# zombienet and its packages, installed once per lock file. Its helper asks for a fork of `toml` on
# GitHub; zombienet/package.json puts the one of the registry in its place.
tool=$BZK_CACHE/zombienet
if ! cmp -s "$ROOT/zombienet/package-lock.json" "$tool/package-lock.json"; then
    mkdir -p "$tool"
    cp "$ROOT/zombienet/package.json" "$ROOT/zombienet/package-lock.json" "$tool/"
    (cd "$tool" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) || {
        rm -f "$tool/package-lock.json"
        exit 1
    }
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# As a raw specification, so that zombienet leaves the genesis as it is.
export ZOMBIE_SPEC=$work/local.json
# Nodes with --tmp keep their data there, and zombienet kills them.
export TMPDIR=$work
"$ZOMBIE_NODE" build-spec --chain local --raw 2>"$work/spec.log" >"$ZOMBIE_SPEC" || { cat "$work/spec.log" >&2; exit 1; }

scenarios=("$@")
[ ${#scenarios[@]} -gt 0 ] || scenarios=($(cd "$ROOT/zombienet" && basename -s .zndsl ./*.zndsl))
for name in "${scenarios[@]}"; do
    [ -f "$ROOT/zombienet/$name.zndsl" ] || { echo "no scenario $name in $ROOT/zombienet" >&2; exit 2; }
done
keep_going=1
for name in "${scenarios[@]}"; do
    stage "$name" "$tool/node_modules/.bin/zombienet" -p native -d "$work/$name" \
        test "$ROOT/zombienet/$name.zndsl"
done
[ "$failed" = 0 ]
