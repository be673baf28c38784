#!/usr/bin/env bash
# Measures the chain: what one node that authors, finalises and serves RPC takes, next to anvil
# under the same load on the same machine. Prints a table; the last line is one JSON object.
# Usage: scripts/bench.sh chain [--json]        (--json: the table goes to stderr)
# Environment: BENCH_SECONDS (default 60) per kind of load; BENCH_PRESIGNED, transactions signed
# before each (default 6,000 per second); BENCH_KINDS (default "transfer erc20 gas");
# BENCH_BUILD=0 takes the binaries as they are; BENCH_NODE and BENCH_TOOLS name others.
source "$(dirname "$0")/env.sh"

[ "${1:-}" = chain ] || { echo "usage: $0 chain [--json]" >&2; exit 2; }
[ "${2:-}" = --json ] && exec 3>&2 || exec 3>&1

seconds=${BENCH_SECONDS:-60}
presigned=${BENCH_PRESIGNED:-$((seconds * 6000))}
kinds=${BENCH_KINDS:-transfer erc20 gas}
node_bin=${BENCH_NODE:-$NODE_BIN}
tools=${BENCH_TOOLS:-$CARGO_TARGET_DIR/release}
chain_id=97304
work=$(mktemp -d)
pids=()
trap 'for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null || true; done; rm -rf "$work"' EXIT

if [ "${BENCH_BUILD:-1}" = 1 ]; then
    "$ROOT/scripts/setup.sh" >&2
    build_workspace --bins >&2
fi

# say TEXT...: a line of the table.
say() { printf "$@" >&3; }

# field JSON KEY: the value of KEY, or null.
field() { node -e 'const v = JSON.parse(process.argv[1] || "{}")[process.argv[2]]; console.log(v ?? null)' "$1" "$2"; }

# rpc URL METHOD PARAMS: the result as JSON.
rpc() {
    curl -s -m 10 -H 'content-type: application/json' \
        -d "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"$2\",\"params\":$3}" "$1" |
        node -e 'console.log(JSON.stringify(JSON.parse(require("fs").readFileSync(0)).result ?? null))'
}

# await URL PID: until the RPC answers, or the process has ended.
await() {
    for _ in $(seq 240); do
        rpc "$1" eth_chainId '[]' >/dev/null 2>&1 && return 0
        kill -0 "$2" 2>/dev/null || return 1
        sleep 0.5
    done
    return 1
}

stop() {
    kill "$1" 2>/dev/null || return 0
    for _ in $(seq 40); do kill -0 "$1" 2>/dev/null || return 0; sleep 0.25; done
    kill -9 "$1" 2>/dev/null || true
}

# load URL KIND: one run of the generator; its JSON, or {} with the reason on stderr.
load() {
    local code=() report
    case $2 in
        erc20) code=(--bytecode "$work/Token.hex") ;;
        gas) code=(--bytecode "$work/Burner.hex") ;;
    esac
    report=$("$tools/bzk-load" --rpc "$1" --kind "$2" --seconds "$seconds" \
        --presigned "$presigned" "${code[@]}" 2>"$work/load.err") || report='{}'
    [ -s "$work/load.err" ] && head -c 600 "$work/load.err" >&2
    echo "$report"
}

# genesis FILE: the development chain with room for the load. Gas and cycles are parameters of
# governance; what the runtime fixes (weights, bytes) stays as it is.
genesis() {
    "$node_bin" build-spec --chain dev 2>/dev/null | node -e '
        const spec = JSON.parse(require("fs").readFileSync(0))
        Object.assign(spec.genesis.runtimeGenesis.patch.ethereum,
            { gasLimit: 300_000_000, cycleLimit: 1_000_000_000_000_000 })
        console.log(JSON.stringify(spec))' >"$1"
}

for contract in Token Burner; do
    node "$ROOT/scripts/clients/lib/solidity.js" "$contract.sol" "$contract" >"$work/$contract.hex"
done

say 'cores %s, load average %s, %s s per kind\n' \
    "$(nproc)" "$(cut -d' ' -f1-3 /proc/loadavg)" "$seconds"

# The yardstick.
anvil_url=http://127.0.0.1:18545
"$ROOT/scripts/clients/node_modules/.bin/anvil" --port 18545 --block-time 2 --chain-id $chain_id \
    --gas-limit 1000000000 --silent >"$work/anvil.log" 2>&1 &
anvil=$!
pids+=("$anvil")
await $anvil_url $anvil || { cat "$work/anvil.log" >&2; exit 1; }
anvil_transfers=$(field "$(load $anvil_url transfer)" per_s)
stop $anvil
say '%-34s %10.0f\n' 'anvil: transfers/s' "$anvil_transfers"

# Our node: one authority, GRANDPA on, ParityDB as in production.
url=http://127.0.0.1:18546
genesis "$work/spec.json"
"$node_bin" --chain "$work/spec.json" --alice --validator --force-authoring \
    --base-path "$work/node" --rpc-port 18546 --port 18547 --no-prometheus --no-mdns \
    --node-key 0000000000000000000000000000000000000000000000000000000000000001 \
    >"$work/node.log" 2>&1 &
node=$!
pids+=("$node")
await $url $node || { tail -20 "$work/node.log" >&2; exit 1; }

transfers=null erc20=null mgas=null token=null
for kind in $kinds; do
    from=$(wc -l <"$work/node.log")
    ticks=$(awk '{print $14 + $15}' "/proc/$node/stat")
    report=$(load $url "$kind")
    ticks=$(($(awk '{print $14 + $15}' "/proc/$node/stat") - ticks))
    per_s=$(field "$report" per_s)
    case $kind in
        transfer) transfers=$per_s ;;
        erc20) erc20=$per_s token=$(field "$report" contract) ;;
        gas) mgas=$(field "$report" mgas_per_s) ;;
    esac
    say '%-34s %10.0f   Mgas/s %.1f, refused %s, node CPU %s s, load average %s\n' \
        "bitcoinzk: $kind/s" "${per_s/null/nan}" "$(field "$report" mgas_per_s | sed s/null/nan/)" \
        "$(field "$report" refused)" $((ticks / 100)) "$(cut -d' ' -f1 /proc/loadavg)"
    # Why its blocks were not longer, and how many came too late.
    tail -n +"$from" "$work/node.log" | awk '
        /Prepared block/ { match($0, /end: [A-Za-z]+/); end[substr($0, RSTART + 5, RLENGTH - 5)]++ }
        /Discarding proposal/ { late++ }
        END { printf "    blocks ended by:"; for (e in end) printf " %s %d", e, end[e];
              printf "; discarded as late: %d\n", late }' >&3
done
rss=$(awk '/VmRSS/ {printf "%d", $2 / 1024}' "/proc/$node/status")
peak=$(awk '/VmHWM/ {printf "%d", $2 / 1024}' "/proc/$node/status")
say '%-34s %10s   peak %s\n' 'RSS after the load, MiB' "$rss" "$peak"
final=$(rpc $url eth_getBlockByNumber '["finalized",false]' | node -e 'const b = JSON.parse(require("fs").readFileSync(0)); console.log(Number(b?.number ?? 0))')
head=$(rpc $url eth_blockNumber '[]' | tr -d '"')
head=$((head))
say '%-34s %10s   of %s\n' 'final block' "$final" "$head"

call_p99=null logs_ms=null
if [ "$token" = null ]; then
    say '%-34s %10s   there is no token: the erc20 load did not run\n' 'eth_call, eth_getLogs' null
else
    sleep 5
    owner=0000000000000000000000000000000000000000000000000000000000000001
    params="[{\"to\":\"$token\",\"data\":\"0x70a08231$owner\"},\"latest\"]"
    if calls=$("$tools/bzk-latency" --rpc $url eth_call "$params" --clients 10 --seconds 10); then
        call_p99=$(field "$calls" p99_ms)
        say '%-34s %10.2f   p50 %.2f, %s calls\n' 'eth_call p99, 10 clients, ms' \
            "$call_p99" "$(field "$calls" p50_ms)" "$(field "$calls" calls)"
    fi
    # Transfers to one account that is not among the recipients, over the whole chain.
    topic=0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef
    params="[{\"fromBlock\":\"0x0\",\"toBlock\":\"latest\",\"address\":\"$token\",\"topics\":[\"$topic\",null,\"0x$owner\"]}]"
    if calls=$("$tools/bzk-latency" --rpc $url eth_getLogs "$params" --clients 10 --seconds 5); then
        logs_ms=$(field "$calls" p99_ms)
        say '%-34s %10.2f   p50 %.2f, over %s blocks, not the 100,000 of the goal\n' \
            'eth_getLogs p99, 10 clients, ms' "$logs_ms" "$(field "$calls" p50_ms)" "$head"
    fi
fi

# The longest block that stayed, executed again on the stopped node's database.
longest=$(rpc $url chain_getHeader '[]' | node -e 'console.log(Number(JSON.parse(require("fs").readFileSync(0)).number))')
stop $node
block=$(sed -nE 's/.*Prepared block for proposing at ([0-9]+) .*extrinsics_count: ([0-9]+).*/\2 \1/p' \
    "$work/node.log" | awk -v head="$longest" '$2 <= head' | sort -rn | head -1 | cut -d' ' -f2)
import=null
if [ -n "$block" ] && "$node_bin" check-block --chain "$work/spec.json" --base-path "$work/node" \
    "$block" >"$work/check.log" 2>&1; then
    import=$(sed -nE 's/.*Completed in ([0-9]+) ms.*/\1/p' "$work/check.log" | tail -1)
    import=${import:-null}
fi
if [ "$import" = null ]; then
    say '%-34s %10s   check-block did not end well:\n' 'import of the longest block, ms' null
    tail -3 "$work/check.log" >&3 2>/dev/null || true
else
    say '%-34s %10s   Substrate block %s\n' 'import of the longest block, ms' "$import" "$block"
fi

printf '{"transfers_per_s":%s,"erc20_per_s":%s,"mgas_per_s":%s,"anvil_transfers_per_s":%s,"import_ms":%s,"eth_call_p99_ms":%s,"get_logs_ms":%s,"rss_mib":%s,"cores":%s,"seconds":%s}\n' \
    "$transfers" "$erc20" "$mgas" "$anvil_transfers" "$import" "$call_p99" "$logs_ms" "$rss" "$(nproc)" "$seconds"
