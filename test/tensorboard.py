#!/usr/bin/env python3
"""Reads the events that a training writes with TensorBoard's own library, and compares them with its steps.csv.

The library is pip's `tensorboard`, in a virtual environment that `--venv DIR` names and `--install` makes; without it nothing is
tested, which is said. Prints `N passed, N failed`."""
import argparse
import csv
import json
import math
import pathlib
import subprocess
import sys
import tempfile

PROGRAM = """data d: { x: f32[2], label: i32 } = moons(n: 200, seed: 1) |> split(train: 0.8)
train m = Linear(2, 2) on d.train {
  minimize cross_entropy(m(x), label)
  report accuracy = accuracy(m(x), label)
  optimizer: adam(lr: 1e-2)
  batch: 16
  epochs: 3
  validate: d.rest
  log: "run"
}
"""

READER = """
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
events.Reload()
print(json.dumps({tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}))
"""


def same(a, b):
    return a == b or (math.isnan(a) and math.isnan(b))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dlc", default="build/bin/dlc")
    parser.add_argument("--venv", default="build/tensorboard")
    parser.add_argument("--install", action="store_true", help="make the virtual environment first")
    arguments = parser.parse_args()
    python = pathlib.Path(arguments.venv).resolve() / "bin/python"
    if arguments.install and not python.exists():
        subprocess.run([sys.executable, "-m", "venv", arguments.venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "tensorboard"], check=True)
    if not python.exists() or subprocess.run([python, "-c", "import tensorboard"], capture_output=True).returncode:
        print(f"not run: there is no tensorboard in {arguments.venv} (--install puts it there)")
        print("0 passed, 0 failed")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder, "p.dl")
        program.write_text(PROGRAM)
        subprocess.run([pathlib.Path(arguments.dlc).resolve(), "run", program], cwd=folder, check=True, capture_output=True)
        read = subprocess.run([python, "-c", READER, "run"], cwd=folder, check=True, capture_output=True, text=True).stdout
        scalars = json.loads(read.splitlines()[-1])
        with open(pathlib.Path(folder, "run/steps.csv"), newline="") as file:
            rows = list(csv.DictReader(file))
    passed = failed = 0
    for name in ("loss", "lr", "accuracy"):
        wanted = [[int(row["step"]), float(row[name])] for row in rows]
        found = scalars.get(name, [])
        good = len(found) == len(wanted) and all(a[0] == b[0] and same(a[1], b[1]) for a, b in zip(found, wanted))
        passed, failed = passed + good, failed + (not good)
        if not good:
            print(f"{name}: TensorBoard reads {found[:3]}.., steps.csv has {wanted[:3]}..")
    for name in ("val.loss", "val.accuracy"):
        good = [event[0] for event in scalars.get(name, [])] == [10, 20, 30]
        passed, failed = passed + good, failed + (not good)
        if not good:
            print(f"{name}: TensorBoard reads {scalars.get(name)}, expected a value after each of three epochs")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
