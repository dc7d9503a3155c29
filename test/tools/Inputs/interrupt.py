"""interrupt.py FILE | interrupt.py: SIGINT for `dlc run FILE`, or for a loop at the prompt, once it has printed a line."""
import signal
import subprocess
import sys

dlc = subprocess.Popen(["dlc", "run", *sys.argv[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
atPrompt = len(sys.argv) == 1


def type_in(line):
    dlc.stdin.write(line + "\n")
    dlc.stdin.flush()


if atPrompt:
    type_in("let x = ones([300, 300])")
    type_in("for i in 0..100000 { print(i, sum(x @ x)) }")
print(dlc.stdout.readline(), end="")
dlc.send_signal(signal.SIGINT)
if atPrompt:
    type_in('print("after", 1 + 2)')
dlc.stdin.close()
for line in dlc.stdout:
    if line.startswith(("after", "99999")):
        print(line, end="")
print("code", dlc.wait(timeout=100))
