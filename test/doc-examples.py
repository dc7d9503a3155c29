#!/usr/bin/env python3
"""Runs the examples of README.md, docs/*.md and docs/examples/*.md, so that what they show stays true.

- A block ```dl is a program: it must check. With a file name behind (```dl moons.dl) it is kept for the later blocks of its
  page. With the word `wrong` behind, checking must fail. Followed by a block ```text, it is run, and its output compared.
  With `from FILE` behind it is a part of that file of examples/, line by line.
- In a block ```console, each line `$ dlc ...` or `$ python3 examples/...` is run and what is printed (errors too) compared with the
  lines below it. Other commands are shown to the reader only.
Lines are compared in order, spaces at the ends aside: `...` matches anything within a line, a line of its own any lines;
numbers may differ by 5 % or 0.01. Prints what differs, then `N passed, N failed`; each block or command counts as one.
`--update` gives the numbers of a page all the digits that are printed."""
import argparse
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w.]*\w)")
SECONDS = 180


@dataclasses.dataclass
class Block:
    language: str
    words: list  # behind the language
    text: str
    line: int  # of the fence
    adjacent: bool  # whether only blank lines lie between it and the block before


def blocks_of(page):
    """The fenced blocks of a Markdown text."""
    found, lines, at, last_end = [], page.splitlines(), 0, 0
    while at < len(lines):
        fence = re.fullmatch(r"(```+)(\S*) *(.*)", lines[at])
        if fence:
            end = next((i for i in range(at + 1, len(lines)) if lines[i].rstrip() == fence[1]), len(lines))
            adjacent = bool(found) and not "".join(lines[last_end + 1 : at]).strip()
            found.append(Block(fence[2], fence[3].split(), "\n".join(lines[at + 1 : end]) + "\n", at + 1, adjacent))
            at = last_end = end
        at += 1
    return found


def same_number(expected, actual):
    return abs(float(expected) - float(actual)) <= max(0.05 * abs(float(expected)), 0.01)


def same_line(expected, actual):
    """Whether a printed line is as the page shows it."""
    expected, actual = expected.strip(), actual.strip()
    pattern, numbers = "", []
    for part in re.split(r"(\.\.\.)", expected):
        if part == "...":
            pattern += ".*"
            continue
        last = 0
        for number in NUMBER.finditer(part):
            before = part[last : number.start()]
            pattern += re.escape(before) + r"(-?[\d.]+(?:e[-+]?\d+)?)"
            numbers.append((number[0], before.endswith(("epoch ", "step "))))
            last = number.end()
        pattern += re.escape(part[last:])
    # Columns may shift with the width of a number.
    pattern = re.sub(r"(?:\\ )+", r" +", pattern)
    found = re.fullmatch(pattern, actual)
    if not found:
        return False
    try:
        return all(a == b if exactly else same_number(a, b) for (a, exactly), b in zip(numbers, found.groups()))
    except ValueError:
        return False


def not_part_of(text, file):
    """None when the lines of `text` stand in `file` one after the other, else what is wrong."""
    path = ROOT / "examples" / file
    if not path.is_file():
        return f"no file {path.relative_to(ROOT)}"
    return None if f"\n{text}" in f"\n{path.read_text()}" else f"not in {path.relative_to(ROOT)} as it stands"


def difference(expected, actual):
    """None when the printed lines are as expected, else the first expected line that is not there."""
    expected = [line for line in expected.splitlines() if line.strip()]
    actual = [line for line in actual.splitlines() if line.strip()]
    skipping = False
    for line in expected:
        if line.strip() == "...":
            skipping = True
            continue
        while skipping and actual and not same_line(line, actual[0]):
            actual.pop(0)
        if not actual or not same_line(line, actual[0]):
            return f"expected: {line}\n       found: {actual[0] if actual else 'the end'}"
        actual.pop(0)
        skipping = False
    return f"expected: the end\n       found: {actual[0]}" if actual and not skipping else None


def with_digits(expected, actual):
    """What is expected, in which lines whose numbers are those printed, rounded, are as they are printed."""
    printed, lines = [line for line in actual.splitlines() if line.strip()], []
    for line in expected.splitlines():
        found = next((i for i, other in enumerate(printed) if "..." not in line and line.strip() and same_line(line, other)), None)
        if found is not None:
            pairs = list(zip(NUMBER.findall(line), NUMBER.findall(printed[found])))
            if all(len(a) < len(b) and is_rounded(a, b) or a == b for a, b in pairs):
                line = printed[found].rstrip()
            del printed[: found + 1]
        lines.append(line)
    return "".join(line + "\n" for line in lines)


def is_rounded(shorter, longer):
    """Whether a number is another, rounded to its digits."""
    digits = len(shorter.partition(".")[2])
    return "e" not in shorter + longer and abs(float(shorter) - float(longer)) <= 0.5001 * 10**-digits


class Runner:
    """Runs the examples of one page in a folder of their own, which has the repository's examples/ in it."""

    def __init__(self, dlc, folder):
        self.folder = pathlib.Path(folder)
        self.printed = []  # (what the page shows, what was printed)
        shutil.copytree(ROOT / "examples", self.folder / "examples", dirs_exist_ok=True)
        self.environment = {**os.environ, "PATH": f"{dlc.resolve().parent}:{os.environ['PATH']}", "NO_COLOR": "1"}
        data = ROOT.parent / "shared/data"
        if data.is_dir():
            self.environment.setdefault("DLC_DATA", str(data))

    def run(self, command, both):
        """Exit code and output of a shell command; with its errors, too, when `both`."""
        try:
            ran = subprocess.run(command, shell=True, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT if both else subprocess.PIPE, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return -1, f"took more than {SECONDS} s"
        return ran.returncode, ran.stdout + ("" if both or ran.returncode == 0 else ran.stderr)

    def program(self, block, output):
        """What is wrong with a block of the language, or None."""
        if block.words[:1] == ["from"]:
            return not_part_of(block.text, block.words[1])
        names = [word for word in block.words if word.endswith(".dl")]
        wrong = "wrong" in block.words
        name = names[0] if names else "example.dl"
        (self.folder / name).write_text(block.text)
        if output is None or wrong:
            code, text = self.run(f"dlc check {name}", both=True)
            if wrong:
                return None if code == 1 else f"dlc check should have failed with exit code 1, got {code}: {text}"
            return None if code == 0 else text
        code, text = self.run(f"dlc run {name}", both=False)
        self.printed.append((output.text, text))
        return text if code != 0 else difference(output.text, text)

    def console(self, block):
        """What is wrong with each command of a block that is run: (command, text or None)."""
        for entry in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, expected = entry.partition("\n")
            if re.match(r"dlc |python3 examples/", command):
                _, text = self.run(command, both=True)
                self.printed.append((expected, text))
                yield command, difference(expected, text)


def results_of(page, runner):
    """(line, what, text or None) for each example of a page."""
    blocks = blocks_of(page.read_text())
    for block, following in zip(blocks, [*blocks[1:], None]):
        if block.language == "dl":
            output = following if following and following.language == "text" and following.adjacent else None
            yield block.line, "program", runner.program(block, output)
        elif block.language == "console":
            for command, text in runner.console(block):
                yield block.line, command, text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dlc", type=pathlib.Path, default=ROOT / "build/bin/dlc")
    parser.add_argument("--update", action="store_true", help="write the pages with all digits")
    parser.add_argument("pages", nargs="*", type=pathlib.Path, help="these pages only")
    given = parser.parse_args()
    passed = failed = 0
    for page in given.pages or [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        with tempfile.TemporaryDirectory() as folder:
            runner = Runner(given.dlc, folder)
            for line, what, text in results_of(page, runner):
                passed, failed = (passed + 1, failed) if text is None else (passed, failed + 1)
                if text is not None:
                    print(f"{page.resolve().relative_to(ROOT)}:{line}: {what}\n       {text.strip()}")
            if given.update:
                whole = page.read_text()
                for shown, printed in runner.printed:
                    whole = whole.replace(shown, with_digits(shown, printed)) if shown.strip() else whole
                page.write_text(whole)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
