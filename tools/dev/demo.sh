# Demonstrations on real engines, a minute each: tools/demo. They use the grid of ./dev up where it runs.

run_demo() {
  local name=${1:-}
  [[ $name && -f $ROOT/tools/demo/$name.py && $name != stage ]] || die "demo: no \"$name\"; there are $(demo_names)"
  shift
  install_to_run && build dev aigrid || exit 1
  AIGRID_BIN=$ROOT/build/dev/bin/aigrid exec "$VENV/bin/python" "$ROOT/tools/demo/$name.py" --state "$GRID_STATE" "$@"
}

demo_names() {
  local file
  for file in "$ROOT"/tools/demo/*.py; do
    [[ $file == */stage.py ]] || basename "$file" .py
  done | paste -sd ' '
}
