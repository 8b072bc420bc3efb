"""Functions of `os` that the platform lacks, and harmless answers for them."""

import os


def install() -> None:
    """Add what is lacking."""
    answers = {
        "getuid": 0, "geteuid": 0, "getgid": 0, "getegid": 0, "getppid": 1,
        "getlogin": "sandbox", "umask": 0o022, "chmod": None, "chown": None, "kill": None,
    }  # fmt: skip
    for name, answer in answers.items():
        if not hasattr(os, name):
            setattr(os, name, lambda *_, answer=answer, **__: answer)
    os.chmod = lambda *_, **__: None
    os.cpu_count = os.process_cpu_count = lambda: 1
    for name in ("dup", "dup2"):
        if hasattr(os, name):
            delattr(os, name)  # they are there and fail; without them pytest captures in another way
