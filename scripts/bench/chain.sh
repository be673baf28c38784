#!/usr/bin/env bash
# What one node that authors, finalises and serves RPC takes, next to anvil under the same load.
# Called by scripts/bench.sh. Environment:
#   BENCH_SECONDS    of each kind of load (60)
#   BENCH_KINDS      ("transfer erc20 gas")
#   BENCH_PRESIGNED  transactions signed before each (6,000 per second)
#   BENCH_SOAK       seconds of a steady load before the memory is read (0; an hour: 3600)
#   BENCH_ACCOUNTS   sizes of the ledger for the growth part ("100000 1000000"; "" leaves it out)
#   BENCH_BLOCKS     Ethereum blocks that eth_getLogs searches (100000)
#   BENCH_SYNC       blocks of the chain that late nodes follow (2000; 0 leaves it out)
#   BENCH_NOMINATORS at the change of an era, with 100 validators (10000; 0 leaves it out)
source "$(dirname "$0")/lib.sh"

seconds=${BENCH_SECONDS:-60}
presigned=${BENCH_PRESIGNED:-$((seconds * 6000))}
kinds=${BENCH_KINDS-transfer erc20 gas}
soak_seconds=${BENCH_SOAK:-0}
sizes=${BENCH_ACCOUNTS-100000 1000000}
log_blocks=${BENCH_BLOCKS-100000}
GROWTH_SECONDS=20
sync_blocks=${BENCH_SYNC-2000}
nominators=${BENCH_NOMINATORS-10000}

# load URL KIND ARGS...: one run of the generator; its JSON, or {} with the reason on stderr.
load() {
    local url=$1 kind=$2 code=() report
    shift 2
    case $kind in
        erc20) code=(--bytecode "$work/Token.hex") ;;
        gas) code=(--bytecode "$work/Burner.hex") ;;
    esac
    report=$("$tools/bzk-load" --rpc "$url" --kind "$kind" --seconds "$seconds" \
        --presigned "$presigned" "${code[@]}" "$@" 2>"$work/load.err") || report='{}'
    [ -s "$work/load.err" ] && head -c 600 "$work/load.err" >&2
    echo "$report"
}

# The development chain with room for the load. Gas and cycles are parameters of governance; what the runtime fixes
# (weights, bytes) stays as it is. Epochs are production's, of ten minutes: a block that begins one has room for nothing
# else (pallet-session), one in twenty of a development chain.
raised_limits() {
    "$node_bin" build-spec --chain dev 2>/dev/null | node -e '
        const spec = JSON.parse(require("fs").readFileSync(0))
        Object.assign(spec.genesis.runtimeGenesis.patch.ethereum,
            { gasLimit: 130_000_000, cycleLimit: 1_000_000_000_000_000 })
        spec.genesis.runtimeGenesis.patch.sequencers.calendar.epochSlots = 300
        console.log(JSON.stringify(spec))' >"$work/spec.json"
}

yardstick() {
    local url=http://127.0.0.1:18545
    "$ANVIL" --port 18545 --block-time 2 --chain-id $chain_id \
        --gas-limit 1000000000 --silent >"$work/anvil.log" 2>&1 &
    local anvil=$!
    pids+=("$anvil")
    await $url $anvil || { cat "$work/anvil.log" >&2; exit 1; }
    anvil_transfers=$(field "$(load $url transfer)" per_s)
    stop $anvil
    say '%-34s %10.0f\n' 'anvil: transfers/s' "${anvil_transfers/null/nan}"
}

# The three kinds of load. Says why blocks were not longer and how many came too late.
throughput() {
    local kind from ticks report per_s first
    for kind in $kinds; do
        first=$(($(block_number "$url") + 1))
        from=$(wc -l <"$work/node.log")
        ticks=$(awk '{print $14 + $15}' "/proc/$node/stat")
        report=$(load "$url" "$kind")
        ticks=$(($(awk '{print $14 + $15}' "/proc/$node/stat") - ticks))
        per_s=$(field "$report" per_s)
        case $kind in
            transfer) transfers=$per_s ;;
            erc20) erc20=$per_s token=$(field "$report" contract) ;;
            gas) mgas=$(field "$report" mgas_per_s) ;;
        esac
        say '%-34s %10.0f   Mgas/s %.1f, refused %s, sent again %s, node CPU %s s, load average %s\n' \
            "bitcoinzk: $kind/s" "${per_s/null/nan}" "$(field "$report" mgas_per_s | sed s/null/nan/)" \
            "$(field "$report" refused)" "$(field "$report" resent)" $((ticks / 100)) "$(cut -d' ' -f1 /proc/loadavg)"
        tail -n +"$from" "$work/node.log" | awk '
            /Prepared block/ { match($0, /end: [A-Za-z]+/); end[substr($0, RSTART + 5, RLENGTH - 5)]++ }
            /Discarding proposal/ { late++ }
            END { printf "    blocks ended by:"; for (e in end) printf " %s %d", e, end[e];
                  printf "; discarded as late: %d\n", late }' >&3
        fullest+=("1000 $kind $(fullest_block "$first")")
    done
    ledgers+=("1000 $transfers $erc20 $mgas")
}

# fullest_block FIRST: number and length of the heaviest block since FIRST, once none of the load is left that would fill
# the blocks of the next.
fullest_block() {
    for _ in $(seq 120); do
        [ "$(field "$(rpc "$url" txpool_status '[]')" pending)" != 0x0 ] || break
        sleep 1
    done
    node "$ROOT/scripts/bench/fullest-block.mjs" "$url" "$1" "$(block_number "$url")"
}

# resident FIELD: of the node, in MiB.
resident() { awk -v field="$1:" '$1 == field {printf "%d", $2 / 1024}' "/proc/$node/status"; }

# Whether the memory stays where it is under 300 to 600 transfers per second: resident, and the node's own of it, at 12
# moments.
soak() {
    [ "$soak_seconds" != 0 ] || return 0
    local loader own=() all=()
    "$tools/bzk-load" --rpc "$url" --seconds "$soak_seconds" --presigned $((soak_seconds * 700)) --recipients 10000 \
        --connections 2 --backlog 1200 >"$work/soak.json" 2>>"$work/load.err" &
    loader=$!
    pids+=("$loader")
    for _ in $(seq 12); do
        sleep $((soak_seconds / 12))
        own+=("$(resident RssAnon)") all+=("$(resident VmRSS)")
    done
    wait "$loader" || true
    say '%-34s %10s   transfers/s %s; own %s\n' "RSS over $soak_seconds s, MiB" "${all[*]}" \
        "$(field "$(cat "$work/soak.json")" per_s)" "${own[*]}"
}

# ParityDB maps its files: pages of them are resident too, until the node is above its limit (`--resident-mib`).
memory() {
    rss=$(resident VmRSS)
    say '%-34s %10s   peak %s; the node'"'"'s own %s, pages of the database %s\n' 'RSS after the load, MiB' "$rss" \
        "$(resident VmHWM)" "$(resident RssAnon)" "$(resident RssFile)"
    local final
    final=$(rpc "$url" eth_getBlockByNumber '["finalized",false]' |
        node -e 'const b = JSON.parse(require("fs").readFileSync(0)); console.log(Number(b?.number ?? 0))')
    say '%-34s %10s   of %s\n' 'final block' "$final" "$(number "$url" eth_blockNumber '[]')"
}

calls() {
    [ "$token" != null ] || { say '%-34s %10s   no token: the erc20 load did not run\n' eth_call null; return 0; }
    sleep 5
    local balance="[{\"to\":\"$token\",\"data\":\"0x70a08231$(printf '%064x' 1)\"},\"latest\"]" report
    report=$("$tools/bzk-latency" --rpc "$url" eth_call "$balance" --clients 10 --seconds 10) || return 0
    call_p99=$(field "$report" p99_ms)
    say '%-34s %10.2f   p50 %.2f, %s calls\n' 'eth_call p99, 10 clients, ms' \
        "$call_p99" "$(field "$report" p50_ms)" "$(field "$report" calls)"
}

# The same loads, shorter, once the ledger has more accounts; the transfers go to all of them. The token of each run is
# new, because the generator makes its own: its holders have been accounts before, but held none of it.
growth() {
    local size kind made=0 first report per_second
    for size in $sizes; do
        node "$ROOT/scripts/bench/fill.mjs" "$url" "$made" "$size" || return 0
        made=$size per_second=()
        for kind in transfer erc20 gas; do
            first=$(($(block_number "$url") + 1))
            report=$(load "$url" "$kind" --recipients "$size" --seconds "$GROWTH_SECONDS" \
                --presigned $((GROWTH_SECONDS * 6000)))
            per_second+=("$(field "$report" "$([ "$kind" = gas ] && echo mgas_per_s || echo per_s)")")
            fullest+=("$size $kind $(fullest_block "$first")")
        done
        ledgers+=("$size ${per_second[*]}")
    done
}

# import_times SPEC FOLDER "SIZE KIND NUMBER EXTRINSICS"...: how long a node that gets these blocks in time takes for each,
# by number, in JSON.
import_times() {
    local spec=$1 folder=$2
    shift 2
    node "$ROOT/scripts/bench/paced-import.mjs" "$url" "$spec" "$folder" $(printf '%s\n' "$@" | cut -d' ' -f3) || echo '{}'
}

# What each size of the ledger made of the loads, and the import of the fullest block of each load. Sets `grown` to the
# same in JSON, and `import_ms` to that of transfers over the first ledger.
ledger_table() {
    local times ledger block size kind number extrinsics ms imports row rows=() accounts per_s tokens mgas_per_s
    times=$(import_times "$work/spec.json" "$work/paced" "${fullest[@]}")
    say '%-14s %14s %14s %14s   %s\n' accounts transfers/s ERC-20/s Mgas/s 'import of the fullest block, ms (extrinsics)'
    for ledger in "${ledgers[@]}"; do
        read -r accounts per_s tokens mgas_per_s <<<"$ledger"
        imports='' row="\"accounts\":$accounts,\"transfers_per_s\":$per_s,\"erc20_per_s\":$tokens,\"mgas_per_s\":$mgas_per_s"
        for block in "${fullest[@]}"; do
            read -r size kind number extrinsics <<<"$block"
            [ "$size" = "$accounts" ] || continue
            ms=$(field "$times" "$number")
            imports+="$kind $ms ($extrinsics)  " row+=",\"import_${kind}_ms\":$ms"
            [ "$kind $import_ms" != "transfer null" ] || import_ms=$ms
        done
        say '%-14s %14.0f %14.0f %14.1f   %s\n' "$accounts" "${per_s/null/nan}" "${tokens/null/nan}" \
            "${mgas_per_s/null/nan}" "$imports"
        rows+=("{$row}")
    done
    grown=[$(IFS=, && echo "${rows[*]}")]
}

# Import of the heaviest block under the limits of genesis. That may be one that pays the accounts of the load.
genesis_limits() {
    local spec=$work/genesis.json block mgas_per_s
    "$node_bin" build-spec --chain dev >"$spec" 2>/dev/null
    start_node genesis 18552 --alice --validator --force-authoring || return 0
    mgas_per_s=$(field "$(load "$url" gas --seconds "$GROWTH_SECONDS" --presigned 6000 --backlog 600)" mgas_per_s)
    block="genesis gas $(fullest_block 1)"
    genesis_ms=$(field "$(import_times "$spec" "$work/genesis-paced" "$block")" "$(cut -d' ' -f3 <<<"$block")")
    say '%-34s %10s   %s extrinsics; Mgas/s of gas %.1f\n' 'import at the limits of genesis, ms' "$genesis_ms" \
        "${block##* }" "${mgas_per_s/null/nan}"
    stop "$node"
}

# A node without a database follows the loaded chain from genesis.
sync() {
    local peer head started last main_node=$node main_url=$url
    peer=$(rpc "$url" system_localPeerId '[]' | tr -d '"')
    head=$(block_number "$url")
    start_node follower 18550 --sync full --bootnodes "/ip4/127.0.0.1/tcp/18547/p2p/$peer" || return 0
    started=$(date +%s%N)
    until last=$(block_number "$url") && [ "$last" -ge "$head" ]; do sleep 0.2; done
    sync_rate=$(node -e 'console.log((process.argv[1] * 1e9 / process.argv[2]).toFixed(1))' \
        "$last" $(($(date +%s%N) - started)))
    say '%-34s %10s   %s blocks with all their load\n' 'full sync, blocks/s' "$sync_rate" "$last"
    stop "$node"
    node=$main_node url=$main_url
}

block_number() { rpc "$1" chain_getHeader '[]' | node -e 'console.log(Number(JSON.parse(require("fs").readFileSync(0)).number))'; }

# Four validators: from the start of a block's slot to its finality.
finality() {
    local report
    report=$(node "$ROOT/scripts/bench/finality.mjs" "$seconds") || return 0
    final_p50=$(field "$report" finality_p50_s) final_p99=$(field "$report" finality_p99_s)
    say '%-34s %10s   p99 %s; blocks reach another validator after %s ms, p99 %s ms\n' \
        'finality p50, 4 validators, s' "$final_p50" "$final_p99" \
        "$(field "$report" arrival_p50_ms)" "$(field "$report" arrival_p99_ms)"
    interval_p50=$(field "$report" block_interval_p50_ms) interval_p99=$(field "$report" block_interval_p99_ms)
    jitter=$(field "$report" block_jitter_ms)
    say '%-34s %10s   p99 %s, standard deviation %s\n' 'block interval p50, ms' \
        "$interval_p50" "$interval_p99" "$jitter"
}

# A long chain of small blocks with logs, then two searches through all of them: for what is not there, where the search
# is the whole work, and for an account in one block of 1,000. The slower one counts.
logs() {
    [ "$log_blocks" != 0 ] || return 0
    start_node logs 18548 --alice --validator --sealing manual --rpc-methods unsafe -lwarn || return 0
    local head report from contract rare name payee filter
    local topic=0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef
    report=$(node "$ROOT/scripts/bench/log-chain.mjs" "$url" "$log_blocks" "$work/Token.hex") || return 0
    head=$(field "$report" blocks) contract=$(field "$report" contract) rare=$(field "$report" rare)
    from=$(printf '0x%x' $((head - log_blocks + 1)))
    for name in none rare; do
        payee=$(printf '%064x' 1)
        [ "$name" = none ] || payee=000000000000000000000000${rare#0x}
        filter="[{\"fromBlock\":\"$from\",\"toBlock\":\"latest\",\"address\":\"$contract\",\"topics\":[\"$topic\",null,\"0x$payee\"]}]"
        report=$("$tools/bzk-latency" --rpc "$url" eth_getLogs "$filter" --clients 10 --seconds 10) || return 0
        say '%-34s %10.2f   p50 %.2f, over %s blocks, %s\n' 'eth_getLogs p99, 10 clients, ms' \
            "$(field "$report" p99_ms)" "$(field "$report" p50_ms)" "$log_blocks" \
            "$([ "$name" = none ] && echo 'no log' || echo 'a log in each 1,000th')"
        logs_ms=$(printf '%s\n' "$logs_ms" "$(field "$report" p99_ms)" | sort -g | tail -1)
    done
    stop "$node"
}

# Nodes that join a long chain late.
late() {
    local report
    [ "$sync_blocks" != 0 ] || return 0
    report=$(node "$ROOT/scripts/bench/sync.mjs" "$sync_blocks") || return 0
    long_rate=$(field "$report" full_sync_blocks_per_s) warp_s=$(field "$report" warp_sync_s)
    warp_rate=$(field "$report" warp_sync_blocks_per_s)
    say '%-34s %10s   %s blocks\n' 'full sync, long chain, blocks/s' "$long_rate" "$(field "$report" blocks)"
    say '%-34s %10s   in %s s, and %s s for the blocks before\n' 'warp sync, long chain, blocks/s' \
        "$warp_rate" "$warp_s" "$(field "$report" warp_history_s)"
}

# Election and change of era with 100 validators: the longest import of the blocks around them, and of all of them.
era_change() {
    local report
    [ "$nominators" != 0 ] || return 0
    report=$(node "$ROOT/scripts/bench/era-change.mjs" 1 "$nominators") || return 0
    era_ms=$(field "$report" era_change_ms)
    say '%-34s %10s   all its blocks %s ms; authored in %s ms; a quiet block %s ms; %s elected by %s, %s backings\n' \
        'era change, longest import, ms' "$era_ms" "$(field "$report" era_change_all_ms)" \
        "$(field "$report" era_change_authored_ms)" "$(field "$report" quiet_block_ms)" \
        "$(field "$report" elected)" "$(field "$report" elected_by)" "$(field "$report" backings)"
}

for contract in Token Burner; do
    node "$ROOT/scripts/clients/lib/solidity.js" "$contract.sol" "$contract" >"$work/$contract.hex"
done
say 'cores %s, load average %s, %s s per kind\n' "$(nproc)" "$(cut -d' ' -f1-3 /proc/loadavg)" "$seconds"
ledgers=() fullest=() grown=[]
transfers=null erc20=null mgas=null token=null call_p99=null import_ms=null logs_ms=null
interval_p50=null interval_p99=null jitter=null genesis_ms=null
sync_rate=null final_p50=null final_p99=null long_rate=null warp_s=null warp_rate=null era_ms=null
yardstick
raised_limits
# One authority, GRANDPA on, ParityDB as in production.
start_node node 18546 --alice --validator --force-authoring
throughput
soak
memory
calls
growth
sync
ledger_table
stop "$node"
genesis_limits
logs
finality
late
era_change
printf '{"transfers_per_s":%s,"erc20_per_s":%s,"mgas_per_s":%s,"anvil_transfers_per_s":%s,"import_ms":%s,"import_genesis_limits_ms":%s,"eth_call_p99_ms":%s,"get_logs_ms":%s,"rss_mib":%s,"finality_p50_s":%s,"finality_p99_s":%s,"block_interval_p50_ms":%s,"block_interval_p99_ms":%s,"block_jitter_ms":%s,"sync_blocks_per_s":%s,"long_sync_blocks_per_s":%s,"warp_sync_s":%s,"warp_sync_blocks_per_s":%s,"era_change_ms":%s,"growth":%s,"cores":%s,"seconds":%s}\n' \
    "$transfers" "$erc20" "$mgas" "$anvil_transfers" "$import_ms" "$genesis_ms" "$call_p99" "$logs_ms" "$rss" \
    "$final_p50" "$final_p99" "$interval_p50" "$interval_p99" "$jitter" "$sync_rate" "$long_rate" "$warp_s" "$warp_rate" "$era_ms" "$grown" "$(nproc)" "$seconds"
