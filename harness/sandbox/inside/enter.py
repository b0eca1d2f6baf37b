"""The way into a sandbox of Linux namespaces, as a script with one thread: it makes them and becomes keeper.

It is told in its only argument, as JSON, what is to be seen inside. Three processes are needed: one outside
that says which users there are inside, one that enters the namespaces, and, as a namespace of processes only
holds those that are born in it, the keeper. Each ends when the one before it does.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import re
import signal
import socket
import struct
import sys
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from keeper import keep, renounce  # type: ignore[import-not-found]

__all__ = ["enter"]

_NEW_NAMESPACES = {
    "user": 0x10000000,
    "mount": 0x00020000,
    "process": 0x20000000,
    "network": 0x40000000,
    "IPC": 0x08000000,
    "host name": 0x04000000,
    "cgroup": 0x02000000,
}
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 1, 2, 4, 8
_MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 32, 4096, 16384, 1 << 18
_MNT_DETACH = 2
# What a mount already forbids may not be allowed again; the words of statvfs and of mount for it.
_KEPT = {2: 2, 4: 4, 8: 8, 1024: 1024, 2048: 2048, 4096: 1 << 21}
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP = 1, 24
_MOST_CAPABILITIES = 64
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_COVERED = ("sys", "sysrq-trigger", "irq", "bus")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_ESCAPED = re.compile(r"\\(\d{3})")
_FAILED = 125

_libc = ctypes.CDLL(None, use_errno=True)


def enter(plan: Mapping[str, object]) -> None:
    """Make the namespaces, show in them what `plan` says, and keep a command there."""
    outside = os.getpid()
    entered, say_entered = os.pipe()
    known, say_known = os.pipe()
    child = os.fork()
    if child:
        os.close(say_entered)
        if os.read(entered, 1):
            _name_users(child, plan)
            os.write(say_known, b".")
        os.close(say_known)
        os._exit(_status(child))
    os.close(say_known)
    _end_with_parent()
    if os.getppid() != outside:
        os._exit(_FAILED)
    for name, flag in _NEW_NAMESPACES.items():
        _checked(_libc.unshare(flag), f"a new {name} namespace")
    os.write(say_entered, b".")
    if not os.read(known, 1):
        os._exit(_FAILED)
    keeper = os.fork()
    if keeper:
        os._exit(_status(keeper))
    _settle(plan)
    keep()


def _name_users(child: int, plan: Mapping[str, object]) -> None:
    """Say which user inside is which one outside; who is root here is nobody there."""
    uid, gid, inner = os.geteuid(), os.getegid(), plan["user"]
    both = plan["as_root"]
    users = f"0 {uid} 1\n{inner} {inner} 1\n" if both else f"{inner} {uid} 1\n"
    groups = f"0 {gid} 1\n{inner} {inner} 1\n" if both else f"{inner} {gid} 1\n"
    place = Path(f"/proc/{child}")
    if not both:
        (place / "setgroups").write_text("deny")
    (place / "uid_map").write_text(users)
    (place / "gid_map").write_text(groups)


def _settle(plan: Mapping[str, object]) -> None:
    """Show what is to be seen, bring up the loopback, and be nobody from here on."""
    _libc.sethostname(b"sandbox", 7)
    _loopback_up()
    _show(plan)
    user = plan["user"]
    if not isinstance(user, int):
        raise ValueError("not a plan")
    for capability in range(_MOST_CAPABILITIES):
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    if plan["as_root"]:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    renounce()


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(control, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


def _show(plan: Mapping[str, object]) -> None:
    """Build a file system out of nothing but what `plan` names, and leave the other one."""
    binds, links, folders, user = (plan[part] for part in ("binds", "links", "folders", "user"))
    if not (isinstance(binds, dict) and isinstance(links, dict) and isinstance(folders, dict)):
        raise ValueError("not a plan")
    _mount(None, "/", None, _MS_REC | _MS_PRIVATE)
    # Whatever lies there now is still reached below /old, from where it is taken.
    _mount("tmpfs", "/tmp", "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755")  # noqa: S108
    for path in ("/tmp/new", "/tmp/old"):  # noqa: S108
        Path(path).mkdir()
    _pivot("/tmp", "/tmp/old")  # noqa: S108
    os.chdir("/")
    _mount("/new", "/new", None, _MS_BIND)
    # First, as something that is to be seen may lie below one of them.
    for shown, size in folders.items():
        Path(f"/new{shown}").mkdir(parents=True, exist_ok=True)
        options = f"size={size},mode=0700,uid={user},gid={user}"
        _mount("tmpfs", f"/new{shown}", "tmpfs", _MS_NOSUID | _MS_NODEV, options)
    for shown, real in binds.items():
        _bind(f"/old{real}", f"/new{shown}")
        _only_to_read(f"/new{shown}", all_below=True)
    for device in _DEVICES:
        _bind(f"/old/dev/{device}", f"/new/dev/{device}")
    for shown, target in {**links, "/dev/fd": "/proc/self/fd"}.items():
        Path(f"/new{shown}").parent.mkdir(parents=True, exist_ok=True)
        Path(f"/new{shown}").symlink_to(target)
    Path("/new/proc").mkdir()
    _mount("proc", "/new/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    # No namespaces within: what is kept in has less of the kernel to try itself against.
    Path("/new/proc/sys/user/max_user_namespaces").write_text("0")
    for name in _COVERED:
        if Path(f"/new/proc/{name}").exists():
            _bind(f"/new/proc/{name}", f"/new/proc/{name}")
            _only_to_read(f"/new/proc/{name}")
    _only_to_read("/new")
    os.chdir("/new")
    _pivot(".", ".")
    _checked(_libc.umount2(b".", _MNT_DETACH), "leaving the file system")
    os.chdir("/")


def _bind(real: str, shown: str) -> None:
    """Show the file or folder `real` at `shown`."""
    target = Path(shown)
    if Path(real).is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    _mount(real, shown, None, _MS_BIND | _MS_REC)


def _only_to_read(path: str, *, all_below: bool = False) -> None:
    """Forbid to write at the mount at `path`, or at all that are mounted below it."""
    points = [path]
    if all_below:
        mounts = Path("/old/proc/self/mountinfo").read_text().splitlines()
        seen = [_ESCAPED.sub(lambda found: chr(int(found[1], 8)), line.split()[4]) for line in mounts]
        points += [point for point in seen if point.startswith(f"{path}/")]
    for point in points:
        there = os.statvfs(point).f_flag
        kept = sum(mount for statvfs, mount in _KEPT.items() if there & statvfs)
        flags = _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | _MS_NODEV | kept
        _mount(None, point, None, flags)


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    told = (None if part is None else os.fsencode(part) for part in (source, target, kind))
    said = None if options is None else options.encode()
    _checked(_libc.mount(*told, ctypes.c_ulong(flags), said), f"mounting {source or ''} at {target}")


def _pivot(root: str, before: str) -> None:
    number = {"x86_64": 155, "aarch64": 41, "riscv64": 41}.get(os.uname().machine)
    if number is None:
        raise OSError(0, f"pivot_root is not known for {os.uname().machine}")
    _checked(_libc.syscall(number, os.fsencode(root), os.fsencode(before)), f"making {root} the root")


def _end_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _status(child: int) -> int:
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


def _checked(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


if __name__ == "__main__":
    try:
        enter(json.loads(sys.argv[1]))
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"{place}{error.strerror or error}\n")
        sys.stderr.flush()
        os._exit(_FAILED)
