"""Zip files that are taken, and those that are refused before anything is unpacked."""

import io
import struct
import zipfile
from collections.abc import Callable

import pytest

from shared.errors import InvalidInput, TooLarge
from shared.workspace import zip_intake
from shared.workspace.bounds import MAX_BYTES, MAX_FILES
from shared.workspace.intake import IncomingFile
from shared.workspace.zip_intake import ZipIntake

LINK = (0o120777 << 16) | 0x20
FIFO = 0o010644 << 16


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return file


def entry(name: str, attributes: int, system: int = 3) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = attributes
    info.create_system = system
    return info


@pytest.fixture(autouse=True)
def unpacked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The entries that were unpacked."""
    names: list[str] = []
    read = zipfile.ZipFile.open

    def spy(self: zipfile.ZipFile, name: zipfile.ZipInfo, *rest: object, **more: object) -> object:
        if self.mode == "r":
            names.append(name.filename)
        return read(self, name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(zipfile.ZipFile, "open", spy)
    return names


def test_files_come_out_at_their_paths() -> None:
    script = entry("bin/run.sh", 0o100755 << 16)
    taken = ZipIntake(zipped(("pkg/__init__.py", b""), ("größe/a.txt", b"a\r\n"), (script, b"#!"), ("empty/", b"")))
    assert list(taken) == [
        IncomingFile("pkg/__init__.py", b""),
        IncomingFile("größe/a.txt", b"a\r\n"),
        IncomingFile("bin/run.sh", b"#!", executable=True),
    ]
    assert taken.left_out == []


def test_an_empty_zip_file_holds_nothing() -> None:
    assert list(ZipIntake(zipped())) == []


def test_links_caches_and_devices_are_left_out_and_named() -> None:
    taken = ZipIntake(
        zipped((entry("link", LINK), b"/etc/passwd"), (entry("pipe", FIFO), b""), (".git/HEAD", b"x"), ("a", b"a"))
    )
    assert [file.path for file in taken] == ["a"]
    assert [(left.path, left.reason.split()[-1]) for left in taken.left_out] == [
        ("link", "link"),
        ("pipe", "file"),
        (".git/HEAD", "code"),
    ]


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["../up.txt"], "climbs"),
        (["a/../../up.txt"], "climbs"),
        (["/etc/passwd"], "absolute"),
        (["C:/x"], "absolute"),
        (["dir\\file"], "Windows"),
        (["aux.txt"], "reserved"),
        (["a.txt", "A.TXT"], "clashes"),
        (["a", "a/b"], "clashes"),
    ],
)
def test_a_path_that_is_refused_refuses_the_whole_by_name(names: list[str], why: str, unpacked: list[str]) -> None:
    file = zipped(("good.txt", b"good"), *((entry(name, 0), b"x") for name in names))
    with pytest.raises(InvalidInput, match=why) as refused:
        ZipIntake(file)
    assert repr(names[-1]) in str(refused.value)
    assert unpacked == []


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_path_that_is_there_twice_is_refused() -> None:
    with pytest.raises(InvalidInput, match="twice"):
        ZipIntake(zipped(("a", b"1"), ("a", b"2")))


def test_a_bomb_is_refused_by_what_it_says_it_holds(unpacked: list[str]) -> None:
    bomb = zipped(*((f"{n}.bin", b"\0" * (MAX_BYTES // 4 + 1)) for n in range(4)))
    assert len(bomb.getvalue()) < 1_000_000
    with pytest.raises(TooLarge, match=f"at most {MAX_BYTES} bytes"):
        ZipIntake(bomb)
    assert unpacked == []


def test_a_bomb_that_lies_about_its_size_is_found_out() -> None:
    content = zipped(("a.bin", b"\0" * 1_000_000)).getvalue()
    lie = content.replace(struct.pack("<L", 1_000_000), struct.pack("<L", 10))
    assert lie != content
    with pytest.raises(InvalidInput, match="damaged"):
        list(ZipIntake(io.BytesIO(lie)))


def test_too_many_files_are_refused_before_the_table_is_read(
    monkeypatch: pytest.MonkeyPatch, unpacked: list[str]
) -> None:
    with pytest.raises(TooLarge, match=f"at most {MAX_FILES} files"):
        ZipIntake(zipped(*((f"{n}", b"") for n in range(MAX_FILES + 1))))
    many = zipped(*((f"{n}", b"") for n in range(4 * MAX_FILES + 1)))
    monkeypatch.setattr(zip_intake.zipfile, "ZipFile", _never)
    with pytest.raises(TooLarge, match=f"at most {MAX_FILES} files"):
        ZipIntake(many)
    assert unpacked == []


def test_a_table_or_a_file_that_is_too_large_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_intake.zipfile, "ZipFile", _never)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 10, 10, 5 * 1024 * 1024, 0, 0)
    with pytest.raises(TooLarge):
        ZipIntake(io.BytesIO(b"\0" * 6 * 1024 * 1024 + end))
    monkeypatch.setattr(zip_intake, "MAX_ZIP", 1_000)
    with pytest.raises(TooLarge, match="1000 bytes"):
        ZipIntake(io.BytesIO(b"\0" * 1_001))


def _never(*_: object) -> None:
    raise AssertionError("the table was read")


def damage_end(content: bytes) -> bytes:
    return content[:-5]


def damage_table(content: bytes) -> bytes:
    return content.replace(b"PK\1\2", b"PK\1\3")


def damage_content(content: bytes) -> bytes:
    at = content.index(b"a.txt") + 5
    return content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :]


def encrypt(content: bytes) -> bytes:
    at = content.index(b"PK\1\2")
    return content[: at + 8] + b"\1\0" + content[at + 10 :]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda _: b"", "no zip file"),
        (lambda _: b"PK nonsense" * 100, "no zip file"),
        (damage_end, "no zip file"),
        (damage_table, "no zip file"),
        (damage_content, "damaged"),
        (encrypt, "encrypted"),
    ],
)
def test_what_is_damaged_or_encrypted_is_refused(change: Callable[[bytes], bytes], why: str) -> None:
    content = zipped(("a.txt", b"some text" * 50)).getvalue()
    with pytest.raises(InvalidInput, match=why):
        list(ZipIntake(io.BytesIO(change(content))))


def test_other_ways_of_packing_are_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match=r"'a\.txt'.*deflate"):
        ZipIntake(zipped(("a.txt", b"text" * 100), method=zipfile.ZIP_BZIP2))
    assert list(ZipIntake(zipped(("a.txt", b"text"), method=zipfile.ZIP_STORED))) == [IncomingFile("a.txt", b"text")]
