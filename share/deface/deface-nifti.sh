#!/bin/sh
# Removes faces from a DICOM series with a program that reads and writes NIfTI.
#
#   deface-nifti.sh PROGRAM [ARGUMENT…] GIVEN MADE
#
# GIVEN is a folder with the objects of one series, MADE an empty one for the same objects without faces. In a profile:
#
#   deface:
#     command: [/etc/fiona/deface/deface-nifti.sh, /usr/local/bin/my-deface]
#
# PROGRAM is called with its arguments and two names behind them: a volume (.nii.gz) that is there, and one to be written.
# A program that wants its arguments otherwise gets a script of three lines around it, which also sets the variables it
# needs (FSLDIR, FREESURFER_HOME …): of the environment it has PATH, HOME and TMPDIR only. For example:
#
#   #!/bin/sh
#   export FSLDIR=/usr/local/fsl
#   exec "$FSLDIR/bin/fsl_deface" "$1" "$2"
#
# Needed: python3 with pydicom and numpy; another one than that of PATH is named by the variable PYTHON.
set -eu
if [ "$#" -lt 3 ]; then
  echo "usage: deface-nifti.sh PROGRAM [ARGUMENT...] GIVEN MADE" >&2
  exit 64
fi

here=$(dirname "$0")
# The last two arguments are the folders; what is in front of them is the program.
count=$#
given=
made=
program_length=$((count - 2))
i=0
for argument in "$@"; do
  i=$((i + 1))
  shift
  if [ "$i" -le "$program_length" ]; then
    set -- "$@" "$argument"
  elif [ "$i" -lt "$count" ]; then
    given=$argument
  else
    made=$argument
  fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" "$here/series-nifti.py" to-nifti "$given" "$work/series.nii.gz"
"$@" "$work/series.nii.gz" "$work/defaced.nii.gz"
"${PYTHON:-python3}" "$here/series-nifti.py" from-nifti "$given" "$work/series.nii.gz" "$work/defaced.nii.gz" "$made"
