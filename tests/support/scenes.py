"""Snapshots made by hand: the states of the screen that matter."""

from datetime import datetime, timedelta

from fakes import START, instance, key, ms
from values import replace

from wfinspect.lateness import Run, compare
from wfinspect.model import InstanceId, Progress, Tag, Target, TaskInstance, Transition
from wfinspect.watching.api import Contact, Health, Outlook, Row, Snapshot, Trouble

FAILED = 10432987165
TRADE = 10433001244


def ago(**span: float) -> datetime:
    return START - timedelta(**span)


def row(number: int, status: str, **fields: object) -> Row:
    """A watched, live row read just now; fields of Row by their names, the rest are the instance's."""
    names = set(Row._fields)
    of_row = {name: fields.pop(name) for name in list(fields) if name in names}
    found = instance(number, status, **fields)
    values = {"instance": found, "read_at": START, "is_watched": True, "is_live": True} | of_row
    return Row(**({"key": key(number)} | values))  # type: ignore[arg-type]


def change(number: int, before: str, after: str, at: datetime) -> Transition:
    return Transition(
        key(number), "", before, after, at, seen_after=at - timedelta(seconds=15), seen_by=at
    )


def failed_row(**fields: object) -> Row:
    return row(
        FAILED,
        "Failure",
        name="ads_user_profile_daily",
        workflow_id=2261034,
        workflow_task_instance_id=55021998312,
        unified_workflow_instance_id=10432987000,
        started_time=ms(ago(minutes=43, seconds=12)),
        finished_time=ms(ago(minutes=2)),
        create_time=ms(ago(minutes=50)),
        modify_time=ms(ago(minutes=2)),
        owner="1823556600124410",
        create_user="1823556600124410",
        modify_user="1823556600124410",
        workflow_parameters='{"bizdate":"20260917","cyctime":"20260918004500",'
        '"region_list":["cn","sg","us"],"retry_max":3,'
        '"source_table":"ods_user_behavior_di","target_table":"ads_user_profile_daily"}',
        tags=(Tag("team", "growth"), Tag("sla", "p1"), Tag("cost", "ads")),
        **{
            "is_unseen": True,
            "last_change": change(FAILED, "Running", "Failure", ago(minutes=2)),
        }
        | fields,
    )


def mixed_rows() -> tuple[Row, ...]:
    return (
        row(
            10432980001,
            "Success",
            name="ods_user_login_di",
            started_time=ms(ago(hours=3, minutes=38)),
            finished_time=ms(ago(hours=3)),
        ),
        row(TRADE, "Running", name="dwd_trade_order_di", started_time=ms(ago(minutes=67))),
        row(10433007781, "WaitTime", name="ods_pay_bill_di", modify_time=ms(ago(minutes=3))),
        failed_row(),
        row(10433001250, "Running", name="dws_shop_uv_hh", started_time=ms(ago(minutes=12))),
        row(
            10433007802,
            "Checking",
            name="ads_gmv_board_hh",
            started_time=ms(ago(minutes=21)),
            is_unseen=True,
            last_change=change(10433007802, "Running", "Checking", ago(minutes=1)),
        ),
        row(10433007790, "WaitResource", name="dim_sku_df", modify_time=ms(ago(minutes=9))),
        row(
            10433007791,
            "CheckingCondition",
            name="dim_店铺_商品信息_df",
            modify_time=ms(ago(minutes=4)),
        ),
        row(10433010001, "NotRun", name="dwd_item_sku_di", modify_time=ms(ago(hours=2))),
    )


def mixed() -> Snapshot:
    rows = mixed_rows()
    return Snapshot(
        rows=rows,
        health=Health(contact=Contact.LIVE, last_good_at=START, calls_today=1204),
    )


USUAL = tuple(
    Run(InstanceId(n), ms(ago(days=n)), "Success", ms(ago(days=n)), ms(ago(days=n, minutes=-20)))
    for n in range(1, 8)
)
"""Earlier runs of 20 minutes each."""


def with_outlook(
    one: Row, foremost: tuple[TaskInstance, ...] = (), *, is_old: bool = False, **counts: int
) -> Row:
    """A row of which progress and earlier runs are known."""
    assert one.instance is not None
    lateness = compare(one.instance, USUAL)
    is_late = one.is_live and one.instance.status == "Running" and lateness.is_late(START)
    progress = Progress(**({"done": 17, "failed": 1, "running": 3, "total": 23} | counts))
    return replace(one, outlook=Outlook(progress, not is_old, lateness, is_late, foremost=foremost))


def late(foremost: tuple[TaskInstance, ...] = ()) -> Snapshot:
    """One that is late, one that is not, one that settled, one that was read long ago."""
    rows = tuple(
        with_outlook(each, foremost, is_old=each.family.is_settled) for each in mixed_rows()[:5]
    )
    return replace(mixed(), rows=rows)


def history() -> tuple[Transition, ...]:
    """What the failed one has been through, newest first."""
    ran = change(FAILED, "WaitResource", "Running", ago(minutes=43, seconds=12))
    return (
        change(FAILED, "Running", "Failure", ago(minutes=2)),
        replace(ran, is_service_time=True),
        change(FAILED, "WaitTime", "WaitResource", ago(minutes=46)),
        replace(change(FAILED, "Failure", "WaitTime", ago(days=1)), is_rerun=True),
    )


def with_history() -> Snapshot:
    mine = tuple(replace(each, name="ads_user_profile_daily") for each in history())
    other = change(TRADE, "WaitTime", "Running", ago(minutes=67))
    everything = (*mine[:3], replace(other, name="dwd_trade_order_di"), mine[3])
    return replace(mixed(), history=mine, transitions=everything)


def empty() -> Snapshot:
    return Snapshot(health=Health(contact=Contact.STARTING))


def outage() -> Snapshot:
    trouble = Trouble(
        "Throttling.User",
        "The service takes no more calls for the moment (Throttling.User): it will be asked again by itself.",
        retry_at=START + timedelta(seconds=40),
    )
    read = ago(minutes=6, seconds=12)
    rows = tuple(
        r
        if r.instance and r.instance.is_settled
        else replace(r, is_live=False, read_at=read, trouble=trouble)
        for r in mixed_rows()
    )
    return replace(
        mixed(),
        rows=rows,
        health=Health(
            contact=Contact.NOT_LIVE,
            trouble=trouble,
            last_good_at=read,
            calls_today=1204,
            tasks_wait=f"not read: {trouble.cause}",
        ),
    )


def opened(**fields: object) -> Snapshot:
    """A list with what was looked up."""
    shown = Row(key(NEW), **fields)  # type: ignore[arg-type]
    return replace(mixed(), rows=(shown, *mixed_rows()))


NEW = 777000111


def loading() -> Snapshot:
    return opened(is_loading=True)


def not_found() -> Snapshot:
    sentence = "There is no workflow instance 777000111 in cn-shanghai for prod-ops: check the ID."
    return opened(trouble=Trouble("not found", sentence, retry_at=None))


def refused() -> Snapshot:
    sentence = (
        "The service refuses the access key: GetWorkflowInstance is not allowed for this user; ask "
        "for the policy AliyunDataWorksReadOnlyAccess. (RequestId 0bc1411515937635973146871e8a9f)"
    )
    return opened(trouble=Trouble("refused", sentence, START + timedelta(seconds=60)))


def no_credentials() -> Snapshot:
    sentence = (
        "No credentials were found: set ALIBABA_CLOUD_ACCESS_KEY_ID and "
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET or run `aliyun configure`; `wfinspect demo` shows the app "
        "without an account."
    )
    trouble = Trouble("no credentials", sentence, retry_at=None)
    health = Health(contact=Contact.NOT_LIVE, trouble=trouble)
    shown = Row(key(NEW), trouble=trouble)
    return Snapshot(rows=(shown,), health=health)


def gone() -> Snapshot:
    return replace(
        mixed(),
        rows=(*mixed_rows()[:3], failed_row(is_gone=True, is_live=False, read_at=ago(minutes=9))),
    )


def restored() -> Snapshot:
    """What a start paints from the store before anything is asked."""
    rows = tuple(replace(r, is_live=False, read_at=ago(hours=9)) for r in mixed_rows())
    return Snapshot(rows=rows, health=Health(contact=Contact.STARTING))


FINANCE = Target("finance", "cn-hangzhou", "dataworks.cn-hangzhou.aliyuncs.com")


def of_finance(number: int, status: str, **fields: object) -> Row:
    """A row of the other account."""
    return row(number, status, key=key(number, FINANCE), **fields)


def accounts() -> Snapshot:
    """Two accounts on one list; the keys of one of them have expired."""
    trouble = Trouble(
        "keys expired",
        "The token of profile finance has expired: renew it; it is read again by itself.",
        retry_at=START + timedelta(seconds=40),
        exit_code=4,
    )
    theirs = (
        of_finance(
            20077001301,
            "Running",
            name="fin_ledger_daily",
            started_time=ms(ago(hours=2)),
            is_live=False,
            read_at=ago(minutes=8),
            trouble=trouble,
        ),
        of_finance(20077001288, "Success", name="fin_tax_monthly", finished_time=ms(ago(hours=5))),
    )
    health = Health(Contact.NOT_LIVE, trouble, last_good_at=START, calls_today=1204)
    rows = (*theirs, *mixed_rows()[:6])
    return Snapshot(rows, health=health, troubles={FINANCE: trouble})


def hostile() -> Snapshot:
    nasty = "[$x] [ERROR] [/] [@click=a.b] [red]r[/red]"
    bad = failed_row(is_unseen=False)
    assert bad.instance is not None
    found = replace(
        bad.instance,
        name=nasty,
        type=nasty,
        owner=nasty + "\x1b]0;pwned\x07\x9b31m\u202eevil",
        workflow_parameters=f"a={nasty}\x1b[2J",
        tags=(Tag(nasty, "\x1b[31m" + nasty),),
    )
    return replace(mixed(), rows=(replace(bad, instance=found),))
