#!/usr/bin/env bash
# fuzz_one.sh PROGRAM SECONDS: runs one fuzzer from its seeds. What it finds grows in the build folder; a crash is kept there too.
# The same random seed each time: a pass in CI is repeatable as far as its time goes; longer runs bring what is new.
set -euo pipefail
name=$(basename "$1")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(dirname "$1")/work/$name
seeds=$root/tests/fuzz/corpus/${name%_fuzz}
mkdir -p "$work"
printf '%s: %s s\n' "$name" "$2"
exec "$1" -seed=1 -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
  -artifact_prefix="$(dirname "$1")/work/$name-" "$work" $([[ -d $seeds ]] && printf '%s' "$seeds")
