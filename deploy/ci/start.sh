#!/usr/bin/env bash
# Installs the mock server in an environment of its own, starts it, and prints how to reach it.
#
# In GitHub Actions `action.yml` calls it; elsewhere, the variables for clients are in the file that GITHUB_ENV names.
#   INPUT_VERSION, INPUT_STUBS, INPUT_FIXTURES, INPUT_TIER, INPUT_PORT, INPUT_ARGS as the inputs of action.yml
#   PYTHON  the Python to use, by default python3
set -euo pipefail

folder=${RUNNER_TEMP:-${TMPDIR:-/tmp}}/audio-mockserver
log=$folder/server.log
umask 077
mkdir -p "$folder"

if [ -z "${AUDIO_MOCKSERVER:-}" ]; then
  case ${INPUT_VERSION:-} in
    "") package=audio-mockserver ;;
    *[!0-9a-z.+]*) package=$INPUT_VERSION ;;   # a path or URL
    *) package=audio-mockserver==$INPUT_VERSION ;;
  esac
  "${PYTHON:-python3}" -m venv "$folder/venv"
  bin=$folder/venv/bin
  [ -d "$bin" ] || bin=$folder/venv/Scripts
  "$bin/python" -m pip install --quiet --disable-pip-version-check "$package"
  AUDIO_MOCKSERVER=$bin/audio-mockserver
fi

options=(--port "${INPUT_PORT:-0}")
[ -z "${INPUT_STUBS:-}" ] || options+=(--stubs "$INPUT_STUBS")
[ -z "${INPUT_FIXTURES:-}" ] || options+=(--fixtures "$INPUT_FIXTURES")
[ -z "${INPUT_TIER:-}" ] || options+=(--tier "$INPUT_TIER")
if [[ ${INPUT_ARGS:-} = *[![:space:]]* ]]; then
  # Quotes are understood, and nothing else of the shell: no variables, commands or patterns.
  if ! words=$(printf %s "$INPUT_ARGS" | xargs printf '%s\n' && echo .); then
    echo "::error::The input args cannot be split into options. Close each quote." >&2
    exit 1
  fi
  while IFS= read -r option; do options+=("$option"); done <<<"${words%$'\n'.}"
fi

: >"$log"   # before the loop below reads it: it may be that of an earlier server
nohup "$AUDIO_MOCKSERVER" serve "${options[@]}" >"$log" 2>&1 </dev/null &
pid=$!
echo "$pid" >"$folder/server.pid"

url=
for _ in $(seq 600); do
  url=$(sed -n 's#^audio-mockserver at \(https\{0,1\}://.*\)/v1 .*#\1#p' "$log" | head -n 1)
  [ -z "$url" ] || break
  if ! kill -0 "$pid" 2>/dev/null; then
    echo "::error::The mock server did not start." >&2
    cat "$log" >&2
    exit 1
  fi
  sleep 0.1
done
if [ -z "$url" ]; then
  echo "::error::The mock server did not start within a minute." >&2
  cat "$log" >&2
  kill "$pid" 2>/dev/null || true
  exit 1
fi

if [ -n "${GITHUB_OUTPUT:-}" ]; then
  printf 'url=%s\nbase-url=%s/v1\n' "$url" "$url" >>"$GITHUB_OUTPUT"
fi
if [ -n "${GITHUB_ENV:-}" ]; then
  printf 'AUDIO_MOCKSERVER_URL=%s\nOPENAI_BASE_URL=%s/v1\nOPENAI_API_KEY=%s\n' \
    "$url" "$url" "${OPENAI_API_KEY:-sk-mock-ci}" >>"$GITHUB_ENV"
fi
echo "audio-mockserver at $url/v1, its log in $log"
