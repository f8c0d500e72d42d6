# What every part of ./dev shares: paths, settings, and steps that show what they do and how long it took.
# Sourced with ROOT set; needs bash 5.

STATE=${AIGRID_DEV_STATE:-$ROOT/.dev}   # everything that ./dev makes, but for build/
LOGS=$STATE/log
VENV=$STATE/venv
MODELS=$STATE/models
JOBS=${AIGRID_JOBS:-$(nproc)}
mkdir -p "$LOGS"

# The one place where the engines' Python and the models are named; the grid's processes read these two.
export AIGRID_PYTHON=$VENV/bin/python AIGRID_MODELS=$MODELS

# The compiler cache: shared between clones of this tree, unless the user has settings of their own.
if [[ -z ${CCACHE_CONFIGPATH:-} && ! -e ${XDG_CONFIG_HOME:-$HOME/.config}/ccache/ccache.conf && ! -e $HOME/.ccache/ccache.conf ]]; then
  export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$ROOT} CCACHE_NOHASHDIR=${CCACHE_NOHASHDIR:-1} CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-5G}
fi

say() { printf '%s\n' "$*" >&2; }
die() { say "dev: $*"; exit 1; }
now_ms() { local t=${EPOCHREALTIME/[.,]/}; printf '%s' $((t / 1000)); }
took() { local ms=$(($(now_ms) - $1)); printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100)); }

# step NAME TEXT COMMAND…: runs the command with its output in .dev/log/NAME.log. On a terminal a live line shows the
# time and the log's last line; elsewhere one plain line before and one after. A failure prints the end of the log.
step() {
  local name=$1 text=$2 log=$LOGS/$1.log start rc=0
  shift 2
  start=$(now_ms)
  [[ -t 2 && -z ${CI:-} ]] || say "… $text"
  set -m  # its own process group, so that an interrupt ends all of it
  "$@" >"$log" 2>&1 </dev/null &
  STEP_PID=$!
  set +m
  [[ -t 2 && -z ${CI:-} ]] && live_line "$STEP_PID" "$text" "$log" "$start"
  wait "$STEP_PID" || rc=$?
  STEP_PID=
  if ((rc == 0)); then
    say "✓ $text ($(took "$start"))"
  else
    say "✗ $text failed after $(took "$start"); the end of ${log#"$ROOT"/}:"
    tail -n "${AIGRID_LOG_TAIL:-40}" "$log" | sed 's/^/    /' >&2
  fi
  return "$rc"
}

STEP_PID=
stop_step() {
  [[ $STEP_PID ]] && kill -TERM -- "-$STEP_PID" 2>/dev/null
  exit 130
}
trap stop_step INT TERM

live_line() {
  local pid=$1 text=$2 log=$3 start=$4 width last
  while kill -0 "$pid" 2>/dev/null; do
    width=$(tput cols 2>/dev/null || echo 80)
    last=$(tail -c 400 "$log" 2>/dev/null | tr '\r' '\n' | tail -n 1 | tr -cd '[:print:]')
    printf '\r\033[K%.*s' "$((width - 1))" "… $text ($(took "$start"))  $last" >&2
    sleep 0.2
  done
  printf '\r\033[K' >&2
}

# configure PRESET: makes or refreshes build/PRESET; quick when nothing has changed.
configure() {
  [[ -f $ROOT/build/$1/build.ninja ]] && return 0  # ninja itself runs CMake again when a list file changed
  step "configure-$1" "configure build/$1" cmake -S "$ROOT" --preset "$1"
}

# build PRESET [TARGET…]
build() {
  local preset=$1
  shift
  configure "$preset" && step "build-$preset" "build ${*:-everything} in build/$preset" \
    ninja -C "$ROOT/build/$preset" -j "$JOBS" "$@"
}
