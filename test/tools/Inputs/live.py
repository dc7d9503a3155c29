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
    """The lines that a terminal of `width` columns was sent; after some of them it is `later` columns wide."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm", LC_ALL="C.UTF-8")
        os.execvp("dlc", ["dlc", "run", "--threads", "1", sys.argv[1]])
    resize = lambda columns: fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    resize(width)
    seen = b""
    quit_sent = False
    while True:
        try:
            got = os.read(terminal, 4096)
        except OSError:
            break
        if not got:
            break
        seen += got
        if later and seen.count(b"samples/s") > 4:
            resize(later)
        if re.search(rb"epoch 2/2 [^\r]* s\r\n.*> ", seen, re.DOTALL) and not quit_sent:
            quit_sent = True
            os.write(terminal, b":quit\r")
    os.waitpid(pid, 0)
    return [line.replace("\x1b[K", "") for line in re.split(r"[\r\n]+", seen.decode())]


for width in (30, 80, 120):
    live = [line for line in run(width) if line.startswith("epoch") and not line.endswith(" s")]
    assert live and max(map(len, live)) < width, (width, live)
    last = live[-1]
    print(width, "bar" if "[=" in last else "", "course" if re.search("[▁▂▃▄▅▆▇█]{4}", last) else "",
          "validation" if "val.loss" in last else "", "left" if last.endswith("left") else "")
live = [line for line in run(120, later=60) if line.startswith("epoch") and not line.endswith(" s")]
print("resized", max(map(len, live[:4])) > 60, max(map(len, live[-2:])) < 60)
