"""Which TCP ports a kernel is told to listen on.

Jupyter asks the system for free ports and lets them go; the kernel binds them a second later. The system hands out the
same ports to every program that connects to something meanwhile, so on a busy machine a kernel now and then finds one
taken and dies. Ports below those that the system hands out are only taken by programs which ask for them by number.
"""

from __future__ import annotations

import random
import re
import socket
import sys
from collections.abc import Callable, Container
from pathlib import Path

PORTS = ("shell_port", "iopub_port", "stdin_port", "hb_port", "control_port")
"""What Jupyter calls a kernel's ports, in connection files and kernel managers."""

_LOWEST = 15000
"""Below lie the ports of well-known services."""

_IANA = 49152
"""Where macOS and Windows begin to hand out ports (RFC 6335, section 6)."""

_LINUX_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def choose_ports(
    ip: str, count: int, taken: Container[int] = (), *, ceiling: int | None = None, attempts: int = 200
) -> list[int]:
    """`count` different ports of the address `ip` that were free just now and that the system hands out to nobody; none
    where it leaves no such range.

    Kernels that start at once, in this process or others, choose at random from thousands; `taken` are never chosen.
    """
    end = handed_out_from() if ceiling is None else ceiling
    if end - _LOWEST < 1000:
        return []
    chosen: list[int] = []
    for _ in range(attempts):
        port = random.randrange(_LOWEST, end)
        if port not in taken and port not in chosen and _is_free(ip, port):
            chosen.append(port)
            if len(chosen) == count:
                return chosen
    return []


def handed_out_from(
    platform: str = sys.platform, read: Callable[[], str] = lambda: _LINUX_RANGE.read_text(encoding="ascii")
) -> int:
    """The first port that the system gives to programs which ask for any."""
    if platform != "linux":
        return _IANA
    try:
        first = re.match(r"\s*(\d+)", read())
    except OSError:
        return 0
    return int(first[1]) if first else 0


def _is_free(ip: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET) as probe:
        try:
            probe.bind((ip, port))
        except OSError:
            return False
    return True
