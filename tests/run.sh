#!/bin/sh
# Runs the tests and counts them. Arguments: unit, e2e, packages, arch, docs, browser (all when none is given), soak.
# A test prints its own output to build/tests/<name>.log, shown when it fails. The last line is "N passed, N failed".
set -u
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
PYTHON=${PYTHON:-/usr/bin/python3}
jobs=$(nproc 2>/dev/null || echo 2)
logs=$BUILD/tests
mkdir -p "$logs"
passed=0 failed=0 failures=""

run() { # name, seconds, command...
	name=$1 limit=$2
	shift 2
	start=$(date +%s)
	if timeout -k 10 "$limit" "$@" >"$logs/$name.log" 2>&1; then
		passed=$((passed + 1))
		printf 'ok   %-34s %3ds\n' "$name" $(($(date +%s) - start))
	else
		status=$?
		failed=$((failed + 1))
		failures="$failures $name"
		printf 'FAIL %-34s %3ds  exit %s\n' "$name" $(($(date +%s) - start)) "$status"
		tail -n 40 "$logs/$name.log" | sed 's/^/     | /'
	fi
}

want() { case " $parts " in *" $1 "*) return 0 ;; esac; return 1; }
parts=${*:-"build arch unit packages docs e2e browser"}

export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0
if want build || want e2e || want packages || want docs || want browser; then
	run build-release 900 make -j"$jobs" MODE=release build/stafet "$BUILD/release/bench" "$BUILD/release/bench-mail" "$BUILD/release/bench-delay"
fi
want arch && run architecture 300 "$PYTHON" tests/arch.py
if want unit; then
	run build-debug 1200 make -j"$jobs" MODE=debug "BUILD=$BUILD" unit-programs "$BUILD/debug/stafet"
	for test in tests/unit/test_*.c; do
		name=$(basename "$test" .c)
		run "$name" 300 "$BUILD/debug/tests/$name"
	done
	for target in tests/fuzz/fuzz_*.c; do
		name=$(basename "$target" .c)
		name=${name#fuzz_}
		run "replay-$name" 120 sh -c '"$0" "$1"/*' "$BUILD/debug/tests/replay_$name" "tests/fuzz/corpus/$name"
	done
fi
if want packages; then
	for package in templates/*/; do
		folder=$(basename "$package")
		run "check-$folder" 60 build/stafet check "$package"
		run "scenarios-$folder" 120 build/stafet test "$package"
	done
	# These start and signal each other.
	run check-packages 60 build/stafet check tests/packages/*/
	run scenarios-packages 120 build/stafet test tests/packages/*/
fi
if want docs; then
	for test in tests/docs/test_*.py; do
		[ -e "$test" ] && run "docs-$(basename "$test" .py)" 300 "$PYTHON" "$test"
	done
fi
if want e2e; then
	for test in tests/e2e/test_*.py; do
		[ -e "$test" ] && run "e2e-$(basename "$test" .py)" 300 "$PYTHON" "$test"
	done
fi
if want browser; then
	# The pictures of all pages are an artefact of these tests.
	rm -rf "$BUILD/screenshots"
	if [ ! tests/browser/node_modules/.package-lock.json -nt tests/browser/package-lock.json ]; then
		run browser-packages 300 npm ci --prefix tests/browser --omit=dev --ignore-scripts
	fi
	for test in tests/browser/test_*.mjs; do
		run "browser-$(basename "$test" .mjs)" 600 node "$test"
	done
fi
if want soak; then
	for test in tests/soak/*.py; do
		[ -e "$test" ] && run "soak-$(basename "$test" .py)" 3600 "$PYTHON" "$test"
	done
fi
[ -n "$failures" ] && echo "failed:$failures"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
