#!/usr/bin/env python3
"""Draws coloured shapes in the binary format of CIFAR-10, so that cnn.dl runs without it: FOLDER/cifar10/data_batch_1.bin with
2,000 pictures and test_batch.bin with 500. Ten kinds, in any place, size and two colours, with noise on all pixels. The seed is
fixed: running it again writes the same files.

    python3 make_shapes.py FOLDER"""
import pathlib
import random
import sys

SIDE = 32
# Whether a point is in the shape; x and y are in -1 .. 1 within its box.
KINDS = [
    lambda x, y: x * x + y * y < 1,  # disc
    lambda x, y: 0.45 < x * x + y * y < 1,  # ring
    lambda x, y: True,  # square
    lambda x, y: max(abs(x), abs(y)) > 0.6,  # frame
    lambda x, y: abs(x) < (y + 1) / 2,  # triangle
    lambda x, y: abs(abs(x) - abs(y)) < 0.3,  # cross
    lambda x, y: min(abs(x), abs(y)) < 0.25,  # plus
    lambda x, y: int((y + 1) * 2.5) % 2 == 0,  # lying stripes
    lambda x, y: int((x + 1) * 2.5) % 2 == 0,  # standing stripes
    lambda x, y: abs(x) + abs(y) < 1,  # diamond
]


def picture(draw):
    """One example: the label's byte, then all reds, greens and blues."""
    kind = draw.randrange(len(KINDS))
    half = draw.uniform(6, 12)
    middle = [draw.uniform(half, SIDE - half) for _ in range(2)]
    back, front = [[draw.randrange(40, 216) for _ in range(3)] for _ in range(2)]
    while sum(abs(a - b) for a, b in zip(back, front)) < 120:
        front = [draw.randrange(40, 216) for _ in range(3)]
    inside = []
    for row in range(SIDE):
        for column in range(SIDE):
            x, y = (column + 0.5 - middle[0]) / half, (row + 0.5 - middle[1]) / half
            inside.append(max(abs(x), abs(y)) <= 1 and KINDS[kind](x, y))
    colours = [(front if shape else back)[c] for c in range(3) for shape in inside]
    noise = draw.randbytes(len(colours))
    return bytes([kind, *(colour + byte % 51 - 25 for colour, byte in zip(colours, noise))])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1]) / "cifar10"
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(3)
    for name, count in ("data_batch_1.bin", 2000), ("test_batch.bin", 500):
        (folder / name).write_bytes(b"".join(picture(draw) for _ in range(count)))


main()
