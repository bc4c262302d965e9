#!/bin/sh
# Runs the tests and counts them. Arguments: unit, e2e, fault, packages, arch, docs, model, browser (all when none is given), soak, tsan.
# A test prints its own output to build/tests/<name>.log, shown when it fails. The last line is "N passed, N failed".
set -u
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
PYTHON=${PYTHON:-/usr/bin/python3}
jobs=$(nproc 2>/dev/null || echo 2)
logs=$BUILD/tests
mkdir -p "$logs"

# One test; all it has to say at once, since others may be running.
run() { # name, seconds, command...
	name=$1 limit=$2
	shift 2
	start=$(date +%s) status=0
	timeout -k 10 "$limit" "$@" >"$logs/$name.log" 2>&1 || status=$?
	seconds=$(($(date +%s) - start))
	if [ "$status" -eq 0 ]; then
		said=$(printf 'ok   %-34s %3ds' "$name" "$seconds")
	else
		said=$(printf 'FAIL %-34s %3ds  exit %s\n' "$name" "$seconds" "$status"; tail -n 40 "$logs/$name.log" | sed 's/^/     | /')
	fi
	printf '%s\n' "$said"
	printf '%s\n' "$said" | head -n 1 >>"$logs/results"
}
# A line of words a test.
run_together() { # how many at a time
	xargs -r -P "$1" -L 1 sh tests/run.sh --one
}
if [ "${1:-}" = --one ]; then
	shift
	run "$@"
	exit 0
fi

: >"$logs/results"
want() { case " $parts " in *" $1 "*) return 0 ;; esac; return 1; }
parts=${*:-"build arch unit packages docs model e2e fault browser"}

export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0
if want build || want e2e || want fault || want soak || want packages || want docs || want browser; then
	run build-release 900 make -j"$jobs" MODE=release "BUILD=$BUILD" build/stafet bench-programs "$BUILD/release/fault.so"
fi
if want unit; then
	run build-debug 1200 make -j"$jobs" MODE=debug "BUILD=$BUILD" unit-programs "$BUILD/debug/stafet"
fi
if want browser; then
	# The pictures of all pages are an artefact of these tests.
	rm -rf "$BUILD/screenshots"
	if [ ! tests/browser/node_modules/.package-lock.json -nt tests/browser/package-lock.json ]; then
		run browser-packages 300 npm ci --prefix tests/browser --omit=dev --ignore-scripts
	fi
fi
# Each line is a test: name, seconds, command. Of fault a sample of the calls; soak fails each of them.
lines() { # part
	case $1 in
	arch) echo "architecture 300 $PYTHON tests/arch.py" ;;
	unit)
		for test in tests/unit/test_*.c; do
			name=$(basename "$test" .c)
			echo "$name 300 $BUILD/debug/tests/$name"
		done
		for target in tests/fuzz/fuzz_*.c; do
			name=$(basename "$target" .c)
			name=${name#fuzz_}
			echo "replay-$name 120 sh -c '\"\$0\" \"\$1\"/*' $BUILD/debug/tests/replay_$name tests/fuzz/corpus/$name"
		done
		;;
	packages)
		# Those of tests/packages start and signal each other.
		for package in templates/*/ tests/packages; do
			echo "check-$(basename "$package") 60 build/stafet check $package"
			echo "scenarios-$(basename "$package") 120 build/stafet test $package"
		done
		;;
	browser) programs browser node mjs ;;
	*) programs "$1" "$PYTHON" py ;;
	esac
}
programs() { # folder, interpreter, how its files end
	for test in tests/"$1"/test_*."$3"; do
		echo "$1-$(basename "$test" ".$3") ${SECONDS_EACH:-600} $2 $test"
	done
}
# What takes longest begins first, so that nothing of it is left alone at the end.
slow_first() {
	awk -v slow="browser-test_pages e2e-test_inbox e2e-test_doctor e2e-test_sms e2e-test_spam e2e-test_sending e2e-test_documents fault-test_nights e2e-test_disk fault-test_network fault-test_process fault-test_store browser-test_phone browser-test_links e2e-test_login browser-test_groups e2e-test_injection e2e-test_views e2e-test_kill browser-test_keyboard" \
		'BEGIN { n = split(slow, names, " "); for (i in names) rank[names[i]] = i } { print ($1 in rank ? rank[$1] : n + 1) " " $0 }' | sort -s -n -k1,1 | cut -d' ' -f2-
}
# One more at a time than there are processors: much of it is waiting.
for part in arch unit packages docs model e2e fault browser; do
	if want $part; then lines $part; fi
done | slow_first | run_together $((jobs + 1))
# Not of check: it takes minutes. A race makes the program's exit status 66, and its report stays in the logs.
if want tsan; then
	run build-tsan 1200 make -j"$jobs" MODE=tsan "BUILD=$BUILD" "$BUILD/tsan/stafet"
	rm -f "$logs"/race.*
	# Of a fixed layout: the library of GCC 12 cannot be loaded everywhere. Without what asks for an amount of memory (test_inbox) or of time (test_views with 100,000 rows, the documents of test_paper).
	here=$(cd "$BUILD" && pwd)
	for name in portal uploads login texting sending metrics groups links start front look demo abuse story outbox; do
		run "tsan-$name" 900 env STAFET="$here/tsan/stafet" TSAN_OPTIONS="exitcode=66 log_path=$here/tests/race" setarch -R "$PYTHON" "tests/e2e/test_$name.py"
	done
	races=$(find "$logs" -name 'race.*' | wc -l)
	run tsan-races 10 test "$races" -eq 0
fi
if want soak; then
	export FAULT=all
	SECONDS_EACH=14400 lines fault | run_together "$jobs"
	for test in tests/soak/*.py; do
		[ -e "$test" ] && run "soak-$(basename "$test" .py)" 14400 "$PYTHON" "$test"
	done
fi
passed=$(grep -c '^ok' "$logs/results") failed=$(grep -c '^FAIL' "$logs/results")
[ "$failed" -eq 0 ] || sed -n 's/^FAIL \([^ ]*\).*/failed: \1/p' "$logs/results"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
