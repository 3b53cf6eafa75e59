#!/usr/bin/env bash
# The standard chain by hand: what `fiona up` starts and supervises, as plain shell.
# Copy it and change what your site does differently. Stop it with Ctrl-C or SIGTERM: each part drains.
#
#   FIONA_CONFIG=/etc/fiona/fiona.yaml pipelines/standard-chain.sh [FRONT-DOOR]
#
# FRONT-DOOR is the named pipe for files and records (default /run/fiona/received.pipe).
# When one part ends, all are stopped and the exit code is 1, so that whoever runs this can start it again.
set -euo pipefail
: "${FIONA_CONFIG:?set FIONA_CONFIG to your configuration (fiona up writes one to <runDir>/fiona.json)}"
front_door=${1:-/run/fiona/received.pipe}

parts=()
start() {
  "$@" &
  parts+=("$!")
}
stop() {
  # The receiver came last and stops first. What is on its way stays in the journals.
  local at
  for ((at = ${#parts[@]} - 1; at >= 0; at--)); do kill "${parts[at]}" 2>/dev/null || true; done
  wait || true
}
trap 'stop; exit 0' INT TERM

# Each stage runs one pipeline between two journals. Kill any of them at any moment: started again, it
# goes on where it was. What takes is started before what gives.
start fiona-stage --name deliver    --from outbox    --to sent      -- 'fiona-send'
# Where the configuration has requests, de-identify --from requested, and start between the two:
#   start fiona-stage --name request --from organized --to requested -- 'fiona-request --requests-only'
start fiona-stage --name deidentify --from organized --to outbox    -- 'fiona-anon'
start fiona-stage --name organize   --from received  --to organized -- 'fiona-arrive | fiona-classify | fiona-organize'

# The front door: echo /path/to/file.dcm > /run/fiona/received.pipe
start fiona-import --front-door "$front_door" --journal received

# Folders that are emptied into the archive (inboxes in the configuration), each with:
#   start fiona-import --watch /srv/inbox --journal received

# What fiona ls asks (where SQLite can be loaded; else it ends with 69, and all with it), add:
#   start fiona-index --follow

# Where modalities report their steps (MPPS), add:
#   start fiona-mpps --journal received

# The receiver answers a C-STORE with success when the object and its record are on stable storage.
start fiona-scp --journal received

code=0
wait -n || code=$?
echo "error: a part of the chain ended with $code; the others are stopped" >&2
stop
exit 1
