#!/usr/bin/env bash
# Import a CD or a folder into the running chain, and watch until each of its studies has been organized.
# May be repeated: what is stored already is known, and a study without anything new is not waited for.
#
#   FIONA_CONFIG=/etc/fiona/fiona.yaml pipelines/import-and-follow.sh /media/cdrom
#
# The exit code is 1 when files could not be imported; they are listed on stderr.
set -euo pipefail
: "${1:?give a folder, for example /media/cdrom}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Whatever is said from this second on, whenever the watching begins.
since=$(date -u +%Y-%m-%dT%H:%M:%S.000Z)
fiona-journal follow organized --type study --all --since "$since" > "$work/studies" &
follower=$!
trap 'kill "$follower" 2>/dev/null || true; rm -rf "$work"' EXIT

# Records go into the journal, and a list of new studies beside it. The import's own exit code counts.
code=0
fiona-import --calling-aet MEDIA -- "$@" > "$work/records" || code=$?
if ((code > 1)); then exit "$code"; fi
jq -c 'select(.type == "instance")' "$work/records" | fiona-journal append received
jq -r 'select(.type == "error") | "not imported: " + .message' "$work/records" >&2
jq -r 'select(.type == "instance" and (.duplicate | not)) | .StudyInstanceUID' "$work/records" |
  sort -u > "$work/expected"

while read -r study; do
  while
    # The follower may be in the middle of a line: what is not whole yet is there at the next look.
    jq -Rr --arg study "$study" 'fromjson? | select(.StudyInstanceUID == $study)
      | "\(.StudyInstanceUID): \(.instances) objects, \((.ClassifyType // []) | join("+"))"' \
      "$work/studies" > "$work/found"
    [[ ! -s $work/found ]]
  do
    sleep 1
  done
  cat "$work/found"
done < "$work/expected"
exit "$code"
