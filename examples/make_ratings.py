#!/usr/bin/env python3
"""Makes made/ratings.csv and made/dishes.csv, the data of recommender.dl: 300 people gave each 12 of 36 dishes 1 to 5 stars. A dish
is sweet or hearty, and mild or hot, to some degree; a person likes each of the two to some degree. The stars are
3.2 + the person's habit + the dish's quality + the product of both tastes + noise of deviation 0.5, rounded: so no guesser's
mean squared error can be much below 0.3. The seed is fixed: running it again writes the same files."""
import pathlib
import random

draw = random.Random(4)
# Each kind of dish, and where it lies: sweet and hot are 1, hearty and mild -1.
KINDS = {
    "dessert": ((1, -1), "apple pie, cheesecake, chocolate cake, custard, ice cream, pancakes, rice pudding, tiramisu, waffles"),
    "sweet and hot": ((1, 1), "chilli chocolate, fruit curry, ginger cake, ginger duck, hot mango salad, pad thai, pepper cake, "
                      "sweet chilli prawns, sweet and sour pork"),
    "cheese": ((-1, -1), "cheese dumplings, cheese soup, fondue, lasagne, macaroni, omelette, pizza, quiche, raclette"),
    "fire": ((-1, 1), "arrabbiata, chilli con carne, goulash, jalapenos, kimchi, laksa, phall, vindaloo, wasabi beef"),
}
dishes = {}
for kind, (place, names) in KINDS.items():
    for name in names.split(", "):
        dishes[name] = (kind, [0.9 * side + draw.gauss(0, 0.25) for side in place], draw.gauss(0, 0.3))
syllables = [a + b for a in "bdfklmnrst" for b in "aeiou"]
people = []
while len(people) < 300:
    name = (draw.choice(syllables) + draw.choice(syllables) + draw.choice(["", "n", "s", "r"])).capitalize()
    if name not in people:
        people.append(name)

lines = ["person,dish,stars"]
for person in people:
    taste, habit = [draw.gauss(0, 0.7) for _ in range(2)], draw.gauss(0, 0.4)
    for dish in draw.sample(sorted(dishes), 12):
        _, place, quality = dishes[dish]
        stars = 3.2 + habit + quality + sum(a * b for a, b in zip(taste, place)) + draw.gauss(0, 0.5)
        lines.append(f"{person},{dish},{min(5, max(1, round(stars)))}")
folder = pathlib.Path(__file__).resolve().parent / "made"
folder.mkdir(exist_ok=True)
(folder / "ratings.csv").write_text("\n".join(lines) + "\n")
(folder / "dishes.csv").write_text("\n".join(["dish,kind", *(f"{dish},{dishes[dish][0]}" for dish in sorted(dishes))]) + "\n")
