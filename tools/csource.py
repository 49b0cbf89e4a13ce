# SPDX-License-Identifier: Apache-2.0
"""A C file as tools/tidy looks at it: its text, its code without comments, includes, functions."""

import collections
import re

Function = collections.namedtuple("Function", "name line length rest")
Include = collections.namedtuple("Include", "line path system")

SKIPPED = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)
OPENING = re.compile(r"=\s*(\{)|\bswitch\s*\([^{};]*\)\s*(\{)")


def blank(text):
    """The text with everything but its line ends turned to blanks, so that positions stay."""
    return re.sub(r"[^\n]", " ", text)


def line_at(text, position):
    return text.count("\n", 0, position) + 1


def closing(code, opening):
    """Where the brace that opens at `opening` closes; the end where it never does."""
    depth = 0
    for match in re.finditer(r"[{}]", code[opening:]):
        depth += 1 if match.group() == "{" else -1
        if depth == 0:
            return opening + match.start()
    return len(code)


class Source:
    def __init__(self, path, text):
        self.path = path
        self.text = text
        # Strings stay here, for an include's path is one.
        uncommented = SKIPPED.sub(
            lambda m: m.group() if m.group()[0] in "\"'" else blank(m.group()), text)
        self.directives = [(line_at(text, m.start()), m.group().strip())
                           for m in DIRECTIVE.finditer(uncommented)]
        self.includes = [Include(line_at(text, m.start()), m.group(2), m.group(1) == "<")
                         for m in INCLUDE.finditer(uncommented)]
        # What the compiler would see as code: no comment, string or directive.
        self.code = DIRECTIVE.sub(lambda m: blank(m.group()),
                                  SKIPPED.sub(lambda m: blank(m.group()), text))

    def functions(self):
        """Every function defined here, with its length in lines and what of it is neither a
        table nor a flat switch."""
        start = at = 0
        while match := re.compile(r"[;{}]").search(self.code, at):
            head = self.code[start:match.start()]
            at = match.end()
            if match.group() == "{":
                end = closing(self.code, match.start())
                at = end + 1
                if head.rstrip().endswith(")") and "=" not in head:
                    yield self._function(start, match.start(), end)
            if match.group() == ";" or head.rstrip().endswith(")"):
                start = at

    def _function(self, start, opening, end):
        head = self.code[start:opening]
        first = line_at(self.code, start + len(head) - len(head.lstrip()))
        name = re.search(r"(\w+)\s*\(", head).group(1)
        length = line_at(self.code, end) - first + 1
        return Function(name, first, length, length - self._flat_lines(opening + 1, end))

    def _flat_lines(self, begin, end):
        """How many lines lie within tables and within switches that have no block inside."""
        lines = 0
        while match := OPENING.search(self.code, begin, end):
            opening = match.end() - 1
            begin = closing(self.code, opening)
            if match.group(1) or "{" not in self.code[opening + 1:begin]:
                lines += self.code.count("\n", opening, begin)
            else:
                begin = match.end()
        return lines
