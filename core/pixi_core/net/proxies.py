"""Which proxy a URL goes through: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, lower case first."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit


def proxy_for(url: str, environ: Mapping[str, str]) -> str | None:
    """The proxy's URL, or None to go straight. `NO_PROXY` knows hosts, `.domains`, addresses, networks (CIDR), ports
    and `*`.
    """
    parts = urlsplit(url)
    found = _variable(environ, f"{parts.scheme}_proxy") or _variable(environ, "all_proxy")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if not found or _excluded(parts.hostname or "", port, _variable(environ, "no_proxy") or ""):
        return None
    return found if "://" in found else f"http://{found}"


def _variable(environ: Mapping[str, str], name: str) -> str | None:
    return environ.get(name) or environ.get(name.upper())


def _excluded(host: str, port: int, rules: str) -> bool:
    for rule in (part.strip().lower() for part in rules.split(",")):
        name, colon, number = rule.rpartition(":")
        if colon and number.isdigit() and name.count(":") == 0:
            if str(port) != number:
                continue
        else:
            name = rule
        if name == "*" or (name and _matches(host.lower(), name)):
            return True
    return False


def _matches(host: str, rule: str) -> bool:
    if "/" in rule:
        try:
            return ipaddress.ip_address(host) in ipaddress.ip_network(rule, strict=False)
        except ValueError:
            return False
    bare = rule.lstrip("*").lstrip(".")
    return host == bare or host.endswith(f".{bare}")
