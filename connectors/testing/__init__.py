"""What every connector is held to, and the tools to do it. Needs pytest and hypothesis."""

import pytest

# So that a broken promise is shown with the values that broke it, as in any other test.
pytest.register_assert_rewrite(
    *(
        f"connectors.testing.{name}"
        for name in ("abusing", "declaring", "feeding", "needs", "reading", "receiving", "writing")
    )
)
