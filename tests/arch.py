#!/usr/bin/env python3
"""The architecture, checked: which layer may include which, which file may include which library, every header
compiles alone, no workflow's words in C, every function that the README names exists. Exit status 1 tells each fault."""
import os, re, subprocess, sys
from concurrent.futures import ThreadPoolExecutor

LAYERS = {  # layer: the layers it may include
    "engine/base": [],
    "engine/store": ["engine/base"],
    "engine/workflow": ["engine/base", "engine/store"],
    "document": ["engine/base", "engine/store", "engine/workflow"],
    "mailer": ["engine/base", "engine/store", "engine/workflow", "document"],
    "otp-portal": ["engine/base", "engine/store", "engine/workflow", "document"],
    "cli": ["engine/base", "engine/store", "engine/workflow", "document", "mailer", "otp-portal"],
}
LIBRARIES = {  # header: the files that may include it
    "libfyaml.h": r"engine/base/yaml\.c",
    "sodium.h": r"engine/base/secret\.c",
    "glib": r"engine/base/civil_zone\.c",
    "sqlite3.h": r"engine/store/db_sqlite\.c",
    "engine/store/db.h": r"engine/store/\w+\.[ch]",
    "jansson.h": r"engine/workflow/(data|answers)\w*\.c|cli/\w+\.c",
    "md4c": r"engine/workflow/markdown\.c",
    "libxml/": r"mailer/html_text\.c",
    "cairo": r"document/paper\w*\.[ch]",
    "pango/": r"document/paper\w*\.[ch]",
    "microhttpd.h": r"otp-portal/exchange\.h",
    "curl/": r"mailer/(smtp_connect|sms|mailer|imap_stream)\.c|mailer/(certificate|smtp_parts)\.[ch]|cli/\w+\.c",
    "libetpan/": r"mailer/(mime|arrival_parse|arrival_files|imap|imap_stream)\.c|mailer/arrival_parts\.h",
    "resolv.h": r"engine/base/dns\.c",
    "arpa/nameser.h": r"engine/base/dns\.c",
}
WORDS = r"\b(apprentice|lærling|competence|kompetence|hospital|doctor|læge|supervisor|vejleder|declaration_|school|skole|lottery|favourite|favorit|secretariat|logbook|leave_request|medarbejder)\w*"
BANNED = r"\b(strcpy|strcat|strncpy|sprintf|vsprintf|strtok|atoi|atol|gmtime|localtime|gets)\s*\("

faults = []


def layer_of(path):
    for layer in LAYERS:
        if path.startswith(layer + "/"):
            return layer


def check_file(path):
    text = open(path, encoding="utf-8").read()
    layer = layer_of(path)
    for number, line in enumerate(text.split("\n"), 1):
        include = re.match(r'\s*#\s*include\s+[<"]([^>"]+)[>"]', line)
        if include:
            name = include.group(1)
            other = layer_of(name)
            if other and other != layer and other not in LAYERS[layer]:
                faults.append(f"{path}:{number}: {layer} must not include {other}")
            for library, allowed in LIBRARIES.items():
                if name.startswith(library) and not re.fullmatch(allowed, path):
                    faults.append(f"{path}:{number}: only {allowed} may include {library}")
        # `stafet doctor` is a command, not a profession.
        if re.search(WORDS, re.sub(r"doctor", "", line) if layer == "cli" else line, re.I):
            faults.append(f"{path}:{number}: a word of one workflow in C: {line.strip()[:80]}")
        if re.search(BANNED, re.sub(r"/\*.*?\*/|//.*", "", line)):
            faults.append(f"{path}:{number}: banned function: {line.strip()[:80]}")
        if layer != "engine/store" and re.search(r'"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b', line):
            faults.append(f"{path}:{number}: SQL outside engine/store")
    lines = text.count("\n")
    if lines > 700:
        faults.append(f"{path}: {lines} lines; split it by noun (at most 700)")


def compile_header(path):
    flags = subprocess.run(["pkg-config", "--cflags", "glib-2.0", "libfyaml", "pangocairo"], capture_output=True, text=True).stdout.split()
    run = subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-I.", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c", *flags, path],
                         capture_output=True, text=True)
    if run.returncode:
        faults.append(f"{path}: does not compile alone: {run.stderr.splitlines()[0] if run.stderr else ''}")


def check_readme(sources):
    """The tour in the README names files and functions: they must exist."""
    if not os.path.exists("README.md"):
        faults.append("README.md is missing")
        return
    text = open("README.md", encoding="utf-8").read()
    code = "\n".join(open(s, encoding="utf-8").read() for s in sources)
    for name in set(re.findall(r"`([a-z0-9_/.-]+\.(?:c|h|py|sh|md|yaml))`", text)):
        if not os.path.exists(name):
            faults.append(f"README.md names {name}, which does not exist")
    for name in set(re.findall(r"`([a-z_0-9]+)\(\)`", text)):
        if not re.search(r"\b" + name + r"\(", code):
            faults.append(f"README.md names {name}(), which no source has")


def main():
    sources = sorted(os.path.join(layer, f) for layer in LAYERS if os.path.isdir(layer) for f in os.listdir(layer) if f.endswith((".c", ".h")))
    for path in sources:
        check_file(path)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(compile_header, [s for s in sources if s.endswith(".h")]))
    check_readme(sources)
    for fault in faults:
        print(fault)
    print(f"arch: {len(sources)} files, {len(faults)} faults")
    return 1 if faults else 0


sys.exit(main())
