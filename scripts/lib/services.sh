# Starting, waiting for and stopping the two services. Sourced after shell.sh.
#
# SOUVENIR_PORT_BASE (default 8000) moves all ports: gateway at +1, its metrics at +2, its admin port
# at +3; compute at +11, +12 and +13. SOUVENIR_BIN is where the programs are.
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
STOP_SECONDS=45  # longest wait for one to drain; a service gives itself 30

gateway_pid='' compute_pid=''

# refuse_used_ports: dies, naming the port, where another process listens already.
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

# A service of its own session does not get the terminal's Ctrl-C, so that the order of stopping is
# ours; and it does not outlive a script that is killed.
detached() { exec setsid setpriv --pdeathsig TERM "$@" {SPEAKER}>&-; }

# start_compute LOG-FILE [ARGUMENT...]: sets compute_pid.
start_compute() {
  local log=$1
  shift
  (cd "$ROOT" && detached "$BIN/souvenir-compute" --listen "$COMPUTE" --metrics "$COMPUTE_METRICS" \
    --admin "$COMPUTE_ADMIN" --model_repository "$ROOT/models" "$@") >>"$log" 2>&1 </dev/null &
  compute_pid=$!
}

# start_gateway LOG-FILE DATA-DIRECTORY [ARGUMENT...]: sets gateway_pid.
start_gateway() {
  local log=$1 data=$2
  shift 2
  (cd "$ROOT" && detached "$BIN/souvenir-gateway" --listen "$GATEWAY" --metrics "$GATEWAY_METRICS" \
    --admin "$GATEWAY_ADMIN" --compute "$COMPUTE" --data_dir "$data" "$@") >>"$log" 2>&1 </dev/null &
  gateway_pid=$!
}

# wait_until PID COMMAND...: until COMMAND succeeds; fails when the process has ended or time is up.
wait_until() {
  local pid=$1 end=$((SECONDS + START_SECONDS))
  shift
  until "$@" >/dev/null 2>&1; do
    kill -0 "$pid" 2>/dev/null || return 1
    ((SECONDS < end)) || return 1
    sleep 0.05 # between two questions
  done
}

compute_is_ready() { "$BIN/souvenir" --server "$COMPUTE" --timeout 2 models; }
gateway_is_ready() { "$BIN/souvenir" --server "$GATEWAY" --timeout 2 languages; }

# stop_process PID: asks it to end, waits until it has, and ends it by force when its time is up.
# Its exit status.
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

# stop_services: the gateway first, so that it drains while compute still answers. 1 where one of
# them did not end well.
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
