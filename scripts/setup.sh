#!/usr/bin/env bash
# Installs what a fresh Debian machine with rustup and Node.js lacks. Safe to run again.
# Usage: scripts/setup.sh
source "$(dirname "$0")/env.sh"

PACKAGES=(clang cmake g++ libboost-dev libclang-dev lld make mold pkg-config protobuf-compiler)

python3 -c 'import ensurepip, venv' 2>/dev/null || PACKAGES+=(python3-venv)

missing=()
for package in "${PACKAGES[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    echo "installing system packages: ${missing[*]}"
    as_root=$([ "$(id -u)" = 0 ] || echo sudo)
    $as_root apt-get update -qq
    $as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

command -v rustup >/dev/null || {
    echo "rustup is missing: install it from https://rustup.rs and run this again" >&2
    exit 1
}
# Installs the pinned toolchain, its components and the wasm target of rust-toolchain.toml.
(cd "$ROOT" && rustup show active-toolchain >/dev/null 2>&1 || rustup toolchain install)
(cd "$ROOT" && rustup --quiet target add wasm32v1-none)

node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null || {
    echo "Node.js is missing or old: install version 20 or newer and run this again" >&2
    exit 1
}
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "$(python3 --version) is too old: install 3.11 or newer and run this again" >&2
    exit 1
}
# The npm packages of the client tests, installed once per lock file.
lock=$ROOT/scripts/clients/package-lock.json
if [ -f "$lock" ] && ! cmp -s "$lock" "$NPM_DIR/package-lock.json"; then
    echo "installing npm packages into $NPM_DIR"
    mkdir -p "$NPM_DIR"
    cp "$ROOT/scripts/clients/package.json" "$NPM_DIR/"
    rm -f "$NPM_DIR/package-lock.json"
    cp "$lock" "$NPM_DIR/package-lock.json"
    # Not `npm ci`: a registry may lack Foundry's binaries for other platforms, which then are not
    # in the lock file either, and `npm ci` refuses that although they are optional.
    (cd "$NPM_DIR" && npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error) || {
        rm -f "$NPM_DIR/package-lock.json"
        echo "npm install failed in $NPM_DIR: see above" >&2
        exit 1
    }
fi
# Node looks for packages beside the sources.
for folder in clients bench; do
    [ ! -d "$NPM_DIR/node_modules" ] || ln -sfn "$NPM_DIR/node_modules" "$ROOT/scripts/$folder/node_modules"
done

# The Python packages of the checks, in an environment of their own.
requirements=$ROOT/scripts/requirements.txt
if ! cmp -s "$requirements" "$PYTHON_DIR/requirements.txt"; then
    echo "installing Python packages into $PYTHON_DIR"
    rm -rf "$PYTHON_DIR"
    python3 -m venv "$PYTHON_DIR"
    "$PYTHON_DIR/bin/pip" install -q --no-deps --disable-pip-version-check -r "$requirements"
    cp "$requirements" "$PYTHON_DIR/"
fi

# The Bitcoin node of the tests and of the development network; six to twelve minutes, once.
"$ROOT/scripts/bitcoind.sh"
