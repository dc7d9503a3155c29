#!/usr/bin/env python3
"""Compares what dlc says of the programs in messages/ with the files beside them, whole: every line that a person sees.

usage: test/messages.py [--dlc DLC] [--update] [NAME ...]

A program NAME.dl is given to `dlc check NAME.dl`, or to what its lines `// RUN: dlc run %s ..` say, each in an empty
folder; what comes out on stderr is NAME.out. With several such lines each begins with its command. An exit code other
than 1, that of a mistake, is the last line. `--update` writes the files: read `git diff` of them, as whoever makes the
mistake will read them. With names, the programs that have one of them in theirs.

Prints a diff for each that differs, then `N passed, N failed`; one check is one program."""
import argparse
import concurrent.futures
import difflib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TEST = pathlib.Path(__file__).resolve().parent
PROGRAMS = TEST / "messages"
BUILT = TEST.parent / "build/bin/dlc"
LONGEST_RUN = 60  # seconds
AT_ONCE = 2


def commands(program):
    """The commands of a program's lines `// RUN:`, each a list of words, or the one that checks it."""
    lines = re.findall(r"^// RUN: dlc (.+)$", program.read_text(encoding="utf-8"), re.MULTILINE)
    return [line.replace("%s", program.name).split() for line in lines] or [["check", program.name]]


def said(dlc, program):
    """What dlc says of a program, as its file holds it."""
    asked = commands(program)
    text = ""
    with tempfile.TemporaryDirectory() as folder:
        # Nothing that a person has configured may change what is said.
        environment = {**os.environ, "HOME": folder, "XDG_CACHE_HOME": folder, "DLC_DIGITS": "4"}
        shutil.copy(program, folder)
        for words in asked:
            run = subprocess.run([dlc, *words], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                                 timeout=LONGEST_RUN)
            if len(asked) > 1:
                text += f"$ dlc {' '.join(words)}\n"
            text += run.stderr.decode(errors="replace").replace(folder + "/", "")
            if run.returncode != 1:
                text += f"exit code {run.returncode}\n"
    return text


def differs(dlc, program, update):
    """Why a program's file is not what dlc says, as text; with `update` it is then made so."""
    file = program.with_suffix(".out")
    try:
        text = said(dlc, program)
    except subprocess.TimeoutExpired:
        return f"{program.name}: dlc did not end within {LONGEST_RUN} seconds\n"
    if "exit code -" in text:
        return f"{program.name}: dlc was ended by a signal\n{text}"
    if re.search(r"^\d+ more errors?$", text, re.MULTILINE):
        return f"{program.name} has more mistakes than dlc shows\n"
    if update:
        file.write_text(text, encoding="utf-8")
        return ""
    wanted = file.read_text(encoding="utf-8") if file.is_file() else ""
    name = f"test/messages/{file.name}"
    return "".join(difflib.unified_diff(wanted.splitlines(True), text.splitlines(True), name, f"{name}, now"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     usage=argparse.SUPPRESS)
    parser.add_argument("--dlc", default=BUILT if BUILT.exists() else shutil.which("dlc"), help="the program to ask")
    parser.add_argument("--update", action="store_true", help="write the files")
    parser.add_argument("names", nargs="*", metavar="NAME", help="programs with this in their names")
    options = parser.parse_args()
    if not options.dlc:
        parser.error("there is no build/bin/dlc: give --dlc")
    dlc = pathlib.Path(options.dlc).resolve()

    programs = sorted(p for p in PROGRAMS.glob("*.dl") if not options.names or any(name in p.stem for name in options.names))
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        findings = list(pool.map(lambda program: differs(dlc, program, options.update), programs))
    # A file whose program is gone.
    for file in sorted(PROGRAMS.glob("*.out")) if not options.names else []:
        if not file.with_suffix(".dl").is_file():
            if options.update:
                file.unlink()
            else:
                findings.append(f"{file.name} has no program\n")
    print("".join(findings), end="")
    failed = sum(1 for finding in findings if finding)
    print(f"{len(findings) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
