"""Paths: both styles from one builder, and nothing a value can climb out of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Rejected
from connectors.hubspot.paths import Paths, segment

DATED, NUMBERED = Paths("2026-09"), Paths("v3")


@pytest.mark.parametrize(
    ("build", "dated", "numbered"),
    [
        (
            lambda p: p.objects("contacts"),
            "/crm/objects/2026-09/contacts",
            "/crm/v3/objects/contacts",
        ),
        (
            lambda p: p.objects("2-77", "batch", "read"),
            "/crm/objects/2026-09/2-77/batch/read",
            "/crm/v3/objects/2-77/batch/read",
        ),
        (
            lambda p: p.associations("deals", "line_items", "read"),
            "/crm/associations/2026-09/deals/line_items/batch/read",
            "/crm/v4/associations/deals/line_items/batch/read",
        ),
        (
            lambda p: p.properties("deals", "groups"),
            "/crm/properties/2026-09/deals/groups",
            "/crm/v3/properties/deals/groups",
        ),
        (lambda p: p.owners(), "/crm/owners/2026-09", "/crm/v3/owners"),
        (lambda p: p.token(), "/oauth/2026-03/token", "/oauth/v1/token"),
    ],
)
def test_each_path_has_two_styles(build, dated, numbered):
    assert build(DATED) == dated
    assert build(NUMBERED) == numbered


@pytest.mark.parametrize("name", ["", "a/b", "..", "contacts?x=1", "contacts#", "päth", "a" * 129])
def test_an_impossible_object_name_is_refused(name):
    with pytest.raises(Rejected):
        DATED.objects(name)


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=40))
def test_a_segment_never_leaves_its_place(text):
    try:
        quoted = segment(text)
    except Rejected:
        assert not text.strip(".")
    else:
        assert not set(quoted) & set("/?#\\ \r\n")
        assert quoted.strip(".")
