"""The HTTP library behind the client: one pool per proxy, the certificates of the machine. Imported late: 200 ms."""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from ..errors import ConfigError
from .addresses import RememberedAddresses
from .proxies import proxy_for

if TYPE_CHECKING:
    from .config import NetConfig

_PORTS = {"http": 80, "https": 443}
USER_AGENT = "pixi-jupyter (+https://pixi.sh)"


class Transport:
    """Sends one request, without following redirects. Safe to use from many threads."""

    def __init__(self, config: NetConfig) -> None:
        self._config = config
        self._guard = threading.Lock()
        self._pools: dict[tuple[str | None, bool], httpx.Client] = {}
        self._context: ssl.SSLContext | None = None
        self._addresses = RememberedAddresses()

    def send(self, url: str, headers: dict[str, str], *, method: str = "GET") -> httpx.Response:
        """The response with its body still to be read; close it. Raises `httpx.HTTPError`."""
        pool = self._pool(proxy_for(url, self._config.environ), self._is_insecure(url))
        return pool.send(pool.build_request(method, url, headers=headers), stream=True, follow_redirects=False)

    def close(self) -> None:
        """Close every connection."""
        with self._guard:
            for pool in self._pools.values():
                pool.close()
            self._pools.clear()

    def _is_insecure(self, url: str) -> bool:
        """Whether the user accepts any certificate of this host (`pypi-config.allow-insecure-host`)."""
        hosts = self._config.insecure_hosts
        if not hosts:
            return False
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        return host in hosts or f"{host}:{parts.port or _PORTS.get(parts.scheme)}" in hosts

    def _pool(self, proxy: str | None, insecure: bool) -> httpx.Client:
        with self._guard:
            pool = self._pools.get((proxy, insecure))
            if pool is None:
                config = self._config
                pool = self._pools[proxy, insecure] = httpx.Client(
                    transport=self._connections(proxy, insecure=insecure),
                    trust_env=False,
                    timeout=httpx.Timeout(config.read_timeout, connect=config.connect_timeout, pool=None),
                    headers={"User-Agent": USER_AGENT},
                )
            return pool

    def _connections(self, proxy: str | None, *, insecure: bool) -> httpx.HTTPTransport:
        connections = httpx.HTTPTransport(
            verify=_accept_any(ssl.create_default_context()) if insecure else self._tls(),
            proxy=proxy,
            trust_env=False,
            # concurrency is bounded by the client's own semaphores: a pool that bounds it starves its waiters
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=64),
        )
        # one library lets its user say how to connect, the other, which builds on it, does not pass it on
        connections._pool._network_backend = self._addresses
        return connections

    def _tls(self) -> ssl.SSLContext:
        """Certificates of `SSL_CERT_FILE`, `SSL_CERT_DIR`, `REQUESTS_CA_BUNDLE`, else those of the system."""
        if self._context is None:
            environ = self._config.environ
            file = self._config.certificates or environ.get("SSL_CERT_FILE") or environ.get("REQUESTS_CA_BUNDLE")
            folder = environ.get("SSL_CERT_DIR")
            if file or folder:
                try:
                    self._context = ssl.create_default_context(cafile=file or None, capath=folder or None)
                except (OSError, ssl.SSLError) as error:
                    raise ConfigError(
                        f"the certificates of {file or folder} cannot be read: {error}",
                        hints=["SSL_CERT_FILE must name a PEM file"],
                    ) from None
            else:
                import truststore

                self._context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            if self._config.tls_no_verify:
                _accept_any(self._context)
        return self._context


def _accept_any(context: ssl.SSLContext) -> ssl.SSLContext:
    """The context, which believes every certificate from now on."""
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
