"""The classifier of words, against scikit-learn, and where it must not depend on chance."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from evalkit.golden.loader import load_task
from evalkit.models.bag_of_words.classifier import LabelledText, train
from evalkit.models.bag_of_words.logistic import fit
from evalkit.models.bag_of_words.objects import question
from evalkit.models.bag_of_words.terms import terms
from evalkit.models.bag_of_words.vectors import Vocabulary

ROOT = Path(__file__).parents[3]
TEXTS = [
    ("the printer is on fire", "high"),
    ("the printer is slow today", "low"),
    ("fire in the server room", "high"),
    ("a typo in the slow article", "low"),
    ("nobody can pay, the shop is on fire", "high"),
    ("the shop is slow", "low"),
    ("server room smells of fire", "high"),
    ("a typo in the article about printers", "low"),
] * 2


def labelled(pairs: list[tuple[str, str]]) -> list[LabelledText]:
    return [LabelledText(text, {"priority": label}, f"g{number}") for number, (text, label) in enumerate(pairs)]


def tickets(split: str) -> tuple[list[str], list[str]]:
    task = load_task(ROOT / "golden" / "ticket_priority")
    examples = [each for each in task.splits[split] if "priority" in each.expected]
    return [question(task, each) for each in examples], [str(each.expected["priority"]) for each in examples]


@pytest.mark.parametrize("pairs", [False, True])
def test_vectors_are_those_of_scikit_learn(pairs: bool) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    documents = [terms(text, pairs) for text, _ in TEXTS]
    ours = Vocabulary.of(documents)
    theirs = TfidfVectorizer(analyzer=list, sublinear_tf=True, min_df=2, max_df=len(documents) - 1)
    expected = theirs.fit_transform(documents)
    assert list(ours.columns) == list(theirs.get_feature_names_out())
    np.testing.assert_allclose(ours.rows(documents).toarray(), expected.toarray(), atol=1e-12)


@pytest.mark.parametrize("strength", [1.0, 100.0])
def test_probabilities_are_those_of_scikit_learn(strength: float) -> None:
    from sklearn.linear_model import LogisticRegression

    texts, classes = tickets("train")
    others, _ = tickets("dev")
    documents = [terms(text, False) for text in texts]
    vocabulary = Vocabulary.of(documents)
    rows = vocabulary.rows(documents)
    names = sorted(set(classes))
    labels = np.eye(len(names))[[names.index(name) for name in classes]]
    ours = fit(rows, labels, strength, 1e-7)
    theirs = LogisticRegression(C=strength, tol=1e-8, max_iter=5000).fit(rows, classes)
    held_out = vocabulary.rows([terms(text, False) for text in others])
    np.testing.assert_allclose(np.exp(ours.log_probabilities(held_out)), theirs.predict_proba(held_out), atol=2e-4)


def test_the_order_of_the_texts_does_not_matter() -> None:
    mixed = labelled(TEXTS)
    random.Random(3).shuffle(mixed)
    first, second = (train(texts)["priority"] for texts in (labelled(TEXTS), mixed))
    asked = ["fire", "typo", "nothing known", ""]
    assert first.settings == second.settings
    assert (first.log_probabilities(asked) == second.log_probabilities(asked)).all()


def test_words_that_were_never_seen_speak_for_the_commonest_class() -> None:
    classifier = train(labelled([*TEXTS, ("something else entirely", "low")]))["priority"]
    assert classifier.classes[int(classifier.log_probabilities(["zzz"]).argmax())] == "low"


@pytest.mark.parametrize(
    "pairs", [[("a fire", "high")], [("a fire", "high"), ("a typo", "high")], [("", "x"), ("", "y")]]
)
def test_few_texts_and_a_constant_class_are_no_mistake(pairs: list[tuple[str, str]]) -> None:
    classifier = train(labelled(pairs))["priority"]
    assert np.exp(classifier.log_probabilities(["a fire"])).sum() == pytest.approx(1)


def test_a_class_that_was_seen_once_can_be_told() -> None:
    classifier = train(labelled([*TEXTS, ("purple elephants elephants", "rare")]))["priority"]
    assert "rare" in classifier.classes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ПРИНТЕР горит", ["принтер", "горит"]),
        ("東京で火事", ["東", "京", "で", "火", "事", "東京", "京で", "で火", "火事"]),
        ("กรุงเทพ", 7),
        ("café CAFÉ cafe\u0301", ["café", "café", "café"]),
        ("straße STRASSE", ["strasse", "strasse"]),
        ("", []),
        ("🔥🔥", []),
    ],
)
def test_words_are_told_in_every_script(text: str, expected: list[str] | int) -> None:
    found = terms(text, False)
    if isinstance(expected, int):
        assert len(found) >= expected
    else:
        assert found == expected


def test_two_processes_learn_the_same() -> None:
    code = (
        "from tests.models.bag_of_words.test_classifier import *\n"
        "print(train(labelled(TEXTS))['priority'].log_probabilities(['fire', 'slow typo']).tolist())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, check=True,
            capture_output=True, text=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(said) == 1
