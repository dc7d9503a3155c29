#!/usr/bin/env python3
"""Writes docs/reference.md: every builtin, function, layer, loss, optimizer, schedule and setting, from std and its `///`.

    test/reference.py            compares the page with what it would be
    test/reference.py --write    writes it

Prints each finding, then `N passed, N failed`; one check is one definition (it has a `///`), one name of std/internal.txt (it is
defined), one setting (docs/training.md says what it does), or the page itself."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
STD = ROOT / "std"
PAGE = ROOT / "docs" / "reference.md"

# The sections of the page, and the files of std in each.
SECTIONS = [
    ("Elements and activations", ["builtins/elements.dl", "functions.dl"]),
    ("Tensors out of nothing, and what is drawn", ["builtins/makers.dl"]),
    ("Shapes and movement", ["builtins/shapes.dl"]),
    ("Reductions and order", ["builtins/reductions.dl", "order.dl"]),
    ("Products and linear algebra", ["builtins/products.dl", "linalg.dl"]),
    ("Convolutions, pooling and pictures", ["builtins/windows.dl", "transforms.dl"]),
    ("Functions of functions, lists, conditions", ["builtins/functions.dl"]),
    ("Losses", ["losses.dl"]),
    ("Metrics", ["metrics.dl"]),
    ("Layers", ["layers.dl", "recurrent.dl"]),
    ("Models", ["models.dl"]),
    ("Initial values", ["initialisers.dl"]),
    ("Generation", ["generation.dl"]),
    ("Optimizers", ["optimizers.dl"]),
    ("Schedules", ["schedules.dl"]),
    ("Data, whole data sets, files", ["builtins/data.dl"]),
    ("Printing and pictures of numbers", ["builtins/show.dl"]),
]
# What stands below the heading of a section.
NOTES = {
    "Losses": "A loss takes tensors of one shape, and is a mean; with `reduction: \"sum\"` a sum, with `reduction: \"none\"` the loss of each.",
    "Layers": "Layouts and initial values are PyTorch's.",
    "Optimizers": "Each also takes `clip_norm`, the greatest norm of all gradients together, and `clip_value`, the greatest magnitude of an "
    "element; 0 does not clip. `lr` is a number or a schedule.",
    "Schedules": "A schedule is a function of the step, from 1, and stands for `lr`; `total`, `every` and `warmup` count steps, or epochs where "
    "`epochs` stands behind them: `cosine(1e-3, total: 5 epochs)`.",
    "Data, whole data sets, files": "More of sources: [data.md](data.md).",
    "Printing and pictures of numbers": "More of pictures: [pictures.md](pictures.md).",
}
INTRODUCTION = """# Reference

Everything that a program can call, by family, and the settings of a `train`. This page is made of `std/` by `test/reference.py`; the
tests compare the two.

`= ..` may be left out, and what stands then is said in words; a last `..` takes any number more. Arguments with names come after
those without. A `model` is called to make it: `let net = Linear(2, 1)`, and then with its input: `net(x)`. In what way defaults and
types are written: [language/functions.md](language/functions.md).

## Types and constants

**`f32(x)` `f64(x)` `bf16(x)` `i32(x)` `i64(x)` `u8(x)` `bool(x)`**  
x in another element type; `f32` alone names the type, as in `zeros([n], f32)`, and `x.dtype` is x's.

**`pi` `inf` `nan`**  
Numbers.

**`training`**  
Whether the step of a training is computed: true in what is trained there, false elsewhere.

**`ascii_letters`**  
A text, an alphabet for `text_folder`: the letters a to z, small and capital, and ` .,;'`.
"""
DEFINITION = re.compile(r"(?:builtin )?(?:fn|model|optimizer) (\w+)")

passed = 0
failures = []


def check(good, finding):
    global passed
    if good:
        passed += 1
    else:
        failures.append(finding)


def signature(text, begin):
    """The definition from `begin` to the end of its parameters, and the type of its result."""
    depth, end = 0, text.index("(", begin)
    for end in range(end, len(text)):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        if depth == 0:
            break
    result = re.match(r" -> [^{\n]*(?= \{)", text[end + 1:])
    header = text[begin:end + 1] + (result.group() if result else "")
    return re.sub(r"\s*\n\s*", " ", header).removeprefix("builtin ")


def definitions(path):
    """Each definition of a file: its name, signature and documentation."""
    text, doc, at = path.read_text(), [], 0
    for line in text.splitlines(keepends=True):
        if line.startswith("///"):
            doc.append(line[3:].strip())
        else:
            if found := DEFINITION.match(line):
                yield found[1], signature(text, at), " ".join(doc)
            doc = []
        at += len(line)


def settings():
    """The names of all settings of a `train`, and the rows of docs/training.md that explain settings."""
    source = (ROOT / "frontend" / "elaborate" / "TrainSettings.def").read_text()
    names = re.findall(r"^DLC_TRAIN_SETTING\((\w+),", source, re.M)
    rows = {}
    for line in (ROOT / "docs" / "training.md").read_text().splitlines():
        if line.startswith("| `"):
            for name in re.findall(r"`(\w+):", line.split(" | ")[0]):
                rows.setdefault(name, re.sub(r"[,;][^,;|]* see below(?= \|)", "", line))
    return names, rows


def page():
    internal = set((STD / "internal.txt").read_text().split("\n\n", 1)[1].split())
    defined, text = set(), INTRODUCTION
    listed = {name for _, files in SECTIONS for name in files}
    for path in sorted(STD.rglob("*.dl")):
        name = str(path.relative_to(STD))
        check(name in listed, f"std/{name} is in no section of test/reference.py")
    for title, files in SECTIONS:
        text += f"\n## {title}\n" + (f"\n{NOTES[title]}\n" if title in NOTES else "")
        for name in files:
            for function, header, doc in definitions(STD / name):
                defined.add(function)
                if function in internal:
                    continue
                check(doc, f"std/{name}: `{function}` has no `///`")
                text += f"\n**`{header}`**  \n{doc}\n"
    for name in sorted(internal):
        check(name in defined, f"std/internal.txt: `{name}` is not defined")
    text += "\n## Settings of a train\n\nHow they go together: [training.md](training.md).\n\n| setting | |\n|---|---|\n"
    names, rows = settings()
    written = []
    for name in names:
        check(name in rows, f"docs/training.md does not explain the setting `{name}`")
        if name in rows and rows[name] not in written:
            written.append(rows[name])
    return text + "\n".join(written) + "\n"


def main():
    made = page()
    if "--write" in sys.argv[1:]:
        PAGE.write_text(made)
    check(PAGE.exists() and PAGE.read_text() == made, "docs/reference.md is not what std says; `test/reference.py --write` writes it")
    for finding in failures:
        print(finding)
    print(f"{passed} passed, {len(failures)} failed")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
