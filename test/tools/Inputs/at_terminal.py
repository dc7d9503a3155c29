"""The prompt of `dlc run` at a terminal: what is typed and pasted there, and what it answers. Prints a line for each case."""
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import fcntl
import time

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
os.chdir(folder)


class Prompt:
    def __init__(self, width=100):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm", LC_ALL="C.UTF-8", HOME=folder)
            os.execvp("dlc", ["dlc", "run", "--threads", "1"])
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
        self.seen = ""
        self.wait("> ")

    def wait(self, text, seconds=60):
        """Reads until `text` has come; forgets what was before its end. Gives what was read."""
        end = time.time() + seconds
        while text not in self.seen:
            if not select.select([self.terminal], [], [], max(0, end - time.time()))[0]:
                raise SystemExit(f"waited for {text!r}, saw {self.seen!r}")
            try:
                got = os.read(self.terminal, 65536)
            except OSError:
                raise SystemExit(f"ended with {self.code()}; waited for {text!r}, saw {self.seen!r}")
            self.seen += re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", got.decode(errors="replace"))
        read, self.seen = self.seen.split(text, 1)
        return read

    def send(self, keys):
        os.write(self.terminal, keys.encode())

    def ask(self, keys, answer):
        """Types a line; waits for an answer on a line of its own."""
        self.send(keys + "\r")
        self.wait("\n" + answer + "\r\n")
        self.wait("> ")

    def code(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def paste(text):
    return "\x1b[200~" + text.replace("\n", "\r") + "\x1b[201~"


up, left, tab, interrupt = "\x1b[A", "\x1b[D", "\t", "\x03"
p = Prompt()

p.send("let a = 1" + interrupt)
p.wait("^C")
p.send("fn f(x) {\r")
p.wait(". ")
p.send(interrupt)
p.wait("^C")
p.ask("41 + 1", "42")
print("Ctrl-C ends a line and a continuation")

p.send("fn f(x) {\r  2 * x\r}\r")
p.wait("}")
p.ask("f(4)", "8")
p.send(up + up)
p.wait("}")
p.send(left + left + " + 1\x1b[B\r")  # at the end of the line above
p.ask("f(4)", "9")
print("Up brings a whole function back, to be changed")

p.send(paste("let z = 1\n  + 2\ndata pts: { x: f32[2], label: i32 }\n  = moons(n: 10)\nfn g(x) {\n  h(x) + z\n}\nfn h(x) { 10 * x }\n"))
p.wait("fn h(x)")
p.send("\r")
p.ask("g(2)", "23")
p.ask("pts.rows", "10")
print("what is pasted is a program")

p.send("let w = 1\n  + 2\nw\n")  # a terminal that does not mark it
p.wait("\n3\r\n")
print("what is pasted unmarked goes on in the next line")

p.send("fn k(x) {\r:type 1\r")
p.wait("i64\r\n")
p.wait(". ")
p.send("  x + 5\r}\r")
p.ask("k(1)", "6")
print("a command in a continuation does not end it")

for typed, completed in (("pts.la", "pts.label"), ("softpl", "softplus"), ("huber(z, z, del", "delta: "), (":nam", ":names"),
                         ("train n = Linear(2, 2) on pts { opti", "optimizer: "), ("train n = Linear(2, 2) on pts { minimize lab", "label"),
                         ('csv("some-lo', "some-long-name.csv"), ("let alpha = 1; al", "alpha")):
    open("some-long-name.csv", "w").close()
    p.send(typed + tab)
    p.wait(typed)
    p.wait(completed[-2:].strip() or completed)
    p.send(interrupt)
    p.wait("^C")
p.send("pts." + tab)
p.wait("label")
p.wait("rows")
p.send(interrupt)
p.wait("^C")
for typed in ("mean_coun", "class_los"):
    p.send(typed + tab + "(1)")
    p.wait(typed + "(1)")
    p.send(interrupt)
    p.wait("^C")
print("Tab completes")

p.send("train guess = Linear(2, 2) on pts { \rminimize cross_entropy(guess(x), label)\roptimizer: sgd(lr: 0.1)\repochs: 100000000\r}\r")
p.wait("epoch 1/")
p.send(interrupt)
p.wait("interrupted after")
p.wait("`guess` is what was learnt so far")
p.ask(":type guess.weight", "f32[2, 2]")
p.ask("sum(guess.weight * 0.0)", "0.0")
print("Ctrl-C keeps what was learnt")

p.send("fn open(x) {\r:quit\r")
print("code", p.code())

narrow = Prompt(width=20)
narrow.send(up)  # the history is kept
narrow.wait("fn open(x)")
narrow.send(interrupt)
narrow.send("1 + 1 + 1 + 1 + 1 + 1 + 1 + 1" + left * 29 + "20 + \r")
narrow.wait("\n28\r\n")
narrow.send("\x04")
print("a narrow window", narrow.code())
