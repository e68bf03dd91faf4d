from journey import Home

from wfinspect.simulator import DEMO_IDS, Simulator

RUNNING = DEMO_IDS[1]
ODD: dict[str, object] = {
    "Owner": {"Id": 7},
    "Tags": {"Tag": [{"Key": "team", "Value": "trade"}]},
    "BizDate": "2026-11-21",
    "UnifiedWorkflowInstanceId": 2**63,
    "ModifyTime": "just now",
}


def test_a_failure_with_fields_in_another_form_rings_and_says_what_can_not_be_read(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    simulator.set_status(RUNNING, "Running")
    with home.start(size=(120, 40)) as app:
        app.wait_for("ready|type or paste")
        app.press(*str(RUNNING), "enter")
        app.wait_for(r"dwd_trade_order_di[\s\S]*Running")
        app.press("w")
        app.wait_for("▸ 1 ")
        simulator.population.set_answer(RUNNING, ODD)
        simulator.set_status(RUNNING, "Failure")
        app.wait_for_bell()
        app.wait_for("5 fields unreadable, v shows them")
        screen = app.wait_for("✖ Failure +dwd_trade_order_di")
        line = next(n for n, text in enumerate(screen.splitlines()) if "✖ Failure" in text)
        assert app.cell(screen.splitlines()[line].index("✖"), line).fg == "ff6b6b"
        app.press("enter", "G")
        app.wait_for("Business date unreadable, v shows it")
        app.press("v")
        app.wait_for(r'"BizDate": "2026-11-21"')
        app.quit()


def test_parameters_that_can_be_read_in_two_ways_are_shown_as_they_came_as_well(
    home: Home, simulator: Simulator
) -> None:
    torn = "sql=select x where a=1 and b=2"
    simulator.population.set_answer(RUNNING, {"WorkflowParameters": torn})
    with home.start(size=(120, 40)) as app:
        app.wait_for("ready|type or paste")
        app.press(*str(RUNNING), "enter")
        app.wait_for(rf"Where a value ends is uncertain[\s\S]* {torn}")
        app.quit()
