"""Workflows (section 4.7): what a gateway or sensor picks up later, on the simulator's clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from simulators.response import JsonObject

from .serializers import time_text

type State = Literal["pending", "running", "completed", "failed"]
type WorkflowKind = Literal["gateway_command", "sensor_interval"]

_PENDING_SHARE = 3


@dataclass(slots=True)
class Workflow:
    """One process. `work` is done when due; it returns the result or raises `WorkflowError`."""

    id: int
    owner: int
    type: WorkflowKind
    created: datetime
    due: datetime
    work: Callable[[], JsonObject]
    state: State = "pending"
    result: JsonObject | None = None

    def json(self) -> JsonObject:
        """Return the workflow as the API shows it."""
        return {
            "id": self.id,
            "type": self.type,
            "state": self.state,
            "result": self.result,
            "created": time_text(self.created),
        }


class WorkflowError(Exception):
    """The device refused or could not be reached."""


class Workflows:
    """All workflows of a cloud."""

    def __init__(self) -> None:
        """Start empty."""
        self._workflows: dict[int, Workflow] = {}

    def begin(
        self,
        owner: int,
        kind: WorkflowKind,
        work: Callable[[], JsonObject],
        *,
        now: datetime,
        due: datetime,
    ) -> Workflow:
        """Begin a process that is done when it is `due`."""
        number = 7_001 + len(self._workflows)
        flow = Workflow(number, owner, kind, now, due, work)
        self._workflows[number] = flow
        return flow

    def get(self, owner: int, number: int) -> Workflow | None:
        """Return a user's workflow."""
        flow = self._workflows.get(number)
        return flow if flow is not None and flow.owner == owner else None

    def settle(self, now: datetime) -> None:
        """Bring every process to where it is at `now`; a third of its time it waits."""
        for flow in self._workflows.values():
            if flow.state in ("completed", "failed"):
                continue
            if now >= flow.due:
                _finish(flow)
            elif now >= flow.created + (flow.due - flow.created) / _PENDING_SHARE:
                flow.state = "running"


def _finish(flow: Workflow) -> None:
    try:
        flow.result = flow.work()
        flow.state = "completed"
    except WorkflowError as err:
        flow.result = {"error": str(err)}
        flow.state = "failed"
