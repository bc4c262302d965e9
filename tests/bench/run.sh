#!/bin/sh
# make bench: builds and runs tests/bench/bench.c in release mode. Nothing else should run on the machine.
set -eu
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
make -s -j2 MODE=release "BUILD=$BUILD" "$BUILD/release/bench" >/dev/null
"$BUILD/release/bench" templates/declaration "$BUILD/bench.json" "${COUNT:-2000}"
