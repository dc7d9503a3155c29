#!/usr/bin/env python3
"""Makes made/wave.csv, the data of bayes.dl: 150 points of a wave, y = sin(4 x) / 2 + x / 2 and normal noise of deviation 0.1, for x
in [-1, 1]. The seed is fixed: running it again writes the same file."""
import math
import pathlib
import random

draw = random.Random(5)
lines = ["x,y"]
for _ in range(150):
    x = draw.uniform(-1, 1)
    lines.append(f"{x:.4f},{math.sin(4 * x) / 2 + x / 2 + draw.gauss(0, 0.1):.4f}")
folder = pathlib.Path(__file__).resolve().parent / "made"
folder.mkdir(exist_ok=True)
(folder / "wave.csv").write_text("\n".join(lines) + "\n")
