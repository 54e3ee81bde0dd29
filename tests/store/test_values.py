"""Values as bytes: exact, canonical, sealed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.records import Life, Record, Ref
from engine.store import codec
from engine.store.vault import Vault, WrongKeyError, key_file, key_for, new_key, parse_key

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False) | st.builds(
    lambda sign, digits, exponent: Decimal((sign, tuple(digits), exponent)),
    st.integers(0, 1),
    st.lists(st.integers(0, 9), min_size=1, max_size=40),
    st.integers(-60, 60),
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | DECIMALS
    | TEXTS
    | st.dates()
    | st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
)
VALUES: Any = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(TEXTS | st.sampled_from(["$decimal", "$map", "$date"]), inner, max_size=3)
    ),
    max_leaves=6,
)
VAULT = Vault(b"k" * 32)


@given(VALUES)
def test_values_come_back_equal(value: Any) -> None:
    assert codec.load(codec.dump(value)) == value


@given(DECIMALS, st.integers(0, 20))
def test_equal_amounts_have_equal_bytes_and_no_digit_is_lost(amount: Decimal, zeros: int) -> None:
    sign, digits, exponent = amount.as_tuple()
    assert isinstance(exponent, int)
    longer = Decimal((sign, digits + (0,) * zeros, exponent - zeros))
    data = codec.dump(amount)
    assert codec.dump(longer) == data
    back = codec.load(data)
    assert not isinstance(back, float)
    # Compared digit by digit: comparing must not round either.
    with localcontext() as context:
        context.prec = 200
        assert Decimal(str(back)) - amount == 0
    whole = exponent >= 0 and exponent < 30
    if whole:
        assert codec.dump(int(amount)) == data


@given(VALUES, VALUES)
def test_other_values_have_other_bytes(left: Any, right: Any) -> None:
    if codec.dump(left) == codec.dump(right):
        assert left == right


def test_forty_digits_are_kept() -> None:
    amount = Decimal("1234567890123456789012345678901234567.890")
    assert str(codec.load(codec.dump(amount))) == "1234567890123456789012345678901234567.89"


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        codec.dump(Decimal(amount))


@given(
    st.dictionaries(TEXTS, VALUES, max_size=4),
    st.none() | st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(Life),
    st.dictionaries(TEXTS, st.lists(TEXTS, max_size=3).map(tuple), max_size=2),
)
def test_records_come_back_equal(
    fields: Any, version: datetime | None, life: Life, associations: Any
) -> None:
    record = Record(
        ref=Ref("deals", "1"),
        fields=fields,
        version=version,
        life=life,
        successor=Ref("deals", "2"),
        edges={"account": Ref("Account", "9")},
        absorbed=("3", "4"),
        associations=associations,
    )
    assert codec.load_record(codec.dump_record(record)) == record
    bare = Record(ref=Ref("deals", "1"), fields={"closedate": date(2026, 1, 31)}, version=None)
    assert codec.load_record(codec.dump_record(bare)) == bare


@given(st.binary(max_size=100), TEXTS, TEXTS)
def test_what_is_sealed_opens_only_where_it_belongs(data: bytes, here: str, there: str) -> None:
    sealed = VAULT.seal(data, here)
    assert VAULT.open(sealed, here) == data
    assert VAULT.seal(data, here) != sealed
    with pytest.raises(WrongKeyError):
        Vault(b"x" * 32).open(sealed, here)
    if here != there:
        with pytest.raises(WrongKeyError):
            VAULT.open(sealed, there)
    for place in (0, len(sealed) // 2, len(sealed) - 1):
        changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(WrongKeyError):
            VAULT.open(changed, here)
    with pytest.raises(WrongKeyError):
        VAULT.open(b"", here)


def test_keys_serve_one_purpose_each_and_show_nowhere() -> None:
    other = Vault(b"x" * 32)
    assert VAULT.digest(b"a") == Vault(b"k" * 32).digest(b"a") != VAULT.digest(b"b")
    assert VAULT.digest(b"a") != other.digest(b"a")
    assert VAULT.chain(b"a", b"bc") != VAULT.chain(b"ab", b"c")
    assert VAULT.chain(b"a") != other.chain(b"a")
    assert "kkk" not in repr(VAULT)


def test_a_key_is_made_once_and_the_environment_wins(tmp_path: Path) -> None:
    key, made = key_for(tmp_path, {})
    assert made
    assert key_for(tmp_path, {}) == (key, False)
    assert key_file(tmp_path).stat().st_mode & 0o777 == 0o600
    given = new_key()
    assert key_for(tmp_path, {"REVLINE_KEY": given}) == (parse_key(given), False)
    for wrong in ("", "short", "!" * 44, new_key()[:-4]):
        with pytest.raises(ValueError, match="REVLINE_KEY") as fault:
            parse_key(wrong)
        if wrong:
            assert wrong not in str(fault.value)
