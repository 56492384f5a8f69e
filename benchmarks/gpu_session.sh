#!/usr/bin/env bash
# Everything that wants a GPU, in one go of at most eight minutes: benchmarks/gpu_session.sh [OUT]
# OUT (default: gpu-session) then holds session.json, written anew after each step, and what each step printed.
# DEVICE=cpu runs the same steps on the processor with tiny inputs, which shows that the script works.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export DEVICE=${DEVICE:-cuda} OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} HF_HUB_OFFLINE=1
export PYTHONPATH=$here/..${PYTHONPATH:+:$PYTHONPATH}
# Each step has a limit of its own. This one, of LIMIT_S seconds, is for the case that ending a step hangs in the driver.
exec timeout --kill-after=5 "${LIMIT_S:-480}" "${PYTHON:-python3}" "$here/gpu_session.py" "${1:-gpu-session}"
