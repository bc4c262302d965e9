#!/usr/bin/python3
"""Rounds of selection at random against the model: soak_allocation.py [ROUNDS]."""
import os, subprocess, sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROUNDS = sys.argv[1] if len(sys.argv) > 1 else "5000"
sys.exit(subprocess.run([sys.executable, os.path.join(ROOT, "tests", "model", "test_allocation.py")], env=dict(os.environ, ROUNDS=ROUNDS)).returncode)
