# Drills: the heavy proofs, too long for ./dev test, which runs the same code in its short form. A table of one line each.
# Each prints rows of a Markdown table; a drill that ran to its end leaves them in docs/figures/NAME.md, with when and where.

# drill NAME TEXT RUNNER ARGS…: to add one, add a line, and a runner where none fits.
drills() {
  drill outage    "the control plane dead for a minute under load"       grid_drill outage
  drill residency "a thousand requests that must not leave France"       grid_drill residency
  drill failover  "nodes and sites killed under load"                    grid_drill failover
  drill wiretap   "the bytes between sites, decrypted and searched for prompts" wiretap_drill
  drill policy    "random policies, answered again by brute force"       policy_drill 100000
  drill seeds     "a thousand seeds of the whole grid in one process"    seeds_drill 1000
  drill ledger    "20,000 requests, three in ten left by their client"   ledger_drill 20000
  drill fuzz      "every fuzzer for ten CPU minutes"                     fuzz_drill 600
}

FIGURES=$ROOT/docs/figures
DRILL='' DRILL_FOUND=

# grid_drill FIGURE…: of tests/e2e/figures.py, in the long form, on the example grid with its real engines.
grid_drill() {
  install_all && build dev aigrid || return 1
  AIGRID_FULL=1 AIGRID_BIN=$ROOT/build/dev/bin/aigrid "$VENV/bin/python" "$ROOT/tests/e2e/figures.py" "$@"
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

# ledger_drill COUNT: what virtual engines counted against what is billed or waived, and as many records rated by the oracle.
ledger_drill() {
  local log=$LOGS/drill-ledger.out rc=0
  install_packages run && build release world_test rating_cases || return 1
  AIGRID_LEDGER_REQUESTS=$1 "$ROOT/build/release/tests/world/world_test" \
    --gtest_filter=Usage.EveryTokenOfTheEnginesIsBilledOrWaivedAndTheReportsAgree >"$log" 2>&1 || rc=1
  python3 "$ROOT/tests/oracle/rating_oracle.py" "$ROOT/build/release/tests/oracle/rating_cases" "$(($1 * 50))" >>"$log" 2>&1 || rc=1
  ((rc)) && grep -m 20 -E 'Failure|oracle|Which|Expected' "$log" >&2
  printf '| figure | measured | limit | |\n|---|---|---|---|\n'
  printf '| tokens of %s requests that are neither billed nor waived, and of %s records that the oracle rates otherwise | %s | 0 | %s |\n' "$1" \
    "$(($1 * 50))" "$( ((rc)) && printf 'some' || printf 0)" "$( ((rc)) && printf '**missed**')"
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

# fuzz_drill SECONDS: every fuzzer so long on one core, from its corpus and what earlier runs found.
fuzz_drill() {
  local program name log rc=0 crashes runs
  install_packages run && build fuzz fuzzers || return 1
  printf '| fuzzer | executions in %s s | inputs found | crashes |\n|---|---|---|---|\n' "$1"
  for program in "$ROOT"/build/fuzz/fuzzers/*_fuzz; do
    name=$(basename "$program") log=$LOGS/drill-$(basename "$program").out crashes=0
    tools/dev/fuzz_one.sh "$program" "$1" >"$log" 2>&1 || { crashes=1 rc=1; tail -n 20 "$log" >&2; }
    runs=$(sed -nE 's/^stat::number_of_executed_units: ([0-9]+)$/\1/p' "$log")
    printf '| %s | %s | %s | %s |\n' "${name%_fuzz}" "${runs:-?}" "$(find "${program%/*}/work/$name" -type f | wc -l)" "$crashes"
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

# run_drill NAME
run_drill() {
  local rc=0
  DRILL=${1:-list}
  export PYTHON=/usr/bin/python3
  drills || rc=1
  [[ $DRILL == list || $DRILL_FOUND ]] || die "no drill \"$DRILL\"; ./dev drill lists them"
  return "$rc"
}
