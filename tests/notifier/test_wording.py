"""What a notification says, and that nobody can make it say or show something else."""

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from situations import comment, device

from notifier.excerpts import clusters, cut, line
from notifier.wording import ICON_BYTES, Words, compose
from notifier.words import ENGLISH, LANGUAGES, phrases

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
AUSTRIA, WALES = (
    "\U0001f1e6\U0001f1f9",
    "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",
)
WAVE = "\U0001f44b\U0001f3fd"
WHOLE = [
    FAMILY,
    AUSTRIA,
    WALES,
    WAVE,
    "e\u0301",
    "\u2764\ufe0f",
    "\u0915\u093f",
    "\u1112\u1161\u11ab",
    "1\ufe0f\u20e3",
]
"""Of several code points each, and one character to who sees it."""

BIDI = [chr(code) for code in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))]
TEXTS = st.text() | st.lists(
    st.sampled_from([*WHOLE, *BIDI, "\n", "\0", "a", "{", "}", '"', "ß", " "]), max_size=200
).map("".join)


def composed(
    body: str = "hello",
    *,
    locale: str | None = None,
    title: str | None = "Chess",
    preview: bool = True,
    more: int = 0,
    default_title: str = "",
    **changed: Any,
) -> Words:
    return compose(
        comment(body=body, **changed), device(locale=locale),
        title=title, preview=preview, more=more, default_title=default_title,
    )  # fmt: skip


def test_it_says_where_who_and_what() -> None:
    assert composed() == Words("New message in Chess", "Ada: hello", None)


@pytest.mark.parametrize(
    ("length", "shown"), [(49, "x" * 49), (50, "x" * 50), (51, "x" * 50 + "..."), (5_000, "x" * 50 + "...")]
)
def test_of_a_long_comment_it_shows_fifty_characters(length: int, shown: str) -> None:
    assert composed("x" * length).body == f"Ada: {shown}"


@pytest.mark.parametrize("whole", WHOLE, ids=ascii)
def test_what_people_see_as_one_character_counts_as_one_and_is_not_cut(whole: str) -> None:
    assert list(clusters(f"a{whole}b{whole}{whole}")) == ["a", whole, "b", whole, whole]
    assert cut(f"a{whole}{whole}", 2, 400) == f"a{whole}..."
    assert composed(whole * 12).body == f"Ada: {whole * 12}"


def test_marks_without_end_do_not_make_a_push_too_large() -> None:
    assert composed("e" + "\u0301" * 900).body == "Ada: ..."
    assert composed("hi e" + "\u0301" * 900).body == "Ada: hi..."
    assert composed(author_name="Z" + "\u0301" * 900).body == "...: hello"


@pytest.mark.parametrize(
    ("more", "body"), [(0, "Ada: hello"), (1, "Ada: hello (+1 more)"), (3, "Ada: hello (+3 more)")]
)
def test_it_says_how_many_more_it_stands_for(more: int, body: str) -> None:
    assert composed(more=more).body == body


@pytest.mark.parametrize(
    ("more", "body"), [(0, "1 new message"), (1, "2 new messages"), (9, "10 new messages")]
)
def test_without_a_preview_it_says_only_how_many(more: int, body: str) -> None:
    words = composed(preview=False, more=more, author_avatar="https://pictures.example/ada.png")
    assert words == Words("New message in Chess", body, None)


@pytest.mark.parametrize(
    ("title", "default_title", "shown"),
    [
        ("Chess", "Parley", "New message in Chess"),
        (None, "Parley", "Parley"),
        (" \n", "Parley", "Parley"),
        (None, "", "New message"),
        ("{room} {0}", "", "New message in {room} {0}"),
        ("x" * 200, "", "New message in " + "x" * 80 + "..."),
    ],
)  # fmt: skip
def test_the_title_is_the_rooms_or_the_default_or_that_there_is_something_new(
    title: str | None, default_title: str, shown: str
) -> None:
    assert composed(title=title, default_title=default_title).title == shown


@pytest.mark.parametrize(
    ("locale", "title", "body"),
    [
        ("en-GB", "New message in Chess", "Ada: hello (+2 more)"),
        ("de-AT", "Neue Nachricht in Chess", "Ada: hello (+2 weitere)"),
        ("de_CH", "Neue Nachricht in Chess", "Ada: hello (+2 weitere)"),
        ("FR", "Nouveau message dans Chess", "Ada: hello (+2 autres)"),
        ("es-419", "Mensaje nuevo en Chess", "Ada: hello (+2 más)"),
        ("pt-Latn-BR", "Nova mensagem em Chess", "Ada: hello (+2 outras)"),
        ("it", "Nuovo messaggio in Chess", "Ada: hello (+2 altri)"),
    ],
)
def test_it_speaks_the_language_of_the_device(locale: str, title: str, body: str) -> None:
    assert composed(locale=locale, more=2) == Words(title, body, None)


@pytest.mark.parametrize("locale", [None, "", "xx", "zh-Hant-TW", "deutsch", "-de", "i-klingon", "*"])
def test_it_speaks_english_where_it_knows_no_better(locale: str | None) -> None:
    assert phrases(locale) is ENGLISH


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_one_and_many_and_the_room(language: str) -> None:
    spoken = LANGUAGES[language]
    assert spoken.new_in.format(room="Chess").endswith("Chess")
    assert len({spoken.messages(1), spoken.messages(2), spoken.others(1), spoken.others(2), spoken.new}) == 5
    assert "7" in spoken.messages(7)
    assert "7" in spoken.others(7)


def test_a_comment_of_somebody_without_a_name_is_shown_alone() -> None:
    assert composed(author_name=None).body == "hello"
    assert composed(author_name="\u202e").body == "hello"


def test_a_comment_of_which_nothing_can_be_shown_is_one_new_message() -> None:
    assert composed(" \n\u202e", more=2).body == "Ada: 1 new message (+2 more)"


def test_lines_and_control_characters_become_spaces() -> None:
    assert composed("one\r\n\r\ntwo\t\x1b[31mthree\u2028four").body == "Ada: one two [31mthree four"
    assert composed(title="a\nb").title == "New message in a b"
    assert composed(default_title="a\nb", title=None).title == "a b"
    assert composed("half of \ud83d a pair").body == "Ada: half of a pair"


def test_of_a_very_long_text_only_the_beginning_is_read() -> None:
    assert len(line("x" * 1_000_000)) == 1_000


def test_a_name_cannot_turn_around_what_follows_it() -> None:
    assert composed(author_name="\u202eadA\u2066").body == "adA: hello"


@pytest.mark.parametrize(
    ("avatar", "icon"),
    [
        ("https://pictures.example/ada.png", "https://pictures.example/ada.png"),
        ("http://pictures.example/ada.png", None),
        ("https://pictures.example/" + "x" * ICON_BYTES, None),
        (None, None),
    ],
    ids=["https", "in the open", "too long", "none"],
)
def test_the_icon_is_the_picture_of_the_author(avatar: str | None, icon: str | None) -> None:
    assert composed(author_avatar=avatar).icon == icon


@given(TEXTS, TEXTS, TEXTS, st.integers(0, 10**6), st.sampled_from([*LANGUAGES, None]), st.booleans())
def test_whatever_people_write_a_push_is_one_line_and_small(
    body: str, name: str, title: str, more: int, locale: str | None, preview: bool
) -> None:
    words = composed(body, locale=locale, title=title, preview=preview, more=more, author_name=name)
    shown = words.title + words.body
    assert not set(shown) & set(BIDI)
    assert not [char for char in shown if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}]
    assert len(json.dumps([words.title, words.body])) < 2_600
    assert len(shown.encode()) < 900


@given(TEXTS)
def test_the_characters_of_a_text_are_all_of_it(text: str) -> None:
    assert "".join(clusters(text)) == text
    assert all(clusters(text))


@given(TEXTS, st.integers(1, 60), st.integers(0, 400))
def test_what_is_cut_is_the_beginning_and_says_so(text: str, characters: int, size: int) -> None:
    said = line(text)
    shown = cut(said, characters, size)
    if shown != said:
        kept = shown.removesuffix("...")
        assert shown != kept
        assert said.startswith(kept)
        assert len(kept.encode()) <= size
        assert len(list(clusters(kept))) <= characters
