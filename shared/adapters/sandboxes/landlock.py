"""Landlock: the files that a process and its children can reach, by path. Linux 5.13 or newer."""

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterable, Sequence

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE = (1 << bit for bit in range(6))
_MAKE_DIR, _MAKE_REG, _MAKE_FIFO = 1 << 7, 1 << 8, 1 << 10
_REFER, _TRUNCATE, _IOCTL = 1 << 13, 1 << 14, 1 << 15

#: Rights over files that each version of Landlock controls.
_FIRST_RIGHTS = (1 << 13) - 1
_ADDED_RIGHTS = {2: _REFER, 3: _TRUNCATE, 5: _IOCTL}
_NETWORK, _NETWORK_SINCE = 3, 4
_SCOPES, _SCOPES_SINCE = 3, 6

_READ = _READ_FILE | _READ_DIR | _EXECUTE
_CHANGE = _READ_FILE | _READ_DIR | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_FIFO
_CHANGE |= _REFER | _TRUNCATE
_DEVICE = _READ_FILE | _WRITE_FILE
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL


def landlock_abi() -> int:
    """The version of Landlock that the kernel offers; 0 if it has none, or it is switched off."""
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"):
        return 0
    try:
        return _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION_FLAG))
    except OSError:
        return 0


def restrict_files(readable: Iterable[str], writable: Iterable[str], devices: Iterable[str]) -> int:
    """Allow these and nothing else, for good; paths that are not there are skipped. The version of Landlock.

    Links and sockets cannot be made, and what lies in a writable folder cannot be executed. Where the kernel can, ports
    are closed, and signals reach the process's own children alone. Raises `OSError` if the kernel cannot.
    """
    abi = landlock_abi()
    if not abi:
        raise OSError("this kernel has no Landlock")
    rights = _FIRST_RIGHTS | sum(right for since, right in _ADDED_RIGHTS.items() if abi >= since)
    ruleset = _make_ruleset(abi, rights)
    try:
        for paths, allowed in ((readable, _READ), (writable, _CHANGE), (devices, _DEVICE)):
            for path in paths:
                _allow(ruleset, path, allowed & rights)
        _call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint(0))
    finally:
        os.close(ruleset)
    return abi


def _make_ruleset(abi: int, rights: int) -> int:
    fields = [rights]
    if abi >= _NETWORK_SINCE:
        fields.append(_NETWORK)
    if abi >= _SCOPES_SINCE:
        fields.append(_SCOPES)
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    return _call(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint(0))


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not os.path.isdir(path):
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, opened)
        _call(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_RULE_PATH_BENEATH), rule, ctypes.c_uint(0))
    finally:
        os.close(opened)


def _call(number: int, *arguments: object) -> int:
    libc: ctypes.CDLL = ctypes.CDLL(None, use_errno=True)
    answer: int = libc.syscall(ctypes.c_long(number), *arguments)
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock: {os.strerror(code)}")
    return answer


def readable_places(paths: Sequence[str]) -> list[str]:
    """The places behind paths, with links resolved, each once: what Landlock goes by."""
    return list(dict.fromkeys(place for path in paths for place in (os.path.abspath(path), os.path.realpath(path))))
