"""Settings say what is wrong with them."""

from __future__ import annotations

import pytest

from evalkit.errors import ConfigError
from fixtures.train_settings import Settings, parse, settings_of, tasks_with_settings


@pytest.mark.parametrize("task", tasks_with_settings())
def test_every_committed_file_of_settings_can_be_read(task: str) -> None:
    assert settings_of(task).epochs > 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rate = 1e-4", "unknown key 'rate', expected some of alpha, batch"),
        ('dtype = "float16"', "dtype is 'float16', expected 'bfloat16' or 'float32'"),
        ('schedule = "square"', "schedule is 'square', expected one of constant, linear, cosine"),
        ("epochs = 0", "epochs is 0, expected more than 0"),
        ("epochs =", "here.toml: "),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_its_file(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        parse(text, "here.toml")
    assert str(caught.value).startswith("here.toml: ")


def test_a_task_without_settings_lists_those_that_have_some() -> None:
    with pytest.raises(ConfigError, match="Tasks with settings: market_direction"):
        settings_of("none")


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_the_rate_rises_over_the_warm_up_and_never_again(schedule: str) -> None:
    settings = Settings(schedule=schedule, warmup=0.1, learning_rate=1.0)
    rates = [settings.rate(step, 50) for step in range(50)]
    assert rates[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert rates[4:] == sorted(rates[4:], reverse=True)
