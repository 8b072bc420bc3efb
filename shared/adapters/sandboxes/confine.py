"""Confines the present process on Linux: resource limits, no capabilities, Landlock, seccomp. Standard library only.

Nothing can be undone, and what is started afterwards is confined as well. Needs no privilege and no namespaces.
"""

import ctypes
import os
import resource
from collections.abc import Sequence
from dataclasses import dataclass

from shared.adapters.sandboxes.landlock import restrict_files
from shared.adapters.sandboxes.seccomp import restrict_calls

_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITIES = 64
_CAPABILITY_VERSION = 0x20080522


@dataclass(frozen=True, slots=True)
class Confinement:
    """What remains within reach."""

    #: Folders and files that can be read and run, and folders that can be changed too.
    readable: Sequence[str]
    writable: Sequence[str]
    #: Devices that can be read and written.
    devices: Sequence[str] = ()
    #: Bytes of one file.
    file_size: int = 16 << 20
    #: Bytes of address space and seconds of processor time, of each process; None: no bound of this kind.
    address_space: int | None = None
    cpu_seconds: int | None = None
    open_files: int = 256
    #: Whether programs can be started; threads always can.
    programs: bool = False


def confine(limits: Confinement) -> None:
    """Confine the present process; raises `OSError` if the kernel cannot, and then nothing may be run in it."""
    libc = ctypes.CDLL(None, use_errno=True)
    _limit_resources(limits)
    _drop_privileges(libc)
    abi = restrict_files(limits.readable, limits.writable, limits.devices)
    restrict_calls(programs=limits.programs, landlock_abi=abi)


def _limit_resources(limits: Confinement) -> None:
    wished = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: limits.file_size,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_AS: limits.address_space,
        resource.RLIMIT_CPU: limits.cpu_seconds,
    }
    for kind, most in wished.items():
        if most is not None:
            ceiling = resource.getrlimit(kind)[1]
            least = most if ceiling == resource.RLIM_INFINITY else min(most, ceiling)
            resource.setrlimit(kind, (least, least))


def _drop_privileges(libc: ctypes.CDLL) -> None:
    """Give up every capability, so that root is a user like another, and what could bring one back."""
    for capability in range(_CAPABILITIES):
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # fails without privilege, where there is nothing to drop
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    none = (ctypes.c_uint32 * 6)()
    _check(libc.capset(header, none), "capset")
    _check(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    _check(libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "dumpable")


def _check(answer: int, what: str) -> None:
    if answer != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
