"""E-mail and web addresses in expressions: the domain that a company is known by."""

from __future__ import annotations

import re
from typing import Any, Final

from engine.mapping.texts import words

_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*://")


def domain(value: Any) -> str | None:
    """The bare domain of a web address, without ``www.``; blank if there is none."""
    found = words(value, "domain")
    if found is None:
        return None
    address = _SCHEME.sub("", found.strip().lower(), count=1)
    for separator in "/?#":
        address = address.partition(separator)[0]
    host = address.rpartition("@")[2].partition(":")[0].rstrip(".")
    return _checked(host.removeprefix("www."))


def email_domain(value: Any) -> str | None:
    """The domain of an e-mail address; blank if it is not one."""
    found = words(value, "email_domain")
    if found is None or found.count("@") != 1:
        return None
    local, _, host = found.strip().partition("@")
    return _checked(host.lower().rstrip(".")) if local else None


def free_mail(value: Any) -> bool:
    """Whether an e-mail address or domain belongs to a provider of free mailboxes."""
    found = words(value, "is_free_mail")
    if found is None:
        return False
    name = email_domain(found) if "@" in found else domain(found)
    return name is not None and name in _FREE_MAIL


def _checked(host: str) -> str | None:
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    return host if len(host) <= 253 and _HOST.fullmatch(host) else None


_FREE_MAIL: Final = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "msn.com",
        "yahoo.com",
        "icloud.com",
        "me.com",
        "aol.com",
        "gmx.de",
        "gmx.net",
        "web.de",
        "proton.me",
        "protonmail.com",
    ]
)


def external_id(object: str, source_id: str) -> str:
    """``revline-{object}-{source id}`` in ``[A-Za-z0-9_-]``, one to one."""
    return f"revline-{_escaped(object)}-{_escaped(source_id)}"


def _escaped(value: str) -> str:
    return "".join(
        letter if letter.isascii() and letter.isalnum() else f"_{ord(letter):x}_"
        for letter in value
    )
