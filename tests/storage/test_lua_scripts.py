"""Each Lua script is loaded, is tested over a real Redis, and names what it is given."""

import re
from pathlib import Path
from typing import Any

import pytest

from bridge.storage.client import close_redis, connect_redis
from bridge.storage.lua_scripts import load_script, source

ROOT = Path(__file__).parents[2]

COVERED = {
    "inbox/accept": "threads/test_messages::test_a_uuid_is_taken_once_in_a_flow_however_many_send_it_at_once",
    "inbox/add_source": "test_deletion::test_nothing_is_left_of_a_flow_and_nothing_of_another_is_touched",
    "inbox/change_message": "threads/test_changes::test_a_stream_tells_of_a_change_as_flowdock_did",
    "inbox/change_source": "flows/test_sources::test_removed_sources_are_forgotten_in_time",
    "inbox/change_flow": "flows/test_flows::test_two_changes_of_a_flow_at_once_both_stay",
    "inbox/find": "pages/test_triage::test_threads_are_filtered_by_what_they_are",
    "inbox/move_flow": "test_deletion::test_last_words_still_come_in_while_connections_end",
    "inbox/pass": "pages/test_triage::test_a_turn_is_passed_on_and_taken_until_bridge_tells_of_a_new_one",
    "inbox/triage": "threads/test_lists::test_a_triaged_thread_comes_back_when_it_should",
    "inbox/trim": "threads/test_messages::test_a_sweep_finds_old_threads_in_a_quiet_flow_and_0_is_no_bound",
    "inbox/wake": "threads/test_lists::test_a_triaged_thread_comes_back_when_it_should",
    "inbox/drop_person": "people/test_people::test_a_person_goes_with_all_that_is_about_them",
    "inbox/make_flow": "flows/test_flows::test_a_path_is_taken_once_however_many_ask_at_once",
    "inbox/put_person": "people/test_people::test_a_login_that_changed_hands_names_its_new_owner",
    "inbox/change_person": "people/test_people::test_a_name_of_ones_own_choice_stays",
    "inbox/sources_of_tokens": "api/test_messages::test_a_token_unknown_or_of_a_removed_source_is_refused",
    "inbox/use_session": "people/test_sessions::test_a_session_ends_unused_and_at_its_longest",
    "queue/acquire": "test_leases::test_a_partition_has_one_owner_however_many_ask_at_once",
    "queue/ack": "test_delivery_queue::test_messages_that_end_together_each_write_what_is_theirs_once",
    "queue/commit": "test_delivery_queue::test_deliveries_are_committed_together_in_one_step",
    "queue/dead_letter": "test_budgets::test_the_oldest_dead_letters_of_the_same_repository_make_room",
    "queue/drop": "test_delivery_queue::test_a_dead_letter_can_be_redriven_or_dropped_once",
    "queue/enqueue": "test_producer::test_each_gets_its_own_answer_in_any_partition",
    "queue/find_entries": "test_inspect::test_a_long_queue_is_read_in_steps_and_not_to_its_end",
    "queue/heartbeat": "test_leases::test_a_worker_that_is_silent_has_no_share_any_more",
    "queue/record_attempt": "test_delivery_queue::test_tries_are_kept_for_the_next_owner",
    "queue/redrive": "test_delivery_queue::test_a_dead_message_goes_back_through_the_inbox",
    "queue/release": "test_leases::test_a_released_partition_is_free_at_once",
    "queue/renew": "test_leases::test_a_lease_that_ran_out_is_renewed_if_nobody_took_the_partition",
    "storage/add_connection": "test_connections::test_one_of_two_concurrent_equal_connects_succeeds",
    "storage/all_at_once": "test_cluster::test_the_client_bounds_its_connections_and_follows_what_moves",
    "storage/compare_and_set": "test_lua_scripts::test_a_value_is_replaced_only_if_it_is_still_the_one_read",
    "storage/connections_of": "test_connections::test_connections_are_read_by_id_and_by_name",
    "storage/due_add": "test_due_queue::test_the_newest_note_is_kept_but_not_that_of_one_put_back",
    "storage/due_pop": "test_due_queue::test_due_members_are_popped_once_the_earliest_first",
    "storage/due_settle": "test_due_queue::test_a_claimed_member_is_due_again_unless_settled",
    "storage/hourly_counts": "test_delivery_log::test_digests_are_each_connections_own",
    "storage/name_repository": "test_pulls::test_the_repository_of_a_name",
    "storage/swap_account": "test_accounts::test_an_account_that_goes_leaves_no_place_in_an_index",
}
"""By script, the test that shows what it does; it lies in the room of the script."""

FILES = {
    f"{path.parents[1].relative_to(ROOT / 'bridge')}/{path.stem}": path
    for path in sorted((ROOT / "bridge").rglob("lua/*.lua"))
}
SCRIPTS = {name: path for name, path in FILES.items() if not path.stem.startswith("_")}
PARTS = FILES.keys() - SCRIPTS.keys()


def test_each_script_has_a_test_that_exists() -> None:
    assert COVERED.keys() == SCRIPTS.keys()
    for script, test in COVERED.items():
        room, (file, _, name) = script.partition("/")[0], test.partition("::")
        assert f"def {name}(" in (ROOT / "tests" / room / f"{file}.py").read_text()


def test_each_script_is_loaded_and_each_part_included() -> None:
    code = "\n".join(path.read_text() for path in sorted((ROOT / "bridge").rglob("*.py")))
    loaded = re.findall(r'load_script\(\s*[\w.]+, "bridge\.(\w+)", "(\w+)"\s*\)', code)
    assert {f"{package}/{name}" for package, name in loaded} == SCRIPTS.keys()
    included = {
        f"{name.partition('/')[0]}/{part}"
        for name, path in FILES.items()
        for part in re.findall(r"^-- include (\w+)$", path.read_text(), re.MULTILINE)
    }
    assert included == PARTS


def test_no_lua_is_written_in_python() -> None:
    for path in (ROOT / "bridge").rglob("*.py"):
        assert not re.search(r"redis\.p?call|#!lua|\bKEYS\[", path.read_text()), path


@pytest.mark.parametrize("name", SCRIPTS)
def test_keys_and_arguments_are_named_where_they_are_taken(name: str) -> None:
    for line in SCRIPTS[name].read_text().splitlines():
        assert line.startswith("local ") or not re.search(r"\b(KEYS|ARGV)\[\d", line), line


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_includes_its_parts_and_keeps_its_flags_in_front(name: str) -> None:
    package, _, stem = name.partition("/")
    text = source(f"bridge.{package}", stem)
    assert "-- include" not in text
    assert "#!" not in text.removeprefix("#!lua flags=")


async def test_a_value_is_replaced_only_if_it_is_still_the_one_read(redis_url: str) -> None:
    redis: Any = connect_redis(redis_url)
    compare_and_set = load_script(redis, "bridge.storage", "compare_and_set")
    try:
        assert await compare_and_set(keys=["value"], args=["other", "first"]) == 0
        assert await compare_and_set(keys=["value"], args=["", "first"]) == 1
        assert await compare_and_set(keys=["value"], args=["", "late"]) == 0
        await redis.expire("value", 100)
        names = ["value", "changes", "joined", "left"]
        await redis.sadd("left", "member")
        assert await compare_and_set(keys=names, args=["other", "second", "member"]) == 0
        assert await redis.exists("changes", "joined") == 0
        assert await compare_and_set(keys=names, args=["first", "second", "member"]) == 1
        assert (await redis.get("value"), await redis.get("changes")) == (b"second", b"1")
        assert (await redis.smembers("joined"), await redis.exists("left")) == ({b"member"}, 0)
        assert await redis.ttl("value") > 90
    finally:
        await close_redis(redis)
