#!/usr/bin/env bash
# Builds bzk-prover on the registry's zkEVM with our small difference to its kernel.
# Usage: scripts/prover-build.sh [CARGO_ARGUMENT...]   (default: build --release)
# Cargo.lock pins the published crate. Here its checksum is verified, node/prover/kernel.patch is
# applied to a copy, and that copy is built in its place. Prints nothing when nothing is to do.
source "$(dirname "$0")/env.sh"

TOOLCHAIN=1.85.0
CRATE=evm_arithmetization
VERSION=0.5.1
PROVER=$ROOT/node/prover
SOURCE=$BZK_CACHE/prover-src
export CARGO_TARGET_DIR=$BZK_CACHE/prover-target
# The zkEVM stopped in 2024: it needs features that only an old rustc has, and old dependencies.
export RUSTUP_TOOLCHAIN=$TOOLCHAIN RUSTC_BOOTSTRAP=1
export CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS=fallback

[[ $(rustup toolchain list) == *"$TOOLCHAIN"* ]] ||
    rustup toolchain install "$TOOLCHAIN" --profile minimal

checksum=$(awk -v name="name = \"$CRATE\"" \
    '$0 == name { found = 1 } found && /^checksum/ { gsub(/.* = |"/, ""); print; exit }' \
    "$PROVER/Cargo.lock")
[ -n "$checksum" ] || { echo "$PROVER/Cargo.lock has no checksum of $CRATE" >&2; exit 1; }

# Two runs at once would write into one folder, or one would compile what the other writes: held until the command ends.
exec 9>"$BZK_CACHE/prover-src.lock"
flock 9

# What the patched sources are made of; they are made again when any of it changes.
stamp="$CRATE $VERSION $checksum $(sha256sum <"$PROVER/kernel.patch")"
if [ "$(cat "$SOURCE/stamp" 2>/dev/null)" != "$stamp" ]; then
    echo "making $SOURCE/$CRATE from the registry's crate and kernel.patch"
    cargo fetch --quiet --locked --manifest-path "$PROVER/Cargo.toml"
    archives=("${CARGO_HOME:-$HOME/.cargo}"/registry/cache/*/"$CRATE-$VERSION.crate")
    echo "$checksum  ${archives[0]}" | sha256sum --check --quiet
    rm -rf "$SOURCE"
    mkdir -p "$SOURCE"
    # With the time of now: cargo would take a file that the patch no longer changes for older than what it has built.
    tar -xzmf "${archives[0]}" -C "$SOURCE"
    mv "$SOURCE/$CRATE-$VERSION" "$SOURCE/$CRATE"
    patch --quiet --strip=1 --fuzz=0 --directory="$SOURCE/$CRATE" <"$PROVER/kernel.patch"
    echo "$stamp" >"$SOURCE/stamp"
fi

# The same lock, in which this one package comes from a folder instead of the registry.
awk -v name="name = \"$CRATE\"" \
    '/^\[\[package\]\]/ { ours = 0 } $0 == name { ours = 1 } !(ours && /^(source|checksum) /)' \
    "$PROVER/Cargo.lock" >"$SOURCE/Cargo.lock"

arguments=("$@")
[ ${#arguments[@]} -gt 0 ] || arguments=(build --release)
exec "$ROOT/scripts/fresh.py" "$PROVER" cargo "${arguments[@]}" --quiet --locked \
    -Z unstable-options --lockfile-path "$SOURCE/Cargo.lock" \
    --config "patch.crates-io.$CRATE.path=\"$SOURCE/$CRATE\""
