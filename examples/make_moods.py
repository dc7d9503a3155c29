#!/usr/bin/env python3
"""Makes made/moods.tsv, the sentences of docs/recipes.md: 600 that guests wrote in a book, each with a tab and its class (good, bad or
mixed) behind it, and made/guests.csv, four new ones. The seed is fixed: running it again writes the same files."""
import pathlib
import random

draw = random.Random(3)
THINGS = ["the room", "our stay", "the breakfast", "the soup", "the view", "the garden", "the service", "this place"]
GOOD = ["lovely", "wonderful", "clean", "friendly", "quiet", "delicious", "perfect"]
BAD = ["cold", "noisy", "dirty", "awful", "slow", "dull", "far too small"]
OPENINGS = ["", "", "I must say", "to be honest", "this time"]


def sentence(mood):
    first, second = draw.sample(THINGS, 2)
    one, other = (draw.choice(BAD if mood == "bad" else GOOD) for _ in range(2))
    if mood == "mixed":
        other = draw.choice(BAD)
    joint = "but" if mood == "mixed" else "and"
    tail = f" {joint} {second} was {other}" if mood == "mixed" or draw.random() < 0.5 else ""
    return f"{draw.choice(OPENINGS)} {first} was {one}{tail}".strip()


lines = [f"{sentence(mood)}\t{mood}" for mood in draw.choices(["good", "bad", "mixed"], k=600)]
folder = pathlib.Path(__file__).resolve().parent / "made"
folder.mkdir(exist_ok=True)
(folder / "moods.tsv").write_text("\n".join(lines) + "\n")
guests = ["a quiet garden, and the view was perfect", "the soup was cold", "our stay was lovely but the room was noisy",
          "awful, slow and dirty"]
(folder / "guests.csv").write_text("guest,text\n" + "".join(f'{i + 1},"{text}"\n' for i, text in enumerate(guests)))
