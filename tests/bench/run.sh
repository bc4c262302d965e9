#!/bin/sh
# make bench, make bench-quick: builds and runs tests/bench in release mode: bench.c, bench.py (transitions, sleepers, mails, texts, PDFs), growth.py (what ten times
# more costs), round.py (a selection of 700), market.py (700 look while others choose), beside.py (the first over HTTP, beside other engines). Nothing else should run on the machine. COUNT, SLEEPERS, GROWTH and ROUND scale the numbers; PEERS=no leaves the others out.
set -eu
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
COUNT=${COUNT:-2000}
PEERS=${PEERS:-yes}
export COUNT PEERS
make -s -j2 MODE=release "BUILD=$BUILD" bench-programs >/dev/null
# Only better-sqlite3's own script may run: it fetches or compiles the SQLite that it brings.
if [ "$PEERS" != no ] && [ ! tests/bench/node_modules/.package-lock.json -nt tests/bench/package-lock.json ]; then
	if npm ci --prefix tests/bench --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null; then
		npm rebuild --prefix tests/bench --loglevel=error better-sqlite3 >/dev/null || echo "better-sqlite3 cannot be built: nothing of Node with SQLite to compare with" >&2
	else
		echo "npm cannot install what others need: nothing of Node to compare with" >&2
	fi
fi
"$BUILD/release/bench" "$BUILD/bench.json"
/usr/bin/python3 tests/bench/bench.py "$BUILD/release" "$BUILD/bench.json"
/usr/bin/python3 tests/bench/growth.py "$BUILD/release" "$BUILD/bench.json"
/usr/bin/python3 tests/bench/round.py "$BUILD/release" "$BUILD/bench.json"
/usr/bin/python3 tests/bench/market.py "$BUILD/release" "$BUILD/bench.json"
/usr/bin/python3 tests/bench/beside.py "$BUILD/release" "$BUILD/bench.json"
