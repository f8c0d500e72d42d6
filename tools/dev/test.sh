# The test suites: a table of one line each, a runner for each sort, one summary.

# suite NAME fast|full RUNNER ARGS…: to add one, add a line. 'fast' ones also run in ./dev test --fast.
suites() {
  suite unit        fast ctest_suite dev -L '^unit$'
  suite tidy        fast ctest_suite dev -L '^tidy$'
  suite world       fast ctest_suite dev -L '^world$'
  suite seeds       full ctest_suite dev -L '^seeds$'
  suite e2e         full pytest_suite tests/e2e
  suite conformance full pytest_suite tests/conformance
  suite asan        full ctest_suite asan -L '^(unit|world)$'
  suite tsan        full ctest_suite tsan -L '^tsan$'
  suite threads     full threads_suite
  suite fuzz        full ctest_suite fuzz -L '^fuzz$'
}

RESULTS=$STATE/results
MODE=full FILTER='' ONLY='' FAILED_SUITES=0
declare -a TABLE=()

# ctest_suite NAME PRESET SELECTION…: builds the programs of the selected tests, and runs them.
ctest_suite() {
  local name=$1 preset=$2 targets=()
  shift 2
  [[ $FILTER ]] && set -- "$@" -R "$FILTER"
  configure "$preset" || return 1
  if [[ $preset != dev ]]; then
    mapfile -t targets < <(ctest --test-dir "$ROOT/build/$preset" "$@" --show-only=json-v1 | "$PYTHON" "$ROOT/tools/dev/count.py" --targets)
    ((${#targets[@]})) || return 0
  fi
  build "$preset" "${targets[@]}" || return 1
  step "test-$name" "test $name" ctest --test-dir "$ROOT/build/$preset" "$@" -j "$JOBS" --no-tests=ignore \
    --output-on-failure --test-output-size-passed 20000000 --test-output-size-failed 20000000 \
    --output-junit "$RESULTS/$name.xml"
}

# pytest_suite NAME FOLDER
pytest_suite() {
  local name=$1 folder=$ROOT/$2
  [[ -n $(find "$folder" -name 'test_*.py' -print -quit 2>/dev/null) ]] || return 0
  build dev || return 1
  step "test-$name" "test $name" no_tests_is_fine "$VENV/bin/python" -m pytest -q -rfE -p no:cacheprovider \
    --junitxml "$RESULTS/$name.xml" ${FILTER:+-k "$FILTER"} "$folder"
}

# threads_suite NAME: gateways of several workers, real engines and clients, on a build that sees every race between threads.
threads_suite() {
  local reports=$LOGS/tsan-report rc=0
  build tsan aigrid || return 1
  rm -f "$reports".*
  TSAN_OPTIONS="log_path=$reports exitcode=66" AIGRID_BIN=$ROOT/build/tsan/bin/aigrid pytest_suite "$1" tests/e2e/test_siblings.py || rc=1
  if compgen -G "$reports.*" >/dev/null; then
    head -n 60 "$reports".* >&2
    rc=1
  fi
  return "$rc"
}

no_tests_is_fine() { local rc=0; "$@" || rc=$?; ((rc == 5)) || return "$rc"; }

suite() {
  local name=$1 when=$2 start rc=0 counts
  shift 2
  [[ $MODE == fast && $when == full ]] && return
  [[ $ONLY && ,$ONLY, != *,$name,* ]] && return
  start=$(now_ms)
  AIGRID_TEST_SUITE=$name "$1" "$name" "${@:2}" || rc=$?
  counts=$("$PYTHON" "$ROOT/tools/dev/count.py" "$RESULTS/$name.xml" "$rc")
  ((rc)) && FAILED_SUITES=$((FAILED_SUITES + 1))
  TABLE+=("$name $counts $(took "$start")")
}

summary() {
  local row name p f s t passed=0 failed=0 skipped=0
  printf '\n%-12s %8s %8s %8s %12s\n' suite passed failed skipped time
  for row in "${TABLE[@]}"; do
    read -r name p f s t <<<"$row"
    printf '%-12s %8d %8d %8d %12s\n' "$name" "$p" "$f" "$s" "$t"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  done
  printf '%-12s %8d %8d %8d %12s\n\n' all "$passed" "$failed" "$skipped" "$(took "$1")"
  "$PYTHON" "$ROOT/tools/dev/count.py" --failures "$RESULTS"/*.xml
  ((passed + failed)) || { say "dev: no test was run"; failed=1; }
  ((skipped)) && skipped=", $skipped skipped" || skipped=''
  printf '%d passed, %d failed%s\n' "$passed" "$failed" "$skipped"
  ((failed == 0 && FAILED_SUITES == 0))
}

test_usage() {
  cat <<'USAGE'
./dev test [--fast] [-k PATTERN] [--suite A,B]
  --fast       what can break while editing: unit, tidy and a short world test (builds only what changed)
  -k PATTERN   tests whose name matches (ctest -R and pytest -k)
  --suite A,B  these suites only
USAGE
}

run_tests() {
  local start
  start=$(now_ms)
  while (($#)); do
    case $1 in
      --fast) MODE=fast ;;
      -k) FILTER=${2:?-k needs a pattern}; shift ;;
      --suite) ONLY=${2:?--suite needs names}; shift ;;
      -h | --help) test_usage; return ;;
      *) die "test: unknown argument \"$1\"; ./dev test --help lists them" ;;
    esac
    shift
  done
  [[ $MODE == fast ]] && export AIGRID_TEST_SHORT=1
  export PYTHON=/usr/bin/python3 AIGRID_BIN=$ROOT/build/dev/bin/aigrid
  rm -rf "$RESULTS" && mkdir -p "$RESULTS"
  install_all || return
  suites
  summary "$start"
}
