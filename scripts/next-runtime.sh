#!/usr/bin/env bash
# Builds this runtime with a version one higher and prints the path of its wasm: what a test of an
# upgrade upgrades to. Usage: scripts/next-runtime.sh [FEATURES]      (try-runtime: with the checks of migrations)
source "$(dirname "$0")/env.sh"

features=${1:-}
version=$(sed -nE 's/^ *spec_version: ([0-9]+),/\1/p' "$ROOT/runtime/src/lib.rs")
target=$CARGO_TARGET_DIR-next
copy=$target/source
rm -rf "$copy"
mkdir -p "$copy"
# The tracked files only, with their times, so that cargo builds no more than it must.
(cd "$ROOT" && git ls-files -z Cargo.toml Cargo.lock rust-toolchain.toml .cargo node pallets primitives runtime \
    contracts/genesis | tar --null -cf - -T -) | tar -xf - -C "$copy"
sed -i "s/spec_version: $version,/spec_version: $((version + 1)),/" "$copy/runtime/src/lib.rs"
# The build script makes the wasm; the native half is only checked, which is a third of the work.
(cd "$copy" && CARGO_TARGET_DIR=$target cargo check --release --locked -p bitcoinzk-runtime --features "$features" >&2)
wasm=$target/bitcoinzk-runtime-$((version + 1))${features:+-$features}.wasm
cp "$target/release/wbuild/bitcoinzk-runtime/bitcoinzk_runtime.compact.compressed.wasm" "$wasm"
echo "$wasm"
