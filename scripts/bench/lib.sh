# Sourced by the benchmarks: a table for people, one JSON object on the last line, nodes under load.
source "$(dirname "${BASH_SOURCE[0]}")/../env.sh"

tools=${BENCH_TOOLS:-$CARGO_TARGET_DIR/release}
node_bin=${BENCH_NODE:-$NODE_BIN}
# The scripts that start their own nodes take the same.
export BZK_NODE=$node_bin
chain_id=97304
work=$(mktemp -d)
pids=()
trap 'for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null || true; done; rm -rf "$work"' EXIT

# say FORMAT ARGS...: a line of the table, on descriptor 3.
say() { printf "$@" >&3; }

# field JSON KEY: the value of KEY, or null.
field() { node -e 'const v = JSON.parse(process.argv[1] || "{}")[process.argv[2]]; console.log(v ?? null)' "$1" "$2"; }

# rpc URL METHOD PARAMS: the result as JSON.
rpc() {
    curl -s -m 10 -H 'content-type: application/json' \
        -d "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"$2\",\"params\":$3}" "$1" |
        node -e 'console.log(JSON.stringify(JSON.parse(require("fs").readFileSync(0)).result ?? null))'
}

# number URL METHOD PARAMS: a quantity as a decimal number.
number() { node -e 'console.log(Number(JSON.parse(process.argv[1])))' "$(rpc "$@")"; }

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

# start_node NAME PORT ARGS...: a node under $work, of the chain $spec or else $work/spec.json; sets `node` to its process
# and `url` to its RPC.
start_node() {
    local name=$1 port=$2
    shift 2
    "$node_bin" --chain "${spec:-$work/spec.json}" --base-path "$work/$name" --rpc-port "$port" --port $((port + 1)) \
        --no-prometheus --no-mdns "$@" \
        --node-key "$(printf '%064x' "$port")" >"$work/$name.log" 2>&1 &
    node=$!
    url=http://127.0.0.1:$port
    pids+=("$node")
    await "$url" "$node" || { tail -20 "$work/$name.log" >&2; return 1; }
}
