# Lists the sources of the project. Sourced after shell.sh.
# shellcheck shell=bash

# list_sources PATTERN...: prints the tracked and the new files whose names match, relative to ROOT.
list_sources() {
  if git -C "$ROOT" rev-parse --git-dir >/dev/null 2>&1; then
    git -C "$ROOT" ls-files --cached --others --exclude-standard -- "$@" | sort -u |
      while IFS= read -r file; do [[ ! -f $ROOT/$file ]] || printf '%s\n' "$file"; done
  else # an archive of the sources
    local pattern
    for pattern in "$@"; do
      (cd "$ROOT" && find . -name build -prune -o -type f -name "${pattern##*/}" -print)
    done | sed 's|^\./||' | sort -u
  fi
}
