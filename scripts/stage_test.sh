#!/usr/bin/env bash
# Tests of `stage` (env.sh): a failure anywhere in a stage fails it, and what it exports ends with it.
# Usage: scripts/stage_test.sh
source "$(dirname "$0")/env.sh"

# is WHAT EXPECTED GOT
is() { [ "$2" = "$3" ] || { echo "$1: expected \"$2\", got \"$3\"" >&2; exit 1; }; }

# run LINE...: a script of these lines behind env.sh; gives what it prints and its status.
run() {
    local code=0
    bash -c 'source "$0/scripts/env.sh"; eval "$1"' "$ROOT" "$(printf '%s\n' "$@")" 2>/dev/null | grep -v '^==' | xargs ||
        code=$?
    echo "$code"
}

early='early() { false; echo behind; }'
is "a failure before the last command" "1" \
    "$(run "$early" 'stage early early' 'echo after' | xargs)"
is "a failure that counts" "after 1 0" \
    "$(run "$early" keep_going=1 'stage early early' 'echo "after $failed"' | xargs)"
is "a failure within a pipe" "0 1 0" \
    "$(run 'piped() { false | cat; }' keep_going=1 'stage fine true; echo "$failed"' 'stage piped piped; echo "$failed"' | xargs)"
is "an export" "none 0" \
    "$(run 'leak() { export LEAK=1; }' 'stage leak leak' 'echo "${LEAK:-none}"' | xargs)"
is "a shell that goes on" "1" \
    "$(run 'stage fine true' 'false' 'echo "set -e is off"' | xargs)"
is "its own trap" "gone 0" \
    "$(run 'trapped() { trap "echo gone" EXIT; }' 'stage trapped trapped' | xargs)"
prove=$(sed -n '/^prove() {/,/^}/p' "$ROOT/scripts/test.sh")
is "the trap of the gate's proof" "0 0" \
    "$(run "$prove" 'cd "$(mktemp -d)"; mkdir scripts; ln -s /bin/true scripts/prove.sh; selected=(prove) STAGES=()' \
        keep_going=1 'stage prove prove; rm -r "$PWD"; echo "$failed"' | xargs)"
echo "stage_test.sh: 7 passed"
