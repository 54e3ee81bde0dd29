"""E-mail and web addresses in expressions: the domain that a company is known by."""

from __future__ import annotations

from typing import Any

from connectors import values
from engine.mapping.texts import words


def domain(value: Any) -> str | None:
    """The bare domain of a web address, without ``www.``; blank if there is none."""
    found = words(value, "domain")
    return values.domain_of_url(found) if found else None


def email_domain(value: Any) -> str | None:
    """The domain of an e-mail address; blank if it is not one."""
    found = words(value, "email_domain")
    return values.domain_of_email(found) if found else None


def free_mail(value: Any) -> bool:
    """Whether an e-mail address or domain belongs to a provider of mailboxes for anybody."""
    found = words(value, "is_free_mail")
    if not found:
        return False
    name = email_domain(found) if "@" in found else domain(found)
    return name is not None and values.is_free_mail(name)
