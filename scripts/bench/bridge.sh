#!/usr/bin/env bash
# What the bridge costs and how long its committee takes: gas from forge, times from bitcoind on regtest, a node, a
# relayer and the signers as processes of their own, all on this machine. About 23 minutes on two cores: gas 2, the key of
# 16 members 2, that of 32 members and its deposits 4, payouts half a minute each, the lone request 11. Called by
# scripts/bench.sh. Environment:
#   BENCH_COMMITTEES     sizes, smallest first; the last one signs ("16 32")
#   BENCH_PAYOUTS        payouts of 25 inputs signed with all signers, and again with as many silent as can be (5)
#   BENCH_BATCH_BLOCKS   L2 blocks that a request waits for others, as in production (300; 0 leaves it out)
source "$(dirname "$0")/lib.sh"

say 'gas of the contracts\n'
# The tests take the contracts from where `build` leaves them.
"$ROOT/scripts/contracts.sh" build gas >"$work/gas" 2>&1 || { cat "$work/gas" >&2; exit 1; }
# "  header_gas: 63,000" or "  header_gas 63000", whatever the log looks like.
gas() { grep -E "^ *$1\b" "$work/gas" | grep -oE '[0-9][0-9,_]*' | tail -1 | tr -d ',_'; }
grep -E '_gas' "$work/gas" >&3
for key in header_gas claim_gas settle_gas; do
    [ -n "$(gas "$key")" ] || { echo "forge reports no $key: contracts/test/Gas.t.sol" >&2; exit 1; }
done

(cd "$ROOT/scripts/clients" && exec nice -n "$(nice)" node "$ROOT/scripts/bench/bridge.mjs" \
    "${BENCH_COMMITTEES:-16 32}" "${BENCH_PAYOUTS:-5}" "${BENCH_BATCH_BLOCKS:-300}" 4>&3 >"$work/times")
node -e '
    const [times, header_gas, claim_gas, settle_gas] = process.argv.slice(1).map((text) => JSON.parse(text))
    console.log(JSON.stringify({ header_gas, claim_gas, settle_gas, ...times }))' \
    "$(tail -1 "$work/times")" "$(gas header_gas)" "$(gas claim_gas)" "$(gas settle_gas)"
