"""How often a property is tried, in the default run and in the battery; and text made to drive a terminal."""

from hypothesis import Phase, settings
from hypothesis import strategies as st

QUICK, BATTERY = "quick", "battery"


def tried(quick: int, long: int, *, steps: int | None = None) -> settings:
    """Settings of a property that deserves more, or less, than the profile's number of examples.

    Args:
        quick: examples in the default run.
        long: examples in the battery.
        steps: of a state machine, at most; its failures are not made simpler, which takes minutes.
    """
    is_long = settings.get_current_profile_name() == BATTERY
    examples = long if is_long else quick
    if steps is None:
        return settings(max_examples=examples)
    phases = (Phase.explicit, Phase.reuse, Phase.generate)
    return settings(max_examples=examples, stateful_step_count=steps, phases=phases)


ESCAPES = [
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]0;title\x1b\\",
    "\x1b[2J\x1b[6n",
    "\x1bP$qm\x1b\\",
    "\x9b31m",
    "\x9d0;t\x9c",
    "\x0e\x0f\x05\x00\x7f\x08\r\n\t",
    "\u202ednik\u202c\u2066x\u2069\u200f\u061c",
    "\u200b\u200d\ufeff\u2060\u00ad",
    "\u2028\u2029\u0085",
    "\U000e0041\U000e007f\ue000\U000f0000\ufffe",
]
hostile = st.lists(
    st.one_of(
        st.sampled_from(ESCAPES),
        st.characters(),
        st.characters(categories=("Cc", "Cf", "Cs", "Co", "Mn", "Zs", "Lo")),
    ),
    max_size=30,
).map("".join)


NAMES = [
    "Id", "Name", "Status", "Type", "EnvType", "WorkflowId", "WorkflowTaskInstanceId",
    "UnifiedWorkflowInstanceId", "ProjectId", "BizDate", "StartedTime", "FinishedTime",
    "CreateTime", "ModifyTime", "Owner", "CreateUser", "ModifyUser", "WorkflowParameters",
]  # fmt: skip


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(st.characters(), max_size=12),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


FIELDS = st.dictionaries(st.sampled_from([*NAMES, "Tags", "New"]), ODD, max_size=20)
