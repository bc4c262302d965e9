#!/usr/bin/python3
"""What `stafet test` says that scenarios have touched: of packages tested together, also what those of another one do to it. On the packages tests/packages/visit and visit-lab."""
import os, re, shutil, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stafet import *


def test_a_child_is_touched_by_the_scenarios_of_its_parent():
    folder = tempfile.mkdtemp(prefix="stafet-coverage-")
    try:
        for name in ("visit", "visit-lab"):
            shutil.copytree(os.path.join(ROOT, "tests", "packages", name), os.path.join(folder, name))
        shutil.rmtree(os.path.join(folder, "visit-lab", "scenarios"))
        said = run("test", os.path.join(folder, "visit"), os.path.join(folder, "visit-lab")).stdout
        touched = dict(re.findall(r"(?m)^([a-z-]+)\n     states (\d+/\d+)", said))
        assert touched == {"visit": "4/4", "visit-lab": "1/2"}, said
        assert "visit-lab\n     states 1/2 (not touched: over)" in said, said
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main([test_a_child_is_touched_by_the_scenarios_of_its_parent])
