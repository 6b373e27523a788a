# Shared by all scripts: the repository's folder, messages, root. Sourced, not run.
# shellcheck shell=bash disable=SC2034

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)

# Colours are only for terminals.
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' PLAIN=$'\e[0m'
else
  BOLD='' DIM='' RED='' PLAIN=''
fi

# say TEXT...: prints a step of the script.
say() { printf '%s==>%s %s\n' "$BOLD" "$PLAIN" "$*"; }

# SPEAKER is the script's own standard error. Messages go there even if the running command's
# standard error is redirected to a log.
exec {SPEAKER}>&2

# die PROBLEM [ADVICE...]: prints the problem and what to do about it, and exits with 1.
die() {
  printf '%s%s: %s%s\n' "$RED" "${0##*/}" "$1" "$PLAIN" >&"$SPEAKER"
  shift
  local line
  for line in "$@"; do printf '  %s\n' "$line" >&"$SPEAKER"; done
  exit 1
}

# unexpected STATUS LINE COMMAND: reports a command whose failure ends the script (`set -e`).
unexpected() {
  printf '%s: line %s: %s (status %s)\n' "${0##*/}" "$2" "$3" "$1" >&"$SPEAKER"
}
set -E
trap 'unexpected "$?" "$LINENO" "$BASH_COMMAND"' ERR

# usage_error TEXT: prints the error and a hint at --help, and exits with 2.
usage_error() {
  printf '%s: %s\nTry %s --help.\n' "${0##*/}" "$1" "$0" >&2
  exit 2
}

# print_help: prints the comment at the top of the running script.
print_help() { awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$0"; }

# need_root PURPOSE: lets sudo ask once, before output is redirected. Dies if root is not available.
need_root() {
  ((EUID != 0)) || return 0
  command -v sudo >/dev/null ||
    die "root is needed to $1, and there is no sudo" \
      "Run \`${0##*/}\` as root, or have an administrator run it."
  # `sudo -v` may ask for a password even if commands need none.
  sudo true || die "root is needed to $1, and sudo did not grant it"
}

# as_root COMMAND...: runs a command as root. REQUIRES: need_root succeeded.
as_root() {
  if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}
