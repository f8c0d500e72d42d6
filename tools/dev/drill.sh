# Drills: the heavy proofs, too long for ./dev test, which runs the same code in its short form. A table of one line each.
# Each prints rows of a Markdown table; a drill that ran to its end leaves them in docs/figures/NAME.md, with when and where.

# drill NAME TEXT RUNNER ARGS…: to add one, add a line, and a runner where none fits. `full N`: the count it is judged by; another
# on the command line (./dev drill failover 2) tries it in a shorter or longer form, and leaves no figures.
drills() {
  drill outage    "the control plane dead for a minute under load"       grid_drill outage "$(full 60)"
  drill residency "a thousand requests that must not leave France"       grid_drill residency "$(full 1000)"
  drill failover  "nodes, sites, gateways and links lost or drained under load, 20 times each" grid_drill failover "$(full 20)"
  drill streams   "nodes killed under greedy streams of real engines, 25 times" grid_drill streams "$(full 25)"
  drill siblings  "one of the two gateways of a site killed under load"  siblings_drill "$(full 20)"
  drill wiretap   "the bytes between sites, decrypted and searched for prompts" wiretap_drill
  drill policy    "random policies, answered again by brute force"       policy_drill "$(full 100000)"
  drill sim       "ten million requests through the machines that route, over random grids, laws and faults" sim_drill "$(full 10000000)"
  drill resume    "a node, then a site, killed under 200 streams, from a thousand seeds" resume_drill "$(full 1000)"
  drill seeds     "a thousand seeds of the whole grid in one process"    seeds_drill "$(full 1000)"
  drill ledger    "20,000 requests on virtual engines and 500 on real ones, three in ten left by their client, over dying nodes, sites and gateways" ledger_drill "$(full 20000)"
  drill quota     "what six gateways admit together, with control dead"  quota_drill
  drill tamper    "10,000 changes to audit logs of 100,000 leaves"       tamper_drill 100000 "$(full 10000)" 4
  drill audit     "audit logs judged offline, and what they cost a gateway" audit_drill "$(full 1000000)"
  drill fuzz      "every fuzzer for ten CPU minutes"                     fuzz_drill "$(full 600)"
}

FIGURES=$ROOT/docs/figures
DRILL='' DRILL_FOUND='' DRILL_COUNT=''

full() { printf '%s' "${DRILL_COUNT:-$1}"; }

# grid_drill FIGURE COUNT: of tests/e2e/figures.py, on the example grid with its real engines.
grid_drill() {
  install_all && build dev aigrid || return 1
  AIGRID_FULL=1 AIGRID_BIN=$ROOT/build/dev/bin/aigrid "$VENV/bin/python" "$ROOT/tests/e2e/figures.py" "$1=$2"
}

# wiretap_drill: a build of its own that writes TLS secrets, and tools that nothing else needs.
wiretap_drill() {
  install_all && build keylog aigrid || return 1
  command -v tcpdump tshark >/dev/null || die "drill wiretap needs tcpdump and tshark: apt-get install -y tcpdump tshark, and root"
  AIGRID_BIN=$ROOT/build/keylog/bin/aigrid "$VENV/bin/python" "$ROOT/tests/e2e/wiretap.py"
}

# policy_drill COUNT: so many questions about random policies to the compiled law and to the oracle in Python.
policy_drill() {
  local said rc=0
  install_packages run && build release policy_cases || return 1
  said=$("$PYTHON" "$ROOT/tests/oracle/policy_oracle.py" "$ROOT/build/release/tests/oracle/policy_cases" --cases "$1") || rc=1
  printf '%s\n' "$said" >&2
  printf '| figure | measured | limit | |\n|---|---|---|---|\n'
  printf '| answers of the compiled law that the brute-force oracle does not give, of %s random questions | %s | 0 | %s |\n' "$1" \
    "$(sed -nE 's/.* ([0-9]+) differences.*/\1/p' <<<"$said")" "$( ((rc)) && printf '**missed**')"
  return "$rc"
}

# sim_drill REQUESTS: the simulator, and the oracle's opinion of one in a hundred, a shard a process. Shards that are done stay done
# while the version is the same.
sim_drill() {
  local dir shards=40 rc=0
  install_packages run && build release dispatch_cases || return 1
  dir=$STATE/drill/sim-$(git -C "$ROOT" rev-parse --short HEAD)-$1
  mkdir -p "$dir"
  seq "$shards" | xargs -P "$(nproc)" -I '{}' sh -c '[ -s "$1/{}.json" ] || { "$2" "$3" "$4" --requests "$5" --registries "$6" \
    --judged "$7" --seed "{}" --json >"$1/{}.tmp" 2>"$1/{}.log" || touch "$1/failed"; mv "$1/{}.tmp" "$1/{}.json"; }' sh \
    "$dir" "$PYTHON" "$ROOT/tests/oracle/dispatch_oracle.py" "$ROOT/build/release/tests/oracle/dispatch_cases" \
    "$(($1 / shards))" "$(($1 / shards / 5000 + 1))" "$(($1 / shards / 100))"
  [[ -e $dir/failed ]] && { rc=1; tail -n 5 "$dir"/*.log >&2; rm "$dir/failed"; }
  "$PYTHON" "$ROOT/tests/oracle/dispatch_oracle.py" --sum "$dir"/*.json || rc=1
  return "$rc"
}

# resume_drill SEEDS: of tests/world, a process a seed. Seeds that are done stay done while the version is the same.
resume_drill() {
  local dir what rc=0
  install_packages run && build release world_test || return 1
  dir=$STATE/drill/resume-$(git -C "$ROOT" rev-parse --short HEAD)
  mkdir -p "$dir"
  printf '| figure | measured | limit | |\n|---|---|---|---|\n'
  for what in Node Site; do
    seq "$1" | xargs -P "$(nproc)" -I '{}' sh -c '[ -s "$1/$2-{}" ] || { AIGRID_WORLD_SEED={} "$3" \
      --gtest_filter="Resume.$2KilledUnderStreams" >"$1/$2-{}.log" 2>&1 && grep "killed under" "$1/$2-{}.log" >"$1/$2-{}"; }' sh \
      "$dir" "$what" "$ROOT/build/release/tests/world/world_test"
    # …, 1 seeds: W wrong ends, R resumed, E explicit errors; pause p99 P ms
    find "$dir" -name "$what-*" ! -name '*.log' -exec cat {} + | sed -E 's/.*: ([0-9]+) wrong ends, ([0-9]+) resumed, ([0-9]+) explicit errors; pause p99 ([0-9]+) ms/\1 \2 \3 \4/' |
      awk -v what="${what,,}" -v seeds="$1" '
        { wrong += $1; resumed += $2; broken += $3; if ($4 > pause) pause = $4; ++n }
        END {
          share = resumed + broken ? 100 * resumed / (resumed + broken) : 0
          printf "| %s killed under 200 streams, %d of %d seeds: wrong ends (silent cut, duplicate or missing text) | %d | 0 | %s |\n", what, n, seeds, wrong, wrong || n < seeds ? "**missed**" : ""
          printf "| of the streams under way there: continued from exactly what was delivered | %.2f %% of %d | ≥ 99 %% | %s |\n", share, resumed + broken, share < 99 ? "**missed**" : ""
          printf "| longest pause its client saw, p99 of the worst seed | %d ms | ≤ 500 ms + prefill (110 ms) | %s |\n", pause, pause > 610 ? "**missed**" : ""
          exit (wrong || n < seeds || share < 99 || pause > 610)
        }' || rc=1
  done
  return "$rc"
}

# ledger_drill COUNT: what engines counted against what is billed or waived: virtual ones in one process, and real ones, which are
# slow, for a fortieth; and records rated by the oracle.
ledger_drill() {
  local log=$LOGS/drill-ledger.out rows rated=0 rc=0
  install_packages run && build release world_test rating_cases || return 1
  AIGRID_LEDGER_REQUESTS=$1 "$ROOT/build/release/tests/world/world_test" \
    --gtest_filter=Ledger.MixedRunWithAbortsAndDeathsIsExact >"$log" 2>&1 || rc=1
  rows=$(sed -n 's/^\(|.*\)/\1/p' "$log")
  python3 "$ROOT/tests/oracle/rating_oracle.py" "$ROOT/build/release/tests/oracle/rating_cases" "$(($1 * 50))" >>"$log" 2>&1 || rated=1
  ((rc || rated)) && grep -m 20 -E 'Failure|oracle|Which|Expected' "$log" >&2
  printf '| figure | measured | limit | |\n|---|---|---|---|\n%s\n' "$rows"
  printf '| of %s records, those that the oracle rates otherwise | %s | 0 | %s |\n' "$(($1 * 50))" \
    "$( ((rated)) && printf 'some' || printf 0)" "$( ((rated)) && printf '**missed**')"
  grid_drill ledger "$(($1 / 40))" | tail -n +3 || rc=1
  return "$((rc || rated))"
}

# quota_drill: the long forms are the tests themselves; what they found is on lines of theirs that begin with a bar.
quota_drill() {
  local log=$LOGS/drill-quota.out rc=0
  install_packages run && build release world_test || return 1
  "$ROOT/build/release/tests/world/world_test" --gtest_filter='Quota.*' >"$log" 2>&1 || rc=1
  ((rc)) && grep -m 20 -E 'Failure|Which|Expected' "$log" >&2
  printf '| figure | measured | limit | |\n|---|---|---|---|\n'
  grep '^|' "$log"
  return "$rc"
}

# tamper_drill LEAVES CHANGES SEEDS: an attacker who writes every file and cannot sign; each seed, a process, is another log with
# its share of the changes.
tamper_drill() {
  local log=$LOGS/drill-tamper kind rc=0
  install_packages run && build release app_audit_test || return 1
  rm -f "$log"-*.xml
  seq "$3" | AIGRID_TAMPER_LEAVES=$1 AIGRID_TAMPER_ROUNDS=$((($2 + $3 - 1) / $3)) AIGRID_TAMPER_MIX=100 xargs -P "$(nproc)" -I '{}' \
    sh -c 'AIGRID_TAMPER_SEED={} "$1" --gtest_filter=Tamper.EveryChangeIsFoundAndNamed --gtest_output="xml:$2-{}.xml" >"$2-{}.out" 2>&1' \
    sh "$ROOT/build/release/src/app/audit/app_audit_test" "$log" || rc=1
  ((rc)) && grep -m 20 -E 'Failure|round|Which' "$log"-*.out >&2
  printf '| figure | measured | limit | |\n|---|---|---|---|\n'
  for kind in flips deletions swaps "changed leaves" truncations rollbacks forks; do
    printf '| %s tried on %s logs of %s leaves | %s | | |\n' "$kind" "$3" "$1" \
      "$(sed -nE "s/.*name=\"$kind\" value=\"([0-9]+)\".*/\1/p" "$log"-*.xml | awk '{n += $1} END {print n + 0}')"
  done
  printf '| of them not found, or found under another index | %s | 0 | %s |\n' "$( ((rc)) && printf 'some' || printf 0)" "$( ((rc)) && printf '**missed**')"
  return "$rc"
}

# audit_drill REQUESTS: so many in one exported log, judged by the command; and the CPU of what a gateway adds to each.
audit_drill() {
  local folder rc=0 start ms rate cost
  install_all && build release aigrid audit_bench || return 1
  folder=$(mktemp -d) && "$ROOT/build/release/bench/audit_bench" folder "$1" "$folder/log" || return 1
  start=$(now_ms)
  "$ROOT/build/release/bin/aigrid" audit verify "$folder/log" --key "$folder/log/keys" >&2 || rc=1
  ms=$(($(now_ms) - start)) rate=$(($1 * 1000 / ms))
  cost=$("$ROOT/build/release/bench/audit_bench" cost 200000 "$folder/cost") || rc=1
  rm -rf "$folder"
  printf '%s\n' "$cost" >&2
  printf '| figure | measured | limit | |\n|---|---|---|---|\n'
  printf '| requests judged offline per second, of %s | %s | 150000 | %s |\n' "$1" "$rate" "$( ((rate < 150000)) && printf '**missed**')"
  AIGRID_BIN=$ROOT/build/release/bin/aigrid "$VENV/bin/python" "$ROOT/bench/audit_share.py" \
    "$(sed -nE 's/^all of it, a request *([0-9.]+) us$/\1/p' <<<"$cost")" "$(($1 / 500))" || rc=1
  return "$rc"
}

# seeds_drill COUNT: the campaign of tests/world from so many seeds, a process each. A failing seed prints how to replay it.
seeds_drill() {
  local log=$LOGS/drill-seeds.out seed failed=0
  install_packages run && build release world_test || return 1
  : >"$log"
  for ((seed = 1; seed <= $1; ++seed)); do
    AIGRID_WORLD_SEED=$seed "$ROOT/build/release/tests/world/world_test" \
      --gtest_filter=Campaign.ThousandRequestsAndOneSiteKilled >>"$log" 2>&1 && continue
    failed=$((failed + 1))
    say "seed $seed failed: AIGRID_WORLD_SEED=$seed world_test --gtest_filter=Campaign.ThousandRequestsAndOneSiteKilled"
  done
  printf '| figure | measured | limit | |\n|---|---|---|---|\n'
  printf '| of %s seeds, each 1,000 requests with a site killed in the middle: failed | %s | 0 | %s |\n' "$1" "$failed" \
    "$( ((failed)) && printf '**missed**')"
  ((failed == 0))
}

# siblings_drill ROUNDS: in the world, a seed a round: 180 requests that only that site may serve, most of them from another site.
siblings_drill() {
  local log=$LOGS/drill-siblings.out rc=0
  install_packages run && build dev world_test || return 1
  AIGRID_SIBLING_ROUNDS=$1 "$ROOT/build/dev/tests/world/world_test" \
    --gtest_filter=Siblings.OneKilledUnderLoadCostsOthersNothing >"$log" 2>&1 || rc=1
  printf '| figure | measured | limit | |\n|---|---|---|---|\n'
  printf '| of %s requests in %s rounds, those of other sites and those asked after the kill that failed | %s | 0 | %s |\n' "$(($1 * 180))" "$1" \
    "$(grep -c 'a->complete' "$log")" "$( ((rc)) && printf '**missed**')"
  return "$rc"
}

# fuzz_drill SECONDS: every fuzzer so long on one core, from its corpus and what earlier runs found. AIGRID_FUZZERS="yaml grant": these.
fuzz_drill() {
  local program name log rc=0 crashes runs names=()
  install_packages run && build fuzz fuzzers || return 1
  read -ra names <<<"${AIGRID_FUZZERS:-$(cd "$ROOT/build/fuzz/fuzzers" && printf '%s ' *_fuzz)}"
  printf '| fuzzer | executions in %s s | inputs found | crashes |\n|---|---|---|---|\n' "$1"
  for name in "${names[@]%_fuzz}"; do
    program=$ROOT/build/fuzz/fuzzers/${name}_fuzz log=$LOGS/drill-${name}_fuzz.out crashes=0
    [[ -x $program ]] || { say "drill fuzz: no fuzzer \"$name\""; return 1; }
    tools/dev/fuzz_one.sh "$program" "$1" >"$log" 2>&1 || { crashes=1 rc=1; tail -n 20 "$log" >&2; }
    runs=$(sed -nE 's/^stat::number_of_executed_units: ([0-9]+)$/\1/p' "$log")
    printf '| %s | %s | %s | %s |\n' "$name" "${runs:-?}" "$(find "${program%/*}/work/${name}_fuzz" -type f | wc -l)" "$crashes"
  done
  return "$rc"
}

machine() {
  printf '%s × %s, %s GiB, %s' "$(nproc)" "$(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -n 1)" \
    "$(awk '/MemTotal/ {print int($2 / 1048576 + 0.5)}' /proc/meminfo)" "$(uname -sr)"
}

drill() {
  local name=$1 text=$2 rows rc=0 start out=$LOGS/drill-$1.md
  shift 2
  [[ $DRILL == list ]] && { printf '%-11s %s\n' "$name" "$text"; return; }
  [[ $name == "$DRILL" ]] || return 0
  DRILL_FOUND=yes
  say "drill $name: $text"
  start=$(now_ms)
  "$@" | tee "$out" || rc=1
  [[ $(wc -l <"$out") -gt 2 ]] || { say "drill $name: it measured nothing"; exit 1; }
  [[ $DRILL_COUNT || ${AIGRID_FUZZERS:-} ]] && { say "drill $name: not its full form, so its figures stay as they are ($(took "$start"))"; return "$rc"; }
  mkdir -p "$FIGURES"
  {
    printf '# %s\n\n%s.\n\n' "$name" "${text^}"
    cat "$out"
    printf '\n`./dev drill %s`, %s, version %s; %s; load average at the end %s; %s.\n' "$name" "$(date -u +%F)" \
      "$(git -C "$ROOT" describe --always --dirty 2>/dev/null || printf unknown)" "$(machine)" "$(cut -d' ' -f1-3 /proc/loadavg)" \
      "$(took "$start")"
  } >"$FIGURES/$name.md"
  say "drill $name: ${FIGURES#"$ROOT"/}/$name.md ($(took "$start"))"
  return "$rc"
}

# run_drill [NAME [COUNT]]
run_drill() {
  local rc=0
  DRILL=${1:-list} DRILL_COUNT=${2:-}
  [[ $DRILL_COUNT =~ ^([1-9][0-9]*)?$ ]] || die "drill: \"$DRILL_COUNT\" is no count"
  export PYTHON=/usr/bin/python3
  drills || rc=1
  [[ $DRILL == list || $DRILL_FOUND ]] || die "no drill \"$DRILL\"; ./dev drill lists them"
  return "$rc"
}
