"""The simulator's own HTTP face, for people who play with `wfinspect simulate`. Off unless asked for.

GET    /_sim                    calls so far, faults in force, all IDs with their status
POST   /_sim/faults             kind=throttled [action= times= retry_after_ms= seconds= is_xml=1]
DELETE /_sim/faults             ends all faults, puts all switches back
POST   /_sim/switches           is_hostile=1 ignores_ids=1 clock_offset_seconds=3600 ...
POST   /_sim/instances          id= [status= | vanish=1 | restore=1]
"""

import json
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus

from wfinspect.simulator.calls import Calls
from wfinspect.simulator.faults import SWITCHES, Faults
from wfinspect.simulator.population import Population
from wfinspect.simulator.wire import Reply, Request

PREFIX = "/_sim"


class Control:
    """Faults and instances by form fields."""

    def __init__(self, population: Population, faults: Faults, calls: Calls) -> None:
        self._population = population
        self._faults = faults
        self._calls = calls

    def respond(self, request: Request, now: datetime) -> Reply:
        """Do what a request asks; 400 with a sentence for one that can't be done."""
        # A page in a browser on this machine must not be able to drive it.
        if "origin" in request.headers or not request.headers.get("host", "").startswith("127."):
            return _reply(HTTPStatus.FORBIDDEN, {"error": "not from a browser"})
        form = request.parameters()
        try:
            match request.method, request.path.removeprefix(PREFIX).strip("/"):
                case "GET", "":
                    return _reply(HTTPStatus.OK, self._report(now))
                case "POST", "faults":
                    self._add_fault(form)
                case "DELETE", "faults":
                    self._faults.clear()
                case "POST", "switches":
                    self._switch(form)
                case "POST", "instances":
                    self._change(form, now)
                case _:
                    return _reply(HTTPStatus.NOT_FOUND, {"error": "no such path"})
        except (KeyError, ValueError) as error:
            return _reply(HTTPStatus.BAD_REQUEST, {"error": str(error)})
        return _reply(HTTPStatus.OK, {})

    def _report(self, now: datetime) -> dict[str, object]:
        return {
            "calls": [
                {"action": action, "code": code, "count": count}
                for (action, code), count in sorted(self._calls.counts.items())
            ],
            "faults": [
                {"kind": f.kind, "action": f.action, "times": f.times} for f in self._faults.active
            ],
            "switches": {name: getattr(self._faults, name) for name in SWITCHES},
            "instances": {
                str(record["Id"]): record["Status"]
                for record in self._population.records(None, now)
            },
        }

    def _add_fault(self, form: Mapping[str, str]) -> None:
        self._faults.add(
            form.get("kind", ""),
            action=form.get("action", ""),
            times=int(form["times"]) if "times" in form else None,
            retry_after_ms=int(form["retry_after_ms"]) if "retry_after_ms" in form else None,
            seconds=float(form.get("seconds", "0")),
            is_xml=form.get("is_xml") == "1",
        )

    def _switch(self, form: Mapping[str, str]) -> None:
        unknown = set(form) - set(SWITCHES)
        if unknown:
            raise ValueError(f"no switch {', '.join(sorted(unknown))}: {', '.join(SWITCHES)}")
        for name, value in form.items():
            number = float(value)
            setattr(self._faults, name, number if name == "clock_offset_seconds" else bool(number))

    def _change(self, form: Mapping[str, str], now: datetime) -> None:
        instance_id = int(form["id"])
        if form.get("vanish") == "1":
            self._population.vanish(instance_id)
        elif form.get("restore") == "1":
            self._population.restore(instance_id)
        else:
            self._population.set_status(instance_id, form["status"], now)


def _reply(status: HTTPStatus, body: Mapping[str, object]) -> Reply:
    text = json.dumps(body, ensure_ascii=False, indent=1) + "\n"
    return Reply(status, text.encode("utf-8", "backslashreplace"))
