"""Names from a vendor are shown as they are where Home Assistant renders Markdown."""

from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.watchpost.engine.markdown import escape


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("Freezer 1 (cellar)", "Freezer 1 (cellar)"),
        ("freezer_1", "freezer_1"),
        ("Køl & frys", "Køl & frys"),
        ("[x](http://evil)", r"\[x\](http\://evil)"),
        ("![x](//evil/a.png)", r"!\[x\](//evil/a.png)"),
        ("<img src=x onerror=y>", r"\<img src=x onerror=y\>"),
        ("**loud**", r"\*\*loud\*\*"),
        ("_low_", r"\_low\_"),
        ("`code`", r"\`code\`"),
        ("a\\[b", r"a\\\[b"),
        ("www.evil.example", r"www\.evil.example"),
        ("HTTPS://evil", r"HTTPS\://evil"),
        ("someone@example.com", r"someone\@example.com"),
        ("# Title", r"\# Title"),
        ("two\nlines\r\n\n# here", "two lines # here"),
        ("\u202eright to left", "right to left"),
        ("", ""),
    ],
)
def test_a_name_has_no_marks_left(name: str, escaped: str) -> None:
    assert escape(name) == escaped


@given(st.text())
def test_every_mark_is_escaped_and_nothing_breaks_the_line(name: str) -> None:
    escaped = escape(name)
    assert len(escaped) <= 2 * 120
    assert not set("\n\r\t\u2028\u2029") & set(escaped)
    bare = escaped.replace("\\\\", "")
    assert all(
        bare[: at + 1].endswith(f"\\{mark}") for at, mark in enumerate(bare) if mark in "[]<>`*|~@"
    )


def test_a_name_of_a_megabyte_is_cut() -> None:
    assert len(escape("x" * 2**20)) == 120
