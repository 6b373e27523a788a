# What all scripts share: where the repository is, how to speak, how to become root. Sourced, not run.
# shellcheck shell=bash disable=SC2034

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)

# Colours only for a person's eyes.
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' PLAIN=$'\e[0m'
else
  BOLD='' DIM='' RED='' PLAIN=''
fi

# say TEXT...: what the script is doing now.
say() { printf '%s==>%s %s\n' "$BOLD" "$PLAIN" "$*"; }

# The script's own standard error, whatever the command that runs has of it: what a script has to say
# must not go into a log that is read by nobody.
exec {SPEAKER}>&2

# die TEXT...: what went wrong, what to do about it, exit 1.
die() {
  printf '%s%s: %s%s\n' "$RED" "${0##*/}" "$1" "$PLAIN" >&"$SPEAKER"
  shift
  local line
  for line in "$@"; do printf '  %s\n' "$line" >&"$SPEAKER"; done
  exit 1
}

# A command that fails where nobody expected it ends the script (`set -e`): never without a word.
unexpected() {
  printf '%s: line %s: %s (status %s)\n' "${0##*/}" "$2" "$3" "$1" >&"$SPEAKER"
}
set -E
trap 'unexpected "$?" "$LINENO" "$BASH_COMMAND"' ERR

# usage_error TEXT: exit 2.
usage_error() {
  printf '%s: %s\nTry %s --help.\n' "${0##*/}" "$1" "$0" >&2
  exit 2
}

# print_help: the comment at the head of the script that runs.
print_help() { awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$0"; }

# need_root WHAT: asks sudo once, before any output is redirected; dies where root is not to be had.
need_root() {
  ((EUID != 0)) || return 0
  command -v sudo >/dev/null ||
    die "root is needed to $1, and there is no sudo" \
      "Run \`${0##*/}\` as root, or have an administrator run it."
  # Not `sudo -v`, which may want a password where commands need none.
  sudo true || die "root is needed to $1, and sudo did not grant it"
}

# as_root COMMAND...: REQUIRES: need_root succeeded.
as_root() {
  if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}
