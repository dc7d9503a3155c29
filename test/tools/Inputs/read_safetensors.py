"""What a .safetensors file holds, by its format alone: `read_safetensors.py A B` compares two, with one it lists it."""
import json
import struct
import sys


def read(path):
    data = open(path, "rb").read()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__", {})
    assert length % 8 == 0, "the tensors are not aligned"
    body = data[8 + length:]
    tensors = {}
    for name, about in header.items():
        begin, end = about["data_offsets"]
        tensors[name] = (about["dtype"], about["shape"], body[begin:end])
    assert sum(len(one[2]) for one in tensors.values()) == len(body)
    return metadata, tensors


first = read(sys.argv[1])
if len(sys.argv) > 2:
    assert read(sys.argv[2])[1] == first[1]
    print("the same tensors")
for key, text in sorted(first[0].items()):
    print("metadata", key, text)
for name, (dtype, shape, _) in sorted(first[1].items()):
    print(name, dtype, shape)
