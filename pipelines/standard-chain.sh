#!/usr/bin/env bash
# The standard chain by hand: what `fiona up` starts and supervises, as plain shell.
# Copy it and change what your site does differently. Stop it with Ctrl-C: each part drains.
#
#   FIONA_CONFIG=/etc/fiona/fiona.yaml pipelines/standard-chain.sh
set -euo pipefail
: "${FIONA_CONFIG:?set FIONA_CONFIG to your configuration (fiona up writes one to <dataDir>/run/fiona.json)}"

# Each stage runs one pipeline between two journals. Kill any of them at any moment: started again, it
# goes on where it was. What takes is started before what gives.
fiona-stage --name deliver    --from outbox    --to sent      -- 'fiona-send' &
fiona-stage --name deidentify --from organized --to outbox    -- 'fiona-anon' &
fiona-stage --name organize   --from received  --to organized -- 'fiona-arrive | fiona-classify | fiona-organize' &

# The receiver answers a C-STORE with success when the object and its record are on stable storage.
fiona-scp --journal received &

trap 'kill $(jobs -p) 2>/dev/null' INT TERM
wait
