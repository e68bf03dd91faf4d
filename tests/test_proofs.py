"""What is promised and what proves it; short versions of the benchmarks, the long ones as batteries."""

import re
import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest
from day import share, spend_a_day
from soak import SCENARIOS, soak

BENCHMARKS = Path(__file__).parent / "benchmarks"


PROOFS = {
    "a failure, lost contact and its return ring by themselves, in a real terminal": (
        "journeys/test_a_failure_rings.py::test_a_failure_rings_and_notifies_with_no_key_pressed",
        "journeys/test_an_outage_is_told_from_our_own_limits.py::test_an_outage_marks_every",
        "journeys/test_a_terminal_that_stood_still.py::test_a_failure_while_the_link_stood_still",
        "watching/test_api.py::test_a_snapshot_that_differs_in_anything_but_counts_differs",
    ),
    "an end that stays visible for two intervals is told exactly once": (
        "test_proofs.py::test_every_end_that_stays_visible_is_told_once",
        "watching/test_watchlist.py::test_every_end_of_a_run_that_stays_visible",
        "watching/test_watch_machine.py::WatchMachine",
    ),
    "never backward, never invented; a bad answer changes nothing": (
        "watching/test_watch_machine.py::WatchMachine",
        "dataworks/test_bad_answers.py::test_no_answer_without_a_state_changes_what_is_known",
        "watching/test_watchlist.py::test_an_answer_older_than_what_is_held_changes_nothing",
    ),
    "after an outage, a stop or kill -9 the present is shown, and what changed meanwhile": (
        "watching/test_watchlist.py::test_what_changed_in_an_absence_is_told_once_with_its_gap",
        "watching/test_engine.py::test_what_changed_since_the_last_time_is_unseen",
        "ui/test_driver.py::test_a_bare_stop_is_repaired_on_continuing",
        "watching/test_watch_machine.py::WatchMachine",
    ),
    "it is always visible how old the data is": (
        "watching/test_engine.py::test_old_values_are_marked_by_the_clock_alone",
        "watching/test_watchlist.py::test_what_changed_in_an_absence_is_told_once_with_its_gap",
        "journeys/test_an_outage_is_told_from_our_own_limits.py::test_an_outage_marks_every",
        "ui/test_status_text.py::test_not_live_and_its_cause_are_never_shed",
        "watching/test_poller.py::test_nothing_counts_as_live_while_the_poller_hangs",
    ),
    "a crash shows no secret": ("ui/test_crash_sites.py::test_a_bug_leaves_no_secret_behind",),
    "no secret in a log, a file, an argument or a child's environment": (
        "ui/test_crash_sites.py::test_a_bug_leaves_no_secret_behind",
        "test_redaction.py::test_neither_the_log_nor_a_crash_report_holds_a_secret_that_was_used",
        "dataworks/test_client.py::test_no_secret_reaches_a_log_a_text_or_a_traceback",
        "watching/test_notifications.py::test_no_key_reaches_the_command",
        "dataworks/test_transport.py::test_tls_is_verified_modern_and_leaves_no_keys_behind",
    ),
    "text from outside can't drive a terminal": (
        "ui/test_painting.py::test_no_widget_lets_a_sequence_out",
        "test_format.py::test_no_code_point_reaches_a_terminal_unless_it_is_drawn",
        "ui/test_hostile_text.py::test_no_control_from_outside_reaches_the_terminal",
        "commands/test_output.py::test_hostile_text_is_made_visible_in_every_form_for_people",
    ),
    "polling survives cancelled calls": (
        "dataworks/test_transport.py::test_callers_that_are_cancelled_at_any_moment_leave_the_pool_whole",
        "dataworks/test_transport.py::test_a_stuck_pool_is_replaced_at_once",
    ),
    "a frozen terminal does not stop the watch": (
        "journeys/test_a_terminal_that_stood_still.py::test_a_failure_while_the_link_stood_still",
        "ui/test_stalled_app.py::test_ctrl_s_holds_nothing_up",
        "benchmarks/hardship.py",
    ),
    "the terminal is left as it was": (
        "ui/test_driver.py::test_a_signal_ends_it_in_order",
        "ui/test_driver.py::test_a_job_stops_and_is_continued_with_a_full_repaint",
        "ui/test_crash_sites.py::test_a_bug_leaves_no_secret_behind",
        "test_redaction.py::test_neither_the_log_nor_a_crash_report_holds_a_secret_that_was_used",
        "benchmarks/hardship.py",
    ),
    "calls stay within rate and budget, and the count shown is true": (
        "watching/test_schedule.py::test_no_second_holds_more_than_two_calls",
        "test_proofs.py::test_a_small_budget_is_kept_for_a_day_and_the_count_is_true",
        "benchmarks/day.py",
    ),
    "an outage is not made worse": (
        "watching/test_engine.py::test_ten_minutes_of_outage_cost_at_most_forty_calls",
        "watching/test_schedule.py::test_throttling_obeys_the_service_and_holds_back_everybody",
        "watching/test_schedule.py::test_clients_that_lost_a_service_together_do_not_come_back",
    ),
    "what was acknowledged survives kill -9": (
        "test_proofs.py::test_nothing_acknowledged_is_lost_to_kill_9",
        "benchmarks/kills.py",
        "benchmarks/disk.py",
    ),
    "of several processes none loses another's edits": (
        "watching/test_store_machine.py::StoreMachine",
        "test_proofs.py::test_no_edit_is_lost_among_eight_processes",
        "watching/test_engine.py::test_what_another_process_adds_and_removes_appears",
        "benchmarks/edits.py",
    ),
    "a full, locked or read-only disk does not stop the watch": (
        "watching/test_failing_disk.py::test_a_write_that_fails_anywhere_is_one_sentence_and_is_made_up",
        "watching/test_failing_disk.py::test_the_watch_goes_on_while_the_disk_is_full_and_is_saved",
        "watching/test_store.py::test_a_locked_file_is_one_sentence",
        "watching/test_engine.py::test_without_a_store_the_watch_goes_on_and_says_so",
        "benchmarks/disk.py",
    ),
    "a damaged file is survived and kept": (
        "watching/test_damage.py::test_flipped_bits_are_survived_and_kept",
        "watching/test_damage.py::test_a_file_cut_short_anywhere_is_survived_and_kept",
        "watching/test_damage.py::test_a_file_of_a_gibibyte_costs_no_more_than_two_seconds_of_a_start",
        "watching/test_store.py::test_a_damaged_file_is_set_aside_and_a_new_one_begun",
        "watching/test_store.py::test_a_file_damaged_while_it_is_open_is_set_aside",
    ),
    "a wrong clock locks nobody out": (
        "dataworks/test_client.py::test_however_the_clock_is_set_each_call_works_with_one_more_at_most",
        "dataworks/test_client.py::test_a_refused_date_is_corrected_with_one_more_call",
        "dataworks/test_client.py::test_the_services_clock_is_learnt_from_answers_over_tls_only",
    ),
    "keys are renewed in time, and by one look-up at a time": (
        "dataworks/test_library.py::test_temporary_keys_are_renewed_in_time_and_no_more_often",
        "dataworks/test_credentials.py::test_many_callers_at_once_make_one_look_up",
        "dataworks/test_credentials.py::test_keys_that_cannot_be_renewed_are_used_until_the_service",
    ),
    "a network that comes back is used, and hung names stop nothing": (
        "dataworks/test_transport.py::test_hung_look_ups_share_one_thread_and_stop_nothing_else",
        "dataworks/test_transport.py::test_a_service_that_has_moved_is_found_at_its_new_address",
        "watching/test_poller.py::test_it_stops_though_a_call_hangs_for_ever",
        "benchmarks/faults.py",
        "benchmarks/link.py",
    ),
    "a kept connection that dies is not noticed, and no nonce is used twice": (
        "dataworks/test_transport.py::test_a_kept_connection_that_dies_when_used_again_is_not_noticed",
        "dataworks/test_transport.py::test_however_long_a_server_keeps_connections_no_poll_fails",
        "dataworks/test_signing.py::test_each_attempt_gets_a_new_date_and_nonce",
        "dataworks/test_signing.py::test_a_million_attempts_have_a_million_nonces",
    ),
    "no request hangs": (
        "dataworks/test_transport.py::test_no_call_outlasts_its_deadline_or_holds_up_another",
        "dataworks/test_transport.py::test_a_network_fault_is_transient",
        "dataworks/test_any_bytes.py::test_any_bytes_are_one_of_our_errors",
    ),
    "TLS always, plain HTTP to loopback alone, proxies and authorities explained": (
        "dataworks/test_transport.py::test_a_certificate_that_does_not_verify_is_permanent_and_explained",
        "dataworks/test_transport.py::test_loopback_is_never_sent_through_a_proxy",
        "dataworks/test_endpoints.py::test_plain_http_is_for_loopback_literals_only",
        "dataworks/test_transport.py::test_the_proxy_for_https_is_found",
        "dataworks/test_transport.py::test_no_proxy_exempts_names_subdomains_and_addresses",
        "dataworks/test_transport.py::test_a_proxy_that_cannot_be_used_is_named_without_its_value",
        "dataworks/test_transport.py::test_any_proxy_can_be_opened_or_is_told",
        "dataworks/test_transport.py::test_authorities_that_are_not_there_are_named",
        "dataworks/test_behind_a_proxy.py::test_a_fault_of_the_proxy_is_told_as_the_proxys",
        "dataworks/test_behind_a_proxy.py::test_doctor_finds_a_fault_of_the_proxy_even_without_a_key",
        "dataworks/test_behind_a_proxy.py::test_a_password_that_is_not_encoded_is_told_without_a_part_of_it",
    ),
    "no answer eats memory or time": (
        "dataworks/test_bombs.py::test_an_answer_made_to_hurt_is_a_sentence_or_a_reading",
        "dataworks/test_bombs.py::test_no_answer_costs_much_memory_or_time",
        "dataworks/test_bombs.py::test_a_flood_ends_a_command_soon_and_costs_little",
    ),
    "odd answers and odd settings are shown or told, and never fatal": (
        "dataworks/test_decoding.py::test_right_names_with_any_values_give_an_instance_or_one_of_our_errors",
        "dataworks/test_failures.py::test_any_answer_becomes_one_printable_sentence",
        "test_settings.py::test_any_setting_is_taken_or_told_in_one_sentence",
        "test_parsing.py::test_any_text_gives_valid_ids_or_one_sentence",
        "test_parsing.py::test_no_text_raises_or_loses_a_character",
        "commands/test_output.py::test_jq_reads_every_character_and_number_as_the_service_sent_it",
    ),
    "the signature is the official one": (
        "dataworks/test_signing.py::test_the_official_signer_agrees_on_any_request",
        "dataworks/test_signing.py::test_vector_is_reproduced_step_by_step",
    ),
    "nothing dies silently": (
        "watching/test_poller.py::test_a_poller_that_dies_is_named_and_goes_on_with_fresh_connections",
        "watching/test_notifications.py::test_a_bug_while_telling_is_said_and_the_next_message_is_told",
        "ui/test_crash_sites.py::test_a_bug_leaves_no_secret_behind",
        "test_redaction.py::test_neither_the_log_nor_a_crash_report_holds_a_secret_that_was_used",
    ),
    "a day of running costs nothing": (
        "ui/test_churn.py::test_two_thousand_views_leave_nothing_behind",
        "ui/test_bytes.py::test_twenty_running_rows_send_at_most_2_kilobytes_a_minute",
        "benchmarks/soak.py",
    ),
    "scripts can rely on exit codes and JSON": (
        "commands/test_watch.py::test_when_it_is_over_and_with_which_code",
        "commands/test_remedies.py::test_each_code_ends_a_command_with_its_exit_code_and_what_to_do",
        "commands/test_watch.py::test_every_line_is_safe_ascii_json_and_loses_nothing",
        "commands/test_watch.py::test_a_closed_standard_output_ends_it_without_a_traceback",
        "test_cli.py::test_a_reader_that_goes_away_is_141_and_no_traceback",
        "test_cli.py::test_the_app_without_a_terminal_says_what_to_use_instead",
    ),
    "what a newer version wrote is left alone": (
        "watching/test_store.py::test_a_newer_schema_is_left_alone_and_said",
        "watching/test_store.py::test_text_of_another_version_is_no_instance",
    ),
    "a prepared state directory or config.toml gains nobody anything": (
        "dataworks/test_tampering.py::test_what_is_not_the_users_own_is_refused_with_what_to_do",
        "dataworks/test_tampering.py::test_nothing_is_written_where_others_may_have_laid_links",
        "dataworks/test_tampering.py::test_all_that_is_kept_is_for_the_user_alone_whatever_the_umask",
        "dataworks/test_tampering.py::test_settings_that_others_may_write_are_refused",
        "dataworks/test_library.py::test_a_command_is_run_by_no_shell",
        "dataworks/test_library.py::test_a_command_that_prints_without_end_is_cut_off",
        "dataworks/test_library.py::test_keys_are_not_fetched_in_the_clear_from_elsewhere",
        "watching/test_store.py::test_directory_and_file_are_private_whatever_the_umask",
        "simulator/test_server.py::test_it_listens_on_this_machine_only",
    ),
}
"""What is promised, and the tests (by the start of their names) and benchmarks that hold it to that."""


def test_every_proof_of_a_promise_is_there() -> None:
    tests = Path(__file__).parent
    missing = []
    for proof in {proof for proofs in PROOFS.values() for proof in proofs}:
        file, _, name = proof.partition("::")
        text = (tests / file).read_text("utf-8") if (tests / file).is_file() else ""
        if not re.search(rf"^(?:async )?(?:def|class) {name}" if name else ".", text, re.MULTILINE):
            missing.append(proof)

    assert missing == []


@pytest.mark.parametrize("name", [pytest.param("clean", marks=pytest.mark.battery), "all together"])
async def test_every_end_that_stays_visible_is_told_once(name: str, tmp_path: Path) -> None:
    scenario = next(each for each in SCENARIOS if each.name == name)
    outcome = await soak(scenario, 400.0, tmp_path / "state", seed=7)
    assert outcome.visible > 20
    assert (outcome.missed, outcome.doubled, outcome.backward, outcome.invented) == (0, 0, 0, 0)


def test_a_small_budget_is_kept_for_a_day_and_the_count_is_true() -> None:
    counted, shown = spend_a_day(40, members=3)
    assert 30 <= counted <= 40
    assert shown == counted


def test_two_panes_with_a_slow_service_cost_the_calls_of_one() -> None:
    alone, _ = share(1, 600.0)
    both, shown = share(2, 600.0)
    assert both <= 1.1 * alone
    assert shown == [both, both]


def held(name: str, *arguments: str) -> str:
    """What is wrong with the figures of a benchmark, "" if all are held."""
    script = [sys.executable, str(BENCHMARKS / f"{name}.py"), *arguments]
    done = subprocess.run(script, check=False, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_nothing_acknowledged_is_lost_to_kill_9() -> None:
    assert held("kills", "12") == ""


def test_no_edit_is_lost_among_eight_processes() -> None:
    assert held("edits", "10") == ""


def can_make_a_network() -> bool:
    """Whether a network namespace can be made here, and its link be taken down."""
    if not (which("ip") and which("unshare")):
        return False
    made = subprocess.run([which("unshare") or "", "-rn", "true"], check=False, capture_output=True)
    return made.returncode == 0


@pytest.mark.battery
@pytest.mark.parametrize(
    "name",
    [
        "round",
        "day",
        "soak",
        "faults",
        "kills",
        "edits",
        pytest.param("disk", marks=pytest.mark.skipif(not which("strace"), reason="no strace")),
        pytest.param(
            "link", marks=pytest.mark.skipif(not can_make_a_network(), reason="no namespaces")
        ),
    ],
)
def test_a_benchmark_holds_its_figures(name: str) -> None:
    assert held(name) == ""
