#!/usr/bin/python3
"""Random well-typed expressions for ten minutes: soak_expressions.py [SECONDS]."""
import os, subprocess, sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
PROGRAM = os.path.join(BUILD, "debug", "tests", "test_well_typed")
SECONDS = sys.argv[1] if len(sys.argv) > 1 else "600"
subprocess.run(["make", "MODE=debug", "BUILD=" + BUILD, PROGRAM], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
sys.exit(subprocess.run([PROGRAM], cwd=ROOT, env=dict(os.environ, SECONDS=SECONDS)).returncode)
