# Configuring and building a preset, with one line of progress for a person. Sourced after shell.sh.
# shellcheck shell=bash

# configure PRESET [CMAKE-ARGUMENT...]
configure() {
  local preset=$1 log
  shift
  mkdir -p "$ROOT/build/$preset"
  log=$ROOT/build/$preset/configure.log
  if ! (cd "$ROOT" && cmake --preset "$preset" "$@") >"$log" 2>&1; then
    grep -A 12 -m 1 'CMake Error' "$log" >&2 || tail -n 15 "$log" >&2
    die "configuring '$preset' failed (all of its words: ${log#"$ROOT"/})" \
      "A library that is not found: run scripts/setup. A stale tree: remove build/$preset."
  fi
}

# configure_all PRESET: all that this machine has the packages for, whatever an earlier configuration
# of this tree has left out. (A preset that leaves something out goes on to.)
configure_all() {
  local option choice=()
  for option in SOUVENIR_TESTS SOUVENIR_BENCH SOUVENIR_BACKEND_PYTORCH; do choice+=("-U$option"); done
  configure "$1" "${choice[@]}"
}

# has PRESET OPTION: whether the tree is configured with it.
has() { grep -q "^$2:BOOL=ON$" "$ROOT/build/$1/CMakeCache.txt" 2>/dev/null; }

# compile PRESET [TARGET...]: without targets, all.
compile() {
  local preset=$1 log line last=-1 percent
  shift
  local target
  for target in "$@"; do
    ninja -C "$ROOT/build/$preset" -t query "$target" >/dev/null 2>&1 ||
      die "there is no target '$target' in build/$preset" \
        "\`ninja -C build/$preset -t targets all\` lists them." \
        "Tests and benchmarks are there where their libraries are: scripts/setup --with test"
  done
  log=$ROOT/build/$preset/build.log
  # As many jobs as cores, but each compiler may take a gigabyte.
  local jobs memory_jobs
  jobs=$(nproc)
  memory_jobs=$(awk '/MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo)
  ((memory_jobs >= 1)) || memory_jobs=1
  ((jobs <= memory_jobs)) || jobs=$memory_jobs
  if ! NINJA_STATUS='[%f/%t] ' ninja -C "$ROOT/build/$preset" -j "$jobs" "$@" 2>&1 |
    tee "$log" | while IFS= read -r line; do
    [[ $line =~ ^\[([0-9]+)/([0-9]+)\]\ (.*) ]] || continue
    percent=$((100 * BASH_REMATCH[1] / BASH_REMATCH[2]))
    if [[ -t 1 ]]; then
      printf '\r\e[K    %3d%%  %s' "$percent" "$(cut -c -70 <<<"${BASH_REMATCH[3]##*/}")"
    elif ((percent / 10 > last)); then
      last=$((percent / 10))
      printf '    %3d%%\n' "$percent"
    fi
  done; then
    [[ ! -t 1 ]] || printf '\r\e[K'
    # The first failure says more than the last line.
    grep -m 1 -A 25 '^FAILED' "$log" >&2 || tail -n 15 "$log" >&2
    die "building '$preset' failed (all of its words: ${log#"$ROOT"/})" \
      "A header that is not found: run scripts/setup. Out of memory: close something and try again."
  fi
  [[ ! -t 1 ]] || printf '\r\e[K'
}
