#!/usr/bin/env bash
# Builds this runtime as the wasm of an upgrade and prints its path.
# Usage: scripts/next-runtime.sh         with a version one higher: what a test upgrades to
#        scripts/next-runtime.sh try     with this version and the checks of migrations (feature try-runtime): what
#                                        `--wasm-runtime-overrides` puts in the place of a chain's own code
source "$(dirname "$0")/env.sh"

version=$(sed -nE 's/^ *spec_version: ([0-9]+),/\1/p' "$ROOT/runtime/src/lib.rs")
case ${1:-} in
    "") next=$((version + 1)) features= ;;
    try) next=$version features=try-runtime ;;
    *) sed -n 3,5p "$0" >&2; exit 2 ;;
esac
target=$CARGO_TARGET_DIR-next
copy=$target/source
rm -rf "$copy"
mkdir -p "$copy"
# The tracked files only, with their times, so that cargo builds no more than it must.
(cd "$ROOT" && git ls-files -z Cargo.toml Cargo.lock rust-toolchain.toml .cargo node pallets primitives runtime \
    contracts/genesis | tar --null -cf - -T -) | tar -xf - -C "$copy"
sed -i "s/spec_version: $version,/spec_version: $next,/" "$copy/runtime/src/lib.rs"
# The build script makes the wasm; the native half is only checked, which is a third of the work.
(cd "$copy" && CARGO_TARGET_DIR=$target cargo check --release --locked -p bitcoinzk-runtime --features "$features" >&2)
# A folder of its own: a node takes all overrides that it finds in one.
mkdir -p "$target/wasm/$next${1:+-$1}"
wasm=$target/wasm/$next${1:+-$1}/bitcoinzk_runtime.wasm
cp "$target/release/wbuild/bitcoinzk-runtime/bitcoinzk_runtime.compact.compressed.wasm" "$wasm"
echo "$wasm"
