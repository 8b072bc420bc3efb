"""seccomp: the system calls that a process and its children can make, as an allow list."""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

from shared.adapters.sandboxes.syscalls import NUMBERS


class Step(NamedTuple):
    """One instruction of the kernel's packet filter."""

    code: int
    if_true: int
    if_false: int
    value: int


_LOAD, _EQUAL, _GREATER_EQUAL, _ANY_BIT, _MASK, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_CALLS = 0x40000000
_SET_FILTER_PRCTL, _FILTER_MODE = 22, 2

_ALLOW = Step(_RETURN, 0, 0, 0x7FFF0000)
_KILL = Step(_RETURN, 0, 0, 0x80000000)

#: Calls that reach nothing but the process itself and the files that Landlock leaves open.
_ALLOWED: Final = """
read write close fstat lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn pread64 pwrite64 readv
writev preadv pwritev preadv2 pwritev2 access faccessat faccessat2 pipe pipe2 select pselect6 sched_yield mremap msync
mincore madvise dup dup2 dup3 pause nanosleep clock_nanosleep getitimer alarm setitimer getpid gettid getppid sendfile
copy_file_range splice tee exit exit_group wait4 waitid uname fcntl flock fsync fdatasync ftruncate getdents getdents64
getcwd chdir fchdir rename renameat renameat2 mkdir mkdirat rmdir creat unlink unlinkat readlink readlinkat umask
gettimeofday getrlimit getrusage sysinfo times getuid getgid geteuid getegid getpgrp getpgid getsid getgroups getresuid
getresgid rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack statfs fstatfs stat lstat newfstatat statx getpriority
sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min sched_getaffinity sched_rr_get_interval
arch_prctl futex futex_waitv set_tid_address set_robust_list get_robust_list rseq time clock_gettime clock_getres
epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 poll ppoll eventfd eventfd2 timerfd_create
timerfd_settime timerfd_gettime signalfd signalfd4 open openat openat2 close_range getrandom fallocate fadvise64
readahead sync_file_range membarrier getcpu timer_create timer_settime timer_gettime timer_delete timer_getoverrun
restart_syscall recvfrom shutdown getsockname getpeername getsockopt setsockopt
"""
_PROGRAMS: Final = "fork vfork execve execveat"
#: Landlock does not cover these, and programs expect them to work: they do nothing and report success.
_PRETENDED: Final = """
chmod fchmod fchmodat fchmodat2 chown lchown fchown fchownat utime utimes utimensat futimesat setsid setpgid sync syncfs
mlock mlock2 munlock
"""
#: Refused as if by the file system or a firewall. A call that is named nowhere is answered as if the kernel had none of
#: that name; programs then take another way.
_REFUSED: Final = """
socket connect bind listen accept accept4 sendmsg sendmmsg recvmsg recvmmsg symlink symlinkat link linkat
"""
_SIGNALS: Final = "kill tkill tgkill"
_TRUNCATE: Final = "truncate"
#: Versions of Landlock that confine signals, and that cover `truncate`.
_ABI_OF_SIGNALS, _ABI_OF_TRUNCATE = 6, 3

#: TCGETS TIOCGWINSZ FIONREAD FIONBIO FIONCLEX FIOCLEX: none pushes input to a terminal.
_IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
#: Names of threads, naming of memory.
_PRCTLS = (15, 16, 0x53564D41)
_NAMESPACES = 0x7E020000
_THREAD = 0x00010000
_UNIX, _STREAM = 1, 1
_SOCKET_KIND = 0xF


def restrict_calls(*, programs: bool, landlock_abi: int) -> None:
    """Install the filter, for good; raises `OSError` if the kernel cannot."""
    machine = platform.machine()
    steps = build_filter(machine, programs=programs, landlock_abi=landlock_abi)
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_FILTER_PRCTL, _FILTER_MODE, program, 0, 0):
        error = ctypes.get_errno()
        raise OSError(error, f"seccomp: {os.strerror(error)}")


def build_filter(machine: str, *, programs: bool, landlock_abi: int) -> list[Step]:
    """The filter for one machine; raises `OSError` for one whose calls are not known."""
    if machine not in NUMBERS:
        raise OSError(f"seccomp: calls of {machine} are not known")
    numbers = NUMBERS[machine]
    allowed = _ALLOWED + (_PROGRAMS if programs else "")
    allowed += _SIGNALS if landlock_abi >= _ABI_OF_SIGNALS else ""
    allowed += f" {_TRUNCATE}" if landlock_abi >= _ABI_OF_TRUNCATE else ""
    steps = [Step(_LOAD, 0, 0, _ARCHITECTURE), Step(_EQUAL, 1, 0, _ARCHITECTURES[machine]), _KILL]
    steps += [Step(_LOAD, 0, 0, _NUMBER), Step(_GREATER_EQUAL, 0, 1, _X32_CALLS), _KILL]
    steps += _conditional(numbers, programs=programs)
    for names, answer in (
        (allowed.split(), _ALLOW),
        (_PRETENDED.split(), _error(0)),
        (_REFUSED.split(), _error(errno.EACCES)),
        (_SIGNALS.split(), _error(errno.EPERM)),
    ):
        steps += [step for name in names if name in numbers for step in _answer(numbers[name], answer)]
    return [*steps, _error(errno.ENOSYS)]


def _conditional(numbers: dict[str, int], *, programs: bool) -> list[Step]:
    """Calls that depend on an argument."""
    steps = _one_of(numbers["ioctl"], 1, _IOCTLS, errno.ENOTTY) + _one_of(numbers["prctl"], 0, _PRCTLS, errno.EPERM)
    # Limits may be read: then no new ones are given.
    steps += _when(numbers["prlimit64"], [*_half(2, 0), Step(_EQUAL, 0, 2, 0), *_half(2, 1), Step(_EQUAL, 1, 0, 0)])
    # Pairs of streams only: from a pair of datagram sockets one could send to a socket of the host.
    steps += _when(
        numbers["socketpair"],
        [
            *_half(0, 0),
            Step(_EQUAL, 0, 3, _UNIX),
            *_half(1, 0),
            Step(_MASK, 0, 0, _SOCKET_KIND),
            Step(_EQUAL, 1, 0, _STREAM),
        ],
        errno.EACCES,
    )
    # Send to whom one is connected to: then no address is given.
    steps += _when(
        numbers["sendto"], [*_half(4, 0), Step(_EQUAL, 0, 2, 0), *_half(4, 1), Step(_EQUAL, 1, 0, 0)], errno.EACCES
    )
    # Threads, and children where programs may be started, but no namespaces. `clone3` hides its flags.
    children = [*_half(0, 0), Step(_ANY_BIT, 1, 0, _NAMESPACES)]
    children += [Step(_EQUAL, 1, 1, 0)] if programs else [Step(_ANY_BIT, 1, 0, _THREAD)]
    return [*steps, Step(_EQUAL, 0, len(children) + 2, numbers["clone"]), *children, _error(errno.EPERM), _ALLOW]


def _half(argument: int, half: int) -> list[Step]:
    """Load the lower (0) or the upper (1) half of an argument; both machines are little-endian."""
    return [Step(_LOAD, 0, 0, _ARGUMENTS + 8 * argument + 4 * half)]


def _answer(number: int, answer: Step) -> list[Step]:
    return [Step(_EQUAL, 0, 1, number), answer]


def _one_of(number: int, argument: int, values: Iterable[int], refusal: int) -> list[Step]:
    """Allow a call with one of these values of an argument."""
    inner = _half(argument, 0)
    for value in values:
        inner += _answer(value, _ALLOW)
    return [Step(_EQUAL, 0, len(inner) + 1, number), *inner, _error(refusal)]


def _when(number: int, test: list[Step], refusal: int = errno.EPERM) -> list[Step]:
    """Allow a call if `test` leads past the step after it, which refuses."""
    return [Step(_EQUAL, 0, len(test) + 2, number), *test, _error(refusal), _ALLOW]


def _error(number: int) -> Step:
    return Step(_RETURN, 0, 0, 0x00050000 | number)
