#!/usr/bin/env bash
# Measures the weights of our pallets in the runtime's wasm and writes pallets/*/src/weights.rs; then what every extrinsic
# takes, which it prints: `bare_extrinsic_ns`, for runtime/src/weights/mod.rs.
# Usage: scripts/weights.sh [PALLET...]     (default: all of them)
# Run it on the reference machine, with nothing beside it.
# The first run builds the runtime with its benchmarks and Parity's runner: about 40 minutes on two cores.
source "$(dirname "$0")/env.sh"
cd "$ROOT"

RUNNER_VERSION=0.28.0
runner=$BZK_CACHE/tools/bin/frame-omni-bencher
wasm=${CARGO_TARGET_DIR}-benchmarks/release/wbuild/bitcoinzk-runtime/bitcoinzk_runtime.compact.compressed.wasm

[[ $("$runner" --version 2>/dev/null) == *"$RUNNER_VERSION"* ]] ||
    stage runner cargo install --locked --root "$BZK_CACHE/tools" frame-omni-bencher --version "=$RUNNER_VERSION"
stage runtime env CARGO_TARGET_DIR="${CARGO_TARGET_DIR}-benchmarks" \
    scripts/fresh.py "$ROOT" cargo build --release --locked -p bitcoinzk-runtime --features runtime-benchmarks

pallets=("$@")
[ ${#pallets[@]} -gt 0 ] || pallets=(btc-bridge ethereum evm sequencers settlement threshold)
for pallet in "${pallets[@]}"; do
    stage "$pallet" "$runner" v1 benchmark pallet --runtime "$wasm" --genesis-builder runtime \
        --genesis-builder-preset development --pallet "pallet_${pallet//-/_}" --extrinsic '*' \
        --steps 10 --repeat 5 --template scripts/weights.hbs --output "pallets/$pallet/src/weights.rs"
done
stage workspace build_workspace --all-targets
stage extrinsic "$CARGO_TARGET_DIR/release/examples/bare-extrinsic"
