# Sourced by the scripts that install Python packages: find a version, create an environment, install a lock.

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

# Run a command quietly; if it fails, show the command, its exit code and the end of its output.
quietly() {
  local log code=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 || code=$?
  if [ $code != 0 ]; then
    tail -n 20 "$log" >&2
    say "exit $code from: $*"
  fi
  rm -f "$log"
  return $code
}

# Print the oldest Python version that pyproject.toml supports.
minimum() { sed -nE 's/^requires-python = ">=([0-9.]+)"$/\1/p' pyproject.toml; }

# Print the version of a Python. Fail if it's too old or isn't Python at all.
version_of() {
  "$1" -c 'import sys
print(".".join(map(str, sys.version_info[:3])))
sys.exit(sys.version_info < tuple(map(int, sys.argv[1].split("."))))' "$(minimum)" 2>/dev/null
}

# Say why pip couldn't install a lock, from its log: the errors, the package, and what that package requires.
explain_pip() {
  local lock=$1 log=$2 python=$3 pin requires
  # pip lists every version that exists. Cut that list short.
  grep -A 3 '^ *ERROR: ' "$log" | grep -vE '^(WARNING|--)' | sed -E 's/\(from versions: .{60}.*\)/(from versions: ...)/' | tail -n 12 >&2
  pin=$(sed -nE 's/^ERROR: Could not find a version that satisfies the requirement ([^ ;]+).*/\1/p' "$log" | tail -n 1)
  requires=$(grep 'require a different python version' "$log" | grep -oE "[ ;]${pin##*==} Requires-Python [^;]+" | tail -n 1)
  if [ -n "$pin" ] && [ -n "$requires" ]; then
    say "$pin in $lock needs Python ${requires##*Requires-Python }, but this is Python $(version_of "$python"). The lock is wrong, not your network: update it with scripts/lock."
  elif grep -q 'DO NOT MATCH THE HASHES' "$log"; then
    say "a downloaded package isn't the one that $lock names. Don't install it: find out which registry or proxy sent it."
  elif grep -q 'In --require-hashes mode' "$log"; then
    say "$lock lacks a package that another one requires on Python $(version_of "$python"). Update it with scripts/lock."
  elif grep -q 'No space left on device' "$log"; then
    say "the disk is full."
  elif grep -qE 'NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|SSLError|ConnectionResetError|ProtocolError' "$log"; then
    say "pip couldn't reach the package registry. Check your network connection and proxy."
  elif [ -n "$pin" ]; then
    say "no package registry that pip could reach has $pin for Python $(version_of "$python") on $(uname -sm)."
  elif ! grep -q '^ *ERROR: ' "$log"; then
    tail -n 20 "$log" >&2
  fi
}

# Install exactly what a lock file names into an environment.
install_lock() {
  local lock=$1 python=$2/bin/python log code=0
  log=$(mktemp)
  "$python" -m pip install --quiet --require-hashes -r "$lock" >"$log" 2>&1 || code=$?
  [ $code = 0 ] || explain_pip "$lock" "$log" "$python"
  rm -f "$log"
  return $code
}

# Create an empty environment, or leave nothing behind.
make_environment() {
  quietly "$1" -m venv "$2" || { rm -rf "$2"; die "Couldn't create $2. Fix the error above and run this again."; }
}
