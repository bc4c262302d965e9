#!/usr/bin/python3
"""Every fuzzer of tests/fuzz in turn: soak_fuzz.py [SECONDS]. Ten minutes each unless told; from the seeds and from what earlier runs have learnt."""
import glob, os, subprocess, sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SECONDS = int(sys.argv[1]) if len(sys.argv) > 1 else 600
targets = sorted(os.path.basename(path)[len("fuzz_"):-len(".c")] for path in glob.glob(os.path.join(ROOT, "tests", "fuzz", "fuzz_*.c")))
failed = []
for target in targets:
    done = subprocess.run(["sh", os.path.join(ROOT, "tests", "fuzz", "run.sh"), target, str(SECONDS)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT)
    last = [line for line in done.stdout.decode("utf-8", "replace").splitlines() if line.startswith("Done ")]
    print("%s %s: %s" % ("ok  " if done.returncode == 0 else "FAIL", target, last[-1] if last else "exit %d" % done.returncode), flush=True)
    if done.returncode != 0:
        failed.append(target)
        print(done.stdout.decode("utf-8", "replace")[-4000:])
print("%d passed, %d failed" % (len(targets) - len(failed), len(failed)))
sys.exit(bool(failed))
