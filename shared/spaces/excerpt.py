"""The parts of a text that bear on a query, within a bound of tokens."""

import re
from itertools import pairwise

from shared.llm.prompting import clip, estimate_tokens

#: How much of a text is looked at, in characters.
MAX_READ = 400_000
_PIECE = 600
_GAP = "\n[...]\n"
_WORD = re.compile(r"\w{3,}")


def excerpt(text: str, query: str, tokens: int) -> str:
    """`text` if it is short enough, else the pieces that share most words with `query`, in their order."""
    text = text[:MAX_READ].strip()
    if estimate_tokens(text) <= tokens:
        return text
    pieces = _pieces(text)
    wanted = set(_WORD.findall(query.casefold()))
    scores = [len(wanted & set(_WORD.findall(piece.casefold()))) for piece in pieces]
    kept: list[int] = []
    room = tokens
    for index in sorted(range(len(pieces)), key=lambda i: (-scores[i], i)):
        cost = estimate_tokens(pieces[index]) + estimate_tokens(_GAP)
        if cost <= room:
            kept.append(index)
            room -= cost
    return _joined(pieces, sorted(kept)) if kept else clip(text, tokens)


def _pieces(text: str) -> list[str]:
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    return [part[at : at + _PIECE] for part in paragraphs for at in range(0, len(part), _PIECE)]


def _joined(pieces: list[str], kept: list[int]) -> str:
    lines = [pieces[kept[0]]]
    for before, index in pairwise(kept):
        lines += ["\n\n" if index == before + 1 else _GAP, pieces[index]]
    return "".join(lines)
