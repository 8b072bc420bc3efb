"""Names of files: those a directive speaks of and asks for, and the one that a node gives to what it produces."""

import re
from collections.abc import Collection, Iterator

#: The most file names that are looked for in one directive.
MAX_NAMED = 20
_ENDINGS = (
    "bat|bib|c|cc|cfg|conf|cpp|cs|css|csv|docx|env|go|h|hpp|htm|html|ini|ipynb|java|js|json|jsonl|jsx|kt|log|lua|"
    "markdown|md|pdf|php|pl|png|ps1|py|r|rb|rs|rst|scala|sh|sql|svg|swift|tex|toml|ts|tsv|tsx|txt|xlsx|xml|yaml|yml"
)
_NAME = re.compile(
    rf"(?<![\w/.:@-])([A-Za-z0-9][\w-]{{0,60}}(?:\.[\w-]{{1,20}}){{0,2}}\.(?:{_ENDINGS}))(?![\w/@-]|\.\w)"
)
_MAKING = re.compile(r"\b(?:write|create|make|produce|generate|draft|prepare|compose|save|put|store)\b", re.IGNORECASE)
_NOT_MAKING = re.compile(
    r"\b(?:not|never|without|instead|except|unless|if|don't|dont|existing|old|given|leave|keep|delete|remove|skip|ignore|read|reads|reading|fix|using|uses)\b",
    re.IGNORECASE,
)
#: What stands right before the name of a file that the work starts from or is about.
_SOURCE = re.compile(
    r"\b(?:of|from|about|on|for|than|by|with|like|as|see|per|between|tests?|imports?|over|within|inside|"
    r"\w+ing)"
    r"(?:\s+(?:the|a|an|our|my|your|its|file|module|script|document|table|named|called)){0,3}\s*[`'\"(]*\Z",
    re.IGNORECASE,
)
#: A name that is joined to the one before shares its part in the sentence.
_JOINED = re.compile(r"\A[`'\")]*\s*(?:,|and|,\s*and|&)\s+[`'\"(]*\Z", re.IGNORECASE)
#: A sentence, a line of a list or what is in brackets: what a verb or a negation reaches.
_CLAUSE = re.compile(r"[;!?\n\]]|\.(?=\s|\Z)|:(?=\s+\S)|,\s*(?:but|then|so)\b|\b(?:which|that|who)\b", re.IGNORECASE)
_WORDS_LEFT_OUT = frozenset(
    {"a", "an", "and", "the", "of", "for", "to", "in", "on", "with", "write", "create", "make", "python", "file"}
)


def named_files(directive: str) -> tuple[str, ...]:
    """The names of files in a directive, in their order; whether they are to be made or not."""
    return tuple(dict.fromkeys(match[1] for match in _matches(directive)))


def asked_files(directive: str) -> tuple[str, ...]:
    """The files that a directive asks to be made, as far as that is beyond doubt.

    A name counts where its clause has a verb of making before it and no word that turns it round, and where what
    stands right before it does not make it a source: "Write a.md and b.md" asks for two, "Write a.md from b.md" and
    "Write a.md, but do not touch b.md" for one. A missed name is better than a false one.
    """
    asked: dict[str, None] = {}
    end, wanted = 0, False
    for match in _matches(directive):
        if not (end and _JOINED.match(directive[end : match.start()])):
            wanted = _is_asked(directive[: match.start()])
        end = match.end()
        if wanted:
            asked[match[1]] = None
    return tuple(asked)


def _matches(directive: str) -> Iterator[re.Match[str]]:
    for number, match in enumerate(_NAME.finditer(directive)):
        if number == MAX_NAMED:
            return
        yield match


def _is_asked(before: str) -> bool:
    """Whether the text before a name asks for it."""
    clause = _CLAUSE.split(before[-400:])[-1]
    making = _MAKING.search(clause)
    return making is not None and not _NOT_MAKING.search(clause) and not _SOURCE.search(clause[making.end() :])


def file_name(
    directive: str, suffixes: tuple[str, ...], taken: Collection[str] = (), others: tuple[str, ...] = ()
) -> str:
    """A safe file name with one of the suffixes (the first if the directive names none), and none of those taken.

    A file with one of the `others` has to be plainly asked for.
    """
    endings = "|".join(re.escape(suffix) for suffix in suffixes)
    named = re.findall(rf"(?<![\w/.-])([A-Za-z0-9][\w-]{{0,60}}(?:{endings}))\b", directive)
    asked = [name for name in asked_files(directive) if name.endswith(suffixes + others)]
    for name in (*asked, *named):
        if name not in taken:
            return str(name)
    words = [word for word in re.findall(r"[a-z0-9]+", directive.lower()) if word not in _WORDS_LEFT_OUT]
    return ("_".join(words[:4])[:60] or "result") + suffixes[0]


def renamed(planned: str, asked: str) -> str:
    """A planned sub-directive, which makes the file that was asked for in place of the one it names.

    One that makes nothing, like a question to the user, stays as it is.
    """
    if asked in named_files(planned) or not _MAKING.match(planned.lstrip()):
        return planned
    other = next((name for name in asked_files(planned) if _ending(name) == _ending(asked)), None)
    return planned.replace(other, asked) if other else f"{planned.rstrip()} Save it to {asked}."


def _ending(name: str) -> str:
    return name.rsplit(".", 1)[1]
