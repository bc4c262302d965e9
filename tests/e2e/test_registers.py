"""A register from and to a CSV file, in a running server and without one: what is exported is taken again unchanged, a dry run says what would become of each row, and of a file
with wrong lines each is told and nothing is taken."""
import os, pty, re, shutil, subprocess, tempfile
from stafet import *

GOALS = "declaration.goals"


def file(text, encoding="utf-8"):
    path = os.path.join(folder, "goals.csv")
    with open(path, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def export():
    return run("export", GOALS, site=site).stdout


def take(text, *options, encoding="utf-8"):
    return run("import", GOALS, file(text, encoding), *options, site=site, check=False)


def changed():
    """The exported lines: without the third, with another title for the second, and one more."""
    lines = export().splitlines()
    cells = lines[1].split(";")
    cells[4] = "Bygge; \"noget\""
    lines[1] = ";".join(cells[:4] + ['"Bygge; ""noget"""'] + cells[5:])
    return "\r\n".join(lines[:2] + lines[3:] + ["zz;building;1;9;'=1+1; "]) + "\r\n", cells[0], lines[2].split(";")[0]


def check_round_trip():
    before = export()
    assert len(before.splitlines()) > 10 and before.startswith("\ufeffid;")
    same = "0 added, 0 changed, 0 removed, %d the same\n" % (len(before.splitlines()) - 1)
    assert take(before, "--dry-run").stdout == "dry run: " + same
    assert take(before).stdout == same and export() == before


def check_difference():
    before = export()
    text, first, gone = changed()
    told = take(text, "--dry-run")
    assert told.returncode == 0 and "changed %s\n  title: '" % first in told.stdout and "' -> 'Bygge; \"noget\"'\n" in told.stdout, told.stdout
    assert "removed %s\n" % gone in told.stdout and "added zz\n" in told.stdout and "dry run: 1 added, 1 changed, 1 removed, " in told.stdout
    assert export() == before, "a dry run changes nothing"
    assert take(text).returncode == 0
    after = export()
    assert "'=1+1" in after and '"Bygge; ""noget"""' in after
    assert take(after, "--dry-run").stdout.startswith("dry run: 0 added, 0 changed, 0 removed, "), "a formula's guard does not grow"
    assert take(before).returncode == 0 and export() == before


def check_wrong_lines():
    before = export()
    lines = before.splitlines()
    wrong = [";".join(line.split(";")[:2] + ["many"] + line.split(";")[3:]) for line in lines[1:4]]
    told = take("\r\n".join([lines[0]] + wrong + lines[4:]) + "\r\n")
    assert told.returncode == 1 and told.stdout.endswith("nothing was imported\n")
    for number in (2, 3, 4):
        assert "line:%d:3: error: 'many' is not a whole number (column 'from_course')" % number in told.stdout, told.stdout
    flood = take("\r\n".join([lines[0]] + ["a;b"] * 130))
    assert flood.returncode == 1 and flood.stdout.count("cells, but the header has") == 100 and "... and 30 more\n" in flood.stdout
    assert export() == before


def check_other_alphabets():
    before = export()
    old = take(before.lstrip("\ufeff"), "--dry-run", encoding="cp1252")
    assert old.returncode == 0 and "was read as Windows-1252" in old.stdout and " 0 changed, " in old.stdout, old.stdout
    wide = take(before.encode("utf-16"))
    assert wide.returncode == 1 and "neither UTF-8 nor Windows-1252" in wide.stdout + wide.stderr, wide.stdout


def check_usage():
    assert run("export", site=site, check=False).returncode == 2
    assert run("import", GOALS, site=site, check=False).returncode == 2
    unknown = run("export", "declaration.golas", site=site, check=False)
    assert unknown.returncode == 1 and "no register 'declaration.golas'" in unknown.stdout + unknown.stderr


def check_progress():
    """Who waits at a terminal for many lines is told; nobody else is."""
    before = export()
    many = before + "".join("n%d;building;1;9;Title %d;Title\r\n" % (i, i) for i in range(10000))
    try:
        terminal, other = pty.openpty()
    except OSError as none:
        print("not looked at, this machine gives no terminal: %s" % none)
        return
    done = subprocess.run([BINARY, "import", GOALS, file(many), "--dry-run"], env=dict(os.environ, STAFET_SITE=site), stdout=subprocess.PIPE, stderr=other, timeout=60)
    os.close(other)
    said = os.read(terminal, 1000).decode()
    os.close(terminal)
    assert done.returncode == 0 and b"dry run: 10000 added" in done.stdout and re.search(r"reading and comparing \d{5} lines of .*goals.csv \.\.\.", said), (done, said)
    assert "comparing" not in take(many, "--dry-run").stderr


CHECKS = (check_round_trip, check_difference, check_wrong_lines, check_other_alphabets, check_progress, check_usage)


def test_without_a_server():
    for check in CHECKS:
        check()


def test_in_a_running_server():
    server = Server("serve", site, "--listen", "127.0.0.1:0")
    try:
        for check in CHECKS:
            check()
    finally:
        assert server.stop() == 0


if __name__ == "__main__":
    folder = tempfile.mkdtemp(prefix="stafet-registers-")
    site = os.path.join(folder, "site")
    run("init", site, "--with", os.path.join(ROOT, "templates", "declaration"))
    try:
        main([value for name, value in list(globals().items()) if name.startswith("test_")])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
