#!/bin/sh
# Usage: install.sh WHEEL | --remove
#
# Puts watcher-metal-drivers beside the Watcher of Debian or Ubuntu, or takes
# it away. The code has a directory of its own and comes last on the path of
# the system's Python, so the libraries of the distribution are used. It
# replaces an older version in one step. It restarts nothing.
set -eu

name=watcher-metal-drivers
root=${DESTDIR:-}
python=${PYTHON:-/usr/bin/python3}
home=$root/opt/$name
command=$root/usr/local/bin/metal-drivers
site=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
site=$root/usr/local/lib/$site/dist-packages

if [ "${1:-}" = --remove ]; then
    # Also what an older Python of the system had.
    rm -f "$root"/usr/local/lib/python3.*/dist-packages/$name.pth "$command"
    rm -rf "$home"
    echo "Removed. Restart watcher-decision-engine and watcher-applier."
    exit
fi
wheel=${1:?usage: install.sh WHEEL | --remove}

mkdir -p "$home" "$site" "$(dirname "$command")"
new=$(mktemp -d "$home/code.XXXXXX")
trap 'rm -rf "$new"' EXIT
chmod 755 "$new"
"$python" -m pip install --quiet --no-deps --no-cache-dir \
    --root-user-action ignore --target "$new" "$wheel"
# Import what Watcher will, before anything changes for it.
"$python" -W ignore - "$new" <<'PROBE'
import importlib.metadata
import sys

# Before the version in use. Nothing else is in there.
sys.path.insert(0, sys.argv[1])
(found,) = importlib.metadata.distributions(
    name='watcher-metal-drivers', path=sys.argv[1:]
)
for entry_point in found.entry_points:
    if entry_point.group.startswith('watcher'):
        entry_point.load()
PROBE

old=$(readlink "$home/lib" || true)
ln -sfn "$(basename "$new")" "$home/lib.new"
mv -T "$home/lib.new" "$home/lib"
trap - EXIT
echo "${home#"$root"}/lib" > "$site/$name.pth"
ln -sf "${home#"$root"}/lib/bin/metal-drivers" "$command"
[ -z "$old" ] || rm -rf "${home:?}/$old"
echo "Installed. Restart watcher-decision-engine and watcher-applier."
