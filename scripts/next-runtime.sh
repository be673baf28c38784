#!/usr/bin/env bash
# Builds this runtime as the wasm of an upgrade and prints its path.
# Usage: scripts/next-runtime.sh         with a version one higher: what a test upgrades to
#        scripts/next-runtime.sh try     with this version and the checks of migrations (feature try-runtime): what
#                                        `--wasm-runtime-overrides` puts in the place of a chain's own code
# Builds in a folder beside CARGO_TARGET_DIR: 10 to 15 minutes on two cores at first, then what changed.
source "$(dirname "$0")/env.sh"

version=$(sed -nE 's/^ *spec_version: ([0-9]+),/\1/p' "$ROOT/runtime/src/lib.rs")
[ -n "$version" ] || { echo "no line \"spec_version: NUMBER,\" in runtime/src/lib.rs" >&2; exit 1; }
case ${1:-} in
    "") next=$((version + 1)) feature= ;;
    try) next=$version feature='.enable_feature("try-runtime")' ;;
    *) usage 2 ;;
esac
target=$CARGO_TARGET_DIR-next
copy=$target/source
rm -rf "$copy"
mkdir -p "$copy/wasm"
# The tracked files only.
(cd "$ROOT" && git ls-files -z Cargo.toml Cargo.lock rust-toolchain.toml .cargo node pallets primitives runtime \
    contracts/genesis | tar --null -cf - -T -) | tar -xf - -C "$copy"
sed -i "s/spec_version: $version,/spec_version: $next,/" "$copy/runtime/src/lib.rs"

# A package that is nothing but the build of the wasm, with the lines of runtime/build.rs: the runtime's own would
# compile all that it uses for this machine first.
cp "$copy/Cargo.lock" "$copy/wasm/"
: >"$copy/wasm/lib.rs"
cat >"$copy/wasm/Cargo.toml" <<END
[package]
name = "upgrade"
edition = "2021"
[lib]
path = "lib.rs"
[build-dependencies]
$(grep '^substrate-wasm-builder = ' "$copy/Cargo.toml")
[workspace]
END
cat >"$copy/wasm/build.rs" <<END
fn main() {
    std::env::set_var("WASM_BUILD_WORKSPACE_HINT", "$copy");
    let runtime = substrate_wasm_builder::WasmBuilder::new().with_project("$copy/runtime/Cargo.toml");
    runtime.expect("the runtime is in the copy").import_memory().export_heap_base()$feature.build();
}
END
# For fresh.py, which asks git for the files.
git init --quiet "$copy"
CARGO_TARGET_DIR=$target "$ROOT/scripts/fresh.py" "$copy" cargo build --release --manifest-path wasm/Cargo.toml >&2

# A folder of its own: a node takes all overrides that it finds in one.
wasm=$target/wasm/$next${1:+-$1}/bitcoinzk_runtime.wasm
mkdir -p "$(dirname "$wasm")"
cp "$target/release/wbuild/bitcoinzk-runtime/bitcoinzk_runtime.compact.compressed.wasm" "$wasm"
echo "$wasm"
