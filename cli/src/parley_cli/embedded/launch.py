"""What stands between `fork` and a server's program: run by path, alone, before anything else is imported.

    python -I -S launch.py PARENT SIGNAL UID GID CAPABILITY DIRECTORY PROGRAM [ARGUMENT...]

Asks the kernel for SIGNAL when the thread that started us ends (prctl(2), PR_SET_PDEATHSIG), becomes UID and
GID unless -1, keeps CAPABILITY unless -1 (capabilities(7)), enters DIRECTORY, and becomes the program.
A program of its own, not a `preexec_fn`: Python between fork and exec can deadlock a process with threads.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 1, 8, 38, 47
PR_CAP_AMBIENT_RAISE = 2
CAPABILITY_VERSION_3 = 0x20080522


def main(arguments: list[str]) -> None:
    parent, signal, uid, gid, capability = map(int, arguments[:5])
    directory, program = arguments[5], arguments[6:]
    try:
        if uid >= 0:
            _become(uid, gid, capability)
        os.chdir(directory)
        if sys.platform == "linux":
            _die_with(parent, signal)
        os.execv(program[0], program)  # noqa: S606 there is no shell to want
    except OSError as error:
        sys.exit(f"cannot start {program[0]}: {error}")


def _become(uid: int, gid: int, capability: int) -> None:
    if capability >= 0:
        _prctl(PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if capability >= 0:
        _keep(capability)


def _keep(capability: int) -> None:
    """Give up every capability but this one, and let it outlive `execve`."""
    mask = 1 << capability
    low, high = mask & 0xFFFFFFFF, mask >> 32
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(low, low, low, high, high, high)  # effective, permitted, inheritable; twice
    _check(ctypes.CDLL(None, use_errno=True).capset(header, sets), "capset")
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability)


def _die_with(parent: int, signal: int) -> None:
    """Last, because changing user clears the wish; and look whether the parent died before it was made."""
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    _prctl(PR_SET_PDEATHSIG, signal)
    if os.getppid() != parent:
        sys.exit("the process that started this one is gone")


def _prctl(*arguments: int) -> None:
    padded = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:5]]
    _check(ctypes.CDLL(None, use_errno=True).prctl(*padded), "prctl")


def _check(result: int, call: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")


if __name__ == "__main__":
    main(sys.argv[1:])
