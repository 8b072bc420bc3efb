#!/usr/bin/env bash
# Run the end-to-end tests against the app under Core Tools: e2e-under-func.sh [sqlite|cosmos]
# The scripted model runs in the tests' process, at a port that the app is told.
set -euo pipefail
store="${1:-sqlite}"
port="${PORT:-7071}"
model_port="${MODEL_PORT:-9999}"
log="${LOG:-func.log}"

admin_key="admin.$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n')"
SWARMSTAR_ADMIN_KEY_SHA256="$(printf %s "$admin_key" | sha256sum | cut -d' ' -f1)"
export SWARMSTAR_ADMIN_KEY_SHA256
export SWARMSTAR_MODEL_BASE_URL="http://127.0.0.1:$model_port/v1" SWARMSTAR_MODEL_API_KEY=scripted
export TASKHUB_NAME="E2E${RANDOM}${RANDOM}"

.venv/bin/python -m local.func --port "$port" --store "$store" >"$log" 2>&1 &
host=$!
stop() {
  kill -TERM "$host" 2>/dev/null || true
  wait "$host" || true
}
trap stop EXIT

for _ in $(seq 300); do
  grep --quiet '^Listening on ' "$log" && break
  kill -0 "$host" 2>/dev/null || { cat "$log" >&2; exit 1; }
  sleep 1
done
grep --quiet '^Listening on ' "$log" || { tail -n 100 "$log" >&2; exit 1; }

API_KEY="$(cat .swarmstar/api-key)" ADMIN_KEY="$admin_key" MODEL_PORT="$model_port" STORE="$store" \
  BASE_URL="http://127.0.0.1:$port" .venv/bin/python -m pytest ${TESTS:-tests/e2e}
