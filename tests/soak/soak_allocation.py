#!/usr/bin/python3
"""Rounds of selection at random against the model, and all small markets: soak_allocation.py [ROUNDS [MARKETS]]."""
import os, subprocess, sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WANTED = dict(zip(("ROUNDS", "MARKETS"), sys.argv[1:]))
ENVIRONMENT = dict({"ROUNDS": "5000", "MARKETS": "all"}, **{**os.environ, **WANTED})
FAILED = [name for name in ("test_allocation.py", "test_markets.py") if subprocess.run([sys.executable, os.path.join(ROOT, "tests", "model", name)], env=ENVIRONMENT).returncode]
sys.exit("failed: %s" % ", ".join(FAILED) if FAILED else 0)
