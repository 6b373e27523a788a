# Functions that start, wait for and stop the two services. Sourced after shell.sh.
#
# SOUVENIR_PORT_BASE (default 8000) moves all ports: gateway at +1, its metrics at +2, its admin
# port at +3; compute at +11, +12 and +13. SOUVENIR_BIN is the folder of the programs.
# shellcheck shell=bash disable=SC2034

PORT_BASE=${SOUVENIR_PORT_BASE:-8000}
if ! [[ $PORT_BASE =~ ^[0-9]{4,5}$ ]] || ((PORT_BASE < 1024 || PORT_BASE > 65500)); then
  die "SOUVENIR_PORT_BASE is '$PORT_BASE'" "Expected a number from 1024 to 65500."
fi
BIN=${SOUVENIR_BIN:-$ROOT/build/release/bin}
GATEWAY=127.0.0.1:$((PORT_BASE + 1))
GATEWAY_METRICS=127.0.0.1:$((PORT_BASE + 2))
GATEWAY_ADMIN=127.0.0.1:$((PORT_BASE + 3))
COMPUTE=127.0.0.1:$((PORT_BASE + 11))
COMPUTE_METRICS=127.0.0.1:$((PORT_BASE + 12))
COMPUTE_ADMIN=127.0.0.1:$((PORT_BASE + 13))

START_SECONDS=30 # longest wait for a service to be ready
STOP_SECONDS=45  # longest wait for a service to drain; its own limit is 30

gateway_pid='' compute_pid=''

# refuse_used_ports: dies if another process listens on a port, and names the port.
refuse_used_ports() {
  local address
  for address in "$GATEWAY" "$GATEWAY_METRICS" "$GATEWAY_ADMIN" \
    "$COMPUTE" "$COMPUTE_METRICS" "$COMPUTE_ADMIN"; do
    if (exec 3<>"/dev/tcp/${address%:*}/${address#*:}") 2>/dev/null; then
      die "port ${address#*:} is in use" \
        "Stop the process that has it (\`ss -ltnp\` names it), or use other ports:" \
        "SOUVENIR_PORT_BASE=9000 $0"
    fi
  done
}

# detached COMMAND...: runs a service in a session of its own. It does not get the terminal's
# Ctrl-C, so the script decides the order of stopping, and it ends if the script is killed.
detached() { exec setsid setpriv --pdeathsig TERM "$@" {SPEAKER}>&-; }

# start_compute LOG-FILE [ARGUMENT...]: starts souvenir-compute and sets compute_pid.
start_compute() {
  local log=$1
  shift
  (cd "$ROOT" && detached "$BIN/souvenir-compute" --listen "$COMPUTE" --metrics "$COMPUTE_METRICS" \
    --admin "$COMPUTE_ADMIN" --model_repository "$ROOT/models" "$@") >>"$log" 2>&1 </dev/null &
  compute_pid=$!
}

# start_gateway LOG-FILE DATA-DIRECTORY [ARGUMENT...]: starts souvenir-gateway and sets gateway_pid.
start_gateway() {
  local log=$1 data=$2
  shift 2
  (cd "$ROOT" && detached "$BIN/souvenir-gateway" --listen "$GATEWAY" --metrics "$GATEWAY_METRICS" \
    --admin "$GATEWAY_ADMIN" --compute "$COMPUTE" --data_dir "$data" "$@") >>"$log" 2>&1 </dev/null &
  gateway_pid=$!
}

# wait_until PID COMMAND...: waits until COMMAND succeeds. Fails if the process ends or after
# START_SECONDS.
wait_until() {
  local pid=$1 end=$((SECONDS + START_SECONDS))
  shift
  until "$@" >/dev/null 2>&1; do
    kill -0 "$pid" 2>/dev/null || return 1
    ((SECONDS < end)) || return 1
    sleep 0.05
  done
}

compute_is_ready() { "$BIN/souvenir" --server "$COMPUTE" --timeout 2 models; }
gateway_is_ready() { "$BIN/souvenir" --server "$GATEWAY" --timeout 2 languages; }

# stop_process PID: sends SIGTERM, waits until the process has ended, and sends SIGKILL after
# STOP_SECONDS. Returns the exit status of the process.
stop_process() {
  local pid=$1 end=$((SECONDS + STOP_SECONDS)) status=0
  kill -TERM "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null; do
    ((SECONDS < end)) || kill -KILL "$pid" 2>/dev/null || true
    sleep 0.02
  done
  wait "$pid" 2>/dev/null || status=$?
  return "$status"
}

# stop_services: stops the gateway first, so that it drains while compute still answers. Returns 1
# if a service ended with an error.
stop_services() {
  local status=0
  if [[ -n $gateway_pid ]]; then
    stop_process "$gateway_pid" || status=1
    gateway_pid=''
  fi
  if [[ -n $compute_pid ]]; then
    stop_process "$compute_pid" || status=1
    compute_pid=''
  fi
  return "$status"
}
