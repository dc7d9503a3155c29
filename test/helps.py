#!/usr/bin/env python3
"""The helps that dlc can give, as its sources word them, and whether a test shows each.

A wording is a text in the C++ of frontend/ or tools/; what is put into it is left open. It is shown when a line `help: ..`
of a file messages/*.out, or of another test's transcript, has its fixed words in their order. A row of ForeignNames.def
is shown when a message of messages/*.out about its name has its help.

Prints what no test shows, then how many wordings and rows there are; `inventory.py` counts them."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
# The functions that take a help, and which of their arguments it is.
TAKERS = {"help": 0, "unexpected": 2, "expect": 2, "wrong": 1, "bad": 4}
# Files that have helps in tables, or as what a function gives back.
TABLES = {
    "frontend/syntax/Lexer.cpp": r'^    \{"[^"]+", ("(?:[^"\\]|\\.)*"), TokenKind',
    "frontend/parser/Recovery.cpp": r'^    return (?!.*"the end of)(.+);$',
}
# Helps that no input can provoke, each with its reason.
NEVER_SHOWN = {
    "return the new value": "the check of the function by itself says first that it assigns what is around it",
    "its parts are ..": "what is cut has `train` and `rest`, and for `validate` there is another help",
}

LITERAL = r'"(?:[^"\\\n]|\\.)*"'
TOKEN = re.compile(LITERAL + r"|'(?:[^'\\]|\\.)'|::|.", re.DOTALL)
PLACE = re.compile(r"(\{\{|\}\}|\{[^{}]*\})")


def split(text, separator):
    """What stands between separators that are in no bracket, up to the end of the brackets around the text."""
    parts, depth = [""], 0
    for token in TOKEN.findall(text):
        depth += token in ("(", "[", "{")
        depth -= token in (")", "]", "}")
        if depth < 0:
            break
        if depth == 0 and token == separator:
            parts.append("")
        else:
            parts[-1] += token
    return [part.strip() for part in parts]


def unescaped(text):
    return re.sub(r"\\(.)", r"\1", text)


def wordings(expression):
    """The texts that an expression of C++ can be, each a list of fixed words with None where something is put in."""
    condition, *branches = split(expression, "?")
    if branches:
        first, *others = split("?".join(branches), ":")
        return wordings(first) + (wordings(":".join(others)) if others else [])
    words = []
    for part in split(condition, "+"):
        call = re.match(r"(?:fmt::format|std::string)\(", part)
        text = split(part[call.end():], ",")[0] if call else part
        if not re.fullmatch(rf"(?:{LITERAL}\s*)+", text):
            words.append(None)
            continue
        text = "".join(unescaped(literal[1:-1]) for literal in re.findall(LITERAL, text))
        for fixed in PLACE.split(text) if call else [text]:
            words.append({"{{": "{", "}}": "}"}.get(fixed, None if call and PLACE.fullmatch(fixed) else fixed))
    return [words]


def wordings_of_sources():
    """Each wording as it is read, `..` where something is put in, with its pattern and the place where it stands first."""
    found = {}
    for path in sorted([*ROOT.glob("frontend/**/*.cpp"), *ROOT.glob("tools/*.cpp")]):
        text = path.read_text(encoding="utf-8")
        given = []
        for call in re.finditer(rf"\b({'|'.join(TAKERS)})\(", text):
            arguments = split(text[call.end():], ",")
            given += [(call.start(), argument) for argument in arguments[TAKERS[call[1]]:][:1]]
        if table := TABLES.get(str(path.relative_to(ROOT))):
            given += [(row.start(), row[1]) for row in re.finditer(table, text, re.MULTILINE)]
        for begin, expression in given:
            for words in wordings(expression):
                shown = "".join(".." if word is None else word for word in words)
                pattern = "".join(".+?" if word is None else re.escape(word) for word in words)
                if len(re.findall(r"[a-z]{2,}", shown)) >= 2:  # else it is a name, or put together elsewhere
                    line = text.count("\n", 0, begin) + 1
                    found.setdefault(shown, (pattern, f"{path.relative_to(ROOT)}:{line}"))
    return found


def messages():
    """The messages of messages/*.out: each its first line and its helps."""
    found = []
    for path in sorted(ROOT.glob("test/messages/*.out")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.search(r"\b(error|warning): ", line) and not re.match(r" +(\d+ )?\|", line):
                found.append((line, []))
            elif line.startswith("help: ") and found:
                found[-1][1].append(line.removeprefix("help: "))
    return found


def helps_of_lit():
    """What the tests that lit runs expect of helps, a line each."""
    paths = [path for path in ROOT.glob("test/**/*") if path.suffix in (".dl", ".test") and path.parent.name != "messages"]
    lines = "\n".join(path.read_text(encoding="utf-8") for path in sorted(paths)).splitlines()
    return "\n".join(line for line in lines if re.match(r"(// *)?[A-Z]+[-\w]*: .*", line))


def findings():
    """For each wording, and each row of ForeignNames.def, what is missing: a text, or "" when a test shows it."""
    told = messages()
    shown = "\n".join(help for _, helps in told for help in helps)
    lit = helps_of_lit()
    for words, (pattern, place) in wordings_of_sources().items():
        tested = re.search(rf"^{pattern}$", shown, re.MULTILINE) or re.search(pattern, lit)
        yield "" if tested or words in NEVER_SHOWN else f"help `{words}` ({place}) is shown by no test"

    table = ROOT / "frontend/syntax/ForeignNames.def"
    rows = re.findall(r'^DLC_FOREIGN_(\w+)\("([^"]+)", (?:"[^"]+", )?"((?:[^"\\]|\\.)*)"\)', table.read_text(encoding="utf-8"), re.MULTILINE)
    for kind, name, what in rows:
        several = what.replace(", ", ": .., ")
        wanted = (unescaped(what) if kind != "ARGUMENT" else f"did you mean `{what}`?" if several == what
                  else f"each by itself: `{several}: ..`")
        tested = any(re.search(rf"[`.]{name}`", line) and any(help.endswith(wanted) for help in helps) for line, helps in told)
        yield "" if tested else f"foreign {kind.lower()} `{name}` is shown with its help by no file of test/messages"


def main():
    found = list(findings())
    print("".join(finding + "\n" for finding in found if finding), end="")
    print(f"{len(found)} helps, {sum(map(bool, found))} shown by no test")


if __name__ == "__main__":
    main()
