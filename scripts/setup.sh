# Sourced by the other scripts: makes .venv with the package in it, unless that was done already.
# Usage: . scripts/setup.sh [EXTRA]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

find_python() {
  local candidate
  for candidate in python3.11 python3.10 python3 python; do
    if command -v "$candidate" >/dev/null 2>&1 &&
      "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] not in [(3, 10), (3, 11)])' >/dev/null 2>&1; then
      echo "$candidate"
      return
    fi
  done
  echo "graspsim needs Python 3.10 or 3.11 (PyBullet has no wheels for later ones); none was found." >&2
  return 1
}

extra=${1:-}
# What was installed, and from which requirements: a change of either installs anew.
stamp=.venv/.graspsim-${extra:-core}
wanted=$(cksum pyproject.toml)
if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
  echo "Setting up .venv (a minute the first time) ..."
  if [ ! -x .venv/bin/python ]; then
    python=$(find_python)
    "$python" -m venv .venv
  fi
  log=$(mktemp)
  if ! .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".${extra:+[$extra]}" >"$log" 2>&1; then
    cat "$log" >&2
    echo "Installing the packages failed; the reason stands above." >&2
    exit 1
  fi
  rm -f "$log"
  echo "$wanted" >"$stamp"
fi
