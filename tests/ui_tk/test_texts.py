"""Every text of the window in every language, with the same places to fill in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ui_tk import texts, words
from ui_tk.actions import ACTIONS
from ui_tk.bridge import DEMO_HINT
from ui_tk.settings import account, audio, codecs, window

ROOT = Path(texts.__file__).parent
OTHERS = [code for code in texts.LANGUAGES if code != "en"]


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    yield
    texts.use("en")


def written() -> set[str]:
    """What stands in `tr(...)` in the source."""
    found: set[str] = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "tr":
                found |= {
                    each.value
                    for each in ast.walk(node.args[0])
                    if isinstance(each, ast.Constant) and isinstance(each.value, str)
                }
    return found - {""}


def in_tables() -> set[str]:
    """What `tr` is given from tables."""
    return {
        *words._REFUSALS.values(),
        *words._ACCOUNT_STATES.values(),
        *words._LAMPS.values(),
        *(action.text for action in ACTIONS),
        *(text for _, _, text in window.SECTIONS),
        *(text for _, text in account.STEPS),
        *(text for _, text in audio.KINDS),
        *codecs.CODECS.values(),
        DEMO_HINT,
    }


@pytest.mark.parametrize("code", OTHERS)
class TestCatalogue:
    def test_has_every_text_and_none_that_nobody_says(self, code):
        catalogue = texts.read_catalogue(code)
        said = written() | in_tables()
        assert said - set(catalogue) == set()
        assert set(catalogue) - said == set()

    def test_has_the_same_places_to_fill_in(self, code):
        places = re.compile(r"\{\w+\}")
        wrong = [
            english
            for english, other in texts.read_catalogue(code).items()
            if sorted(places.findall(english)) != sorted(places.findall(other))
        ]
        assert wrong == []

    def test_is_spoken_once_chosen(self, code):
        assert texts.use(code) == code
        assert texts.tr("Settings") == texts.read_catalogue(code)["Settings"] != "Settings"


def test_what_has_no_translation_stays_english():
    texts.use("de")
    assert texts.tr("Never said {where}", where="here") == "Never said here"


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"LANG": "de_AT.UTF-8"}, "de"),
        ({"LC_ALL": "fr_FR", "LANG": "de_DE"}, "fr"),
        ({"LANG": "pt_BR.UTF-8"}, "en"),
        ({"LANG": "C"}, "en"),
    ],
)
def test_the_systems_language_is_the_first_that_is_asked_for(monkeypatch, environment, code):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert texts.use(None) == code
