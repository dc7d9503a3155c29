#!/usr/bin/env python3
"""Makes made/exam.csv, the data of logistic.dl: 1,000 pupils who passed an exam or did not. The log-odds of passing are
0.6 (hours - 5) + 0.8 (sleep - 7) + 1 at school `hill`, 0 at `lake`, -1 at `town`: what a logistic regression should find.
The seed is fixed: running it again writes the same file."""
import math
import pathlib
import random

draw = random.Random(11)
schools = {"hill": 1.0, "lake": 0.0, "town": -1.0}
lines = ["hours,sleep,school,passed"]
for _ in range(1000):
    hours = round(draw.uniform(0, 10), 1)
    sleep = round(draw.gauss(7, 1), 1)
    school = draw.choice(list(schools))
    odds = 0.6 * (hours - 5) + 0.8 * (sleep - 7) + schools[school]
    passed = draw.random() < 1 / (1 + math.exp(-odds))
    lines.append(f"{hours},{sleep},{school},{int(passed)}")
folder = pathlib.Path(__file__).resolve().parent / "made"
folder.mkdir(exist_ok=True)
(folder / "exam.csv").write_text("\n".join(lines) + "\n")
