"""Answers that hold no state of the instance, through client and engine: what is known stays."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from drive import Drive, engine_of
from fakes import BINDING, FakeClock, instance, key
from fuzz import FIELDS, ODD, tried
from hypothesis import given
from hypothesis import strategies as st
from made_up_service import Service, client_of

from wfinspect.dataworks.client import DataWorksClient

ID = instance().id
GOOD = (200, {"WorkflowInstance": {"Id": ID, "Status": "Running", "Name": "true"}}, {})
CODES = ["Throttling.User", "InternalError", "SignatureDoesNotMatch", "Forbidden", "", "Odd"]

NO_STATE = st.fixed_dictionaries(
    {"Id": st.just(ID), "Status": st.none() | st.lists(st.integers(), max_size=2)}
    | dict.fromkeys(["Name", "Owner", "ModifyTime", "FinishedTime", "Tags"], ODD)
)
OF_ANOTHER = FIELDS.map(lambda fields: {"Status": "Failure"} | fields | {"Id": ID + 1})
BODIES = st.one_of(
    st.builds(lambda found: {"WorkflowInstance": found}, NO_STATE | OF_ANOTHER | ODD),
    st.builds(
        lambda code, message: {"Code": code, "Message": message}, st.sampled_from(CODES), ODD
    ),
    st.binary(max_size=40),
    st.integers(0, 60).map(lambda end: json.dumps(GOOD[1]).encode()[:end]),
)


class Watch(Drive):
    """An instance seen running, and a service that says anything for a while."""

    def __init__(self, state_dir: Path) -> None:
        self.runner = asyncio.Runner()
        self.service = Service(GOOD)
        clock = FakeClock()

        async def opened() -> DataWorksClient:
            return client_of(self.service, clock=clock)

        engine = engine_of(
            state_dir,
            lambda _target, _on_call: opened(),
            clock,
            BINDING,
            budget=10_000_000,
        )
        super().__init__(engine, clock)
        self.engine.watch([key(ID)])
        self.hear(GOOD)

    def hear(self, answer: tuple[int, object, dict[str, str]]) -> None:
        """Let the service say nothing else until it was asked at least once."""
        self.service.answers, self.service.requests = [answer], []
        while not self.service.requests:
            self.runner.run(self.run(10.0))


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    made = Watch(tmp_path_factory.mktemp("watch") / "state")
    yield made
    made.runner.run(made.engine.aclose())
    made.runner.close()


@tried(50, 5_000)
@given(st.sampled_from([200, 200, 200, 400, 403, 404, 429, 500, 503]), BODIES)
def test_no_answer_without_a_state_changes_what_is_known(
    watch: Watch, status: int, body: object
) -> None:
    watch.hear((status, body, {}))
    (row,) = watch.engine.snapshot.rows
    assert row.instance is not None
    assert (row.instance.status, row.instance.name) == ("Running", "true")
    assert not row.is_gone
    assert watch.engine.snapshot.transitions == ()
    watch.hear(GOOD)
    assert next(iter(watch.engine.snapshot.rows)).is_live
