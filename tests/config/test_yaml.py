# ruff: noqa: E501  (tables read better with one case per line)
"""YAML as we read it: what is written is what is meant."""

import contextlib
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.yaml import FILE_MAX_BYTES, parse_document, read_document
from engine.errors import ConfigError


def read(text):
    return parse_document(text.encode(), "f.yaml").value


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("true", True), ("false", False), ("null", None), ("~", None), ("", None),
        ("5", 5), ("-5", -5), ("0", 0), ("12.10", Decimal("12.10")), ("-0.5", Decimal("-0.5")),
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("True", "True"), ("Null", "Null"),
        ("0123", "0123"), ("0o17", "0o17"), ("0x1F", "0x1F"), ("1_000", "1_000"), ("1:30", "1:30"),
        ("190:20:30", "190:20:30"), ("1e3", "1e3"), (".5", ".5"), ("1.", "1."), (".inf", ".inf"),
        ("2026-01-31", "2026-01-31"), ("2024-13-45", "2024-13-45"), ("=", "="), ("<<", "<<"),
        ('"5"', "5"), ("'true'", "true"), ("= a + b", "= a + b"), ("é", "é"),
    ],
)  # fmt: skip
def test_scalars(written, expected):
    result = read(f"k: {written}")["k"]
    assert result == expected
    assert isinstance(result, type(expected))


def test_numbers_are_exact():
    assert str(read("k: 0.10")["k"]) == "0.10"


def test_keys_are_text():
    assert read("1: a\ntrue: b\nno: c\n2026-01-01: d\n") == {
        "1": "a", "true": "b", "no": "c", "2026-01-01": "d",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "column", "message", "hint"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, "`a` is already set on line 1", "keep one"),
        ("a:\n  x: 1\n  x: 2\n", 3, 3, "`x` is already set on line 2", "keep one"),
        ("a: = b: c\n", 1, 7, "mapping values are not allowed", "quote this expression"),
        ("a: {x: = f(a, 'b')}\n", 1, 18, "did not find expected", "quote this expression"),
        ("a: {x: ${Y}}\n", 1, 9, "did not find expected", "between quotes"),
        ("a:\n\tb: 1\n", 2, 1, "cannot start any token", "spaces"),
        ("a: [1, 2\n", 2, 1, "did not find expected", None),
        ("a: !!python/object:os.system x\n", 1, 4, "tag", "remove"),
        ("a: !!str 5\n", 1, 4, "tag", None),
        ("a: !x {b: 1}\n", 1, 4, "tag", None),
        ("a: !!set {b}\n", 1, 4, "tag", None),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", 3, 3, "merge keys", "repeat"),
        ("? [a]\n: 1\n", 1, 3, "a key must be text", None),
        ("a: 1\n---\nb: 2\n", 2, 1, "second document", None),
        ("a: &x [*x]\n", 1, 4, "too large", None),
        ("a: " + "[" * 10_000, 1, 43, "nested deeper", None),
        ("a: " + "9" * 5_000, 1, 4, "more than 38 digits", "quote"),
        ('a: "\\ud800"\n', 1, 7, "invalid Unicode", None),
        ('a: "x\\0y"\n', 1, 4, "NUL", None),
        ("a: *nope\n", 1, 4, "undefined alias", None),
        ("a: \x07\n", 0, 0, "cannot be read", None),
    ],
)
def test_faults(text, line, column, message, hint):
    with pytest.raises(ConfigError) as caught:
        read(text)
    fault = caught.value
    assert (fault.line, fault.column) == (line, column), fault
    assert message in fault.message
    assert (hint or "") in (fault.hint or "")


def test_an_alias_bomb_is_refused_quickly():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    with pytest.raises(ConfigError, match=r"aliases|large"):
        read("\n".join(lines))
    assert read("a: &x {b: 1}\nc: *x\n")["c"] == {"b": 1}


def test_bytes_that_are_not_text():
    with pytest.raises(ConfigError) as caught:
        parse_document(b"a: 1\nb: \xff\n", "f.yaml")
    assert (caught.value.line, caught.value.column) == (2, 4)
    with pytest.raises(ConfigError, match="UTF-8"):
        parse_document("a: \ud800".encode("utf-8", "surrogatepass"), "f.yaml")
    with pytest.raises(ConfigError, match="larger"):
        parse_document(b"#" * (FILE_MAX_BYTES + 1), "f.yaml")
    assert parse_document(b"\xef\xbb\xbfa: 1", "f.yaml").value == {"a": 1}


def test_unreadable_files(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        read_document(tmp_path / "none.yaml", "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_document(tmp_path, "folder")
    assert read_document(Path(__file__).parents[2] / "config.example.yaml", "c").value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw):
    with contextlib.suppress(ConfigError):
        parse_document(raw, "f.yaml")


@given(st.text(alphabet="ab:{}[]&*!|>'\"#%@`-? \n\t=,0", max_size=40))
def test_any_yaml_is_read_or_refused(text):
    with contextlib.suppress(ConfigError):
        parse_document(text.encode(), "f.yaml")


@given(st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(st.characters(codec="ascii", exclude_categories=["Cc"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4),
    max_leaves=15,
))  # fmt: skip
def test_json_means_the_same(value):
    import json

    assert read(json.dumps(value)) == value
