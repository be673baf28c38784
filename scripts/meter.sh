#!/usr/bin/env bash
# Measures what each opcode and precompile costs the prover's kernel and writes the runtime's table of it:
# primitives/evm/src/meter/table.rs. Build and run scripts/prover-check.sh behind it: it fails where the meter charges
# less than the kernel runs.
# Usage: scripts/meter.sh [check]      (check: writes nothing, and fails where the table is not what would be written)
# Ten minutes on two quiet cores. The numbers are counts of cycles, not times: another machine gets the same.
source "$(dirname "$0")/env.sh"

case ${1:-} in "" | check) ;; *) usage 2 ;; esac
only_check=${1:-}
maker=$CARGO_TARGET_DIR/release/bzk-cases
table=$ROOT/primitives/evm/src/meter/table.rs
report=$BZK_CACHE/meter.txt

build() {
    "$ROOT/scripts/prover-build.sh"
    build_workspace --bins
}

# Blocks that the present table charges too little fail here; what matters is that the next one has their cycles, and
# `prices` fails when one is missing.
measure() {
    "$maker" cost >"$report.cases"
    limited_prover check --cases "$report.cases" >"$report" || true
    rm "$report.cases"
    tail -n 1 "$report"
}

write() {
    "$maker" prices "$report" | rustfmt --config-path "$ROOT/.rustfmt.toml" >"$report.rs"
    if [ "$only_check" = check ]; then
        diff "$table" "$report.rs"
        return
    fi
    cp "$report.rs" "$table"
    git -C "$ROOT" diff --stat -- "$table"
}

stage "build the prover and the cases" build
stage measure measure
stage "${only_check:-write} the table" write
