# Functions that configure and build a preset, with one line of progress. Sourced after shell.sh.
# shellcheck shell=bash

# configure PRESET [CMAKE-ARGUMENT...]
configure() {
  local preset=$1 log
  shift
  mkdir -p "$ROOT/build/$preset"
  log=$ROOT/build/$preset/configure.log
  if ! (cd "$ROOT" && cmake --preset "$preset" "$@") >"$log" 2>&1; then
    grep -A 12 -m 1 'CMake Error' "$log" >&2 || tail -n 15 "$log" >&2
    die "configuring '$preset' failed (full log: ${log#"$ROOT"/})" \
      "If a library was not found, run scripts/setup. If the tree is stale, remove build/$preset."
  fi
}

# configure_all PRESET: configures everything for which this machine has the packages, even if an
# earlier configuration of the tree left it out. Options that the preset itself turns off stay off.
configure_all() {
  local option choice=()
  for option in SOUVENIR_TESTS SOUVENIR_UNIT_TESTS SOUVENIR_BENCH SOUVENIR_BACKEND_PYTORCH; do choice+=("-U$option"); done
  configure "$1" "${choice[@]}"
}

# has PRESET OPTION: succeeds if the tree is configured with the option.
has() { grep -q "^$2:BOOL=ON$" "$ROOT/build/$1/CMakeCache.txt" 2>/dev/null; }

# compile PRESET [TARGET...]: builds the targets, or all if there is none.
compile() {
  local preset=$1 log line last=-1 percent
  shift
  local target
  for target in "$@"; do
    ninja -C "$ROOT/build/$preset" -t query "$target" >/dev/null 2>&1 ||
      die "there is no target '$target' in build/$preset" \
        "\`ninja -C build/$preset -t targets all\` lists them." \
        "Tests and benchmarks need their libraries: scripts/setup --with test installs them."
  done
  log=$ROOT/build/$preset/build.log
  # One job per core, but at most one per gigabyte of memory, which a compiler may take.
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
    # The first failure is more informative than the last lines.
    grep -m 1 -A 25 '^FAILED' "$log" >&2 || tail -n 15 "$log" >&2
    die "building '$preset' failed (full log: ${log#"$ROOT"/})" \
      "If a header was not found, run scripts/setup. If memory ran out, close other programs and try again."
  fi
  [[ ! -t 1 ]] || printf '\r\e[K'
}
