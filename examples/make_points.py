#!/usr/bin/env python3
"""Makes made/points.csv, the data of linear.dl: 1,000 points of ten coordinates, uniform in [-1, 1], and
y = w . x + |v . x| + normal noise of deviation 0.1, for fixed normal vectors w and v. So no network can have a mean squared
error much below 0.01. The seed is fixed: running it again writes the same file."""
import pathlib
import random

draw = random.Random(7)
w = [draw.gauss(0, 1) for _ in range(10)]
v = [draw.gauss(0, 1) for _ in range(10)]
lines = [",".join([f"x{i}" for i in range(10)] + ["y"])]
for _ in range(1000):
    x = [draw.uniform(-1, 1) for _ in range(10)]
    y = sum(a * b for a, b in zip(w, x)) + abs(sum(a * b for a, b in zip(v, x))) + draw.gauss(0, 0.1)
    lines.append(",".join(f"{number:.5f}" for number in [*x, y]))
folder = pathlib.Path(__file__).resolve().parent / "made"
folder.mkdir(exist_ok=True)
(folder / "points.csv").write_text("\n".join(lines) + "\n")
