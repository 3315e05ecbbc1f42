"""Check the plain English of docstrings, comments and documents, and the subjects of new commits.

What a machine can check of it: a docstring begins with an imperative, not with a relative word; no private vocabulary;
a commit subject is an imperative of at most 72 characters. Prints one line for each finding; exits with 1 if any.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
import re
import subprocess
import sys
import tokenize
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
CODE: Final = ("custom_components", "simulators", "scripts", "benchmarks")
DOCUMENTS: Final = ("README.md", "docs/**/*.md", "simulators/**/*.md")

# A docstring that begins with one of these describes by a riddle what a noun would name.
OPENINGS: Final = frozenset(
    [
        "What",
        "Whatever",
        "Whether",
        "Who",
        "Whoever",
        "Whose",
        "Where",
        "When",
        "How",
        "That",
        "Those",
        "None",
        "Nobody",
        "Of",
        "From",
        "By",
        "As",
        "For",
        "There",
        "Until",
    ]
)
# Private words and metaphors, and the standard term in place of each.
WORDS: Final = {
    "desk": "responder",
    "errand": "request",
    "estate": "inventory",
    "hangs from": "belongs to",
    "hang from": "belong to",
    "house": "account",
    "lane": "poll group",
    "looker": "listener",
    "set aside": "rejected",
    "teller": "dispatcher",
    "told": "dispatched, shown or known",
    "wish": "request",
    "yard": "inventory",
}
_WORD: Final = re.compile(r"\b(" + "|".join(map(re.escape, WORDS)) + r")s?\b(?!_)", re.IGNORECASE)
MAX_SUBJECT: Final = 72
# Past tenses, gerunds and third persons that a subject does not begin with.
_NOT_IMPERATIVE: Final = re.compile(r"^(The|A|An|What|No|Of|\w+ed|\w+ing|\w+s)\b")
_IMPERATIVES_IN_S: Final = frozenset(
    {
        "Address",
        "Bypass",
        "Discuss",
        "Pass",
        "Process",
        "Focus",
        "Suppress",
        "Compress",
        "Miss",
        "Guess",
        "Express",
    }
)
_IMPERATIVES_IN_ED: Final = frozenset(
    {"Embed", "Feed", "Need", "Seed", "Shed", "Speed", "Bring", "String"}
)


def docstrings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and text of each docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield node.body[0].lineno, text


def comments(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of each comment."""
    for token in tokenize.generate_tokens(StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def private_words(text: str) -> Iterator[str]:
    """Yield a finding for each private word of a text."""
    for found in _WORD.finditer(text):
        yield f"'{found[0]}': say {WORDS[found[1].lower()]}"


def findings_in_code(path: Path) -> Iterator[str]:
    """Yield the findings of one Python file."""
    source = path.read_text(encoding="utf-8")
    texts = list(docstrings(ast.parse(source)))
    for line, text in texts:
        first = text.split(maxsplit=1)[0]
        if first in OPENINGS:
            yield f"{path}:{line}: a docstring begins with '{first}'"
    for line, text in (*texts, *comments(source)):
        for finding in private_words(text):
            yield f"{path}:{line}: {finding}"


def findings_in_document(path: Path) -> Iterator[str]:
    """Yield the findings of one Markdown file, code blocks left out."""
    text = re.sub(
        r"```.*?```|`[^`\n]*`",
        lambda code: re.sub(r"\S", " ", code[0]),
        path.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    for number, line in enumerate(text.splitlines(), start=1):
        for finding in private_words(line):
            yield f"{path}:{number}: {finding}"


def findings_in_subjects() -> Iterator[str]:
    """Yield the findings of commits that no remote branch and not the main branch has."""
    known = ["--remotes"] if _git("remote") else ["main"]
    for subject in _git("log", "--no-merges", "--format=%s", "HEAD", "--not", *known).splitlines():
        first = subject.split(maxsplit=1)[0] if subject else ""
        if len(subject) > MAX_SUBJECT:
            yield f"commit: more than {MAX_SUBJECT} characters: {subject}"
        if _NOT_IMPERATIVE.match(subject) and first not in _IMPERATIVES_IN_S | _IMPERATIVES_IN_ED:
            yield f"commit: does not begin with an imperative: {subject}"


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def main() -> int:
    """Print all findings; return the exit code."""
    found: list[str] = []
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*.py")):
            found += findings_in_code(path)
    for pattern in DOCUMENTS:
        for path in sorted(ROOT.glob(pattern)):
            found += findings_in_document(path)
    found += findings_in_subjects()
    print(*(line.replace(f"{ROOT}/", "") for line in found), sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
