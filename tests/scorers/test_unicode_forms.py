"""Texts that differ in how their characters are written only: told so, and right where the task normalizes."""

from __future__ import annotations

from unicodedata import normalize

import pytest

from evalkit.errors import ConfigError
from evalkit.scorers import exact, grounded, text
from evalkit.scorers import set as set_scorer
from evalkit.scorers.score import Scorer

NFC, NFD = "Beyoncé à Málaga", normalize("NFD", "Beyoncé à Málaga")
ALIKE = [
    (NFD, NFC, "differs in Unicode form only", "NFC"),
    ("5\u00a0km", "5 km", "differs in Unicode form only", "NFKC"),
    ("5 m²", "5 m2", "differs in Unicode form only", "NFKC"),
    ("ＡＢＣ", "ABC", "differs in Unicode form only", "NFKC"),
    ("it’s – “so”", 'it\'s - "so"', "differs in the form of quotes or dashes only", ""),
    ("so\u200b it is", "so it is", "differs in characters that nobody sees only", ""),
]
every_pair = pytest.mark.parametrize(("got", "expected", "told", "form"), ALIKE)
MAKERS = {
    "exact": lambda **options: exact.make_scorer(options),
    "set": lambda **options: set_scorer.make_scorer({"both_empty": 1, "ignore_case": False, **options}),
    "text": lambda **options: text.make_scorer({"both_empty": 1, **options}),
}
every_scorer = pytest.mark.parametrize("name", MAKERS)


def judge_of(name: str, **options: object) -> Scorer:
    scorer: Scorer = MAKERS[name](**options)
    return scorer


@pytest.mark.parametrize("name", ["exact", "set"])
@every_pair
def test_a_wrong_score_says_that_only_the_writing_differs(
    name: str, got: str, expected: str, told: str, form: str
) -> None:
    judgement = judge_of(name)([got], [expected])
    assert (judgement.value, told in judgement.why) == (0.0, True)
    assert (f'normalize = "{form}"' in judgement.why) == bool(form)


def test_a_text_whose_accents_stand_behind_their_letters_is_told() -> None:
    judgement = judge_of("text")(NFD, NFC)
    assert (judgement.value < 1, "differs in Unicode form only" in judgement.why) == (True, True)


@every_scorer
@pytest.mark.parametrize("form", ["NFC", "NFKC"])
def test_normalized_texts_are_right_in_either_form(name: str, form: str) -> None:
    judge = judge_of(name, normalize=form)
    assert [judge([one], [other]).value for one in (NFC, NFD) for other in (NFC, NFD)] == [1.0] * 4


@every_scorer
def test_compatibility_forms_are_one_in_nfkc_alone(name: str) -> None:
    assert judge_of(name, normalize="NFC")("ＡＢＣ ﬁne" if name != "set" else ["ＡＢＣ ﬁne"], _as(name)).value < 1
    assert judge_of(name, normalize="NFKC")("ＡＢＣ ﬁne" if name != "set" else ["ＡＢＣ ﬁne"], _as(name)).value == 1


def _as(name: str) -> object:
    return ["ABC fine"] if name == "set" else "ABC fine"


@every_scorer
@pytest.mark.parametrize("value", ["nfc", "NFD", True, None, ["NFC"]])
def test_another_form_is_refused(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=r"option 'normalize' is .*, expected one of 'NFC', 'NFKC'"):
        judge_of(name, normalize=value)


@pytest.mark.parametrize("got", ["Malaga", "Málaga!", "malaga"])
def test_what_differs_in_more_is_another_value(got: str) -> None:
    assert judge_of("exact")(got, "Málaga").why == "another value"


def test_texts_inside_arrays_and_objects_are_normalized() -> None:
    judge = judge_of("exact", normalize="NFC")
    assert judge({"names": [{"of": NFD}]}, {"names": [{"of": NFC}]}).value == 1
    assert "Unicode form only" in judge_of("exact")({"names": [{"of": NFD}]}, {"names": [{"of": NFC}]}).why


def test_a_set_names_which_of_its_strings_differ_in_form() -> None:
    why = judge_of("set")([NFD, "Bo"], [NFC, "Ann"]).why
    assert why.endswith(f'{NFC!r} differs in Unicode form only (normalize = "NFC")')


def test_a_term_that_the_input_mentions_in_another_form_is_told_and_grounded_when_normalized() -> None:
    table = {"Café Rösti": ["Rösti-Bar"]}
    given = {"text": normalize("NFD", "We went to the rösti bar.")}
    told = grounded.make_input_scorer({"vocabulary": table})("Café Rösti", "", given)
    assert (told.value, "differs in Unicode form only" in told.why) == (0.0, True)
    judge = grounded.make_input_scorer({"vocabulary": table, "normalize": "NFC"})
    assert judge(normalize("NFD", "Café Rösti"), "", given).value == 1
    assert judge(normalize("NFD", "Café Rösti"), "", {"text": "We stayed at home."}).value == 0
