#!/usr/bin/python3
"""Says how much of the code the tests run, from what gcovr has gathered.

  tests/coverage/coverage.py GCOVR.json ACCEPTED.md OUTPUT-FOLDER

Lines and branches of lib/ and daemon/core/ together must reach LINES and
BRANCHES percent; the rest of daemon/ and client/ is shown for information.

A branch is one way out of a condition, as gcc -O0 compiles it: both ways of
every operand of && and ||, of every loop and ?:, every case of a switch.
Left out are those of assert (): they say what cannot be, and the way out that
is not taken ends the process.

Every line of the two folders that is not run must be accepted: in a table of
ACCEPTED.md, `| file | function | lines | why |`, with how many lines of the
function. More than that, or another function, is new and fails; less is told, so
that the table can be shortened.

Writes OUTPUT-FOLDER/uncovered.txt: each line that was not run, each condition
that went only one way.
"""
import json
import re
import sys
from collections import defaultdict
from pathlib import Path

LINES, BRANCHES = 95.0, 85.0
COUNTED = ("lib", "daemon/core")


def assert_lines(text):
    """Numbers of the lines that an assert stands on, to its closing bracket."""
    numbers = set()
    for match in re.finditer(r"\bassert\s*\(", text):
        depth, at = 1, match.end()
        while depth and at < len(text):
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            at += 1
        first = text.count("\n", 0, match.start()) + 1
        numbers.update(range(first, text.count("\n", 0, at) + 2))
    return numbers


class File:
    def __init__(self, report):
        self.path = report["file"]
        self.source = Path(self.path).read_text(encoding="utf-8").splitlines()
        asserts = assert_lines("\n".join(self.source))
        self.functions = sorted(
            (f["lineno"], f["name"]) for f in report["functions"]
        )
        self.missed, self.one_way = [], []
        self.lines = self.run = self.branches = self.taken = 0
        for line in report["lines"]:
            if line.get("gcovr/noncode"):
                continue
            self.take_line(line, asserts)

    def take_line(self, line, asserts):
        number = line["line_number"]
        self.lines += 1
        self.run += line["count"] > 0
        if not line["count"]:
            self.missed.append(number)
        ways = [] if number in asserts else line["branches"]
        self.branches += len(ways)
        self.taken += sum(way["count"] > 0 for way in ways)
        if line["count"] and any(not way["count"] for way in ways):
            self.one_way.append(number)

    def function_of(self, number):
        name = ""
        for first, candidate in self.functions:
            if first > number:
                break
            name = candidate
        return name

    def folder(self):
        return str(Path(self.path).parent)


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def tell(name, files, indent=""):
    lines, run = sum(f.lines for f in files), sum(f.run for f in files)
    branches, taken = sum(f.branches for f in files), sum(f.taken for f in files)
    print(
        f"{indent + name:<34} {percent(run, lines):6.1f} %{run:7}/{lines:<6}"
        f" {percent(taken, branches):6.1f} %{taken:7}/{branches:<6}"
    )
    return percent(run, lines), percent(taken, branches)


def tell_all(files):
    folders = defaultdict(list)
    for file in files:
        folders[file.folder()].append(file)
    print(f"{'':<34} {'lines':>8}{'':>15}{'branches':>8}")
    for folder in sorted(folders, key=lambda name: (name not in COUNTED, name)):
        tell(folder + "/", folders[folder])
        for file in sorted(folders[folder], key=lambda f: f.path):
            tell(Path(file.path).name, [file], "  ")


def write_uncovered(files, path):
    with open(path, "w", encoding="utf-8") as out:
        for file in sorted(files, key=lambda f: f.path):
            for number in sorted(file.missed + file.one_way):
                what = "not run" if number in file.missed else "one way"
                text = file.source[number - 1].strip()
                function = file.function_of(number)
                out.write(f"{file.path}:{number}: {what}: {function}: {text}\n")


def accepted(path):
    rows = {}
    pattern = re.compile(r"^\| `([^`]+)` \| `([^`]+)` \| (\d+) \| (.+) \|$")
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        match = pattern.match(line)
        if match:
            rows[match[1], match[2]] = int(match[3])
    return rows


def compare(files, table):
    """What is not run and not accepted; and what is accepted and yet run."""
    missed = defaultdict(list)
    for file in files:
        for number in file.missed:
            missed[file.path, file.function_of(number)].append(number)
    problems, hints = [], []
    for key, numbers in sorted(missed.items()):
        if len(numbers) > table.get(key, 0):
            places = ", ".join(str(number) for number in numbers)
            problems.append(
                f"{key[0]}: {key[1]}: {len(numbers)} lines are not run"
                f" ({table.get(key, 0)} accepted): {places}"
            )
    for key, count in sorted(table.items()):
        if len(missed.get(key, [])) < count:
            hints.append(
                f"{key[0]}: {key[1]}: {count} lines are accepted,"
                f" {len(missed.get(key, []))} are not run: shorten the table"
            )
    return problems, hints


def main(report, table, output):
    files = [File(f) for f in json.loads(Path(report).read_text())["files"]]
    counted = [f for f in files if f.folder() in COUNTED]
    tell_all(files)
    write_uncovered(files, Path(output) / "uncovered.txt")
    lines, branches = tell(" + ".join(COUNTED), counted)
    problems, hints = compare(counted, accepted(table))
    for problem in problems + hints:
        print(f"coverage: {problem}")
    if lines < LINES:
        problems.append(f"lines below {LINES} %")
        print(f"coverage: lines below {LINES} %")
    if branches < BRANCHES:
        problems.append(f"branches below {BRANCHES} %")
        print(f"coverage: branches below {BRANCHES} %")
    return 1 if problems else 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
