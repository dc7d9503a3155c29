"""A training at terminals of several widths, one of which changes meanwhile: no live line is wider than its window had room
for, and what it says. Arguments: the program."""
import fcntl
import os
import pty
import re
import struct
import sys
import termios


def run(width, later=None):
    """The live lines of a terminal of `width` columns, the last of them in the second epoch or later; with `later`, two dozen
    of them, after half of which it is `later` columns wide. Then Ctrl-C ends the training."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm", LC_ALL="C.UTF-8")
        os.execvp("dlc", ["dlc", "run", "--threads", "1", sys.argv[1]])
    resize = lambda columns: fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    resize(width)
    seen = b""
    ended = False
    while True:
        try:
            got = os.read(terminal, 4096)
        except OSError:  # the other end is closed
            break
        if not got:
            break
        seen += got
        live = re.findall(rb"\r(epoch [^\r]*)\x1b\[K", seen)
        if later and len(live) >= 12:
            resize(later)
        enough = len(live) >= 24 if later else len(live) >= 12 and not live[-1].startswith(b"epoch 1/")
        if enough and not ended:
            ended = True
            os.write(terminal, b"\x03")
    os.waitpid(pid, 0)
    return [line.decode() for line in live]


for width in (30, 80, 120):
    live = run(width)
    assert live and max(map(len, live)) < width, (width, live)
    last = live[-1]
    print(width, "bar" if "[=" in last or "[>" in last else "", "course" if re.search("[▁▂▃▄▅▆▇█]{4}", last) else "",
          "validation" if "val.loss" in last else "", "left" if last.endswith("left") else "")
live = run(120, later=60)
print("resized", max(map(len, live[:8])) > 60, max(map(len, live[-2:])) < 60)
