"""The prompt of `dlc run` at a terminal: Ctrl-C for a loop that never ends, and where nothing runs."""
import os
import pty
import time

pid, terminal = pty.fork()
if pid == 0:
    os.execvp("dlc", ["dlc", "run"])


def wait_for(text):
    seen = b""
    while text not in seen:
        seen += os.read(terminal, 4096)


wait_for(b"> ")
os.write(terminal, b"for i in 0..999999999 { print(i) }\r")
wait_for(b"\n5\r\n")
os.write(terminal, b"\x03")
wait_for(b"> ")
os.write(terminal, b"\x03")
time.sleep(0.2)
os.write(terminal, b"40 + 2\r")
wait_for(b"42")
os.write(terminal, b":quit\r")
print("code", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
