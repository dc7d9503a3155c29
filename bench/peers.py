#!/usr/bin/env python3
"""One workload in one of the peers: PyTorch (eager or compiled) or JAX, in this process alone.

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


def random_batch(row):
    """Inputs and targets of a network, as NumPy arrays."""
    import numpy

    draw = numpy.random.default_rng(1)
    x = draw.standard_normal((row.batch, row.widths[0])).astype("float32")
    if row.regression:
        return x, draw.standard_normal((row.batch, row.widths[-1])).astype("float32")
    return x, draw.integers(0, row.widths[-1], row.batch)


def random_factors(row):
    import numpy

    draw = numpy.random.default_rng(1)
    return draw.standard_normal((row.m, row.k)).astype("float32"), draw.standard_normal((row.k, row.n)).astype("float32")


class Torch:
    """PyTorch with its fused optimizers."""

    def __init__(self, row, threads, compiled):
        import torch

        torch.set_num_threads(threads)
        torch.manual_seed(1)
        self.torch = torch
        compile = (lambda f: torch.compile(f, dynamic=False)) if compiled else (lambda f: f)
        if row.is_product:
            a, b = map(torch.from_numpy, random_factors(row))
            multiply = compile(torch.matmul)
            self.infer = self.step = torch.no_grad()(lambda: multiply(a, b))
            return
        layers = []
        for i, o in zip(row.widths, row.widths[1:]):
            layers += [torch.nn.Linear(i, o), torch.nn.ReLU()]
        model = torch.nn.Sequential(*layers[:-1])
        x, y = map(torch.from_numpy, random_batch(row))
        loss_of = torch.nn.functional.mse_loss if row.regression else torch.nn.functional.cross_entropy
        kind, options = (torch.optim.SGD, {"lr": 0.05}) if row.regression else (torch.optim.Adam, {"lr": 1e-3})
        optimizer = kind(model.parameters(), fused=True, **options)
        forward = compile(lambda x: model(x))

        def step():
            optimizer.zero_grad(set_to_none=True)
            value = loss_of(model(x), y)
            value.backward()
            optimizer.step()
            return value

        # The whole step at once: faster than a compiled loss with the optimizer beside it.
        self.step = compile(step)
        self.infer = torch.inference_mode()(lambda: forward(x))

    def wait(self, result):
        """Calls of PyTorch on the CPU end when their result is there."""


class Jax:
    """JAX: the whole step is one jitted function, parameters and optimizer state donated."""

    def __init__(self, row, threads):
        import jax
        import jax.numpy as jnp

        if row.is_product:
            a, b = map(jnp.asarray, random_factors(row))
            multiply = jax.jit(jnp.matmul)
            self.infer = self.step = lambda: multiply(a, b)
            return
        keys = iter(jax.random.split(jax.random.key(1), 2 * len(row.widths)))
        params = []
        for i, o in zip(row.widths, row.widths[1:]):
            draw = lambda shape: jax.random.uniform(next(keys), shape, minval=-(i**-0.5), maxval=i**-0.5)
            params.append((draw((i, o)), draw((o,))))
        x, y = map(jnp.asarray, random_batch(row))

        def forward(params, x):
            for w, b in params[:-1]:
                x = jax.nn.relu(x @ w + b)
            w, b = params[-1]
            return x @ w + b

        def loss(params, x, y):
            scores = forward(params, x)
            if row.regression:
                return jnp.mean((scores - y) ** 2)
            return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(scores), y[:, None], axis=1))

        def descend(params, state, x, y):
            value, grads = jax.value_and_grad(loss)(params, x, y)
            return jax.tree.map(lambda p, g: p - 0.05 * g, params, grads), state, value

        def adam(params, state, x, y):
            value, grads = jax.value_and_grad(loss)(params, x, y)
            count, m, v = state
            count = count + 1
            m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
            v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
            rate, root = 1e-3 / (1 - 0.9**count), jnp.sqrt(1 - 0.999**count)
            params = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) / root + 1e-8), params, m, v)
            return params, (count, m, v), value

        zeros = lambda: jax.tree.map(jnp.zeros_like, params)
        self.params = params
        self.state = () if row.regression else (jnp.zeros(()), zeros(), zeros())
        update = jax.jit(descend if row.regression else adam, donate_argnums=(0, 1))
        predict = jax.jit(forward)

        def step():
            self.params, self.state, value = update(self.params, self.state, x, y)
            return value

        self.step = step
        self.infer = lambda: predict(self.params, x)

    def wait(self, result):
        result.block_until_ready()


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
    infer = step if row.is_product else median_us(peer, peer.infer, seconds / 2)
    return {"step_us": step, "infer_us": infer, "gflops": row.flops / step / 1e3}


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    from workloads import select

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--who", required=True, choices=["torch-eager", "torch-compiled", "jax"])
    parser.add_argument("--row", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", action="store_true", help="measure at each line `SECONDS` of the input")
    given = parser.parse_args()
    (row,) = select([given.row])
    set_threads(given.threads)
    peer = Jax(row, given.threads) if given.who == "jax" else Torch(row, given.threads, given.who == "torch-compiled")
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
