"""The last validation of a training, and what `evaluate` prints behind it, are the same numbers."""
import re
import sys

text = open(sys.argv[1]).read()
epoch = re.findall(r"epoch 8/8 .*val\.loss (\S+)  val\.accuracy (\S+)", text)[-1]
asked = re.search(r"^loss (\S+)  accuracy (\S+) %$", text, re.M).groups()
assert epoch == asked, (epoch, asked)
