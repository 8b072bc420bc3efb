#!/usr/bin/env bash
# Hand every variable of the repository or the environment called AZURE_... or DEPLOY_... to the steps that follow: who
# signs in and where, and the parameters of infra/main.parameters.json. A value with a line break is refused, for it
# could set other variables.
set -euo pipefail
: "${VARIABLES:?the variables, as a JSON object}" "${GITHUB_ENV:?}"
jq --raw-output '
  to_entries[] | select(.key | test("^(AZURE|DEPLOY)_"))
  | if (.value | test("[\n\r]")) then error("\(.key) holds a line break") else "\(.key)=\(.value)" end
' <<<"$VARIABLES" >>"$GITHUB_ENV"
