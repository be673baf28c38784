#!/usr/bin/env bash
# What proving takes: a block of each kind, from a running node up to the contract on anvil; then two blocks by one
# worker and two by two workers at once. Called by scripts/bench.sh. By the figures in node/prover/README.md an hour and a
# half on two quiet cores (blocks 55 minutes, changed proofs and contract 10, workers 12), and the time of the circuits where
# they are not built; 9 GiB, 17 for two workers.
# A run that fails or is cut off leaves its blocks, proofs and log beside the circuits; the next one goes on there.
# Environment:
#   BENCH_KINDS      kinds of blocks (empty transfer transfers erc20s mixed precompiles claim withdrawal); what is not among
#                    them is null in the JSON
#   BENCH_MUTATIONS  changes of the proof that the contract judges (10000)
#   BENCH_SETUP      1: builds the circuits anew (0); without, the figure is that of when they were built
#   BENCH_WORKERS    0 leaves the comparison of one and two workers out (1)
source "$(dirname "$0")/lib.sh"

BENCH_KINDS=${BENCH_KINDS:-empty transfer transfers erc20s mixed precompiles claim withdrawal}
read -ra kinds <<<"$BENCH_KINDS"
kept=$(circuits_folder)/bench/$(tr ' ' - <<<"${kinds[*]}")
export BZK_PROOFS=$kept/proofs BZK_NODE=$node_bin BZK_MUTATIONS=${BENCH_MUTATIONS:-10000}
export BZK_SETUP=${BENCH_SETUP:-0}
cases=$kept/blocks.jsonl
log=$kept/prove.log
if [ -f "$cases" ]; then
    echo "going on in $kept; remove it to begin anew" >&2
    BZK_SETUP=0
else
    rm -rf "$kept"
fi
mkdir -p "$kept"
say 'cores %s, load average %s\n' "$(nproc)" "$(cut -d' ' -f1-3 /proc/loadavg)"
BZK_CASES=$cases "$ROOT/scripts/prove.sh" "${kinds[@]}" >>"$log" 2>&1 || { tail -50 "$log" >&2; exit 1; }

# Two empty blocks by one worker, which has all cores, and the next two by two workers: wall seconds for a block, in `one`
# and `two`.
workers() {
    local url first holder
    exec 4< <(cd "$ROOT/scripts/clients" && exec node lib/proof-node.js empty empty empty empty 2>>"$work/workers.log")
    holder=$!
    if read -r url first _ <&4; then
        one=$(half_the_seconds blocks "$url" "$first:$((first + 1))") || one=null
        two=$(half_the_seconds blocks "$url" "$((first + 2)):$((first + 2))" "$((first + 3)):$((first + 3))") || two=null
    fi
    kill "$holder" 2>/dev/null || true
    [ "$one$two" != nullnull ] || tail -20 "$work/workers.log" >&2
}

# blocks URL FROM:TO...: a worker for each range, all at once.
blocks() {
    local url=$1 range pid failed=0 started=()
    shift
    for range in "$@"; do
        "$PROVER_BIN" prove --circuits "$(circuits_folder)" --proofs "$BZK_PROOFS" --l2-rpc "$url" \
            --from "${range%:*}" --to "${range#*:}" >>"$work/workers.log" 2>&1 &
        started+=("$!")
    done
    for pid in "${started[@]}"; do wait "$pid" || failed=1; done
    return "$failed"
}

half_the_seconds() {
    local began
    began=$(date +%s%N)
    "$@" || return 1
    awk -v nanoseconds=$(($(date +%s%N) - began)) 'BEGIN { printf "%.1f", nanoseconds / 2e9 }'
}

one=null two=null
[ "${BENCH_WORKERS:-1}" = 0 ] || workers

# Stage lines are "NAME: SECONDS s, SECONDS CPU s, PEAK GiB".
python3 - "$log" "$(circuits_folder)/setup.log" "$work/workers.log" "$one" "$two" >"$work/prove.json" 3>&3 <<'PYTHON'
import json, os, re, sys

text = open(sys.argv[1]).read()
table = os.fdopen(3, "w")
def lines(text):
    found = re.findall(r"^(.*): ([\d.]+) s, ([\d.]+) CPU s, ([\d.]+) GiB$", text, re.M)
    return [(name, *map(float, figures)) for name, *figures in found]

def whole(stages):
    """With each block what runs that were cut off had done of it: each run begins with `load`."""
    open_s = open_cpu = lost_s = lost_cpu = 0
    for name, seconds, cpu, gib in stages:
        if name == "load":
            lost_s, lost_cpu, open_s, open_cpu = lost_s + open_s, lost_cpu + open_cpu, 0, 0
        elif name.startswith("batch"):
            open_s, open_cpu = open_s + seconds, open_cpu + cpu
        elif name.startswith("block "):
            seconds, cpu = seconds + lost_s, cpu + lost_cpu
            open_s = open_cpu = lost_s = lost_cpu = 0
        yield name, seconds, cpu, gib
stages = list(whole(lines(text)))
if os.path.exists(sys.argv[2]) and all(name != "setup" for name, *_ in stages):
    stages = lines(open(sys.argv[2]).read()) + stages
for name, seconds, cpu, gib in stages:
    print(f"{name:34} {seconds:9.1f} s {cpu:9.1f} CPU s {gib:6.2f} GiB", file=table)
one, two = map(json.loads, sys.argv[4:])
worker = max((gib for *_, gib in lines(open(sys.argv[3]).read())), default=None) if os.path.exists(sys.argv[3]) else None
print(f"an empty block every {one} s by one worker, every {two} s by two; {worker} GiB each", file=table)
cpu = {name: value for name, _, value, _ in stages}
# Outer stages. `transfers` and `erc20s` are five. A block with transactions is not an empty one and something more: of
# its two batches one has none, and is smaller than those of an empty block. So it begins with that of a transfer.
kinds = re.findall(r"^(block \d+) is (\w+)$", text, re.M)
blocks = {kind: cpu[block] for block, kind in kinds if block in cpu}

def more(kind, than, units):
    """Of each of `units`; nothing where a block is not known."""
    return round((blocks[kind] - than) / units, 1) if kind in blocks and than is not None else None
transfer = more("transfers", blocks.get("transfer"), 4)
base = blocks["transfer"] - transfer if transfer is not None else None
contract = json.loads(re.findall(r"^\{.*\}$", text, re.M)[-1])
split = ", ".join(f"{part} {gas}" for part, gas in contract["gas_split"].items())
print(f"gas of verification {contract['verify_gas']}: {split}", file=table)
print(f"bytes of PlonkyVerifier {contract['verifier_bytes']}, of GateEvaluator {contract['evaluator_bytes']}", file=table)
refused = re.findall(r"^(\d+) of \d+ changed proofs are refused$", text, re.M)
chain = [value for name, _, value, _ in stages if name == "chain"]
print(json.dumps({
    "setup_cpu_s": cpu.get("setup"),
    "empty_block_cpu_s": blocks.get("empty"),
    "transfer_cpu_s": transfer,
    "erc20_cpu_s": more("erc20s", base, 5),
    "claim_cpu_s": more("claim", base, 1),
    "chain_cpu_s": sum(chain) / len(chain),
    "wrap_cpu_s": cpu["shrink"] + cpu["wrap"],
    "peak_gib": max(gib for *_, gib in stages),
    "proof_bytes": contract["proof_bytes"],
    "verify_gas": contract["verify_gas"],
    "largest_tx_gas": contract["largest_tx_gas"],
    "mutations_refused": int(refused[-1]) if refused else None,
    "one_worker_block_s": one,
    "two_workers_block_s": two,
}))
PYTHON
rm -rf "$kept"
cat "$work/prove.json"
