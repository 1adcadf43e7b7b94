"""The grounded scorer wants nothing named that the input does not speak of."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import ConfigError
from evalkit.scorers.grounded import make_input_scorer
from evalkit.scorers.score import Judgement

VOCABULARY = {"Salesforce": ["sfdc", "sales cloud"], "ServiceNow": ["service now", "ticket*"], "C++": []}
json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.sampled_from(["Salesforce", "servicenow"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


def judged(got: object, text: str = "Update the records.", expected: object = "") -> Judgement:
    return make_input_scorer({"vocabulary": VOCABULARY})(got, expected, {"text": text})


def test_a_term_that_the_input_does_not_mention_is_wrong_and_named() -> None:
    assert judged("Update it in Salesforce") == Judgement(0.0, "names 'Salesforce', which the input does not mention")


def test_every_term_that_was_made_up_is_named() -> None:
    why = "names 'Salesforce', 'ServiceNow', which the input does not mention"
    assert judged("ServiceNow, then Salesforce") == Judgement(0.0, why)


@pytest.mark.parametrize(
    "text",
    ["Put it into Salesforce", "SALESFORCE!", "our SFDC's records", "the Sales-Cloud", "the sales\ncloud", "(sfdc)"],
)
def test_a_term_is_mentioned_by_itself_or_by_any_of_its_words(text: str) -> None:
    assert judged("Salesforce", text) == Judgement(1.0)


@pytest.mark.parametrize("text", ["the salesforces", "sfdcx", "sales, cloud", "sales in the cloud", "", "retickets"])
def test_a_part_of_another_word_mentions_nothing(text: str) -> None:
    assert judged("Salesforce", text).value == 0.0


@pytest.mark.parametrize("text", ["a ticket", "three tickets", "ticketing"])
def test_a_star_stands_for_the_rest_of_a_word(text: str) -> None:
    assert judged("ServiceNow", text) == Judgement(1.0)


def test_a_mention_of_one_term_is_none_of_another() -> None:
    assert judged("ServiceNow", "in Salesforce").value == 0.0


@pytest.mark.parametrize("got", ["update_salesforce_record", "SALESFORCE", "Salesforce's", "“salesforce”"])
def test_a_term_is_named_in_any_case_and_between_underscores(got: object) -> None:
    assert judged(got).value == 0.0


@pytest.mark.parametrize("got", ["sfdc", "salesforces", "a ticket", "c", "unforced sales"])
def test_only_the_term_itself_names_it(got: object) -> None:
    assert judged(got) == Judgement(1.0)


def test_a_terms_punctuation_is_a_part_of_it() -> None:
    assert judged("in C++").value == 0.0
    assert judged("in C++", "written in c") == judged("C++", "")
    assert judged("in C++", "written in c++.") == Judgement(1.0)


def test_what_the_right_answer_names_is_implied_by_the_input() -> None:
    assert judged("Salesforce", expected="Update Salesforce") == Judgement(1.0)
    assert judged("Salesforce", expected="Update sfdc").value == 0.0


@pytest.mark.parametrize(
    "got", [["call", "Salesforce"], {"app": "Salesforce"}, {"Salesforce": "call"}, [{"apps": ["x", ["Salesforce"]]}]]
)
def test_lists_and_objects_are_read_however_deep(got: object) -> None:
    assert judged(got).value == 0.0
    assert judged(got, "In Salesforce.") == judged(got, expected=got) == Judgement(1.0)


def test_a_term_is_not_put_together_from_two_strings() -> None:
    assert make_input_scorer({"vocabulary": {"Sales Cloud": []}})(["sales", "cloud"], "", {}) == Judgement(1.0)


def test_every_field_of_the_input_is_read_but_not_its_name() -> None:
    judge = make_input_scorer({"vocabulary": {"Salesforce": []}})
    assert judge("Salesforce", "", {"text": "x", "apps": [{"name": "salesforce"}]}) == Judgement(1.0)
    assert judge("Salesforce", "", {"salesforce": "x", "count": 3}).value == 0.0


@pytest.mark.parametrize("got", ["", [], {}, "Call the customer", [""]])
def test_an_answer_that_names_nothing_is_grounded_and_so_is_the_emptiest(got: object) -> None:
    assert judged(got, "In Salesforce.", "Salesforce") == Judgement(1.0)


@pytest.mark.parametrize(
    ("got", "why"),
    [
        (3, "a number, not text"),
        (True, "a boolean, not text"),
        (None, "null, not text"),
        ([1, 2], "an array, not text"),
    ],
)
def test_what_is_no_text_is_wrong(got: object, why: str) -> None:
    assert judged(got) == Judgement(0.0, why)


@pytest.mark.parametrize("expected", [3, None, True, [1]])
def test_an_example_that_expects_no_text_is_the_tasks_mistake(expected: object) -> None:
    with pytest.raises(ConfigError, match=r"an example expects .+, but this scorer is for texts: choose 'exact'"):
        judged("x", expected=expected)


@settings(max_examples=100, deadline=None)
@given(json_value, st.text(max_size=5) | st.sampled_from(["salesforce", "tickets"]))
def test_a_score_is_0_or_1_whatever_a_model_writes(got: object, text: str) -> None:
    judgement = judged(got, text)
    assert judgement.value in (0.0, 1.0)
    assert bool(judgement.why) == (judgement.value < 1)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=20))
def test_whoever_repeats_the_input_is_grounded(text: str) -> None:
    assert judged(f"{text} Salesforce", f"{text} Salesforce") == Judgement(1.0)


@pytest.mark.parametrize("value", [{}, [], "Salesforce", None, ["Salesforce"]])
def test_a_vocabulary_that_is_no_table_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"option 'vocabulary' is .+, expected a table of lists of words"):
        make_input_scorer({"vocabulary": value})


def test_a_vocabulary_must_be_given() -> None:
    with pytest.raises(ConfigError, match="option 'vocabulary' is missing, expected a table of lists of words"):
        make_input_scorer({})


@pytest.mark.parametrize("words", ["sfdc", [1], None, {"sfdc": 1}])
def test_the_words_of_a_term_are_a_list(words: object) -> None:
    with pytest.raises(ConfigError, match=r"option 'vocabulary' has .+ for 'Salesforce', expected a table of lists"):
        make_input_scorer({"vocabulary": {"Salesforce": words}})


@pytest.mark.parametrize("word", ["", " ", "*", "++"])
def test_a_word_without_a_letter_is_refused(word: object) -> None:
    with pytest.raises(ConfigError, match=r"option 'vocabulary' has .+ for 'Salesforce', which holds no letter or dig"):
        make_input_scorer({"vocabulary": {"Salesforce": [word]}})
    with pytest.raises(ConfigError, match="which holds no letter or digit"):
        make_input_scorer({"vocabulary": {word: []}})


def test_an_option_it_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"option 'words' is \[\], .* allowed: 'normalize', 'vocabulary'"):
        make_input_scorer({"vocabulary": VOCABULARY, "words": []})
