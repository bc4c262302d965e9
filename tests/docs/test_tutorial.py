"""docs/tutorial.md, carried out: every file written, every change made, every command run and its output compared, the site played in a browser of sorts.

Kinds of blocks, by the words behind the fence:
  LANGUAGE file=PATH   the whole file
  diff file=PATH       a change of it: ' ' and '-' lines must stand there, once; @@ separates places
  LANGUAGE same=PATH   the file as it should be by now
  console              $ command, then its output; ... stands for anything
  console server       a command that runs until the next such block, or the end
  mermaid              all of the output of the command before it
  play                 what a person does in the browser (browser.py)
Any other block is a fault, and so is a block whose file is not named in the text before it."""
import os, re, shutil, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser
from stafet import BINARY, ROOT

TUTORIAL = os.path.join(ROOT, "docs", "tutorial.md")


class Lie(Exception):
    pass


class OtherOutput(Lie):
    """The rest can still be carried out."""


def blocks(text):
    """(line number, info words, lines, the prose since the block before)."""
    found, prose, block = [], [], None
    for number, line in enumerate(text.split("\n"), 1):
        if block is None and line.startswith("```"):
            block = (number, line[3:].split(), [], "\n".join(prose))
        elif block is None:
            prose.append(line)
        elif line == "```":
            found.append(block)
            prose, block = [], None
        else:
            block[2].append(line)
    if block:
        raise Lie("line %d: the block does not end" % block[0])
    return found


def matches(expected, output):
    """... within a line stands for anything in it; on a line of its own for any lines."""
    pattern = ""
    for line in expected:
        if line == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*?".join(re.escape(part) for part in line.split("...")) + r"\n"
    if output and not output.endswith("\n"):
        output += "\n"
    return re.fullmatch(pattern, output) is not None


def change(content, lines):
    """The hunks of a diff, each at the one place where its old lines stand."""
    hunks, rest = [[]], content.split("\n")
    for line in lines:
        if line == "@@":
            hunks.append([])
        else:
            hunks[-1].append(line or " ")
    for hunk in hunks:
        if not all(line[0] in " +-" for line in hunk):
            raise Lie("a line of a change begins with a blank, + or -")
        old = [line[1:] for line in hunk if line[0] != "+"]
        places = [i for i in range(len(rest) - len(old) + 1) if rest[i:i + len(old)] == old]
        if len(places) != 1:
            raise Lie("these lines stand %d times in the file, not once:\n%s" % (len(places), "\n".join(old)))
        rest[places[0]:places[0] + len(old)] = [line[1:] for line in hunk if line[0] != "-"]
    return "\n".join(rest)


class Reader:
    """Somebody who does what the tutorial says, in an empty folder."""

    def __init__(self, folder):
        self.folder, self.browser, self.output = os.path.join(folder, "work"), None, ""
        programs = os.path.join(folder, "bin")
        os.mkdir(self.folder)
        os.mkdir(programs)
        os.symlink(os.path.abspath(BINARY), os.path.join(programs, "stafet"))
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("STAFET")}
        self.env["PATH"] = programs + os.pathsep + self.env.get("PATH", "")

    def path(self, name):
        path = os.path.normpath(os.path.join(self.folder, name))
        if not path.startswith(self.folder + os.sep):
            raise Lie("'%s' is outside the folder" % name)
        return path

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as f:
            return f.read()

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)

    def compare(self, command, expected, output):
        self.output = output
        if not matches(expected, output):
            raise OtherOutput("$ %s\n--- the tutorial says\n%s\n--- the program says\n%s" % (command, "\n".join(expected), output))

    def console(self, lines):
        steps = []
        for line in lines:
            if line.startswith("$ "):
                steps.append((line[2:], []))
            elif not steps:
                raise Lie("a console block begins with $")
            else:
                steps[-1][1].append(line)
        for command, expected in steps:
            done = subprocess.run(["sh", "-c", command], cwd=self.folder, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
            self.compare(command, expected, done.stdout)

    def serve(self, lines):
        self.stop()
        words = lines[0].split()
        if words[:2] != ["$", "stafet"]:
            raise Lie("a server is `$ stafet ...`")
        here = os.getcwd()
        os.chdir(self.folder)
        try:
            self.browser = Browser(*words[2:])
        finally:
            os.chdir(here)
        output = self.browser.server.log_text() + "event=ready url=%s\n" % self.browser.server.url
        self.compare(lines[0][2:], lines[1:], output.replace(self.browser.server.url, "http://127.0.0.1:8080"))

    def stop(self):
        if self.browser:
            browser, self.browser = self.browser, None
            if browser.stop() != 0:
                raise Lie("the server did not end well:\n%s" % browser.server.log_text())

    def play(self, lines):
        for line in lines:
            try:
                self.browser.do(line)
            except Exception as e:
                raise Lie("%s\n%s" % (line, e))

    def carry_out(self, info, lines, prose):
        kind, options = info[0] if info else "", dict(w.split("=", 1) for w in info[1:] if "=" in w)
        name = options.get("file") or options.get("same")
        if name and "`%s`" % name not in prose:
            raise Lie("the text before the block does not name `%s`" % name)
        if kind == "diff" and "file" in options:
            self.write(name, change(self.read(name), lines))
        elif "file" in options:
            self.write(name, "\n".join(lines) + "\n")
        elif "same" in options:
            if self.read(name) != "\n".join(lines) + "\n":
                raise Lie("%s is another by now:\n%s" % (name, self.read(name)))
        elif info == ["console"]:
            self.console(lines)
        elif info == ["console", "server"]:
            self.serve(lines)
        elif info == ["mermaid"]:
            if self.output != "\n".join(lines) + "\n":
                raise Lie("the picture is another:\n%s" % self.output)
        elif info == ["play"]:
            self.play(lines)
        else:
            raise Lie("nobody knows what to do with a block of '%s'" % " ".join(info))


def main():
    with open(TUTORIAL, encoding="utf-8") as f:
        found = blocks(f.read())
    folder = tempfile.mkdtemp(prefix="stafet-tutorial-")
    reader, failed = Reader(folder), 0
    try:
        for number, info, lines, prose in found:
            try:
                reader.carry_out(info, lines, prose)
            except Exception as e:
                print("FAIL docs/tutorial.md:%d: %s" % (number, e))
                failed += 1
                if not isinstance(e, OtherOutput):
                    break
        reader.stop()
    finally:
        if reader.browser:
            reader.browser.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print("%d blocks, %d failed" % (len(found), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
