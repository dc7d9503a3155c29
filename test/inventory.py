#!/usr/bin/env python3
"""Finds what is missing: an operation without its gradient or codegen test, a pass without its test, a diagnostic that no
test provokes, a help that none shows, an include against the arrows, a folder without its page.

Prints each finding, then `N passed, N failed`; one check is one operation, pass, diagnostic or help, or one folder under one rule.
The tables below hold the exceptions, each with its reason. There is nothing to configure."""
import json
import pathlib
import re
import subprocess
import sys

import helps

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEST = ROOT / "test"
LLVM = pathlib.Path("/usr/lib/llvm-22")
LONGEST_FILE = 600

# What each folder may include of the others: code only moves down (docs/architecture.md).
ARROWS = {
    "frontend": {"ir"},
    "ir": set(),
    "passes": {"ir"},
    "codegen": {"ir", "passes"},
    "runtime": set(),
    "tools": {"frontend", "ir", "passes", "codegen", "runtime"},
}
# The rooms of a folder, and which of its other rooms each may include. The files beside the rooms join them.
ROOMS = {
    "frontend/syntax": set(),
    "frontend/parser": {"frontend/syntax"},
    "frontend/elaborate": {"frontend/syntax", "frontend/parser"},
    "frontend/builtins": {"frontend/syntax", "frontend/elaborate"},
    "ir/adjoint": set(),
    "ir/evaluate": set(),
    "passes/simplify": set(),
    "passes/loops": set(),
    "passes/fuse": set(),
    "passes/plan": {"passes/fuse"},
    "codegen/kernel": set(),
    "codegen/map": {"codegen/kernel"},
    "codegen/contract": {"codegen/kernel"},
    "codegen/native": set(),
    "runtime/pictures": set(),
}
# Headers that may be included against the arrows.
SHARED_HEADERS = {
    "runtime/Abi.h": ({"codegen"}, "the signature of compiled code is one declaration on both sides"),
    "runtime/Philox.h": ({"frontend", "ir", "codegen"}, "the reference evaluator and compiled code draw the same numbers"),
    "frontend/builtins/Builtins.h": ({"frontend/elaborate"}, "a program fills its table of names from it"),
    "runtime/RowStep.h": ({"frontend"}, "what is done with the rows of a data set is said in one way"),
    "runtime/Utf8.h": ({"frontend"}, "what is UTF-8 is decided in one place"),
    "runtime/DType.h": ({"frontend", "ir", "codegen"}, "element types have one list"),
}
# Operations that are no part of a program's mathematics.
STRUCTURAL = {
    "yield": "ends a region; tested with each operation that has one",
    "grad": "is itself the gradient, and gone after its stage",
    "jvp": "is itself the derivative, and gone after its stage",
    "kernel": "stands around operations after gradients are taken",
    "buffer": "names memory after gradients are taken",
    "entry": "names memory after gradients are taken",
    "loop": "is what a scan or a while becomes after gradients are taken",
    "next": "ends the block of a loop",
    "exit": "ends a loop after gradients are taken",
    "branch": "is what an if becomes after gradients are taken",
}
# Operations that no kernel ever holds.
NEVER_EMITTED = {
    "call": "inlined at the gradient stage",
    "grad": "expanded at the gradient stage",
    "jvp": "expanded at the gradient stage",
    "overlap_add": "a sum of dl.taps from the gradient stage on",
    "stop_gradient": "gone after the gradient stage",
    "yield": "ends a region; emitted with each operation that has one",
}
# Diagnostics that no input can provoke.
NEVER_REPORTED = {"Internal": "said only when dlc itself is wrong"}

checks = {"passed": 0, "failed": 0}


def check(findings):
    """Counts one check and prints why it failed, if it did."""
    findings = list(findings)
    checks["failed" if findings else "passed"] += 1
    for finding in findings:
        print(finding)


def read(path):
    return path.read_text(encoding="utf-8", errors="replace")


def files(folder, *suffixes):
    return sorted(path for path in folder.rglob("*") if path.suffix in suffixes and path.is_file())


def shown(path):
    return str(path.relative_to(ROOT))


def kebab(name):
    """FuseElementwise -> fuse-elementwise."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()


def records(td):
    """The records of a TableGen file."""
    command = [LLVM / "bin/llvm-tblgen", "--dump-json", "-I", ROOT, "-I", LLVM / "include", td]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def mentions(text, mnemonic):
    """Whether a test uses an operation: `dl.exp`, or in C++ the name alone as a string or its class."""
    name = "".join(part.capitalize() for part in mnemonic.split("_"))
    return re.search(rf'\bdl\.{mnemonic}\b|"{mnemonic}"|\bdl::{name}Op\b', text) is not None


def text_of(paths):
    return "\n".join(read(path) for path in paths)


def check_operations():
    """Each operation has a test of its own, of its adjoint, and of its emitter."""
    table = records(ROOT / "ir/Ops.td")
    unit = files(TEST / "unit", ".cpp")
    gradient_name = re.compile("grad|adjoint", re.IGNORECASE)
    own = text_of(files(TEST / "ir", ".mlir"))
    gradients = text_of(
        [p for p in unit + files(TEST / "ir", ".mlir") + files(TEST / "passes", ".mlir") if gradient_name.search(p.stem)])
    emitted = text_of(files(TEST / "codegen", ".mlir") + [p for p in unit if "KernelHarness.h" in read(p)])
    for definition in table["!instanceof"]["Op"]:
        record = table[definition]
        mnemonic = record["opName"]
        traits = [table[trait["def"]] for trait in record["traits"]]
        has_rule = any(trait.get("cppInterfaceName") == "AdjointOpInterface" for trait in traits)
        has_none = any(trait["def"] == "NonDifferentiable" for trait in record["traits"])
        findings = []
        if not mentions(own, mnemonic):
            findings.append(f"operation dl.{mnemonic} has no test in test/ir")
        if mnemonic not in STRUCTURAL:
            if has_rule == has_none:
                findings.append(f"operation dl.{mnemonic} needs either an adjoint rule or the trait NonDifferentiable")
            if has_rule and not mentions(gradients, mnemonic):
                findings.append(f"operation dl.{mnemonic} has no gradient test (a file of test/ named *gradient* or *adjoint*)")
        if mnemonic not in NEVER_EMITTED and not mentions(emitted, mnemonic):
            findings.append(f"operation dl.{mnemonic} has no codegen test (test/codegen, or a unit test on KernelHarness.h)")
        check(findings)


def check_passes():
    """Each pass has one source file and one test of its stem, at the same place of both trees."""
    for folder in ("passes", "codegen"):
        for name in records(ROOT / folder / "Passes.td")["!instanceof"]["PassBase"]:
            source = next((ROOT / folder).rglob(f"{name}.cpp"), ROOT / folder / f"{name}.cpp")
            wanted = [source, TEST / source.relative_to(ROOT).with_name(f"{kebab(name)}.mlir")]
            check(f"pass {name} has no {shown(path)}" for path in wanted if not path.is_file())


def check_diagnostics():
    """Each kind of message is provoked by a test: [its-name] in a transcript, or Diag::ItsName in C++."""
    transcripts = text_of(files(TEST, ".dl", ".mlir", ".test", ".txt", ".out"))
    unit = text_of(files(TEST / "unit", ".cpp"))
    for path in files(ROOT / "frontend", ".def"):
        for kind in re.findall(r"^DLC_DIAG\((\w+),", read(path), re.MULTILINE):
            tested = f"[{kebab(kind)}]" in transcripts or re.search(rf"\bDiag::{kind}\b", unit)
            if kind not in NEVER_REPORTED:
                check([] if tested else [f"diagnostic {kind} ({shown(path)}) has no negative test"])


def check_arrows(folder):
    """No file of a folder includes what lies above it."""
    findings = []
    for path in files(ROOT / folder, ".h", ".cpp"):
        for number, line in enumerate(read(path).splitlines(), 1):
            found = re.match(r'#include "(\w+)/(.+)"', line)
            if not found or found[1] not in ARROWS or found[1] == folder or found[1] in ARROWS[folder]:
                continue
            readers, _ = SHARED_HEADERS.get(f"{found[1]}/{found[2]}", (set(), ""))
            if folder not in readers:
                findings.append(f"{shown(path)}:{number}: {folder} must not include {found[1]}/{found[2]}")
    check(findings)


def check_rooms(folder):
    """Each room is in the table and has a page, and none includes a room of its folder that lies above it."""
    found = {shown(path.parent) for path in files(ROOT / folder, ".h", ".cpp") if path.parent != ROOT / folder}
    check(f"{room}/ is no room of ROOMS" for room in sorted(found - set(ROOMS)))
    for room in sorted(found & set(ROOMS)):
        findings = [] if (ROOT / room / "README.md").is_file() else [f"{room}/ has no README.md"]
        for path in files(ROOT / room, ".h", ".cpp"):
            for number, line in enumerate(read(path).splitlines(), 1):
                included = re.match(rf'#include "(({folder}/\w+)/.+)"', line)
                if not included or included[2] not in ROOMS or included[2] == room or included[2] in ROOMS[room]:
                    continue
                if room not in SHARED_HEADERS.get(included[1], (set(), ""))[0]:
                    findings.append(f"{shown(path)}:{number}: {room} must not include {included[1]}")
        check(findings)


def check_folder(folder):
    """A page, files that one can read, headers that say what they are."""
    check([] if (ROOT / folder / "README.md").is_file() else [f"{folder}/ has no README.md"])
    sources = files(ROOT / folder, ".h", ".cpp", ".td", ".def", ".py", ".dl")
    lengths = [(path, read(path).count("\n")) for path in sources]
    check(f"{shown(path)} has {count} lines, over {LONGEST_FILE}" for path, count in lengths if count > LONGEST_FILE)
    check(f"{shown(path)} does not begin with a comment" for path in sources
          if not read(path).startswith(("//", "/*", "#!", '"""', "#")) or read(path).startswith(("#pragma", "#include", "#ifndef")))


def main():
    check_operations()
    check_passes()
    check_diagnostics()
    for finding in helps.findings():
        check([finding] if finding else [])
    for folder in ARROWS:
        check_arrows(folder)
        check_rooms(folder)
    for folder in [*ARROWS, "std", "test", "examples", "bench", "docs"]:
        check_folder(folder)
    print(f"{checks['passed']} passed, {checks['failed']} failed")
    return 1 if checks["failed"] else 0


sys.exit(main())
