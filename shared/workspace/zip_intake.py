"""Zip files that a user hands over. Everything is judged by the table of contents before anything is unpacked."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from stat import S_IFMT, S_ISLNK, S_ISREG
from typing import BinaryIO

from shared.errors import InvalidInput, TooLarge
from shared.workspace.bounds import MAX_BYTES, MAX_FILES, MAX_ZIP, MAX_ZIP_TABLE
from shared.workspace.intake import IncomingFile, IntakePaths, LeftOut

_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_LONGEST_COMMENT = 65_535
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 0x1
#: Entries of a zip file, folders and what is left out included.
_MAX_ENTRIES = 4 * MAX_FILES


class ZipIntake:
    """The files of a zip file, one after another; `left_out` names those that are not among them."""

    def __init__(self, file: BinaryIO) -> None:
        """Judge the table of contents of a file that can be read at any place.

        Raises `InvalidInput` for what is no zip file or holds a path that is refused, `TooLarge` over a bound. Blocks.
        """
        _check_end(file)
        try:
            self._archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
            raise InvalidInput(f"this is no zip file that can be read: {error}") from None
        self._paths = IntakePaths()
        self._taken = [entry for entry in self._archive.infolist() if self._takes(entry)]

    @property
    def left_out(self) -> list[LeftOut]:
        """The entries that are not taken."""
        return self._paths.left_out

    def __iter__(self) -> Iterator[IncomingFile]:
        """Unpack one file after another; raises `InvalidInput` for one that is damaged. Blocks."""
        for entry in self._taken:
            try:
                content = self._archive.read(entry)
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
                raise InvalidInput(f"{entry.filename[:200]!r} in the zip file is damaged: {error}") from None
            yield IncomingFile(entry.filename, content, executable=bool(entry.external_attr >> 16 & 0o100))

    def _takes(self, entry: zipfile.ZipInfo) -> bool:
        if entry.is_dir():
            return False
        mode = entry.external_attr >> 16
        if S_ISLNK(mode):
            self.left_out.append(LeftOut(entry.filename, "it is a symbolic link"))
            return False
        if S_IFMT(mode) and not S_ISREG(mode):
            self.left_out.append(LeftOut(entry.filename, "it is no regular file"))
            return False
        if not self._paths.take(entry.filename, entry.file_size):
            return False
        if entry.flag_bits & _ENCRYPTED:
            raise InvalidInput(f"{entry.filename[:200]!r} in the zip file is encrypted: pack it without a password")
        if entry.compress_type not in _METHODS:
            raise InvalidInput(f"{entry.filename[:200]!r} in the zip file is not packed by deflate: pack it again")
        return True


def _check_end(file: BinaryIO) -> None:
    """Read how much table there is from the end of the file, before the table is read."""
    size = file.seek(0, 2)
    if size > MAX_ZIP:
        raise TooLarge(f"a zip file has at most {MAX_ZIP} bytes, this one has {size}")
    file.seek(max(0, size - _LONGEST_COMMENT - _END.size))
    tail = file.read()
    at = tail.rfind(_END_SIGNATURE)
    if at < 0 or len(tail) - at < _END.size:
        raise InvalidInput("this is no zip file: it has no table of contents at its end")
    _, _, _, _, entries, table, _, _ = _END.unpack_from(tail, at)
    if entries > _MAX_ENTRIES or table > MAX_ZIP_TABLE:
        raise TooLarge(f"a zip file of a workspace has at most {MAX_FILES} files and {MAX_BYTES} bytes")
    file.seek(0)
