#!/usr/bin/env python3
"""Trains the programs of ../shared/design/programs on ../shared/data as they stand, and compares what they reach with what the
same models reach in PyTorch: the figures of ../shared/design/measure.md, and, where PyTorch is installed (DLC_PEERS), its whole
time. The last line is `N passed, N failed`."""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
PROGRAMS = SHARED / "design/programs"
DATA = SHARED / "data"
FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")


class Figure:
    """One number: its name, what PyTorch reached (`given`; `same`, where it is another, with the very program, as
    learn_torch.py has it, in one run), and how far two of its runs lie apart (`noise`). What was found will do where it
    is as good, or `near`."""

    def __init__(self, name, given, noise, better="higher", share=False, same=None):
        self.name, self.given, self.noise, self.better, self.share, self.same = name, given, noise, better, share, same

    def passes(self, value, now=None):
        reached = [figure for figure in (self.given, self.same, now) if figure is not None]
        if self.better == "near":
            return any(abs(value - figure) <= self.noise for figure in reached)
        if self.better == "lower":
            return value <= max(reached) + self.noise
        return value >= min(reached) - self.noise

    def text(self, value):
        return "-" if value is None else f"{100 * value:.1f} %" if self.share else f"{value:.4g}"


def last(output, name):
    """The last value of a metric in the lines that a training prints."""
    found = re.findall(rf"(?<![\w.]){re.escape(name)} ([-+.\deE]+|nan|inf)( %)?", output)
    return float(found[-1][0]) / (100 if found[-1][1] else 1) if found else None


def metrics(*names):
    return lambda run: {name: last(run.output, name) for name in names}


def bayes(run):
    mse, inside, left, right = (number(line) for line in run.answers)
    return {"mse": mse, "inside": inside, "beyond": None if left is None or right is None else (left + right) / 2}


def number(text):
    found = re.fullmatch(r"\s*([-+.\deE]+)\s*", text)
    return float(found[1]) if found else None


def transformer(run):
    return {"loss": last(run.printed, "loss"), "val.loss": last("\n".join(run.answers), "loss")}


def mathematics(run):
    """1 where a line or the picture is right."""
    text = run.output
    roots = [float(n) for n in re.findall(r"-?\d+\.\d+(?=[+-]0|i|[ ,\])])", text)]
    near = lambda value: any(abs(value - root) < 1e-3 for root in roots)
    found = {"minimum": "[3., 3.]" in text or "[3.0, 3.0]" in text or bool(re.search(r"minimum at \[\s*3\.?0*, 3\.?0*\]", text)),
             "derivative": "48" in text, "eigenvalues": near(-0.372281) and near(5.372281)}
    picture = run.folder / "pca.svg"
    found["pca.svg"] = False
    if picture.is_file():
        marks = [e for e in xml.etree.ElementTree.parse(picture).iter() if e.tag.rpartition("}")[2] in ("use", "circle")]
        found["pca.svg"] = len(marks) >= 150
    return {name: float(good) for name, good in found.items()}


class Row:
    def __init__(self, name, read, figures, program=None, asks=(), settings=(), threads=None, usual=True):
        self.name, self.read, self.figures = name, read, figures
        self.program, self.asks, self.settings, self.usual = program or name, asks, settings, usual


ROWS = [
    Row("linear", metrics("loss"), [Figure("loss", 0.0174, 0.0009, "lower")]),
    Row("mnist", metrics("val.accuracy"), [Figure("val.accuracy", 0.975, 0.002, share=True)]),
    Row("fashion", metrics("val.accuracy"), [Figure("val.accuracy", 0.87, 0.002, share=True)], program="mnist"),
    Row("cnn", metrics("val.accuracy"), [Figure("val.accuracy", 0.65, 0.02, share=True)]),
    Row("rnn", metrics("loss", "accuracy"),
        [Figure("accuracy", 0.706, 0.005, share=True, same=0.693), Figure("loss", 1.055, 0.015, "lower", same=1.068)]),
    Row("recommender", metrics("val.loss"), [Figure("val.loss", 1.562, 0.018, "lower")]),
    # The figures given are of a model without dropout, which the program has. Every fifth window of the rest is looked at, in
    # PyTorch too.
    Row("transformer", transformer,
        [Figure("loss", 1.754, 0.02, "lower", same=1.781), Figure("val.loss", 1.879, 0.02, "lower", same=1.911)],
        asks=("evaluate(bard, split(plays.rest, train: 0.2).train)",)),
    Row("seq2seq", metrics("val.loss"), [Figure("val.loss", 1.389, 0.02, "lower", same=1.547)]),
    Row("bayes", bayes,
        [Figure("mse", 0.055, 0.005, "lower"), Figure("inside", 0.09, 0.03, "near"), Figure("beyond", 0.25, 0.07)],
        asks=("mse(belief(wave.x), wave.y)", "mean(std(draws, axis: 0)[25:75])", "mean(std(draws, axis: 0)[:13])",
              "mean(std(draws, axis: 0)[87:])")),
    Row("mathematics", mathematics, [Figure(name, 1, 0) for name in ("minimum", "derivative", "eigenvalues", "pca.svg")]),
    # Its 90 epochs take a quarter of an hour; what is seen after three is that it learns: chance is a loss of 2.303.
    Row("alexnet", metrics("loss", "top1"), [Figure("loss", 2.303, 0.05, "lower"), Figure("top1", 0.1, 0.05, share=True)],
        settings=("epochs=3",)),
    Row("alexnet-whole", metrics("loss", "top1"), [Figure("loss", 2.303, 0, "lower"), Figure("top1", 0.1, 0, share=True)],
        program="alexnet", usual=False),
]


class Run:
    """A program that ran: its output, the answers to what was asked after it, and where its files are."""

    def __init__(self, output, answers, folder):
        self.output, self.folder = output, folder
        self.answers = output.splitlines()[-answers:] if answers else []
        self.printed = "\n".join(output.splitlines()[:-answers]) if answers else output


def data_of(row, scratch):
    """The folder of data; of the Fashion row one whose `mnist` is Fashion-MNIST."""
    if row.name != "fashion":
        return DATA
    folder = pathlib.Path(scratch) / "fashion"
    (folder / "mnist").mkdir(parents=True, exist_ok=True)
    for path in FASHION.glob("*.gz"):
        link = folder / "mnist" / path.name
        if not link.exists():
            link.symlink_to(path)
    return folder


def timed(command, cores, folder, limit):
    """Output, errors, exit code and seconds of a whole process, bound to some cores."""
    begin = time.monotonic()
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=limit,
                              preexec_fn=lambda: os.sched_setaffinity(0, cores))
        return done.stdout, done.stderr, done.returncode, time.monotonic() - begin
    except subprocess.TimeoutExpired:
        return "", f"it took more than {limit} seconds", -1, limit


def first_error(errors):
    """The message of the first error; what it says where no place was given."""
    lines = [line for line in errors.splitlines() if line.strip()]
    return next((line for line in lines if "error" in line or "not supported" in line), lines[0] if lines else "it failed")


def run_dlc(row, arguments, cores, scratch):
    folder = pathlib.Path(scratch) / row.name
    folder.mkdir(exist_ok=True)
    command = [str(arguments.dlc), "run", str(PROGRAMS / f"{row.program}.dl"), "--data", str(data_of(row, scratch)),
               "--threads", str(len(cores))]
    for setting in row.settings:
        command += ["--set", setting]
    for ask in row.asks:
        command += ["--ask", ask]
    output, errors, code, seconds = timed(command, cores, folder, arguments.limit)
    if code != 0:
        return None, first_error(errors), seconds
    return Run(output, len(row.asks), folder), "", seconds


def run_torch(row, python, arguments, cores, scratch):
    """Seconds and figures of PyTorch's; nothing where it has no such row or failed."""
    command = [str(python), str(ROOT / "bench/learn_torch.py"), row.name, str(data_of(row, scratch)), "--threads", str(len(cores))]
    output, errors, code, seconds = timed(command, cores, scratch, arguments.limit)
    return (seconds, json.loads(output.splitlines()[-1])) if code == 0 else (None, {})


def peers_python():
    """A Python with PyTorch, as bench.py looks for it."""
    for folder in filter(None, (os.environ.get("DLC_PEERS"), ROOT / ".peers", ROOT.parent / "peers")):
        python = pathlib.Path(folder) / "bin/python"
        if python.exists():
            return python
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [row.name for row in ROWS]
    parser.add_argument("rows", nargs="*", metavar="NAME", help="which programs: " + ", ".join(names))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--dlc", type=pathlib.Path, default=ROOT / "build/bin/dlc")
    parser.add_argument("--limit", type=int, default=3600, help="seconds for one program")
    parser.add_argument("--no-peers", action="store_true", help="without PyTorch's times")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.rows if name not in names]:
        parser.error(f"there is no program `{unknown[0]}`; there are {', '.join(names)}")
    if not PROGRAMS.is_dir() or not DATA.is_dir():
        sys.exit(f"learn: {PROGRAMS} and {DATA} are needed")
    rows = [row for row in ROWS if (row.name in arguments.rows if arguments.rows else row.usual)]
    cores = set(sorted(os.sched_getaffinity(0))[-arguments.threads:])
    python = None if arguments.no_peers else peers_python()
    print(f"{'program':14} {'figure':14} {'reached':>9} {'to reach':>9} {'PyTorch now':>12} {'dlc s':>8} {'PyTorch s':>10}")
    passed = failed = 0
    sums = [0.0, 0.0]
    with tempfile.TemporaryDirectory(prefix="dlc-learn-") as scratch:
        for row in rows:
            run, problem, seconds = run_dlc(row, arguments, cores, scratch)
            peer_seconds, peer = run_torch(row, python, arguments, cores, scratch) if python and run else (None, {})
            if run and peer_seconds:
                sums = [sums[0] + seconds, sums[1] + peer_seconds]
            found = row.read(run) if run else {}
            good = run is not None
            times = f"{seconds:8.1f} {peer_seconds:10.1f}" if peer_seconds else f"{seconds:8.1f} {'-':>10}"
            for i, figure in enumerate(row.figures):
                value = found.get(figure.name)
                will_do = value is not None and figure.passes(value, peer.get(figure.name))
                good &= will_do
                line = (f"{row.name if i == 0 else '':14} {figure.name:14} {figure.text(value):>9} {figure.text(figure.given):>9} "
                        f"{figure.text(peer.get(figure.name)):>12} {times if i == 0 else ''}")
                print(line.rstrip() + ("" if will_do else "  FAILED"), flush=True)
            if problem:
                print(f"    {problem}", flush=True)
            passed, failed = passed + good, failed + (not good)
    if sums[1]:
        print(f"whole time where both ran: dlc {sums[0]:.1f} s, PyTorch {sums[1]:.1f} s, {sums[0] / sums[1]:.2f} of it")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
