"""decode.py FOLDER HEIGHT WIDTH: pictures a second, decoded and resized by dlc and by Pillow with two workers. Needs python3-pil
and python3-numpy. dlc's time is that of a program which reads all pictures, less that of one which reads none."""
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = """data p: {{ image: u8[3, {0}, {1}], label: i32 }} = image_folder("{2}", resize: [{0}, {1}])
print(p.{3})
"""


def decode(task):
    path, height, width = task
    picture = Image.open(path).convert("RGB").resize((width, height), Image.BILINEAR)
    return np.asarray(picture).transpose(2, 0, 1).copy().nbytes


def seconds(run, repeats=5):
    times = []
    for _ in range(repeats):
        began = time.time()
        run()
        times.append(time.time() - began)
    return min(times)


def main(folder, height, width):
    folder = os.path.abspath(folder)
    tasks = [(os.path.join(where, name), height, width) for where, _, names in os.walk(folder) for name in names]
    with multiprocessing.Pool(2) as pool:
        pillow = seconds(lambda: pool.map(decode, tasks, chunksize=8))
    with tempfile.TemporaryDirectory() as where:
        runs = []
        for column in ("image[0, 0, 0, 0]", "label[0]"):
            program = os.path.join(where, "p.dl")
            with open(program, "w") as file:
                file.write(PROGRAM.format(height, width, folder, column))
            command = [os.path.join(ROOT, "build/bin/dlc"), "run", program]
            runs.append(seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)))
    for name, time_taken in ("Pillow, 2 workers", pillow), ("dlc", runs[0] - runs[1]):
        print(f"{name}: {len(tasks) / time_taken:.0f} pictures/s")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
