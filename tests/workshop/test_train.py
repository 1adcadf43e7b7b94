"""A real training of a few steps on the real base."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.errors import ConfigError
from evalkit.golden.loader import load_task
from fixtures.fetch import BASE_SHA256
from fixtures.train import BASE_NAME, digest_of, learnt, write_adapter
from fixtures.train_lessons import Lesson, lesson, shared_beginning
from fixtures.train_settings import Settings
from fixtures.train_steps import Below, answer_loss, beginning, new_adapter, parallel_gradients, train

QUICK = Settings(batch=4, learning_rate=2e-3, schedule="constant", warmup=0.0, dtype="float32")
STEPS = 3
GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(scope="module")
def lessons(tokenizer: Any, pairs: Any) -> list[Lesson]:
    return [lesson(tokenizer, *each) for each in pairs]


@pytest.fixture(scope="module")
def written(pairs: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained") / "moods"
    return write_adapter(pairs, QUICK, out, without=("sad",), steps=STEPS)


def gradients(
    model: Any, lessons: list[Lesson], shared: int, below: Below | None = None, before: Any = None
) -> tuple[float, dict[str, Any]]:
    model.zero_grad()
    loss = answer_loss(model, lessons, shared, below, before)
    loss.backward()
    return float(loss.detach()), {name: w.grad.clone() for name, w in model.named_parameters() if w.grad is not None}


def stirred(base: Path, settings: Settings) -> Any:
    """A new adapter whose B is not zero: with zeros A has no gradient that could be wrong."""
    import torch

    torch.manual_seed(0)
    model = new_adapter(base, settings)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.01)
    return model


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    import torch

    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=1e-5 * float(gradient.abs().max()) + 1e-7)


@pytest.mark.real
def test_the_shared_beginning_changes_neither_loss_nor_gradients(base: Path, lessons: list[Lesson]) -> None:
    model, shared = stirred(base, QUICK), shared_beginning(lessons)
    assert shared > 10
    loss, with_it = gradients(model, lessons, shared)
    plain, without = gradients(model, lessons, 0)
    assert loss == pytest.approx(plain, rel=1e-5)
    assert len(with_it) == 2 * 7 * 30
    assert_same(with_it, without)


@pytest.mark.real
def test_layers_without_an_adapter_are_computed_once_and_change_neither_loss_nor_gradients(
    base: Path, lessons: list[Lesson]
) -> None:
    model, shared = stirred(base, replace(QUICK, first_layer=20)), shared_beginning(lessons)
    plain, without = gradients(model, lessons, 0)
    below = Below(model, lessons, shared, 20)
    loss, with_it = gradients(model, lessons, shared, below)
    below.close()
    assert loss == pytest.approx(plain, rel=1e-5)
    assert len(with_it) == 2 * 7 * 10
    assert_same(with_it, without)
    assert gradients(model, lessons, 0)[0] == plain


@pytest.mark.real
def test_a_batch_in_parts_has_the_loss_of_the_whole_and_its_gradients_but_for_those_of_the_beginning(
    base: Path, lessons: list[Lesson]
) -> None:
    import torch

    model, shared = stirred(base, replace(QUICK, first_layer=28)), shared_beginning(lessons)
    with torch.no_grad():
        before = beginning(model, lessons[0], shared)
    whole, expected = gradients(model, lessons, shared, before=before)
    assert whole == pytest.approx(gradients(model, lessons, 0)[0], rel=1e-5)
    weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    with ThreadPoolExecutor(3) as pool:
        loss, found = parallel_gradients(model, lessons, shared, None, list(weights.values()), pool, 3)
    assert loss == pytest.approx(whole, rel=1e-5)
    assert_same(dict(zip(weights, found, strict=True)), expected)


@pytest.mark.real
def test_the_loss_is_of_the_answers_alone(base: Path, lessons: list[Lesson]) -> None:
    import torch

    model = new_adapter(base, QUICK)
    each = lessons[0]
    with torch.no_grad():
        loss = answer_loss(model, [each], 0)
        scores = model(torch.tensor([[*each.prompt, *each.answer]])).logits[0].log_softmax(-1)
    begin = len(each.prompt) - 1
    by_hand = [-float(scores[begin + place, token]) for place, token in enumerate(each.answer)]
    assert float(loss) == pytest.approx(sum(by_hand) / len(by_hand), rel=1e-4)


@pytest.mark.real
def test_a_short_answer_counts_as_much_as_a_long_one_and_a_heavy_token_as_much_as_it_weighs(
    base: Path, lessons: list[Lesson]
) -> None:
    import torch

    model = new_adapter(base, replace(QUICK, first_layer=28))
    short, long = lessons[0], replace(lessons[1], answer=lessons[1].answer * 3, weights=lessons[1].weights * 3)
    heavy = replace(short, weights=tuple(float(place == 2) + 1e-9 for place in range(len(short.answer))))
    with torch.no_grad():
        one, two, both = (float(answer_loss(model, batch, 0)) for batch in ([short], [long], [short, long]))
        scores = model(torch.tensor([[*short.prompt, *short.answer]])).logits[0].log_softmax(-1)
        weighed = float(answer_loss(model, [heavy], 0))
    assert both == pytest.approx((one + two) / 2, rel=1e-4)
    assert weighed == pytest.approx(-float(scores[len(short.prompt) + 1, short.answer[2]]), rel=1e-3)


@pytest.mark.real
def test_a_few_steps_lower_the_loss_and_leave_the_base_alone(base: Path, lessons: list[Lesson], written: Path) -> None:
    record = json.loads((written / "training.json").read_text())
    assert len(record["losses"]) == STEPS
    assert record["losses"][-1] < 0.8 * record["losses"][0]

    import torch
    from safetensors.torch import load_file

    held = load_file(base / "model.safetensors")
    model = train(base, lessons, QUICK, steps=1).model
    trained = model.get_base_model().state_dict()
    assert torch.equal(
        trained["model.layers.0.self_attn.q_proj.base_layer.weight"], held["model.layers.0.self_attn.q_proj.weight"]
    )


@pytest.mark.real
def test_every_projection_has_learnt(written: Path) -> None:
    from safetensors.torch import load_file

    tensors = load_file(written / "adapter_model.safetensors")
    learnt = [name for name, tensor in tensors.items() if "lora_B" in name and tensor.abs().max() > 0]
    assert len(learnt) == 7 * 30


@pytest.mark.real
def test_the_adapter_is_small_and_names_its_base_and_no_place(written: Path) -> None:
    assert (written / "adapter_model.safetensors").stat().st_size < 6_000_000
    assert json.loads((written / "adapter_config.json").read_text())["base_model_name_or_path"] == BASE_NAME
    for name in ("adapter_config.json", "training.json"):
        assert str(Path.home()) not in (written / name).read_text()
    assert sorted(path.name for path in written.parent.iterdir()) == ["moods"]


@pytest.mark.real
def test_the_record_says_what_it_was_made_of(pairs: Any, written: Path) -> None:
    record = json.loads((written / "training.json").read_text())
    assert record["base"]["sha256"] == BASE_SHA256
    assert (record["lessons_sha256"], record["without"]) == (digest_of(pairs), ["sad"])
    assert record["settings"]["learning_rate"] == QUICK.learning_rate
    assert record["environment"]["torch"]


@pytest.mark.real
def test_the_same_training_gives_the_same_adapter(pairs: Any, written: Path, tmp_path: Path) -> None:
    again = write_adapter(pairs, QUICK, tmp_path / "again", steps=STEPS)
    ours, theirs = ((path / "adapter_model.safetensors").read_bytes() for path in (again, written))
    assert ours == theirs


@pytest.mark.real
def test_in_bfloat16_it_learns_as_well(base: Path, lessons: list[Lesson]) -> None:
    losses = train(base, lessons, replace(QUICK, dtype="bfloat16"), steps=STEPS).losses
    assert losses[-1] < 0.8 * losses[0]


def test_an_example_with_a_tag_that_is_left_out_is_not_learnt() -> None:
    task = load_task(GOLDEN / "request_router", verify=False)
    everything, rest = (learnt(task, QUICK, without) for without in ((), ("no_salesforce", "malformed")))
    kept = [one.id for one in task.splits["train"] if not {"no_salesforce", "malformed"} & set(one.tags)]
    assert [request.example_id for request, _ in rest] == kept
    assert 0 < len(rest) < len(everything) == len(task.splits["train"])
    with pytest.raises(ConfigError, match=r"request_router/train.jsonl: no example has the tag 'no_salesfrce'"):
        learnt(task, QUICK, ("no_salesforce", "no_salesfrce"))


def test_what_was_taught_is_known_by_what_the_model_sees_of_it(pairs: Any) -> None:
    (request, answer), *rest = pairs
    longer = replace(request, decoding=replace(request.decoding, max_tokens=999))
    assert digest_of([(longer, answer), *rest]) == digest_of(pairs)
    louder = replace(request, messages=(*request.messages[:-1], replace(request.messages[-1], content="What?")))
    for other in ([(louder, answer), *rest], [(request, answer + " "), *rest], rest, [*rest, (request, answer)]):
        assert digest_of(other) != digest_of(pairs)


@pytest.mark.real
def test_an_interrupted_training_leaves_nothing(pairs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(line: str, **_: object) -> None:
        if line.startswith("step"):
            raise KeyboardInterrupt

    monkeypatch.setattr("fixtures.train.echo", stop)
    with pytest.raises(KeyboardInterrupt):
        write_adapter(pairs, QUICK, tmp_path / "out", steps=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.real
def test_an_example_that_is_too_long_is_named_and_never_cut(pairs: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"4 training examples have more than max_length = 8 tokens: What a day! \("):
        write_adapter(pairs, replace(QUICK, max_length=8), tmp_path / "out")


@pytest.mark.real
def test_without_examples_there_is_no_training(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no training examples"):
        write_adapter([], QUICK, tmp_path / "out")
