import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import listed

from wfinspect.model import InstanceId, InstanceKey, Target
from wfinspect.simulator import DEMO_IDS
from wfinspect.watching.store import Changes, Store

ONE, TWO = DEMO_IDS[:2]
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def elsewhere(store: Store) -> Target:
    """A target with a row, beside that of the command line."""
    target = Target("prod", "cn-beijing", "dataworks.cn-beijing.aliyuncs.com")
    key = InstanceKey(target, InstanceId(ONE))
    store.save(Changes(added={key: listed(key, 5.0)}))
    return target


def test_two_accounts_never_mix(command: Command, store: Store, elsewhere: Target) -> None:
    code, _, err = command("list", "remove", str(ONE))
    assert (code, "--profile prod --region cn-beijing" in err) == (5, True)

    assert command("list", "add", f"{ONE},{TWO}")[0] == 0
    rows = json.loads(command("list", "--json")[1])
    assert [(row["id"], row["region"]) for row in rows] == [
        (ONE, elsewhere.region),
        (ONE, "cn-shanghai"),
        (TWO, "cn-shanghai"),
    ]
    assert command("list")[1].splitlines()[0].split() == [
        *("ID", "STATUS", "NAME", "READ", "PROFILE", "REGION")
    ]
    assert command("list", "remove", str(ONE))[0] == 0
    assert [row.key.target.region for row in store.rows()] == ["cn-beijing", "cn-shanghai"]


@pytest.mark.parametrize("form", ["json", "csv"])
def test_what_was_exported_is_imported_for_its_own_account(
    command: Command, store: Store, elsewhere: Target, tmp_path: Path, form: str
) -> None:
    command("list", "add", str(TWO))
    kept = [row.key for row in store.rows()]
    file = tmp_path / "list"
    file.write_text(command("list", "export", "-o", form)[1])
    store.save(Changes(removed=dict.fromkeys(kept)))

    assert command("list", "import", str(file)) == (0, "", "wfinspect: 2 added.\n")
    assert [row.key for row in store.rows()] == kept
    assert elsewhere in {key.target for key in kept}
    assert command("list", "import", str(file))[2] == (
        "wfinspect: 0 added, 2 already on the list.\n"
    )


def test_any_file_of_ids_is_imported(command: Command, store: Store, tmp_path: Path) -> None:
    file = tmp_path / "ids"
    file.write_text(f"{ONE}  # a remark\n{TWO}\n")

    assert command("list", "import", str(file))[0] == 0
    assert [row.key.id for row in store.rows()] == [ONE, TWO]


def test_a_file_can_name_no_host_for_signed_requests(
    command: Command, store: Store, tmp_path: Path
) -> None:
    file = tmp_path / "list.json"
    row = {"id": ONE, "profile": "(env)", "region": "cn-shanghai", "endpoint": "evil.example.com"}
    file.write_text(json.dumps([row]))

    code, _, err = command("list", "import", str(file))

    assert (code, "evil.example.com" in err) == (2, True)
    assert store.rows() == []
