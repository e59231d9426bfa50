"""The benchmark's own arithmetic: ratios and verdicts, the table, the plots. Nothing is timed here."""

import json
import re
from collections import Counter
from typing import Any
from xml.etree import ElementTree

import pytest

from bridge.storage import keys
from scripts.benches import __main__ as bench
from scripts.benches import deliveries, intake, report, rig, svg, tools, worker
from scripts.benches.deliveries import Shape
from scripts.benches.findings import Figure, Findings, Plot
from scripts.benches.peer.answers import Count
from scripts.sandbox.house import Broken

SVG = "{http://www.w3.org/2000/svg}"
PAYLOAD: dict[str, Any] = {
    "repository": {"id": 1, "name": "r", "full_name": "acme/r", "owner": {"login": "acme" * 100}},
    "pull_request": {"number": 1, "title": "T", "body": "B", "url": "http://x", "head": {"ref": "f"}},
}


def figure(**changes: Any) -> Figure:
    fields: dict[str, Any] = {"name": "intake", "unit": "requests/s", "ours": [12, 20, 9]}
    return Figure(**{**fields, **changes})


def test_a_ratio_is_the_median_of_the_rounds_ratios_not_the_ratio_of_the_medians() -> None:
    # The machine was slow in the second round, for both.
    found = figure(ours=[10, 2, 12], peer="peer", theirs=[5, 1, 24])
    assert found.ratios == [2, 2, 0.5]
    assert (found.value, found.peers_value, found.ratio) == (10, 5, 2)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, ""),
        ({"bound": 12}, "ok"),
        ({"bound": 12.1}, "missed"),
        ({"bound": 12, "better": "less"}, "ok"),
        ({"bound": 11.9, "better": "less"}, "missed"),
        # With a peer the bound is the ratio's.
        ({"bound": 1.2, "peer": "p", "theirs": [10, 10, 10]}, "ok"),
        ({"bound": 1.3, "peer": "p", "theirs": [10, 10, 10]}, "missed"),
        ({"bound": 1.2, "better": "less", "peer": "p", "theirs": [10, 10, 10]}, "ok"),
        ({"bound": 1.1, "better": "less", "peer": "p", "theirs": [10, 10, 10]}, "missed"),
        ({"peer": "p", "theirs": [10, 10, 10]}, ""),
    ],
)
def test_a_verdict_follows_the_bound_and_what_is_better(changes: dict[str, Any], verdict: str) -> None:
    assert figure(**changes).verdict == verdict


def test_rounds_without_their_peer_are_no_comparison() -> None:
    with pytest.raises(ValueError, match="shorter"):
        assert figure(peer="p", theirs=[10]).ratio


def test_the_table_tells_each_figure_with_its_spread_goal_and_verdict() -> None:
    table = report.table(
        [
            figure(ours=[12_345, 20_000, 900], peer="Node", theirs=[10_000, 10_000, 1_000], bound=1.15),
            figure(name="web, RSS", unit="MB", ours=[64.25], bound=70, better="less"),
        ]
    )
    head, rule, first, second = table.splitlines()
    assert len({len(line) for line in table.splitlines()}) == 1
    assert cells(head)[0] == "figure"
    assert set(rule) == set("| -")
    assert cells(first) == [
        *("intake", "12,345 requests/s", "900–20,000", "Node", "10,000 requests/s"),
        *("1.23", "0.90–2.00", "≥ 1.15", "ok"),
    ]
    assert cells(second) == ["web, RSS", "64.2 MB", "–", "–", "–", "–", "–", "≤ 70 MB", "ok"]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def plot(**changes: Any) -> Plot:
    fields: dict[str, Any] = {
        "name": "p",
        "title": "Rate < & >",
        "across": "connections",
        "up": "requests/s",
        "lines": {"bridge": [(1, 100), (10, 400), (100, 950)], "Node & co": [(1, 50), (100, 700)]},
    }
    return Plot(**{**fields, **changes})


def curves(picture: ElementTree.Element) -> list[list[tuple[float, float]]]:
    lines = [one.get("d", "") for one in picture.iter(f"{SVG}path") if one.get("stroke-width") == "2"]
    pairs = [re.findall(r"([\d.]+) ([\d.]+)", line) for line in lines]
    return [[(float(x), float(y)) for x, y in line] for line in pairs]


@pytest.mark.parametrize("log_up", [False, True])
def test_a_plot_is_an_image_with_every_curve_in_its_place(log_up: bool) -> None:
    picture = ElementTree.fromstring(svg.draw(plot(log_up=log_up)))
    texts = {text.text for text in picture.iter(f"{SVG}text")}
    assert {"Rate < & >", "connections", "requests/s", "bridge", "Node & co"} <= texts
    assert picture.find(f"{SVG}title") is not None
    ours, theirs = curves(picture)
    assert len(ours) == 3
    # Equal factors are equal steps across, more is higher up, and both curves share their axes.
    assert ours[1][0] - ours[0][0] == pytest.approx(ours[2][0] - ours[1][0], abs=0.2)
    assert ours[0][1] > ours[1][1] > ours[2][1]
    assert [x for x, _ in theirs] == [ours[0][0], ours[2][0]]
    assert theirs[0][1] > ours[0][1]
    for x, y in (*ours, *theirs):
        assert svg.LEFT <= x <= svg.WIDTH - svg.RIGHT
        assert svg.TOP <= y <= svg.HEIGHT - svg.BOTTOM


@pytest.mark.parametrize("value", [0.03, 1, 7, 1_000, 21_300])
def test_one_point_alone_can_be_drawn(value: float) -> None:
    for log_up in (False, True):
        picture = ElementTree.fromstring(svg.draw(plot(lines={"a": [(1, value)]}, log_up=log_up)))
        assert len(curves(picture)[0]) == 1


def test_the_page_keeps_what_was_written_by_hand(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "PAGE", tmp_path / "performance.md")
    monkeypatch.setattr(report, "PLOTS", tmp_path / "performance")
    found = Findings(figures=[figure()], plots=[plot()], remarks=["As it was measured."])
    report.write(found, quick=False)
    report.PAGE.write_text(report.PAGE.read_text() + "\n## What was changed\n")
    report.write(found, quick=True)
    page = report.PAGE.read_text()
    assert page.count("## What was changed") == page.count(report.WRITTEN_BY_HAND) == 1
    assert "- As it was measured." in page
    assert "(performance/p.svg)" in page
    assert (report.PLOTS / "p.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(("arguments", "status"), [([], 0), (["--check"], 1)])
def test_a_missed_bound_fails_only_where_that_is_asked(
    arguments: list[str], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def measure(_: bool) -> Findings:
        return Findings(figures=[figure(bound=100)])

    monkeypatch.setattr(bench, "PARTS", {"intake": measure})
    assert bench.main(arguments) == status


def test_a_part_that_breaks_fails_and_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def breaks(_: bool) -> Findings:
        raise Broken("20 messages were due, 19 came")

    async def measure(_: bool) -> Findings:
        return Findings(figures=[figure(name="click")])

    monkeypatch.setattr(bench, "PARTS", {"worker": breaks, "click": measure})
    monkeypatch.setattr(report, "write", lambda *_, **__: pytest.fail("half a page was written"))
    assert bench.main(["--write"]) == 1
    said = capsys.readouterr()
    assert "click" in said.out
    assert "worker: 20 messages were due" in said.err


def test_the_ideal_is_the_longest_chain_or_the_slots() -> None:
    assert worker.ideal(Shape(total=1_000, repositories=10, pulls=20)) == pytest.approx(1_000 / 80 * 0.05)
    assert worker.ideal(Shape(total=1_000, repositories=10, pulls=1)) == pytest.approx(100 * 0.05)


@pytest.mark.parametrize("size", [600, 2_000, 24_000])
def test_a_body_is_made_to_the_size(size: int) -> None:
    made = intake.sized(PAYLOAD, size)
    assert abs(len(rig.dump(made)) - size) <= 2
    assert made["repository"]["full_name"] == "acme/r"
    assert made["pull_request"]["number"] == 1


def test_repositories_are_spread_evenly_over_the_partitions() -> None:
    ids = [deliveries.id_of(one) for one in range(3 * keys.PARTITIONS)]
    assert len(set(ids)) == len(ids)
    assert set(Counter(map(keys.partition_of, ids)).values()) == {3}


def test_a_shape_is_dealt_out_evenly_and_each_pull_request_is_told_in_order() -> None:
    shape = Shape(total=12, repositories=2, pulls=3)
    made = [json.loads(body) for body in shape.bodies(PAYLOAD)]
    told: dict[tuple[str, int], list[int]] = {}
    for one in made:
        place = (one["repository"]["full_name"], one["number"])
        told.setdefault(place, []).append(int(one["pull_request"]["title"].removeprefix("Step ")))
    assert len(told) == 6
    assert all(len(steps) == 2 and steps == sorted(steps) for steps in told.values())
    assert len({one["pull_request"]["head"]["sha"] for one in made}) == 6


def test_a_message_that_comes_twice_is_counted_as_one() -> None:
    count = Count()
    for body in (b'{"uuid":"a"}', b'{"uuid":"a"}', b'{"uuid":"b"}', b"{}"):
        count.add(body)
    assert (count.posts, len(count.uuids)) == (4, 2)


def test_the_goals_beside_a_warm_node_are_those_of_one_process_and_of_two() -> None:
    def load(rate: int) -> tools.Load:
        return tools.Load(requests=rate, seconds=1, refused=0, broken=0, p50=1, p99=1)

    rates = {**dict.fromkeys(intake.SERVERS, 100), "bridge": 115, intake.TWO: 139}
    found = intake.figures({name: [load(rate)] for name, rate in rates.items()})
    beside_node = [one for one in found if one.peer == intake.NODE and one.unit == "requests/s"]
    assert [(one.name, one.bound, one.verdict) for one in beside_node] == [
        ("intake", 1.15, "ok"),
        ("intake, two processes", 1.4, "missed"),
    ]
