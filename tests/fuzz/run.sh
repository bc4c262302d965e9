#!/bin/sh
# tests/fuzz/run.sh TARGET SECONDS: builds tests/fuzz/fuzz_TARGET.c with libFuzzer and runs it from the corpus in tests/fuzz/corpus/TARGET.
# Finds are left in build/fuzz/finds; what it learnt in build/fuzz/corpus/TARGET.
set -eu
cd "$(dirname "$0")/../.."
target=$1 seconds=$2
BUILD=${BUILD:-build}
source=tests/fuzz/fuzz_$target.c
[ -e "$source" ] || { echo "no $source; there are:"; ls tests/fuzz/fuzz_*.c; exit 2; }
command -v clang >/dev/null || { echo "clang and libclang-rt-14-dev are needed"; exit 2; }
mkdir -p "$BUILD/fuzz/finds" "$BUILD/fuzz/corpus/$target" "tests/fuzz/corpus/$target"
# The library's objects under the same sanitizers, in a folder of their own.
make -s -j2 MODE=fuzz CC=clang "BUILD=$BUILD" WERROR= "$BUILD/fuzz/libstafet.a" >/dev/null
clang -std=c11 -D_GNU_SOURCE -I. -g -O1 -fsanitize=fuzzer,address,undefined $(pkg-config --cflags glib-2.0 pangocairo libxml-2.0) -o "$BUILD/fuzz/fuzz_$target" "$source" \
	"$BUILD/fuzz/libstafet.a" -lmicrohttpd -lcurl -letpan -lsqlite3 -lsodium -lfyaml -ljansson -lmd4c -lxml2 -lpangocairo-1.0 -lpango-1.0 -lcairo -lgobject-2.0 -lglib-2.0 -lresolv -lpthread -lm
exec "$BUILD/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=8192 -artifact_prefix="$BUILD/fuzz/finds/$target-" \
	"$BUILD/fuzz/corpus/$target" "tests/fuzz/corpus/$target"
