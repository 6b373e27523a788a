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

# die TEXT...: what went wrong, what to do about it, exit 1.
die() {
  printf '%s%s: %s%s\n' "$RED" "${0##*/}" "$1" "$PLAIN" >&2
  shift
  local line
  for line in "$@"; do printf '  %s\n' "$line" >&2; done
  exit 1
}

# usage_error TEXT: exit 2.
usage_error() {
  printf '%s: %s\nTry %s --help.\n' "${0##*/}" "$1" "$0" >&2
  exit 2
}

# print_help: the comment at the head of the script that runs.
print_help() { awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$0"; }

# as_root COMMAND...: with sudo where this is not root.
as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "root is needed to run: $*" "Run this script as root, or install sudo."
  fi
}
