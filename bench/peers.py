#!/usr/bin/env python3
"""One workload in one of the peers: PyTorch (eager or compiled, its own order of axes or channels last) or JAX, in this process alone.

Prints one JSON object: row, threads, who, step_us, infer_us, first_step_s, peak_mb, gflops. With --rounds it prints
first_step_s once it has taken a step, then for each line `SECONDS` that it reads, what it measured in that time; so
bench.py can let several peers take turns. Data are random and made in memory; every step takes the same batch."""
import argparse
import json
import os
import resource
import statistics
import sys
import time

from workloads import select


def seconds_since_start():
    """Since this process was started, by the kernel's count (10 ms)."""
    with open("/proc/self/stat") as file:
        ticks = int(file.read().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def set_threads(threads):
    """Before the peers are imported: their pools look at these. JAX makes as many threads as it has cores."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ["NPROC"] = str(threads)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])
    if threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def make_peer(who, row, threads):
    """Imports it, too: that is part of the time to the first step."""
    if who == "jax":
        from jax_peer import Jax

        return Jax(row)
    from torch_peer import Torch

    return Torch(row, threads, compiled="compiled" in who, channels_last="channels-last" in who)


def median_us(peer, call, seconds):
    """The median time of a call in microseconds, in groups of about 5 ms: peers may work ahead within a group."""
    for _ in range(3):
        peer.wait(call())
    begin = time.perf_counter()
    peer.wait(call())
    group = max(1, min(200, int(0.005 / (time.perf_counter() - begin))))
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        begin = time.perf_counter()
        for _ in range(group):
            result = call()
        peer.wait(result)
        times.append((time.perf_counter() - begin) / group * 1e6)
    return statistics.median(times)


def measure(peer, row, seconds):
    step = median_us(peer, peer.step, seconds)
    infer = median_us(peer, peer.infer, seconds / 2) if row.optimizer else step
    return {"step_us": step, "infer_us": infer, "gflops": row.flops / step / 1e3}


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--who", required=True, choices=["torch-eager", "torch-compiled", "torch-channels-last", "torch-compiled-channels-last", "jax"])
    parser.add_argument("--row", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", action="store_true", help="measure at each line `SECONDS` of the input")
    given = parser.parse_args()
    (row,) = select([given.row])
    set_threads(given.threads)
    peer = make_peer(given.who, row, given.threads)
    peer.wait(peer.step())
    line = {"row": row.name, "threads": given.threads, "who": given.who, "first_step_s": seconds_since_start()}
    if not given.rounds:
        line.update(measure(peer, row, given.seconds), peak_mb=peak_mb())
        print(json.dumps(line))
        return
    print(json.dumps(line), flush=True)
    for text in sys.stdin:
        print(json.dumps({**measure(peer, row, float(text)), "peak_mb": peak_mb()}), flush=True)


if __name__ == "__main__":
    main()
