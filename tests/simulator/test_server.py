"""The simulator's connections, its start and stop."""

import json
import socket
import threading
from urllib.parse import urlencode, urlsplit

import psutil
import pytest
from fakes import START, FakeClock
from signed_request import Caller, signed_headers

from wfinspect.simulator import DEMO_IDS, Simulator
from wfinspect.simulator.http import HEAD_LIMIT, MAX_BODY
from wfinspect.simulator.server import TEMPORARY_KEY

GET, LIST = "GetWorkflowInstance", "ListWorkflowInstances"
RUNNING, _, _, DONE = DEMO_IDS


def test_one_connection_carries_many_calls(caller: Caller, simulator: Simulator) -> None:
    caller.get(RUNNING)
    first = caller.connection.sock
    for _ in range(20):
        caller.get(RUNNING)
    assert caller.connection.sock is first
    assert simulator.calls.count(GET, "OK") == 21
    assert simulator.calls.latest[-1].parameters == {"Id": str(RUNNING)}
    assert simulator.calls.latest[-1].at == START


def test_many_connections_are_served_at_once(simulator: Simulator) -> None:
    callers = [Caller(simulator.url, START) for _ in range(20)]
    threads = [threading.Thread(target=c.get, args=(RUNNING,)) for c in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    for c in callers:
        c.close()
    assert simulator.calls.counts == {(GET, "OK"): 20}


def chunked(body: bytes, size: int, end: bytes = b"0\r\n\r\n") -> bytes:
    pieces = [body[i : i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + end


POST = b"POST / HTTP/1.1\r\nHost: h\r\n"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (
            POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"x" * MAX_BODY + b"x", 65_536),
            413,
        ),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (POST + b"Content-Length: -1\r\n\r\n", 400),
        (POST + b"Content-Length: 99999999\r\n\r\n", 413),
        # As much as is read before the limit is noticed: more would be answered by a reset.
        (b"GET / HTTP/1.1\r\nx: ".ljust(HEAD_LIMIT + 4, b"y"), 431),
    ],
)
def test_what_is_no_request_is_refused_and_the_connection_ends(
    simulator: Simulator, raw: bytes, status: int
) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(simulator.url).port), 5) as peer:
        peer.sendall(raw)
        answer = peer.makefile("rb").read()
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


def test_what_is_not_served_of_http_is_named(simulator: Simulator) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(simulator.url).port), 5) as peer:
        peer.sendall(POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n")
        answer = peer.makefile("rb").read()
    assert b"Transfer-Encoding" in answer.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    ("size", "end"),
    [
        (1, b"0\r\n\r\n"),
        (4096, b"0\r\n\r\n"),
        (7, b"000;name=value\r\nX-Trailer: one\r\nX-Other: two\r\n\r\n"),
    ],
)
def test_a_body_may_come_in_chunks(
    simulator: Simulator, caller: Caller, group: dict, size: int, end: bytes
) -> None:
    """As the official Node SDK sends every List."""
    expected = caller.list(**group).json["PagingInfo"]
    body = urlencode(group).encode()
    with socket.create_connection(("127.0.0.1", urlsplit(simulator.url).port), 5) as peer:
        answers = peer.makefile("rb")
        for _ in range(2):  # what follows the last chunk is the next request
            headers = signed_headers("POST", {}, body, host=caller.host, action=LIST, at=START) | {
                "transfer-encoding": "chunked"
            }
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            peer.sendall(f"POST / HTTP/1.1\r\n{lines}\r\n".encode() + chunked(body, size, end))
            assert answers.readline().startswith(b"HTTP/1.1 200 ")
            head = dict(iter(lambda: answers.readline().partition(b":")[::2], (b"\r\n", b"")))
            answer = json.loads(answers.read(int(head[b"Content-Length"])))
            assert answer["PagingInfo"] == expected


def test_a_taken_port_is_an_error_at_once(simulator: Simulator, clock: FakeClock) -> None:
    with pytest.raises(OSError, match="in use"):
        Simulator(clock=clock, port=urlsplit(simulator.url).port or 0).start()


def test_it_listens_on_this_machine_only(simulator: Simulator) -> None:
    port = urlsplit(simulator.url).port
    listening = [
        address
        for connection in psutil.Process().net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
        and (address := connection.laddr)
        and address.port == port
    ]

    assert [address.ip for address in listening] == ["127.0.0.1"]


def test_starting_twice_is_a_mistake(simulator: Simulator) -> None:
    with pytest.raises(RuntimeError):
        simulator.start()


def test_nothing_of_it_is_left_after_stopping(clock: FakeClock) -> None:
    before = threading.active_count()
    with Simulator(clock=clock) as simulator:
        caller = Caller(simulator.url, START)
        caller.get(RUNNING)
    caller.close()
    assert threading.active_count() == before


def test_the_environment_points_at_it_and_repr_shows_no_secret(simulator: Simulator) -> None:
    environment = simulator.environment()
    assert environment["WFINSPECT_ENDPOINT"] == simulator.url
    assert environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] == simulator.access_key_secret
    assert TEMPORARY_KEY.secret not in repr(TEMPORARY_KEY)
    assert TEMPORARY_KEY.security_token not in repr(TEMPORARY_KEY)
