"""Says what pictures hold: `FILE.svg:TAG` is parsed and its elements of that name are counted, `FILE.png` has a size."""
import struct
import sys
import xml.etree.ElementTree

for argument in sys.argv[1:]:
    name, _, tag = argument.partition(":")
    if name.endswith(".png"):
        with open(name, "rb") as file:
            head = file.read(24)
        assert head[:8] == b"\x89PNG\r\n\x1a\n", name
        print(f"{name}: {' x '.join(map(str, struct.unpack('>II', head[16:24])))}")
    else:
        elements = xml.etree.ElementTree.parse(name).iter("{http://www.w3.org/2000/svg}" + tag)
        print(f"{name}: {len(list(elements))} {tag}")
