#!/usr/bin/env python3
"""Draws digits in the format of MNIST, so that mnist.dl runs without it: FOLDER/mnist with 5,000 pictures to learn from and 1,000 to
be measured on. Each digit is a few strokes whose points are moved a little, then turned, slanted and drawn with a pen of some
width. The seed is fixed: running it again writes the same files.

    python3 make_digits.py FOLDER"""
import gzip
import math
import pathlib
import random
import struct
import sys

SIDE = 28


def arc(x, y, wide, high, start, end):
    """Points of an ellipse around (x, y); angles in degrees, clockwise from the right."""
    return [(x + wide * math.cos(math.radians(a)), y + high * math.sin(math.radians(a)))
            for a in (start + (end - start) * i / 8 for i in range(9))]


# The strokes of each digit, in a box from -1 to 1; y points down.
DIGITS = [
    [arc(0, 0, 0.6, 1, -90, 270)],
    [[(-0.35, -0.6), (0.1, -1), (0.1, 1)]],
    [[*arc(0, -0.45, 0.6, 0.55, -170, 30), (-0.6, 1), (0.65, 1)]],
    [[*arc(0, -0.5, 0.5, 0.5, -150, 90), *arc(0, 0.5, 0.6, 0.5, -90, 150)]],
    [[(0.3, 1), (0.3, -1), (-0.6, 0.35), (0.65, 0.35)]],
    [[(0.5, -1), (-0.4, -1), (-0.45, -0.1), *arc(0, 0.4, 0.6, 0.6, -120, 140)]],
    [[(0.4, -1), (-0.1, -0.7), (-0.5, 0), *arc(0, 0.45, 0.55, 0.55, 180, 540)]],
    [[(-0.6, -0.95), (0.6, -1), (0, 1)]],
    [arc(0, -0.5, 0.45, 0.5, -90, 270), arc(0, 0.5, 0.6, 0.5, -90, 270)],
    [[*arc(0, -0.45, 0.5, 0.55, 0, 360), (0.5, -0.3), (0.35, 1)]],
]


def picture(draw, digit):
    """784 bytes, white on black."""
    size, turn, slant, pen = draw.uniform(7, 9.5), draw.gauss(0, 0.12), draw.gauss(0.15, 0.15), draw.uniform(0.8, 1.5)
    wide, middle = draw.uniform(0.75, 1.1), [13.5 + draw.gauss(0, 1) for _ in range(2)]
    pixels = [0.0] * (SIDE * SIDE)
    for stroke in DIGITS[digit]:
        moved = []
        for x, y in stroke:
            x, y = x + draw.gauss(0, 0.09), y + draw.gauss(0, 0.09)
            x = wide * x - slant * y
            moved.append((middle[0] + size * (x * math.cos(turn) - y * math.sin(turn)),
                          middle[1] + size * (x * math.sin(turn) + y * math.cos(turn))))
        for (ax, ay), (bx, by) in zip(moved, moved[1:]):
            steps = 1 + int(math.hypot(bx - ax, by - ay) / 1.2)
            for i in range(steps + 1):
                px, py = ax + (bx - ax) * i / steps, ay + (by - ay) * i / steps
                for row in range(max(0, int(py) - 1), min(SIDE, int(py) + 3)):
                    for column in range(max(0, int(px) - 1), min(SIDE, int(px) + 3)):
                        ink = pen + 0.5 - math.hypot(column - px, row - py)
                        pixels[row * SIDE + column] = max(pixels[row * SIDE + column], min(1, ink))
    return bytes(round(255 * ink) for ink in pixels)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1]) / "mnist"
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(8)
    for name, count in ("train", 5000), ("t10k", 1000):
        labels = bytes(draw.randrange(10) for _ in range(count))
        images = b"".join(picture(draw, label) for label in labels)
        for file, head, body in (("images-idx3", struct.pack(">IIII", 0x803, count, SIDE, SIDE), images),
                                 ("labels-idx1", struct.pack(">II", 0x801, count), labels)):
            with gzip.GzipFile(folder / f"{name}-{file}-ubyte.gz", "wb", mtime=0) as out:
                out.write(head + body)


main()
