"""What the pinned HTTP session decides without a network: origins, certificates, proxies, how long to wait."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from pipelinegen.errors import InputError

UNTOLD_WAIT = 60.0  # GitHub: without Retry-After "wait for at least one minute before retrying"
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "GIT_SSL_CAINFO")

_LIMIT_WORDS = ("rate limit", "abuse detection", "too many requests")


def origin_of(url: str) -> str:
    """scheme://host[:port] of a URL, lower case, without the scheme's own port. Refuses what is not http(s)."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InputError("not a URL", id="bad-url", where=_without_user(url), details=[str(error)]) from error
    scheme, host = parts.scheme.lower(), parts.hostname
    if scheme not in ("http", "https") or not host:
        raise InputError("not an http or https URL", id="bad-url", where=_without_user(url))
    if "@" in parts.netloc:
        raise InputError(
            "the URL holds a user or a password",
            id="bad-url",
            where=_without_user(url),
            next="leave them out and set PIPELINEGEN_TOKEN (and PIPELINEGEN_USERNAME)",
        )
    if scheme == "http" and not is_loopback(host):
        raise InputError(
            "http would send the token in clear text",
            id="bad-url",
            where=url,
            next="use https (http is for loopback addresses only)",
        )
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" if port in (None, {"http": 80, "https": 443}[scheme]) else f"{scheme}://{shown}:{port}"


def _without_user(url: str) -> str:
    scheme, found, rest = url.partition("://")
    return f"{scheme}{found}{rest.rpartition('@')[2]}"


def is_loopback(host: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def retry_after(value: str | None, now: float) -> float | None:
    """The seconds that a Retry-After header asks for (RFC 9110, 10.2.3: seconds or a date); None: it says nothing."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(int(text)) if len(text) < 10 else None
    if not text:
        return None
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def limit_wait(status: int, headers: Mapping[str, str], body: str, now: float) -> float | None:
    """How long a rate-limited answer asks us to wait; None for an answer that is not about a limit."""
    remaining = headers.get("x-ratelimit-remaining", headers.get("ratelimit-remaining", ""))
    told = headers.get("retry-after")
    limited = status == 429 or (
        status == 403 and (remaining == "0" or told is not None or any(word in body.lower() for word in _LIMIT_WORDS))
    )
    if not limited:
        return None
    # The server's own clock, since ours may be an hour or a year off.
    date = retry_after(headers.get("date"), 0.0)
    now = date if date else now
    if (seconds := retry_after(told, now)) is not None:
        return max(1.0, seconds)
    reset = headers.get("x-ratelimit-reset", headers.get("ratelimit-reset", ""))
    if remaining == "0" and reset.isascii() and reset.isdigit() and len(reset) < 12:
        return max(1.0, int(reset) - now)
    return UNTOLD_WAIT


def ca_bundle(environ: Mapping[str, str]) -> str | bool:
    """The file of certificates that the user named, else the built-in ones. Never "do not verify"."""
    for name in CA_VARIABLES:
        if path := environ.get(name):
            if not os.path.exists(path):
                raise InputError(f"{name} names a file that is not there", id="bad-path", where=path)
            return path
    return True


def proxies(origin: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The proxy of https traffic. Plain http goes to loopback only, and never through a proxy."""
    from requests.utils import should_bypass_proxies

    def named(name: str) -> str | None:
        return environ.get(name.lower()) or environ.get(name)

    proxy = named("HTTPS_PROXY") or named("ALL_PROXY")
    if not origin.startswith("https:") or not proxy or should_bypass_proxies(origin, named("NO_PROXY") or ""):
        return {}
    return {"https": proxy}
