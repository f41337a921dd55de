from typing import get_args

import pytest

from cloud.control.pipeline import graph
from cloud.stack.plan import STAGES


def test_every_stage_says_what_it_needs_and_what_stopping_it_means() -> None:
    for stage in {*STAGES, "api"}:
        assert set(graph.NEEDS[stage]) <= {*STAGES, "api"}
        for action in get_args(graph.Action):
            said = graph.consequences(stage, action, STAGES)
            assert said
            assert all(sentence[-1] in ".:" for sentence in said)


@pytest.mark.parametrize(
    ("stage", "where"), [("broker", "buffer"), ("kafka", "buffers"), ("stream", "Kafka")]
)
def test_it_is_said_where_readings_wait(stage: str, where: str) -> None:
    assert where in " ".join(graph.consequences(stage, "stop", STAGES))


def test_who_needs_a_stage_is_named_only_if_it_is_there() -> None:
    assert graph.dependents("kafka", STAGES) == ["bridge", "stream"]
    assert "grafana" not in " ".join(graph.consequences("postgres", "stop", ["postgres", "stream"]))


def test_a_stop_of_everything_leaves_what_it_takes_to_start_it_again() -> None:
    everything = [*STAGES, "api"]
    assert not {"postgres", "api"} & set(graph.order(everything, "stop"))
    stopped = graph.order(everything, "stop")
    assert stopped.index("stream") < stopped.index("kafka")
    assert graph.order(everything, "start").index("kafka") < stopped.index("kafka") + 1
    assert "api" not in graph.order(everything, "start")
