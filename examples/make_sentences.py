#!/usr/bin/env python3
"""Makes made/sentences.tsv, the data of translation.dl and words.dl: 3,000 English sentences and their French, a tab between, from a
small grammar: who does what, with articles, adjectives, plurals, negation, questions, and what French does with them (gender, the
adjective behind its noun, elision). The seed is fixed: running it again writes the same file."""
import pathlib
import random

draw = random.Random(5)
VOWELS = "aeiouyéêh"

# English, its plural; French, its plural, feminine?
ANIMALS = [("cat", "cats", "chat", "chats", 0), ("dog", "dogs", "chien", "chiens", 0), ("bird", "birds", "oiseau", "oiseaux", 0),
           ("horse", "horses", "cheval", "chevaux", 0), ("cow", "cows", "vache", "vaches", 1), ("mouse", "mice", "souris", "souris", 1),
           ("fish", "fish", "poisson", "poissons", 0), ("goat", "goats", "chèvre", "chèvres", 1)]
PEOPLE = [("man", "men", "homme", "hommes", 0), ("woman", "women", "femme", "femmes", 1), ("boy", "boys", "garçon", "garçons", 0),
          ("girl", "girls", "fille", "filles", 1), ("teacher", "teachers", "professeur", "professeurs", 0),
          ("doctor", "doctors", "médecin", "médecins", 0), ("child", "children", "enfant", "enfants", 0),
          ("neighbour", "neighbours", "voisin", "voisins", 0)]
FOOD = [("apple", "apples", "pomme", "pommes", 1), ("pear", "pears", "poire", "poires", 1), ("cake", "cakes", "gâteau", "gâteaux", 0),
        ("egg", "eggs", "œuf", "œufs", 0), ("carrot", "carrots", "carotte", "carottes", 1),
        ("orange", "oranges", "orange", "oranges", 1), ("cheese", "cheeses", "fromage", "fromages", 0),
        ("potato", "potatoes", "patate", "patates", 1)]
THINGS = [("book", "books", "livre", "livres", 0), ("car", "cars", "voiture", "voitures", 1), ("table", "tables", "table", "tables", 1),
          ("letter", "letters", "lettre", "lettres", 1), ("hat", "hats", "chapeau", "chapeaux", 0),
          ("key", "keys", "clé", "clés", 1), ("coat", "coats", "manteau", "manteaux", 0), ("box", "boxes", "boîte", "boîtes", 1)]
# English; French for one and for several, masculine and feminine; does it stand before the noun?
SIZES = [("small", "petit", "petite", "petits", "petites", 1), ("big", "grand", "grande", "grands", "grandes", 1),
         ("young", "jeune", "jeune", "jeunes", "jeunes", 1), ("pretty", "joli", "jolie", "jolis", "jolies", 1)]
COLOURS = [("red", "rouge", "rouge", "rouges", "rouges", 0), ("black", "noir", "noire", "noirs", "noires", 0),
           ("green", "vert", "verte", "verts", "vertes", 0), ("white", "blanc", "blanche", "blancs", "blanches", 0),
           ("blue", "bleu", "bleue", "bleus", "bleues", 0), ("grey", "gris", "grise", "gris", "grises", 0)]
MOODS = [("happy", "heureux", "heureuse", "heureux", "heureuses", 0), ("tired", "fatigué", "fatiguée", "fatigués", "fatiguées", 0),
         ("sad", "triste", "triste", "tristes", "tristes", 0), ("alone", "seul", "seule", "seuls", "seules", 0)]
# English: of one, of several and I; French: je, il, nous, vous, ils.
EATING = [("eats", "eat", "mange", "mange", "mangeons", "mangez", "mangent"),
          ("tastes", "taste", "goûte", "goûte", "goûtons", "goûtez", "goûtent")]
USING = [("sees", "see", "vois", "voit", "voyons", "voyez", "voient"), ("takes", "take", "prends", "prend", "prenons", "prenez", "prennent"),
         ("buys", "buy", "achète", "achète", "achetons", "achetez", "achètent"),
         ("likes", "like", "aime", "aime", "aimons", "aimez", "aiment"), ("finds", "find", "trouve", "trouve", "trouvons", "trouvez", "trouvent"),
         ("draws", "draw", "dessine", "dessine", "dessinons", "dessinez", "dessinent")]
READING = [("reads", "read", "lis", "lit", "lisons", "lisez", "lisent"), ("writes", "write", "écris", "écrit", "écrivons", "écrivez", "écrivent")]
RESTING = [("sleeps", "sleep", "dors", "dort", "dormons", "dormez", "dorment"), ("runs", "run", "cours", "court", "courons", "courez", "courent"),
           ("sings", "sing", "chante", "chante", "chantons", "chantez", "chantent"),
           ("waits", "wait", "attends", "attend", "attendons", "attendez", "attendent")]
PLACES = [("in the garden", "dans le jardin"), ("in the house", "dans la maison"), ("in the street", "dans la rue"),
          ("in the kitchen", "dans la cuisine"), ("at school", "à l'école")]
TIMES = [("today", "aujourd'hui"), ("now", "maintenant"), ("every day", "tous les jours")]
# English; person in French (0 I, 1 he, 2 we, 3 you, 4 they); feminine? several?
PRONOUNS = [("I", "je", 0, 0, 0), ("he", "il", 1, 0, 0), ("she", "elle", 1, 1, 0), ("we", "nous", 2, 0, 1), ("you", "vous", 3, 0, 1),
            ("they", "ils", 4, 0, 1)]


def elided(word, following):
    """`je`, `le`, `ne` and their kin before what follows."""
    return word[:-1] + "'" + following if following[0] in VOWELS + "œ" else word + " " + following


def noun_phrase(nouns):
    """English, French, feminine, several."""
    one, many, un, plusieurs, feminine = draw.choice(nouns)
    several = draw.random() < 0.3
    article = draw.choice(["the", "the", "a", "my", "this"])
    if several and article == "a":
        article = "the"
    english, french = (many, plusieurs) if several else (one, un)
    if draw.random() < 0.4:
        kind = SIZES + COLOURS if nouns is not PEOPLE else SIZES
        adjective = draw.choice(kind)
        english = adjective[0] + " " + english
        form = adjective[1 + feminine + 2 * several]
        french = f"{form} {french}" if adjective[5] else f"{french} {form}"
    vowel = french[0] in VOWELS + "œ"
    if article == "the":
        french = "les " + french if several else elided("la" if feminine else "le", french)
    elif article == "a":
        english, french = ("an " if english[0] in "aeiou" else "a ") + english, ("une " if feminine else "un ") + french
        return english, french, feminine, several
    elif article == "my":
        french = ("mes " if several else "ma " if feminine and not vowel else "mon ") + french
    else:
        article = "these" if several else "this"
        french = ("ces " if several else "cette " if feminine else "cet " if vowel else "ce ") + french
    return article + " " + english, french, feminine, several


def sentence():
    who, whom, verbs = draw.choice([(PEOPLE, FOOD, EATING), (ANIMALS, FOOD, EATING), (PEOPLE, THINGS, USING), (PEOPLE, THINGS, USING),
                                    (PEOPLE, ANIMALS, USING[:1] + USING[3:]), (PEOPLE, THINGS[:1] + THINGS[3:4], READING),
                                    (PEOPLE, None, RESTING), (ANIMALS, None, RESTING), (PEOPLE, None, None), (ANIMALS, None, None)])
    if draw.random() < 0.35 and who is PEOPLE:
        subject, sujet, person, feminine, several = draw.choice(PRONOUNS)
        first = subject == "I"
    else:
        subject, sujet, feminine, several = noun_phrase(who)
        person, first = (4 if several else 1), False
    negated = draw.random() < 0.2
    if verbs is None:  # to be
        mood = draw.choice(MOODS + (COLOURS if who is ANIMALS else []))
        verb = "am" if first else "are" if several else "is"
        verbe = ["suis", "est", "sommes", "êtes", "sont"][person]
        predicate, predicat = verb + (" not" if negated else ""), verbe
        end, fin = " " + mood[0], " " + mood[1 + feminine + 2 * several]
    else:
        verb = draw.choice(verbs)
        plain = first or several
        predicate = ("do not " if plain else "does not ") + verb[1] if negated else verb[1] if plain else verb[0]
        predicat = verb[2 + person]
        end = fin = ""
        if whom:
            what, quoi, *_ = noun_phrase(whom)
            end, fin = " " + what, " " + quoi
        if draw.random() < 0.3:
            where, ou = draw.choice(PLACES + TIMES)
            end, fin = end + " " + where, fin + " " + ou
    if negated:
        predicat = elided("ne", predicat) + " pas"
        joined = sujet + " " + predicat
    else:
        joined = elided("je", predicat) if sujet == "je" else sujet + " " + predicat
    if draw.random() < 0.15 and not negated:
        asked = (f"{predicate} {subject}" if verbs is None else f"{'do' if plain else 'does'} {subject} {verb[1]}") + end + "?"
        est_ce = elided("est-ce que", joined)
        return asked, est_ce + fin + " ?"
    return subject + " " + predicate + end + ".", joined + fin + "."


def capital(text):
    return text[0].upper() + text[1:]


pairs = {}
while len(pairs) < 3000:
    english, french = sentence()
    pairs[english] = french
folder = pathlib.Path(__file__).resolve().parent / "made"
folder.mkdir(exist_ok=True)
(folder / "sentences.tsv").write_text("".join(f"{capital(english)}\t{capital(french)}\n" for english, french in pairs.items()))
