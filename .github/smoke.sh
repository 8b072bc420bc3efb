#!/usr/bin/env bash
# What must hold of a deployment before anybody has a key there: it is up, and nobody is let in without a credential.
set -euo pipefail
url="${1:?usage: smoke.sh URL}"
patience="${2:-600}"

status() {
  curl --silent --output /dev/null --max-time 30 --write-out '%{http_code}' "$@" || true
}

echo "Waiting for $url/api/health"
end=$((SECONDS + patience))
until [ "$(status "$url/api/health")" = 200 ]; do
  if [ "$SECONDS" -ge "$end" ]; then
    echo "It did not answer within $patience seconds." >&2
    exit 1
  fi
  sleep 2
done

refused() {
  local got
  got="$(status "$@")"
  echo "$got  ${*: -1}"
  [ "$got" = 401 ] || { echo "This must be refused with 401." >&2; exit 1; }
}

refused "$url/api/v1/swarms"
refused --header "x-ms-client-principal: eyJjbGFpbXMiOltdfQ==" "$url/api/v1/swarms"
refused --header "Authorization: Bearer ss-000000000000.$(printf 'x%.0s' $(seq 43))" "$url/api/v1/swarms"
refused --request POST --header "Content-Type: application/json" --data '{"directive": "x"}' "$url/api/v1/swarms"
refused "$url/api/v1/admin/users"
echo "Nobody is let in without a credential."
