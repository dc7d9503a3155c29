"""Writes the tensors of a .safetensors file as another program might: the last first, with blanks and line ends in the header."""
import json
import struct
import sys

data = open(sys.argv[1], "rb").read()
length = struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8:8 + length])
header.pop("__metadata__")
body, made = b"", {}
for name in reversed(list(header)):
    begin, end = header[name]["data_offsets"]
    made[name] = {"shape": header[name]["shape"], "data_offsets": [len(body), len(body) + end - begin],
                  "dtype": header[name]["dtype"]}
    body += data[8 + length + begin:8 + length + end]
text = json.dumps(made, indent=1).encode()
text += b" " * (-len(text) % 8)
open(sys.argv[2], "wb").write(struct.pack("<Q", len(text)) + text + body)
