#!/usr/bin/env bash
# What proving takes: a block of each kind, from a running node up to the contract on anvil. Called by
# scripts/bench.sh. Environment:
#   BENCH_KINDS      kinds of blocks (empty transfer transfers erc20 claim); what is not among them is null in the JSON
#   BENCH_MUTATIONS  changes of the proof that the contract judges (10000)
#   BENCH_SETUP      1: builds the circuits anew and measures that too (0)
source "$(dirname "$0")/lib.sh"

export BZK_PROOFS=$work/proofs BZK_NODE=$node_bin BZK_MUTATIONS=${BENCH_MUTATIONS:-10000}
export BZK_SETUP=${BENCH_SETUP:-0}
log=$work/prove.log
BENCH_KINDS=${BENCH_KINDS:-empty transfer transfers erc20 claim}
read -ra kinds <<<"$BENCH_KINDS"
"$ROOT/scripts/prove.sh" "${kinds[@]}" >"$log" 2>&1 || { tail -50 "$log" >&2; exit 1; }

# Stage lines are "NAME: SECONDS s, SECONDS CPU s, PEAK GiB".
python3 - "$log" >"$work/prove.json" 3>&3 <<'PYTHON'
import json, os, re, sys

text = open(sys.argv[1]).read()
table = os.fdopen(3, "w")
stages = re.findall(r"^(.*): ([\d.]+) s, ([\d.]+) CPU s, ([\d.]+) GiB$", text, re.M)
for name, seconds, cpu, gib in stages:
    print(f"{name:34} {float(seconds):9.1f} s {float(cpu):9.1f} CPU s {float(gib):6.2f} GiB", file=table)
cpu = {name: float(value) for name, _, value, _ in stages}
# Outer stages. `transfers` are five.
kinds = re.findall(r"^(block \d+) is (\w+)$", text, re.M)
blocks = {kind: cpu[block] for block, kind in kinds if block in cpu}

def more(kind, than, units=1):
    known = kind in blocks and than in blocks
    return round((blocks[kind] - blocks[than]) / units, 1) if known else None
contract = json.loads(re.findall(r"^\{.*\}$", text, re.M)[-1])
refused = re.search(r"^(\d+) of \d+ changed proofs are refused$", text, re.M)
chain = [float(value) for name, _, value, _ in stages if name == "chain"]
print(json.dumps({
    "setup_cpu_s": cpu.get("setup"),
    "empty_block_cpu_s": blocks.get("empty"),
    "transfer_cpu_s": more("transfers", "transfer", 4),
    "erc20_cpu_s": more("erc20", "empty"),
    "claim_cpu_s": more("claim", "empty"),
    "chain_cpu_s": sum(chain) / len(chain),
    "wrap_cpu_s": cpu["shrink"] + cpu["wrap"],
    "peak_gib": max(float(gib) for *_, gib in stages),
    "proof_bytes": contract["proof_bytes"],
    "verify_gas": contract["verify_gas"],
    "largest_tx_gas": contract["largest_tx_gas"],
    "mutations_refused": int(refused[1]) if refused else None,
}))
PYTHON
cat "$work/prove.json"
