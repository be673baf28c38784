#!/usr/bin/env bash
# Builds this runtime with a version one higher and prints the path of its wasm: what a test of an
# upgrade upgrades to. Usage: scripts/next-runtime.sh
source "$(dirname "$0")/env.sh"

version=$(sed -nE 's/^ *spec_version: ([0-9]+),/\1/p' "$ROOT/runtime/src/lib.rs")
copy=$BZK_CACHE/next-runtime
rm -rf "$copy"
mkdir -p "$copy"
# The tracked files only, with their times, so that cargo builds no more than it must.
(cd "$ROOT" && git ls-files -z Cargo.toml Cargo.lock rust-toolchain.toml .cargo node pallets primitives runtime |
    tar --null -cf - -T -) | tar -xf - -C "$copy"
sed -i "s/spec_version: $version,/spec_version: $((version + 1)),/" "$copy/runtime/src/lib.rs"
(cd "$copy" && CARGO_TARGET_DIR=${CARGO_TARGET_DIR}-next cargo build --release --locked -p bitcoinzk-runtime >&2)
echo "${CARGO_TARGET_DIR}-next/release/wbuild/bitcoinzk-runtime/bitcoinzk_runtime.compact.compressed.wasm"
