#!/usr/bin/env bash
# Builds Bitcoin Core's bitcoind and bitcoin-cli once, into $BZK_CACHE/bin, from the source that the crate
# libbitcoinkernel-sys carries (no wallet, no ZMQ). Nothing to do when they are there.
# Usage: scripts/bitcoind.sh [JOBS]     (default: the number of cores)
source "$(dirname "$0")/env.sh"

VERSION=0.4.1
CHECKSUM=345d18a1ce19a1becfcaaa066e3a60e9c7813ef5c23ea8c20704ca4ba1a46339
JOBS=${1:-$(nproc)}
STAMP=$BZK_CACHE/bin/bitcoind.source

built() { [ -x "$BZK_CACHE/bin/bitcoind" ] && [ "$(cat "$STAMP" 2>/dev/null)" = "$CHECKSUM" ]; }

if built; then exit 0; fi

# Two runs at once would write into one build directory.
exec 9>"$BZK_CACHE/bitcoind.lock"
flock 9
if built; then exit 0; fi

BUILD=$BZK_CACHE/bitcoind-build
mkdir -p "$BUILD/source/src"

# Cargo checks the crate against the registry's checksum; the manifest pins its version.
fetch() {
    cd "$BUILD/source"
    cat >Cargo.toml <<MANIFEST
[package]
name = "bitcoind-source"
version = "0.0.0"
edition = "2021"
[workspace]
[dependencies]
libbitcoinkernel-sys = "=$VERSION"
MANIFEST
    echo 'fn main() {}' >src/main.rs
    cargo fetch -q
    grep -q "$CHECKSUM" Cargo.lock || {
        echo "libbitcoinkernel-sys $VERSION is not the crate this script knows (checksum differs)" >&2
        return 1
    }
}

configure() {
    local tree
    tree=$(cd "$BUILD/source" && cargo metadata -q --format-version 1 --offline |
        grep -o '"manifest_path":"[^"]*/libbitcoinkernel-sys-'"$VERSION"'/Cargo.toml"' |
        sed -n '1 { s/^"manifest_path":"//; s/Cargo.toml"$/bitcoin/; p }')
    cmake -S "$tree" -B "$BUILD/build" -DCMAKE_BUILD_TYPE=Release -DBUILD_DAEMON=ON -DBUILD_CLI=ON \
        -DBUILD_BITCOIN_BIN=OFF -DBUILD_TESTS=OFF -DBUILD_BENCH=OFF -DBUILD_TX=OFF -DBUILD_UTIL=OFF \
        -DBUILD_GUI=OFF -DBUILD_FUZZ_BINARY=OFF -DENABLE_WALLET=OFF -DENABLE_EXTERNAL_SIGNER=OFF \
        -DENABLE_IPC=OFF -DWITH_ZMQ=OFF -DWITH_EMBEDDED_ASMAP=OFF -DWITH_USDT=OFF -DWITH_CCACHE=OFF \
        -DINSTALL_MAN=OFF >"$BUILD/configure.log" 2>&1 || { tail -20 "$BUILD/configure.log" >&2; return 1; }
}

compile() {
    cmake --build "$BUILD/build" -j"$JOBS" --target bitcoind bitcoin-cli >"$BUILD/build.log" 2>&1 ||
        { tail -40 "$BUILD/build.log" >&2; return 1; }
    local program
    for program in bitcoin-cli bitcoind; do
        strip -o "$BZK_CACHE/bin/$program.new" "$BUILD/build/bin/$program"
        mv "$BZK_CACHE/bin/$program.new" "$BZK_CACHE/bin/$program"
    done
    echo "$CHECKSUM" >"$STAMP"
}

stage "bitcoind: fetch the source" fetch
stage "bitcoind: configure" configure
stage "bitcoind: compile with $JOBS job(s)" compile
"$BZK_CACHE/bin/bitcoind" -version | sed -n 1p
rm -rf "$BUILD"
