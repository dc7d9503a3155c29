"""grey_png.py HEIGHT WIDTH VALUE FILE...: grey PNGs of one value, without Pillow."""
import os
import struct
import sys
import zlib


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


height, width, value = map(int, sys.argv[1:4])
rows = (b"\0" + bytes([value]) * width) * height
for path in sys.argv[4:]:
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
                   + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
