"""npy.py write FILE SHAPE DTYPE NUMBERS... | npy.py read FILE: .npy files without NumPy."""
import ast
import struct
import sys

CODES = {"<f4": "f", "<f8": "d", "<i8": "q", "<i4": "i", "|b1": "?", "|u1": "B"}


def write(path, shape, descr, *numbers):
    header = str({"descr": descr, "fortran_order": False, "shape": ast.literal_eval(shape)}).encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    code = CODES[descr]
    body = b"".join(struct.pack("<" + code, float(n) if code in "fd" else int(n)) for n in numbers)
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body)


def read(path):
    content = open(path, "rb").read()
    length = struct.unpack("<H", content[8:10])[0]
    header = ast.literal_eval(content[10:10 + length].decode())
    code = CODES[header["descr"]]
    body = content[10 + length:]
    print(header["descr"], header["shape"], *struct.unpack(f"<{len(body) // struct.calcsize(code)}{code}", body))


{"write": write, "read": read}[sys.argv[1]](*sys.argv[2:])
