"""The words of a report, shared by its formats: which rows a task's table has, and how a figure is spelled.

Nothing is computed here; a stored run is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Run = Mapping[str, Any]

Row = tuple[str, Sequence[str]]
"""A row of a table: its name, and a cell for each column."""


def rate(estimate: Mapping[str, Any] | None) -> str:
    """A rate with its 95 % interval, in percent.

    >>> rate({"value": 0.75, "low": 0.301, "high": 0.954, "n": 4})
    '75.0 [30.1, 95.4]'
    """
    if estimate is None or estimate["value"] is None:
        return "-"
    return f"{estimate['value'] * 100:.1f}" + _bounds(estimate, 100, ".1f")


def figure(estimate: Mapping[str, Any] | None) -> str:
    """A measurement with its interval and the number of answers it rests on.

    >>> figure({"value": 2.5, "low": 2.0, "high": 3.125, "n": 40})
    '2.50 [2.00, 3.12] (n=40)'
    >>> figure({"value": 0.00312, "low": 0.003, "high": None, "n": 30})
    '0.0031 [0.003, ?] (n=30)'
    """
    if estimate is None or estimate["value"] is None:
        return "-" if estimate is None else f"- (n={estimate['n']})"
    spelled = ".2g" if 0 < abs(estimate["value"]) < _FINE else ".2f"
    return format(estimate["value"], spelled) + _bounds(estimate, 1, spelled) + f" (n={estimate['n']})"


_FINE = 0.02
"""Below this two decimals would say too little."""


def _bounds(estimate: Mapping[str, Any], factor: int, spelled: str) -> str:
    bounds = [estimate["low"], estimate["high"]]
    if bounds == [None, None]:
        return ""
    low, high = ("?" if bound is None else format(bound * factor, spelled) for bound in bounds)
    return f" [{low}, {high}]"


def columns(task: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The models that have figures: backends, then those compared with, then floors."""
    return [column for column in task["columns"] if column["entrant"]["problem"] is None and column["rates"]]


def rows(task: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[str]]]:
    """The rows of a task's table: a name, and a cell for each of ``columns``."""
    shown = columns(task)
    for split in dict.fromkeys(name for column in shown for name in column["rates"]):
        present = [column["rates"].get(split, {}) for column in shown]
        count = _most(present, "strict")
        for score in _shown_scores(task, split, present):
            label = _label(task, score, present)
            yield (
                label if split == task["split"] else f"{split} (n={count}): {label}",
                [rate(rates.get(score)) + _of_fewer(rates.get(score), count, task, split) for rates in present],
            )
    for name in dict.fromkeys(name for column in shown for name in column["measurements"]):
        yield name, [figure(column["measurements"].get(name)) for column in shown]


def related(task: Mapping[str, Any]) -> list[str]:
    """The models on which relations were tried."""
    return list(dict.fromkeys(one["backend"] for one in task.get("relations", ())))


def relation_rows(task: Mapping[str, Any]) -> Iterator[Row]:
    """How often each relation holds: its name, and a cell for each of ``related``."""
    found = {(one["relation"], one["backend"]): one for one in task.get("relations", ())}
    for name in dict.fromkeys(name for name, _ in found):
        yield name, [_held(found.get((name, backend))) for backend in related(task)]


def _held(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return "-"
    left = f", {len(one['unanswered'])} unanswered" if one["unanswered"] else ""
    return f"{rate(one['rate'])} (n={one['rate']['n']}{left})"


def relations_heading(task: Mapping[str, Any]) -> str:
    told = "how often a changed input gets the answer that the unchanged one foretells"
    return f"{task['task']}, {told} (in %, 95 % intervals)"


def _of_fewer(estimate: Mapping[str, Any] | None, most: int, task: Mapping[str, Any], split: str) -> str:
    """On how many examples a rate rests, of a model that was asked in turn."""
    fewer = split == task["split"] and task.get("in_turn") and estimate is not None and 0 < estimate["n"] < most
    return f" (n={estimate['n']})" if fewer and estimate else ""


def _label(task: Mapping[str, Any], score: str, present: Sequence[Mapping[str, Any]]) -> str:
    """What a row is called. A score that is asked of some examples only says of how many."""
    count = _most(present, score)
    rests = f" (n={count})" if count < _most(present, "strict") else ""
    return score + rests + (" *" if score == task["primary"] else "")


def _most(present: Sequence[Mapping[str, Any]], score: str) -> int:
    return max(int(rates[score]["n"]) for rates in present if score in rates)


def _shown_scores(task: Mapping[str, Any], split: str, present: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every score of the judged split; beside it only the format, and the primary score or what stands in its place."""
    scores = list(dict.fromkeys(name for rates in present for name in rates))
    if split == task["split"]:
        return scores
    fields = [name for name in scores if name not in ("strict", "extractable")]
    return ["strict", *([task["primary"]] if task["primary"] in fields else fields)]


def heading(task: Mapping[str, Any]) -> str:
    """One line that says what a table is about."""
    frozen = "" if task["frozen"] else ", NOT FROZEN: run `evalkit freeze`"
    return f"{task['task']}: {task['examples']} examples of {task['split']}{frozen}"


def verdict_lines(task: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """``(status, sentence)`` for every backend, and beside its baseline; status is empty where it was not judged."""
    verdicts = {verdict["backend"]: verdict for verdict in task["verdicts"]}
    for column in task["columns"]:
        if column["entrant"]["role"] != "backend":
            continue
        verdict = verdicts.get(column["entrant"]["name"])
        if verdict is None:
            yield "", f"{column['entrant']['name']}: no verdict: {column['selected']} of {task['examples']} selected"
        else:
            decision = f", {verdict['decision']}" if column["entrant"]["parent"] else ""
            told = f"{column['entrant']['name']}: {verdict['status']}{decision}. " + " ".join(verdict["reasons"])
            yield verdict["status"], told
    if regression := task.get("regression"):
        yield regression["status"], regression_sentence(regression)
    if lineage := task.get("lineage"):
        yield lineage["status"], lineage_sentence(lineage)


def notes(task: Mapping[str, Any]) -> Iterator[str]:
    """What else a reader must know: defects, floors not beaten, pairs, what stayed unanswered or is known to fail."""
    yield from dict.fromkeys(_notes(task))  # a pair may be declared twice, as a win and as no loss


def _notes(task: Mapping[str, Any]) -> Iterator[str]:
    for column in task["columns"]:
        if column["entrant"]["problem"] is not None and column["entrant"]["role"] == "floor":
            yield f"{column['entrant']['name']} (floor) has no column: {column['entrant']['problem']}"
        if asked := column["entrant"].get("asked"):  # older runs do not say
            yield f"{column['entrant']['name']}: asked with {asked}"
        if column["entrant"].get("moves"):
            yield (
                f"{column['entrant']['name']}: {column['entrant']['spec']} is a name that moves from model to model: "
                "not reproducible; name the model by its date"
            )
        if column["defects"] and column["entrant"]["role"] != "floor":
            told = ", ".join(f"{name} {count}" for name, count in column["defects"].items())
            yield f"{column['entrant']['name']}: defects: {told}"
        if problem := (column["entrant"].get("probe") or {}).get("problem"):
            yield f"{column['entrant']['name']}: its latency could not be probed: {problem}"
        if column["unanswered"]:
            first, reason = next(iter(column["unanswered"].items()))
            count = f"{len(column['unanswered'])} unanswered, never scored as wrong"
            yield f"{column['entrant']['name']}: {count}. {first}: {reason}"
        # What a floor or a rival gets wrong is no news, and what the oracle gets right still less.
        for name, reason in column["known_fails"].items() if column["entrant"]["role"] == "backend" else ():
            yield f"{column['entrant']['name']}: known to fail: {name}: {reason}"
    yield from task.get("idle", ())
    yield from task.get("looks", ())
    for one in task.get("in_turn", ()):
        saved = one["examples"] - one["asked"]
        told = "and not everything is settled" if not one["settled"] else "until everything was settled"
        yield (
            f"{one['model']}: asked {one['asked']} of {one['examples']} examples in turn, {told}"
            + (f": {saved} calls saved" if saved else "")
            + "; difference and p of its comparisons hold whenever one stops (betting)"
        )
    for pair in task["unjudged"]:
        yield f"declared but not judged, because the other side is not in this run: {pair}"
    for comparison in task["comparisons"]:
        if comparison["kind"] == "asked":
            yield comparison["reason"]
        yield from _power(comparison)
        readable = comparison["readable"]["difference"]
        if readable["n"] < comparison["paired"]["difference"]["n"]:
            pair = f"{comparison['candidate']} against {comparison['against']} on {comparison['score']}"
            yield f"{pair}, where both answered readably (n={readable['n']}): {_signed(readable)}"
    for pair in task["agreements"]:
        if pair["n"]:
            yield (
                f"{pair['first']} and {pair['second']}: same text {pair['same_text']}/{pair['n']}, "
                f"same object {pair['same_object']}/{pair['n']}"
            )


def rivals(task: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Each tested model beside a rival, where there is more to weigh than the table of scores shows: two rivals at
    least, or a cost or a time. Runs of before have none."""
    found = list(task.get("rivals", ()))
    weighed = {*_WEIGHED} & {name for column in task["columns"] for name in column["measurements"]}
    return found if len(found) > 1 or weighed else []


_WEIGHED = {
    "USD per 1,000 calls": "not stated",
    "latency p50 (s)": "not probed",
    "latency p95 (s)": "not probed",
    "tokens per second": "-",
    "memory (MiB)": "-",
}
"""What is weighed beside the scores, by the names that the measurements have; and what stands where there is none."""


def rival_tables(task: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[str], Sequence[Row]]]:
    """For each tested model its name, the columns and the rows of the table that puts it beside its rivals."""
    found = rivals(task)
    for candidate in dict.fromkeys(one["candidate"] for one in found):
        own = [one for one in found if one["candidate"] == candidate]
        names = [candidate, *(one["against"] for one in own)]
        yield candidate, names, list(_rival_rows(task, own, names))


def _rival_rows(task: Mapping[str, Any], own: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Iterator[Row]:
    by_name = {column["entrant"]["name"]: column for column in task["columns"]}
    first, *others = rates = [by_name[name]["rates"].get(task["split"], {}) for name in names]
    for score in dict.fromkeys(score for one in own for score in one["fields"]):
        beside = (_beside(one, score, theirs) for one, theirs in zip(own, others, strict=True))
        yield _label(task, score, rates), [rate(first.get(score)), *beside]
    measured = [by_name[name]["measurements"] for name in names]
    for row in _WEIGHED:
        if any(row in one for one in measured):
            yield row, [figure(one[row]) if row in one else _WEIGHED[row] for one in measured]


def rivals_heading(candidate: str) -> str:
    """What the table of ``rival_tables`` shows."""
    return f"{candidate} beside its rivals: rates in %; in brackets by how many points {candidate} is better"


def _beside(rivalry: Mapping[str, Any], score: str, rates: Mapping[str, Any]) -> str:
    """A rival's rate, and how far the candidate is from it."""
    field = rivalry["fields"].get(score)
    if field is None:
        return "-"
    apart = _signed(field["difference"]).replace(" points", "")
    count = f", n={field['difference']['n']}" if rivalry["in_turn"] else ""
    return f"{rate(rates.get(score)).partition(' ')[0]} ({apart}{count}, {field['standing']})"


def picks(task: Mapping[str, Any]) -> Iterator[str]:
    """Which model is the right pick: a sentence or more for each pair."""
    yield from (one["told"] for one in rivals(task) if one["told"])


def regression_sentence(regression: Mapping[str, Any]) -> str:
    """What became of one model since a baseline."""
    then = f"{regression['name']} ({regression['then']}, {regression['date']})"
    return f"{regression['backend']} against {then}: {regression['status']}. " + " ".join(regression["reasons"])


def changes(regression: Mapping[str, Any] | None) -> Iterator[str]:
    """Which examples flipped since a baseline, and what is on one side only; nothing without a baseline."""
    if regression is None:
        return
    pair = f"{regression['backend']} against {regression['name']}"
    for key, told in (
        ("lost", "lost"),
        ("gained", "gained"),
        ("added", f"examples that {regression['name']} does not have"),
        ("removed", f"examples that only {regression['name']} has"),
        ("unpaired", "scored on one side only"),
    ):
        if found := regression[key]:
            more = f" and {len(found) - _LISTED} more (--format=json has all)" if len(found) > _LISTED else ""
            yield f"{pair}: {told} ({len(found)}): {', '.join(found[:_LISTED])}{more}"
    if regression["unselected"]:
        yield f"{pair}: {regression['unselected']} of its examples were not selected: nothing is said of them"
    if regression["changed"]:
        yield f"{pair}: the task's contract or data have changed since; figures may be about different things"


_LISTED = 40
"""So many flips are named in a line: all of them as a rule, and no screenful where a model has changed throughout."""


def _power(comparison: Mapping[str, Any]) -> Iterator[str]:
    """What this split can show of this pair, by how often the two were seen to differ."""
    paired = comparison["paired"]
    if comparison["kind"] == "win" and paired["detectable"] is not None:
        half = f"; half of it would need {paired['for_half']}" if paired["for_half"] is not None else ""
        yield (
            f"{comparison['candidate']} against {comparison['against']} on {comparison['score']}: "
            f"{paired['difference']['n']} examples show a win of {paired['detectable'] * 100:.1f} points "
            f"with power 0.8{half}"
        )


def references(task: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[str]]]:
    """A row for every comparison: the pair, then its size on other scales and the p of other tests."""
    for comparison in task["comparisons"]:
        effects = comparison["paired"]["effects"]
        yield (
            f"{comparison['candidate']} against {comparison['against']} on {comparison['score']}",
            [
                *(_plain(effects[name]) for name in ("cohen_d_z", "cohen_d_pooled", "rank_biserial", "odds_ratio")),
                *(
                    "-" if effects[name] is None else f"{effects[name]:.4f}"
                    for name in ("mcnemar_p", "wilcoxon_p", "t_p")
                ),
            ],
        )


def lineage_sentence(lineage: Mapping[str, Any]) -> str:
    """What became of a model from its first rung to its last."""
    return f"lineage {lineage['name']}: {lineage['status']}. " + " ".join(lineage["reasons"])


def rungs(task: Mapping[str, Any]) -> list[str]:
    """The columns of a lineage's table, first to last; none without a lineage."""
    lineage = task.get("lineage")
    return list(lineage["rungs"]) if lineage else []


def lineage_rows(task: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[str]]]:
    """A row for each score and measurement: the figure on each rung, and how it changed from the rung's parent."""
    shown = rungs(task)
    if not shown:
        return
    missing = task["lineage"]["missing"]
    nothing: Mapping[str, Any] = {"rates": {}, "measurements": {}}
    by_name = dict.fromkeys(missing, nothing) | {
        column["entrant"]["name"]: column for column in task["columns"] if column["entrant"]["name"] not in missing
    }
    steps = {step["rung"]: step for step in task["lineage"]["steps"]}
    changes = {
        name: {one["score"]: one["paired"] for one in step["comparisons"] if one["against"] == step["against"]}
        for name, step in steps.items()
    }
    yield (
        "from",
        ["(not run)" if name in missing else f"({steps[name]['against']})" if name in steps else "" for name in shown],
    )
    columns = [by_name[name]["rates"].get(task["split"], {}) for name in shown]
    for score in dict.fromkeys(name for rates in columns for name in rates):
        cells = [
            _changed(rates.get(score), changes.get(name, {}).get(score))
            for name, rates in zip(shown, columns, strict=True)
        ]
        yield _label(task, score, columns), cells
    for name in dict.fromkeys(name for rung in shown for name in by_name[rung]["measurements"]):
        yield (
            name,
            [
                figure(by_name[rung]["measurements"].get(name))
                + _moved(steps.get(rung, {}).get("measured", {}).get(name))
                for rung in shown
            ],
        )
    alike = {name: step["alike"] for name, step in steps.items()}
    for row, pairs in (
        ("same answers as its parent", alike),
        ("same answers when asked again", task["lineage"].get("noise", {})),
    ):
        found = [pairs.get(name) for name in shown]
        yield row, [f"{pair['same_text']}/{pair['n']}" if pair and pair["n"] else "-" for pair in found]


def _moved(change: Mapping[str, Any] | None) -> str:
    """How a measurement changed from its parent's, on the examples that both answered readably.

    >>> _moved({"before": {"value": 0.5}, "after": {"value": 0.75}})
    ' (+0.25)'
    """
    if change is None or None in (change["before"]["value"], change["after"]["value"]):
        return ""
    return f" ({change['after']['value'] - change['before']['value']:+.2f})"


def _changed(estimate: Mapping[str, Any] | None, paired: Mapping[str, Any] | None) -> str:
    """A rate, and how it changed: points, examples that got worse and better.

    >>> found = {"difference": {"value": -0.02}, "losses": 3, "wins": 1}
    >>> _changed({"value": 0.7, "low": 0.6, "high": 0.8, "n": 100}, found)
    '70.0 (-2.0; 3 worse, 1 better)'
    """
    if estimate is None or estimate["value"] is None:
        return "-"
    told = f"{estimate['value'] * 100:.1f}"
    if paired is None or paired["difference"]["value"] is None:
        return told
    flips = f"{paired['losses']} worse, {paired['wins']} better" if paired["losses"] or paired["wins"] else "no flip"
    return f"{told} ({paired['difference']['value'] * 100:+.1f}; {flips})"


def lineage_notes(task: Mapping[str, Any]) -> Iterator[str]:
    """What each step lost, what it changed, and which rungs could not be run."""
    lineage = task.get("lineage")
    for step in lineage["steps"] if lineage else ():
        yield from step["gone"]
        yield f"{step['against']} to {step['rung']}: {step['why']}"
    for name, problem in lineage["missing"].items() if lineage else ():
        yield f"{name} could not be run: {problem}"


REFERENCES = ("d_z", "pooled d", "rank-biserial", "odds ratio", "McNemar p", "Wilcoxon p", "paired t p")
"""The columns of ``references`` after the first; the p are two-sided."""


def _plain(estimate: Mapping[str, Any] | None) -> str:
    if estimate is None or (estimate["value"] is None and estimate["low"] is None):
        return "-"
    return "no loss" if estimate["value"] is None else f"{estimate['value']:.2f}" + _bounds(estimate, 1, ".2f")


def _signed(estimate: Mapping[str, Any]) -> str:
    if estimate["value"] is None:
        return "not estimable"
    return f"{estimate['value'] * 100:+.1f} points" + _bounds(estimate, 100, "+.1f")


def floors_not_beaten(task: Mapping[str, Any]) -> Iterator[str]:
    """For each backend the fields that a floor does as well or better."""
    for backend in dict.fromkeys(one["backend"] for one in task["unbeaten"]):
        fields = [
            f"{one['score']} ({one['value'] * 100:.1f}, {one['floor']} {one['floor_value'] * 100:.1f})"
            for one in task["unbeaten"]
            if one["backend"] == backend
        ]
        yield f"{backend} does not beat a floor on: {', '.join(fields)}"
