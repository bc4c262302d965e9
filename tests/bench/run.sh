#!/bin/sh
# make bench: builds and runs tests/bench in release mode: bench.c, then bench.py (transitions, mails, texts, pages). Nothing else should run on the machine. COUNT scales the numbers.
set -eu
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
COUNT=${COUNT:-2000}
export COUNT
make -s -j2 MODE=release "BUILD=$BUILD" "$BUILD/release/bench" "$BUILD/release/bench-mail" "$BUILD/release/bench-sql" "$BUILD/release/bench-delay" "$BUILD/release/stafet" >/dev/null
# Its SQLite is native: fetched built, or compiled.
if [ ! tests/bench/node_modules/.package-lock.json -nt tests/bench/package-lock.json ]; then
	npm ci --prefix tests/bench --no-audit --no-fund >/dev/null || echo "nodemailer cannot be installed: nothing to compare with" >&2
fi
"$BUILD/release/bench" "$BUILD/bench.json"
/usr/bin/python3 tests/bench/bench.py "$BUILD/release" "$BUILD/bench.json"
