#!/usr/bin/env python3
"""Draws made/scenes, the pictures of alexnet.dl: five kinds of landscape, a folder each (city, desert, forest, mountains, sea), 50
pictures of 96 by 96 pixels in every folder, as PNG. Time of day, weather, heights and colours are drawn anew for each, so that no
colour tells the kind. The seed is fixed: running it again writes the same files."""
import math
import pathlib
import random
import struct
import zlib

SIDE = 96
# Sky above and at the horizon, sun or moon, ground: by day, at dusk, in the night, in fog.
LIGHTS = [
    ((90, 150, 220), (200, 225, 245), (255, 250, 220), 1.0),
    ((60, 70, 130), (250, 170, 110), (255, 220, 150), 0.7),
    ((10, 15, 40), (40, 50, 90), (235, 235, 245), 0.35),
    ((170, 175, 180), (205, 208, 210), (225, 225, 225), 0.8),
]
GROUNDS = [(70, 110, 60), (190, 160, 100), (110, 110, 120), (60, 90, 130), (130, 90, 70)]


def mixed(a, b, share):
    return tuple(x + (y - x) * share for x, y in zip(a, b))


def city(draw, base):
    """Houses side by side, some windows lit: the height of each column, and what the ground's colour becomes at a place."""
    heights, lit = [], {}
    while len(heights) < SIDE:
        height = base + draw.randrange(5, 45)
        heights += [height] * draw.randrange(7, 16)
    for x in range(1, SIDE, 3):
        for y in range(2, SIDE, 4):
            if draw.random() < 0.4:
                lit[x, y] = (250, 220, 130)
    return heights, lambda x, depth, colour: lit.get((x, depth), colour)


def desert(draw, base):
    waves = [(draw.uniform(0.03, 0.12), draw.uniform(0, 6), draw.uniform(2, 7)) for _ in range(3)]
    heights = [base + 8 + sum(size * math.sin(rate * x + start) for rate, start, size in waves) for x in range(SIDE)]
    return heights, lambda x, depth, colour: mixed(colour, (255, 255, 255), 0.25 * math.exp(-depth / 6))


def forest(draw, base):
    firs = [(draw.uniform(0, SIDE), draw.uniform(12, 40), draw.uniform(0.15, 0.3)) for _ in range(22)]
    heights = [base + max(max(tall - abs(x - at) / wide for at, tall, wide in firs), 0) for x in range(SIDE)]
    return heights, lambda x, depth, colour: mixed(colour, (0, 0, 0), 0.15 + 0.15 * (x * 7 % 5 < 2))


def mountains(draw, base):
    peaks = [(draw.uniform(0, SIDE), draw.uniform(15, 50), draw.uniform(0.7, 1.3)) for _ in range(4)]
    heights = [base + max(max(tall - abs(x - at) / wide for at, tall, wide in peaks), 0) for x in range(SIDE)]
    snow = base + draw.uniform(20, 30)
    return heights, lambda x, depth, colour: mixed(colour, (255, 255, 255), 0.8) if heights[x] - depth > snow + 3 * (x % 4) else colour


def sea(draw, base):
    waves = {(x + i, y): 0.35 for x, y in [(draw.randrange(SIDE), draw.randrange(SIDE)) for _ in range(70)] for i in range(6)}
    sail, tall = draw.randrange(10, SIDE - 10), draw.uniform(8, 18)
    heights = [base + (max(tall - 2 * (x - sail), 0) if x >= sail else 0) for x in range(SIDE)]
    return heights, lambda x, depth, colour: mixed(colour, (255, 255, 255), 0.9 if heights[x] - depth > base else waves.get((x, depth), 0))


def scene(draw, kind):
    """Rows of red, green and blue bytes."""
    above, horizon, lamp, light = draw.choice(LIGHTS)
    ground = mixed((0, 0, 0), [c + draw.uniform(-20, 20) for c in draw.choice(GROUNDS)], light)
    heights, surface = kind(draw, draw.randrange(15, 40))
    lamp_x, lamp_y, radius = draw.randrange(SIDE), draw.randrange(8, 50), draw.uniform(3, 8)
    rows = []
    for y in range(SIDE):
        row = bytearray()
        for x in range(SIDE):
            depth = math.floor(heights[x]) - (SIDE - 1 - y)
            if depth >= 0:
                colour = surface(x, depth, mixed(ground, (0, 0, 0), 0.3 * y / SIDE))
            elif math.hypot(x - lamp_x, y - lamp_y) < radius:
                colour = lamp
            else:
                colour = mixed(above, horizon, y / SIDE)
            row += bytes(min(255, max(0, round(c))) for c in colour)
        rows.append(bytes(row))
    return rows


def png(rows):
    """The bytes of a PNG: each row as its difference from the row above, which compresses skies well."""
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    above = [bytes(3 * SIDE), *rows]
    body = b"".join(b"\2" + bytes((b - a) % 256 for a, b in zip(up, row)) for up, row in zip(above, rows))
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(body, 9)) + chunk(b"IEND", b"")


def main():
    draw = random.Random(2)
    for kind in city, desert, forest, mountains, sea:
        folder = pathlib.Path(__file__).resolve().parent / "made/scenes" / kind.__name__
        folder.mkdir(parents=True, exist_ok=True)
        for i in range(50):
            (folder / f"{i:02}.png").write_bytes(png(scene(draw, kind)))


main()
