#!/usr/bin/env python3
"""Times the workloads in dlc and, where they are installed, in PyTorch (eager and compiled) and JAX, and prints a table.

Everything of a row runs in this one go and takes turns: the peers wait in processes of their own while another measures, so
that a machine's moods meet all alike. Each program is bound to as many cores as it has threads. PyTorch and JAX are looked
up in $DLC_PEERS (a virtual environment or its python), then .peers beside the sources, then python3; without them the rows
of dlc stand alone."""
import argparse
import ctypes
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from workloads import select

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCH = ROOT / "build/bin/dlc-bench"
PEERS = {"torch-eager": "torch", "torch-compiled": "torch", "jax": "jax"}
# For networks with convolutions.
CHANNELS_LAST = {"torch-channels-last": "torch-eager", "torch-compiled-channels-last": "torch-compiled"}


def cores(threads):
    """The cores of a program with so many threads: the last ones, for the first often serve interrupts."""
    return sorted(os.sched_getaffinity(0))[-threads:]


def find_peers():
    """For each peer that is installed, the python that has it."""
    given = pathlib.Path(os.environ.get("DLC_PEERS", ROOT / ".peers"))
    candidates = [str(path) for path in (given / "bin/python", given) if path.is_file()] + ["python3"]
    found = {}
    for python in candidates:
        if not shutil.which(python):
            continue
        code = "import importlib.util as u; print(*(m for m in ('torch', 'jax') if u.find_spec(m)))"
        modules = subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.split()
        for who, module in PEERS.items():
            if module in modules:
                found.setdefault(who, python)
    return found


class Peer:
    """A peer's process that has taken its first step and waits to measure."""

    def __init__(self, python, who, row, threads, cache):
        self.who = who
        command = [python, str(ROOT / "bench/peers.py"), "--who", who, "--row", row.name, "--threads", str(threads), "--rounds"]
        # A fresh cache: the time to the first step is that of a program never run before.
        environment = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": cache, "PYTHONWARNINGS": "ignore"}
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=environment)
        self.results = []
        self.first = self.read()

    def read(self):
        """The next line of results, or None when the process has died."""
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.errors.seek(0)
        print(f"{self.who} failed: {(self.errors.read().strip().splitlines() or ['no message'])[-1]}", file=sys.stderr)
        return None

    def measure(self, seconds):
        if self.first is None:
            return
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        result = self.read()
        if result is None:
            self.first = None
        else:
            self.results.append(result)

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def line(self):
        return {**self.first, **medians(self.results)} if self.first and self.results else None


def medians(results):
    """Key by key."""
    return {key: statistics.median(result[key] for result in results) for key in results[0]}


class Dlc:
    """dlc-bench, a fresh process each time."""

    def __init__(self, row, threads, cpu):
        self.row, self.threads, self.cpu = row, threads, cpu
        self.results = []

    def measure(self, seconds):
        command = [BENCH, "--row", self.row.name, "--threads", str(self.threads), "--cpu", self.cpu, "--seconds", str(seconds)]
        ran = subprocess.run(command, capture_output=True, text=True,
                             preexec_fn=lambda: os.sched_setaffinity(0, cores(self.threads)))
        lines = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
        lines = [line for line in lines if line["row"] == self.row.name]
        if ran.returncode != 0 or not lines:
            print(f"dlc-bench failed on {self.row.name} (exit code {ran.returncode}): {ran.stderr.strip()}", file=sys.stderr)
        else:
            self.results.append(lines[0])

    def line(self):
        if not self.results:
            return None
        numbers = [{key: value for key, value in result.items() if isinstance(value, float)} for result in self.results]
        return {"row": self.row.name, "threads": self.threads, "who": "dlc", **medians(numbers)}


def update_us(count, threads):
    """Microseconds in which `threads` cores read and write `count` bytes in place, each its share, wherever they fit."""
    share = max(64, count // threads)
    block = ctypes.create_string_buffer(share + 128)
    address = ctypes.addressof(block)
    repeats = max(1, 4_000_000 // share)
    best = float("inf")
    for _ in range(15):
        begin = time.perf_counter()
        for _ in range(repeats):
            ctypes.memmove(address, address + 64, share)
        best = min(best, (time.perf_counter() - begin) / repeats)
    return best * 1e6


def bound_us(row, threads, peak_gflops):
    """The physical bound of a step: its arithmetic at the measured peak, and parameters and state once in and out."""
    arithmetic = row.flops / peak_gflops / 1e3
    return arithmetic + (update_us(row.state_bytes, threads) if row.state_bytes else 0)


def measure_row(row, threads, given, peers):
    """The lines of a row, dlc's first."""
    with tempfile.TemporaryDirectory() as cache:
        turns = [Dlc(row, threads, given.cpu)] if BENCH.exists() else []
        if row.network == "convolutional":
            peers = peers | {who: peers[like] for who, like in CHANNELS_LAST.items() if like in peers}
        turns += [Peer(python, who, row, threads, cache) for who, python in peers.items()]
        for _ in range(given.rounds):
            for turn in turns:
                turn.measure(given.seconds / given.rounds)
        for turn in turns:
            if isinstance(turn, Peer):
                turn.close()
    return [line for line in (turn.line() for turn in turns) if line]


HEADINGS = ["row", "threads", "who", "step us", "infer us", "first step s", "peak MB", "GF/s", "of peak", "of bound", "ratio"]
WIDTHS = [20, 7, 28, 10, 10, 12, 8, 8, 8, 8, 6]


def print_cells(cells):
    text = [cell.ljust(width) if at in (0, 2) else cell.rjust(width) for at, (cell, width) in enumerate(zip(cells, WIDTHS))]
    print("  ".join(text).rstrip(), flush=True)


def print_row(row, lines):
    """One line for each program; `ratio` of dlc is the fastest peer's step over its own."""
    ours = next((line for line in lines if line["who"] == "dlc"), None)
    others = [line["step_us"] for line in lines if line["who"] != "dlc"]
    peak = ours.get("peak_gflops") if ours else None
    bound = bound_us(row, lines[0]["threads"], peak) if peak else None

    def number(line, key, form):
        return form.format(line[key]) if line.get(key) is not None else "-"

    for line in lines:
        print_cells([
            row.name, str(line["threads"]), line["who"],
            number(line, "step_us", "{:.1f}"), number(line, "infer_us", "{:.1f}"),
            number(line, "first_step_s", "{:.2f}"), number(line, "peak_mb", "{:.0f}"), number(line, "gflops", "{:.1f}"),
            f"{line['gflops'] / peak:.0%}" if peak else "-",
            f"{bound / line['step_us']:.0%}" if bound else "-",
            f"{min(others) / line['step_us']:.2f}" if line is ours and others else "",
        ])


def parse():
    available = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="", help="which workloads, or kinds of them (`rnn`, `square`), by commas (all)")
    parser.add_argument("--threads", type=int, help=f"threads to compute with, of the {available} available (1, then all)")
    parser.add_argument("--cpu", default="host", help="the processor that dlc generates code for, e.g. x86-64-v3")
    parser.add_argument("--json", help="also write the lines to this file, one JSON object each")
    parser.add_argument("--seconds", type=float, default=3, help="measuring time of a workload in each program (3)")
    parser.add_argument("--rounds", type=int, default=3, help="turns that this time is taken in (3)")
    parser.add_argument("--no-peers", action="store_true", help="dlc alone")
    given = parser.parse_args()
    if given.threads is not None and not 1 <= given.threads <= available:
        parser.error(f"--threads {given.threads}: this process may use 1 to {available}")
    if given.rounds < 1 or given.seconds <= 0:
        parser.error("--rounds and --seconds must be positive")
    try:
        given.rows = select([name for name in given.rows.split(",") if name])
    except ValueError as error:
        parser.error(str(error))
    given.threads = [given.threads] if given.threads else sorted({1, available})
    return given


def main():
    given = parse()
    peers = {} if given.no_peers else find_peers()
    missing = [] if given.no_peers else [who for who in PEERS if who not in peers]
    if missing:
        print(f"not installed, not compared: {', '.join(missing)} (bench/README.md says how)")
    print_cells(HEADINGS)
    written = open(given.json, "w") if given.json else None
    complete = True
    for threads in given.threads:
        for row in given.rows:
            lines = measure_row(row, threads, given, peers)
            complete = complete and any(line["who"] == "dlc" for line in lines)
            if lines:
                print_row(row, lines)
            for line in lines if written else []:
                written.write(json.dumps(line) + "\n")
                written.flush()
    return 0 if complete else 1


sys.exit(main())
