"""The threats, what stops each, and the tests that show it: the table of docs/security.md.

`python -m tests.threats` writes the document, and `tests/test_threats.py` checks it.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "security.md"
_TEST = re.compile(r"^ *(?:async )?def (test_\w+)", re.MULTILINE)
_CONTROL = re.compile(r"guarded|test_control_|the control\b", re.IGNORECASE)
BEGIN, END = "<!-- made by python -m tests.threats -->", "<!-- to here -->"


@dataclass(frozen=True)
class Threat:
    """A row; `shown_by` are tests as `path below tests::name`.

    One of them at least has a control: it shows too that the attack works where the guard is taken away. Else
    `no_control` says why.
    """

    who: str
    what: str
    stopped_by: str
    shown_by: tuple[str, ...]
    no_control: str = ""


THREATS = [
    Threat(
        "Webhook forger",
        "posts an invented delivery: without a signature, with a SHA-1 one, or with the signature of "
        "another body",
        "only HMAC-SHA256 over the raw body counts, compared in constant time; without a secret, bridge "
        "takes no delivery",
        (
            "web/endpoints/test_webhook.py::test_a_refusal_names_its_reason_and_leaves_nothing",
            "core/github/test_webhook.py::test_an_invented_signature_is_refused",
            "core/github/test_webhook.py::test_a_flipped_bit_anywhere_is_refused",
            "core/github/test_webhook.py::test_without_a_secret_everything_is_refused",
        ),
    ),
    Threat(
        "Administrator of one repository",
        "signs with its webhook's secret another repository's events, an App's events, or another "
        "webhook's ping",
        "each webhook has its own address and secret, which speak for its one repository id and for no "
        "App; *Repair* replaces both",
        (
            "attacks/test_webhooks.py::test_one_repositorys_secret_speaks_for_no_other",
            "attacks/test_webhooks.py::test_no_repositorys_webhook_speaks_for_the_app",
            "attacks/test_webhooks.py::test_another_repositorys_webhook_is_noted_by_nobodys_ping",
            "attacks/test_webhooks.py::"
            "test_repairing_replaces_address_and_secret_and_the_old_ones_open_nothing",
            "attacks/test_nothing_of_others.py::test_a_signer_of_one_repository_changes_nothing_of_another",
        ),
    ),
    Threat(
        "Author of a pull request",
        "writes markup, links, mentions, control characters or giant lines into a log or a diff",
        "both are shown as text: at most 4,000 characters in lines of at most 200, escaped as code; they "
        "tag nobody",
        (
            "core/pulls/test_job_log.py::test_a_log_is_text",
            "core/pulls/test_job_log.py::test_any_log_becomes_a_bounded_text",
            "monitor/test_readings.py::test_a_log_is_text_with_anything_in_it",
            "core/pulls/test_diffs.py::test_any_diff_is_bounded",
            "monitor/test_readings.py::test_a_small_diff_is_shown_once_and_as_text",
        ),
    ),
    Threat(
        "Server behind a link to a log",
        "makes bridge read an address in bridge's own network, or send it a token",
        "bridge reads a log without a token, and from a private network only at GitHub's own host",
        (
            "monitor/test_readings.py::test_a_log_is_not_read_from_a_private_network",
            "clients/test_session.py::test_it_connects_to_no_private_address",
            "monitor/test_readings.py::test_a_failure_is_followed_by_its_step_and_last_lines",
        ),
    ),
    Threat(
        "Administrator of one repository",
        "gives it another repository's name, so that clicks, reads and disconnects hit that one",
        "bridge believes names from GitHub and from deliveries signed with the operator's secret alone; no "
        "delivery takes a name from another repository; before a click acts, bridge asks GitHub which "
        "repository its address leads to, and leaves one with another id alone; after a rename, the links of "
        "open threads follow",
        (
            "monitor/test_merge_conflicts.py::test_open_threads_follow_their_repository_to_its_new_name",
            "attacks/test_names.py::test_a_renamed_id_merges_nothing_in_another_repository",
            "attacks/test_names.py::test_a_click_finds_out_that_another_repository_took_the_name",
            "attacks/test_names.py::test_an_address_that_stood_for_two_repositories_is_refused",
            "attacks/test_names.py::test_a_private_pull_request_is_read_for_nobody_else",
            "attacks/test_names.py::test_disconnecting_removes_no_other_repositorys_webhook",
            "attacks/test_names.py::test_a_connection_made_by_name_is_not_taken_over",
        ),
    ),
    Threat(
        "Administrator of one repository",
        "names it `../users`, so that bridge calls another part of GitHub's API",
        "a name has only letters, digits, `.`, `_` and `-`, and no part is `.` or `..`, whatever its source",
        (
            "attacks/test_names.py::test_a_name_that_means_something_else_in_an_address_is_refused",
            "attacks/test_names.py::test_no_button_is_at_an_address_made_of_dots",
            "attacks/test_names.py::test_no_path_of_githubs_api_is_made_of_dots",
        ),
    ),
    Threat(
        "Author of any text that GitHub signs",
        "posts a signed JSON body again as a form, with their own `payload` in a description",
        "a form begins with `payload=` and has that one field; JSON begins with `{`",
        ("attacks/test_webhooks.py::test_signed_json_is_taken_as_no_form",),
    ),
    Threat(
        "Replaying network",
        "sends a recorded webhook delivery again",
        "a delivery id is accepted once, for longer than GitHub can redeliver; so is a body, under any id",
        (
            "attacks/test_webhooks.py::test_a_recorded_delivery_is_not_taken_again_under_another_id",
            "web/endpoints/test_webhook.py::test_a_delivery_is_taken_once",
            "queue/test_delivery_queue.py::test_a_delivery_id_is_taken_once_however_many_send_it_at_once",
        ),
    ),
    Threat(
        "Replaying network",
        "sends a recorded click again, to the same or another button",
        "a FLOWDOCK-TOKEN works once, is bound to its body and address, and expires within minutes",
        (
            "web/endpoints/test_actions.py::test_a_token_serves_once_also_when_sent_many_times_at_once",
            "core/security/test_flowdock_token.py::test_a_click_on_one_button_does_not_serve_for_another_address",
            "core/security/test_flowdock_token.py::test_a_flipped_bit_in_the_body_is_refused",
        ),
    ),
    Threat(
        "Click forger",
        "makes a FLOWDOCK-TOKEN: unsigned, with another algorithm, with a guessed secret, or without an "
        "expiry",
        "only HS256 with the application's secret counts; `exp`, `sub` and the signature are required",
        (
            "core/security/test_flowdock_token.py::test_a_token_that_proves_nothing_is_refused",
            "web/endpoints/test_actions.py::test_another_algorithm_is_refused",
        ),
    ),
    Threat(
        "Malicious pull request author",
        "writes markup, scripts, styles, forms or tracking pictures into a title, body, label or branch",
        "text is escaped, Markdown is sanitised by an allow-list, and pictures become links; by the pages' "
        "Content-Security-Policy, only bridge's own script files run, and without an inbox none",
        (
            "core/messages/test_markdown.py::test_no_evasion_gets_through",
            "core/messages/test_thread_markup.py::test_no_markup_gets_into_a_thread",
            "core/messages/test_thread_markup.py::test_no_markup_gets_through_a_description",
            "core/messages/test_description.py::test_html_of_another_renderer_is_not_shown",
            "web/auth/test_linking.py::test_pages_are_safe_to_show",
        ),
    ),
    Threat(
        "Malicious pull request author",
        "pushes between the look and the click, so that other commits are merged or approved",
        "the click names the commit that the thread showed, and GitHub refuses any other",
        (
            "web/endpoints/test_merging.py::test_a_push_that_the_thread_did_not_show_is_not_merged",
            "web/endpoints/test_merging.py::test_a_push_at_the_last_moment_is_not_merged",
            "web/endpoints/test_every_action.py::test_approve_approves_the_commit_that_the_thread_showed",
        ),
    ),
    Threat(
        "Flow member",
        "clicks as someone else, or through a GitHub account that is not theirs",
        "a click acts as the user whom Flowdock's signature names, with the account that this user linked",
        (
            "core/security/test_flowdock_token.py::test_a_token_that_proves_nothing_is_refused",
            "web/endpoints/test_actions.py::test_an_unlinked_user_is_challenged_as_the_seed_says",
            "web/auth/test_linking.py::test_somebody_elses_claim_is_refused",
        ),
    ),
    Threat(
        "Linked user of another team",
        "opens or changes a connection, or its deliveries, of a flow that they are not in",
        "bridge asks Flowdock each time, as that person; a foreign connection looks as if it did not exist",
        (
            "web/test_permissions.py::test_each_sees_and_does_what_is_theirs",
            "web/test_permissions.py::test_every_address_is_in_the_table",
            "web/pages/test_connection.py::test_an_unknown_connection_and_a_foreign_one_look_the_same",
            "web/pages/test_connection.py::test_a_person_who_left_the_flow_changes_nothing",
        ),
    ),
    Threat(
        "Linked user of another team",
        "connects a repository that they do not administer, or that GitHub does not show them",
        "bridge asks GitHub as that person for each chosen repository, at that moment; people who are not "
        "administrators get a link for one, with a GitHub App too",
        (
            "web/pages/test_setup.py::test_another_flows_repository_list_is_not_believed",
            "connections/test_connect.py::test_only_an_administrator_connects_a_repository",
            "attacks/test_handover.py::test_a_reader_connects_a_repository_to_their_own_flow",
            "attacks/test_handover.py::test_a_form_that_claims_the_right_connects_nothing",
        ),
    ),
    Threat(
        "Holder of a link for an administrator",
        "connects or declines a repository that they do not administer, or uses the link twice",
        "at the sign-in and at the answer, bridge asks GitHub by the repository's id, as the person who "
        "signed in; a link works once and expires after three days; only its holders see its content",
        (
            "attacks/test_handover.py::"
            "test_a_link_is_opened_by_somebody_who_does_not_administer_the_repository",
            "web/auth/test_handover.py::test_a_person_who_is_no_administrator_is_told_so_and_the_link_stays",
            "web/auth/test_handover.py::test_a_link_serves_once",
            "web/auth/test_handover.py::test_an_unknown_link_tells_nothing",
            "web/auth/test_handover.py::test_the_log_does_not_name_the_link",
        ),
    ),
    Threat(
        "Attacker of an administrator",
        "makes the administrator's browser agree: by another site's form, a sign-in begun elsewhere, or "
        "another link's form",
        "the sign-in's state is sealed in a cookie of that browser; the answer is a POST with a one-time "
        "value for this one link; before it, a page names the asker, the flow, the repository and the "
        "account",
        (
            "attacks/test_handover.py::test_another_site_sends_the_form_from_an_administrators_browser",
            "attacks/test_handover.py::test_an_administrator_is_sent_to_a_sign_in_that_the_attacker_began",
            "attacks/test_handover.py::"
            "test_the_attackers_own_answer_is_not_taken_in_an_administrators_browser",
            "attacks/test_handover.py::test_the_owner_of_a_link_cannot_change_between_question_and_answer",
            "attacks/test_handover.py::test_the_link_leads_nowhere_else",
        ),
    ),
    Threat(
        "Former member of a flow",
        "has their link answered after they left, or for a repository that has become another one",
        "bridge asks Flowdock with the asker's token, and GitHub for the repository under the name that "
        "was shown; if either says no, it connects nothing",
        (
            "web/auth/test_handover.py::test_the_asker_must_still_be_in_the_flow",
            "web/auth/test_handover.py::test_one_that_changes_under_the_button_is_not_connected",
        ),
        no_control="connecting needs Flowdock's answer: without the question, nothing is connected",
    ),
    Threat(
        "Thief of an administrator's token",
        "takes the token from bridge after they connected a repository",
        "the token is encrypted until the answer, and then revoked; if something is left to roll back, as "
        "soon as that is done",
        (
            "web/auth/test_handover.py::test_nothing_of_the_administrators_is_kept",
            "web/auth/test_handover.py::test_a_failed_rollback_keeps_the_token_until_it_succeeds",
            "web/auth/test_handover.py::test_before_the_sign_in_nothing_is_stored",
        ),
    ),
    Threat(
        "Reader of the deliveries page",
        "looks for secrets in failed deliveries and their reasons",
        "text that looks like a secret is masked; only GitHub shows payloads, and only to administrators",
        ("core/security/test_redaction.py::test_no_planted_secret_survives",),
        no_control="the test is of the guard itself: without it, the text is unchanged",
    ),
    Threat(
        "Person with the same id on another server",
        "after a move on the same Redis, acts with the linked account, or owns the inbox, of the person "
        "who had the same id on the former Flowdock server or GitHub",
        "Redis is bound to the servers of its first start; with others, bridge does not start",
        (
            "storage/test_servers.py::test_a_move_to_another_server_gives_nobody_anothers_account",
            "storage/test_servers.py::test_redis_stays_bound_to_its_first_servers",
        ),
    ),
    Threat(
        "Thief of a cookie",
        "plants a cookie, or keeps one",
        "HttpOnly, Secure, SameSite=Lax; a new secret at each sign-in; a session ends after 8 hours; "
        "signing out ends it in Redis",
        (
            "web/auth/test_sessions.py::test_a_planted_cookie_never_becomes_a_session",
            "web/auth/test_sessions.py::test_signing_out_ends_the_session_here_and_in_redis",
            "web/auth/test_sessions.py::test_the_cookies_are_for_this_site_alone",
            "web/auth/test_linking.py::test_over_https_the_cookie_is_secure",
        ),
    ),
    Threat(
        "Thief of a Redis dump",
        "reads tokens, claims or sessions, or moves a token to another user's name",
        "AES-256-GCM with a key that is not in Redis, bound to the value's place; Redis has only hashes of "
        "cookies",
        (
            "web/auth/test_linking.py::test_no_secret_lies_open_in_redis_or_in_a_page",
            "web/auth/test_sessions.py::test_no_secret_of_a_session_lies_open_in_redis_the_log_or_a_page",
            "core/security/test_encryption.py::test_a_value_moved_to_another_place_does_not_open",
            "connections/test_rollback.py::test_intents_lie_encrypted_and_end_after_a_day",
            "attacks/test_secrets.py::test_after_a_whole_story_no_secret_lies_open_in_redis",
            "cli/test_rotate_keys.py::test_after_a_whole_story_nothing_sealed_is_left_with_the_old_key",
        ),
    ),
    Threat(
        "Reader of logs",
        "finds tokens, codes, claims or secrets in logs, metrics, errors, addresses or referrers",
        "nothing secret is logged; queries and malformed requests stay out of the log; a token that "
        "Flowdock repeats is masked; pages send no referrer; the whole test suite fails if a secret is "
        "printed",
        (
            "attacks/test_secrets.py::test_no_secret_is_printed_shown_or_sent_along",
            "attacks/test_secrets.py::test_making_an_app_shows_none_of_its_secrets",
            "attacks/test_log_lines.py::test_a_secret_in_an_address_is_masked_however_it_is_spelt",
            "attacks/test_log_lines.py::test_the_log_quotes_no_malformed_request",
        ),
    ),
    Threat(
        "Former holder of a secret",
        "goes on using it",
        "every secret can be replaced without downtime, and the old one then opens nothing",
        (
            "cli/test_rotation.py::test_every_secret_is_replaced_while_bridge_is_in_use",
            "cli/test_rotation.py::test_a_signature_of_another_secret_is_refused",
        ),
    ),
    Threat(
        "Hostile flow_url or source_url",
        "makes bridge send a token to another host",
        "bridge ignores the host in the address, and calls only the configured hosts",
        (
            "web/pages/test_setup.py::test_signing_in_leads_back_and_the_token_goes_to_flowdock_alone",
            "web/pages/test_connection.py::test_every_spelling_leads_there_and_the_host_is_ignored",
        ),
        no_control="nothing reads the host, so there is nothing to take away",
    ),
    Threat(
        "Open redirect",
        "sends a victim through bridge's sign-in to another site",
        "the sign-in returns only to paths of bridge's own",
        ("web/auth/test_sessions.py::test_no_sign_in_leads_to_another_site",),
    ),
    Threat(
        "Cross-site request",
        "makes a victim's browser send a form: connect, disconnect, unlink, retry, sign out",
        "each form has a value made from its session, compared in constant time",
        (
            "web/test_permissions.py::test_no_form_is_taken_from_another_site",
            "web/auth/test_sessions.py::test_a_form_without_its_sessions_own_value_changes_nothing",
        ),
    ),
    Threat(
        "Cross-site request at an OAuth step",
        "feeds a victim's browser a callback with the attacker's code, or steals one",
        "each step has a one-time state that is bound to the browser; PKCE (S256) with GitHub; a POST at "
        "the end",
        (
            "web/auth/test_linking.py::test_a_state_of_another_browser_is_refused",
            "web/auth/test_linking.py::test_a_callback_out_of_nowhere_is_refused",
            "web/auth/test_linking.py::test_the_oauth_requests_carry_state_and_pkce",
            "web/auth/test_sessions.py::test_nobody_is_signed_in_by_an_answer_that_another_browser_asked_for",
            "web/pages/test_github_app.py::test_a_state_is_this_browsers_own",
        ),
    ),
    Threat(
        "Claim fixation",
        "sends a victim the link of their own claim, so that the victim's GitHub account is linked to the "
        "attacker's clicks",
        "in the victim's browser, Flowdock must name the claim's user; a page names both people before "
        "anything is linked; a claim works once",
        (
            "web/auth/test_linking.py::test_somebody_elses_claim_is_refused",
            "web/auth/test_linking.py::test_a_used_claim_is_refused_in_another_browser",
            "web/auth/test_linking.py::test_the_confirmation_needs_the_pages_own_value",
        ),
    ),
    Threat(
        "Tampered consent",
        "narrows or widens the scopes that GitHub grants",
        "bridge checks the granted scopes before it links; if there are too few, it revokes the token",
        ("web/auth/test_linking.py::test_too_few_scopes_are_refused_and_the_token_given_back",),
    ),
    Threat(
        "Stranger at the installation",
        "creates a GitHub App in the operator's place, or reads the metrics",
        "SETUP_SECRET or METRICS_TOKEN, each for its own page; while there is no App, also the first "
        "owner's address; without a secret, only the machine itself, without a proxy",
        (
            "web/pages/test_github_app.py::test_without_a_secret_it_opens_at_the_machine_alone",
            "web/pages/test_github_app.py::test_a_wrong_secret_opens_nothing",
            "inbox/test_admission.py::test_the_first_owners_address_opens_the_page_that_makes_the_app_and_no_other_"
            "invitation_does",
            "inbox/test_admission.py::test_the_first_owners_address_does_not_replace_an_app",
            "web/endpoints/test_health.py::test_metrics_are_for_this_machine_alone",
        ),
    ),
    Threat(
        "Flooder",
        "opens thousands of slow connections, sends huge bodies, or sends requests without end",
        "headers, bodies and requests are limited in size and time; the proxy in front limits connections",
        (
            "web/http/test_wire.py::test_headers_that_never_end_are_hung_up_on",
            "web/http/test_wire.py::test_a_body_that_never_ends_is_answered_and_hung_up_on",
            "web/http/test_wire.py::test_few_large_bodies_are_read_at_once",
            "web/http/test_rate_limit.py::test_pages_are_limited_by_address",
            "web/http/test_rate_limit.py::test_clicks_are_limited_by_user_wherever_they_come_from",
        ),
    ),
    Threat(
        "Administrator of one repository",
        "floods bridge with large signed deliveries, so that Redis has no room for others'",
        "bridge counts the waiting bytes of each repository and of all; a repository over its budget gets "
        "503, and others go on; a message or snapshot larger than any of GitHub's is refused",
        (
            "attacks/test_budgets.py::test_one_who_signs_for_one_repository_fills_the_queue",
            "attacks/test_budgets.py::test_many_repositories_together_fill_the_queue",
            "queue/test_budgets.py::test_the_counted_bytes_are_those_in_redis_after_any_steps",
            "queue/test_budgets.py::test_only_the_repository_over_its_budget_is_refused_of_a_write",
            "queue/test_kept.py::test_a_value_larger_than_any_of_github_is_not_written",
            "queue/test_kept.py::test_where_far_too_many_messages_wait_a_delivery_makes_no_more",
        ),
    ),
    Threat(
        "Administrator of one repository",
        "invents pull requests, commits and delivery ids that bridge remembers for months",
        "each repository has a budget for pull requests and commits, and loses its own oldest; its "
        "deliveries a day are limited",
        (
            "attacks/test_budgets.py::test_one_fills_redis_with_invented_pull_requests",
            "queue/test_kept.py::test_a_full_repository_forgets_the_pull_request_written_longest_ago",
            "queue/test_kept.py::test_a_repository_sends_so_many_a_day_and_others_and_tomorrow_are_no_matter",
        ),
    ),
    Threat(
        "Administrator of one repository",
        "makes thousands of deliveries fail, to push out others' dead letters or to fill Redis",
        "each repository has a budget for dead letters, and loses its own oldest; a large one keeps only "
        "its header",
        (
            "attacks/test_budgets.py::test_one_who_signs_for_one_repository_buries_the_dead_letters_of_others",
            "attacks/test_budgets.py::test_one_fills_redis_with_large_dead_letters",
            "queue/test_budgets.py::test_where_there_are_too_many_the_repository_with_most_loses_its_oldest",
        ),
    ),
    Threat(
        "Flooder",
        "sends compressed bodies, a few bytes of which keep a process busy for seconds",
        "bridge answers any Content-Encoding with 415, on every route, and inflates nothing",
        (
            "attacks/test_strangers.py::test_a_compressed_body_is_refused_before_a_byte_of_it_is_inflated",
            "attacks/test_strangers.py::test_a_flood_of_compressed_bodies_holds_up_no_delivery",
            "attacks/test_strangers.py::test_no_address_waits_for_a_compressed_body",
        ),
    ),
    Threat(
        "Signer of deliveries",
        "sends bodies of 25 MiB that take gigabytes of memory, or seconds of the event loop",
        "bridge counts a document's values before it decodes them, and repairs only short documents; it "
        "processes large bodies in a thread, few at once, and decompresses them one at a time",
        (
            "attacks/test_large_bodies.py::test_a_delivery_is_answered_while_a_large_one_is_worked_on",
            "attacks/test_large_bodies.py::test_a_body_that_would_decode_to_a_mountain_is_refused_first",
            "attacks/test_large_bodies.py::test_without_the_bounds_it_is_made",
            "attacks/test_large_bodies.py::test_a_worker_unpacks_one_mountain_at_a_time",
        ),
    ),
    Threat(
        "Stranger without a session",
        "begins sign-ins without end, to fill Redis",
        "before a sign-in, Redis stores nothing: the state is in a sealed cookie, which expires and works "
        "once",
        (
            "attacks/test_before_sign_in.py::test_nothing_is_stored_for_a_stranger",
            "attacks/test_before_sign_in.py::"
            "test_only_what_bridge_sealed_for_a_sign_in_is_believed_and_only_in_time",
            "attacks/test_before_sign_in.py::test_a_way_back_is_no_longer_than_any_page_of_bridges",
        ),
    ),
    Threat(
        "Stranger without a session",
        "sends requests from endless addresses, or claims other addresses in X-Forwarded-For",
        "each /48 has a limit, and so have all strangers together; only the last address counts, which the "
        "proxy itself adds",
        (
            "attacks/test_before_sign_in.py::test_a_network_of_many_addresses_is_one_client",
            "attacks/test_before_sign_in.py::test_strangers_together_leave_room_for_signed_in_users",
            "attacks/test_proxies.py::test_a_client_chooses_no_address",
        ),
    ),
    Threat(
        "Stranger at the installation",
        "passes for the operator: through a proxy on bridge's own machine, or with a scraper's token",
        "a request with any header of a proxy, or over HTTP/1.0, does not count as the machine's own; "
        "elsewhere, only SETUP_SECRET or the first owner's address makes an operator",
        (
            "attacks/test_proxies.py::test_a_client_behind_a_proxy_is_not_local",
            "attacks/test_proxies.py::test_a_web_page_whose_name_points_to_the_machine_reads_no_metrics",
            "attacks/test_proxies.py::test_a_scrapers_token_makes_nobody_the_operator",
            "attacks/test_proxies.py::test_with_a_metrics_token_alone_the_page_is_the_machines",
        ),
    ),
    Threat(
        "Writer of logged text",
        "forges log lines, or controls a terminal, by a path, a header or a payload",
        "unprintable characters are escaped in every line and table; the lines of a traceback are indented",
        (
            "attacks/test_log_lines.py::test_nobody_writes_a_line_into_bridges_own_log",
            "attacks/test_log_lines.py::test_no_word_in_a_line_ends_it",
            "attacks/test_log_lines.py::test_no_word_in_a_traceback_looks_like_a_line",
            "attacks/test_log_lines.py::test_a_terminal_is_shown_no_control_character_either",
        ),
    ),
    Threat(
        "Former member",
        "goes on acting after their GitHub grant was revoked",
        "bridge deletes a token that GitHub refuses; a revoked App grant removes the link at once",
        (
            "web/endpoints/test_action_tokens.py::test_a_revoked_token_removes_the_link_and_challenges",
            "attacks/test_links.py::test_a_revoked_grant_unlinks_all_who_hold_it_and_nobody_else",
        ),
    ),
    Threat(
        "Webhook forger",
        "claims that someone's grant was revoked, to end their link",
        "bridge asks GitHub: a link ends if its token is refused, and stays while GitHub does not answer",
        (
            "attacks/test_links.py::test_a_false_word_that_a_grant_was_revoked_removes_no_link",
            "attacks/test_links.py::test_where_github_cannot_be_asked_the_link_is_kept_and_the_log_says_so",
        ),
    ),
    Threat(
        "Linked user of another team",
        "links the same GitHub account as someone else, links another one, or takes an abandoned login",
        "links go by GitHub's numeric id, each person's by itself; linking another account removes the "
        "former account's entries and revokes its token; a login counts only while the account has it",
        (
            "attacks/test_links.py::test_linking_anew_leaves_nothing_of_the_former_account",
            "attacks/test_links.py::test_a_github_that_does_not_answer_hinders_no_linking",
            "attacks/test_links.py::test_unlinking_ends_nobody_elses_link_to_the_same_account",
            "attacks/test_links.py::test_a_login_that_was_given_up_stands_for_nobody",
        ),
    ),
    Threat(
        "Malicious pull request author",
        "puts an address that runs a script into a check, a person, a label or the pull request itself",
        "bridge takes only http and https addresses from a payload, and checks again when it makes a link "
        "or thread",
        (
            "attacks/test_small.py::test_no_address_that_a_payload_names_runs_a_script",
            "core/test_urls.py::test_no_address_of_a_payload_reaches_a_flow_unless_it_is_a_web_pages",
        ),
    ),
    Threat(
        "Malicious pull request author",
        "mentions people to call them into a flow that they are not in",
        "bridge's own inbox tags only members of the flow; on another server, bridge tags only people whom "
        "it showed in the flow within 30 days",
        (
            "inbox/pages/test_flows.py::test_a_mention_tags_members_of_the_flow_alone_who_need_link_no_account",
            "attacks/test_small.py::test_a_comment_calls_nobody_into_a_flow_that_they_are_not_in",
            "attacks/test_small.py::test_a_person_who_left_a_flow_is_no_longer_tagged_there",
            "attacks/test_small.py::test_a_signed_in_person_is_tagged_in_their_flows_for_a_month",
        ),
    ),
    Threat(
        "Neighbour on the domain",
        "plants their own session or linking in a victim's browser",
        "over https all cookies are `__Host-` cookies, which a browser accepts only from bridge's host",
        (
            "attacks/test_small.py::test_a_cookie_that_a_neighbour_planted_is_nobodys_session",
            "web/auth/test_sessions.py::test_the_cookies_are_for_this_site_alone",
        ),
    ),
    Threat(
        "Replaying network",
        "withholds a click, and sends it for the first time much later",
        "a FLOWDOCK-TOKEN expires within five minutes, whatever it says itself",
        ("attacks/test_small.py::test_a_click_that_is_to_be_good_for_long_is_refused",),
    ),
    Threat(
        "Guesser of secrets",
        "tries to guess, offline, the secret behind a signature",
        "bridge does not start with a secret of its own that has fewer than 32 characters",
        ("attacks/test_small.py::test_bridge_does_not_start_with_a_secret_that_might_be_guessed",),
    ),
    Threat(
        "Other user of the machine",
        "reads the files of the embedded Redis",
        "its folder has mode 0700 and its files 0600, even if they existed before",
        ("attacks/test_small.py::test_nobody_else_on_the_machine_reads_what_the_embedded_redis_keeps",),
    ),
    Threat(
        "Scanner",
        "looks for installations of a version with a known fault",
        "no answer names the software that bridge runs on, not even the answer to malformed HTTP; images "
        "are pinned by digest",
        (
            "attacks/test_small.py::test_no_answer_names_what_bridge_runs_on",
            "attacks/test_small.py::test_control_aiohttp_names_what_it_runs_on",
            "deployment/test_walkthroughs.py::test_images_are_named_by_their_digests",
        ),
    ),
    Threat(
        "Stranger at the inbox",
        "signs in with a GitHub account that nobody invited, or opens any address of the inbox",
        "every page asks Redis who is signed in; only an invitation, an earlier admission or GitHub's "
        "confirmation of an organization lets an account in; bridge keeps nothing about others",
        (
            "inbox/test_admission.py::test_a_stranger_is_told_what_to_do_and_nothing_is_kept",
            "inbox/test_admission.py::test_without_the_right_to_ask_nobody_is_let_in",
            "inbox/people/test_sessions.py::test_an_invalid_cookie_opens_nothing",
            "inbox/test_permissions.py::test_each_address_admits_the_people_of_its_row",
        ),
    ),
    Threat(
        "Holder of an invitation",
        "uses it twice or for another account, after it was withdrawn, or after its maker lost the right "
        "to invite",
        "the step that stores the person uses it up; it is bound to a login if it names one, and valid "
        "while its maker is an owner; the operator's address is valid while there is no owner",
        (
            "inbox/test_admission.py::test_the_first_owner_comes_by_the_operators_address_and_it_works_once",
            "inbox/test_admission.py::test_an_invitation_that_two_people_open_at_once_admits_one",
            "inbox/test_admission.py::test_an_owner_invites_a_login_and_nobody_else_comes_in_by_it",
            "inbox/test_admission.py::test_an_invitation_ends_when_it_is_withdrawn_or_its_maker_is_no_longer_an_owner",
            "inbox/test_admission.py::test_the_log_names_no_invitation",
            "cli/test_inbox.py::test_each_start_has_an_address_of_its_own_until_somebody_owns_the_inbox",
        ),
    ),
    Threat(
        "Former colleague",
        "goes on reading after an owner removed them, or after they left the organization",
        "sessions, tokens and flows go with the person in one step, and neither the organization nor an "
        "older invitation for their login lets a removed person in again; GitHub's confirmation is valid for "
        "nine minutes, for pages and API alike, and without an answer nobody counts as a member",
        (
            "inbox/test_admission.py::test_a_removed_person_is_out_with_the_next_request_and_stays_out",
            "inbox/people/test_people.py::test_a_removal_during_a_sign_in_counts",
            "inbox/people/test_people.py::test_nobody_who_was_removed_becomes_an_owner",
            "inbox/test_admission.py::test_members_of_an_organization_come_in_for_as_long_as_they_are",
            "inbox/test_admission.py::test_an_application_too_is_out_once_its_person_has_left_the_organization",
            "inbox/test_admission.py::test_while_github_does_not_answer_its_last_answer_counts_for_minutes",
            "inbox/pages/test_people.py::test_grants_to_applications_end_with_all_sessions_and_with_the_person",
            "inbox/pages/test_people.py::test_a_removed_person_leaves_all_flows",
            "inbox/pages/test_people.py::test_bridges_own_session_ends_with_the_inboxs_and_the_other_way_round",
        ),
    ),
    Threat(
        "Attacker of someone's sign-in",
        "leads a victim's browser to the answer to the attacker's own sign-in, replays an answer, or "
        "plants a cookie first",
        "state and PKCE are sealed in the browser that began, and work once; each sign-in makes a session "
        "with a new secret, and ends the one before; `then` leads only to bridge",
        (
            "inbox/test_admission.py::test_a_state_serves_the_browser_that_began_it_and_once",
            "inbox/test_admission.py::test_the_sign_in_is_bound_by_pkce_and_asks_for_nothing_more_than_it_needs",
            "inbox/test_admission.py::test_a_planted_cookie_never_becomes_a_session",
            "inbox/test_admission.py::test_signing_in_again_ends_the_session_before",
            "inbox/test_admission.py::test_no_sign_in_leads_to_another_site",
            "inbox/pages/test_triage.py::test_a_move_leads_to_no_other_site",
        ),
    ),
    Threat(
        "Another site",
        "makes a signed-in person's browser send a form of the inbox",
        "each form has a value made from its session's secret, and forms from other sites are refused",
        (
            "inbox/people/test_sessions.py::test_a_form_must_bring_its_own_sessions_value_from_its_own_site",
            "inbox/pages/test_people.py::test_an_owners_form_needs_the_value_of_their_session",
        ),
    ),
    Threat(
        "Member of the inbox",
        "invites, makes themselves an owner, removes others, or takes the last owner's place",
        "each change checks whether the person is an owner at that moment; the last owner stays, even if "
        "two go at once",
        (
            "inbox/pages/test_people.py::test_a_member_sees_everybody_and_changes_nobody",
            "inbox/pages/test_people.py::test_owners_make_owners_and_the_last_one_stays",
            "inbox/people/test_people.py::test_one_of_two_owners_stays_when_both_go_at_once",
        ),
    ),
    Threat(
        "New holder of a login",
        "registers the GitHub login that a person of the inbox gave up",
        "a person is identified by GitHub's numeric id; the new holder of a login takes over the nick, and "
        "nothing else",
        ("inbox/people/test_people.py::test_a_login_that_changed_hands_names_its_new_owner",),
    ),
    Threat(
        "Thief of a session or token of the inbox",
        "uses it for a long time, or finds it in a dump of Redis",
        "Redis has hashes of sessions and API tokens, and GitHub's tokens encrypted; sessions end when "
        "unused, after a maximum time, and all at once; an API token does only what its person chose, and "
        "can be revoked by itself",
        (
            "inbox/people/test_sessions.py::test_a_session_ends_unused_and_at_its_longest",
            "inbox/people/test_sessions.py::test_a_session_is_of_one_person_and_ends_by_itself_or_with_all",
            "inbox/people/test_api_tokens.py::test_a_token_does_what_its_person_chose_until_they_revoke_it",
            "inbox/people/test_api_tokens.py::test_nobody_revokes_anothers_tokens_and_their_number_has_a_limit",
            "inbox/test_admission.py::test_a_members_token_is_stored_encrypted_and_rotated_to_a_new_key",
        ),
    ),
    Threat(
        "Neighbour at a browser",
        "links another person's GitHub account by the token of their sign-in",
        "linking borrows the token of the very person who clicked, once, asks GitHub whose it is, and "
        "links by a POST that names both accounts",
        (
            "inbox/test_linking.py::test_a_person_signed_in_to_the_inbox_links_by_one_press",
            "inbox/test_linking.py::test_nobody_elses_account_is_lent",
            "inbox/test_linking.py::test_a_token_that_github_ended_or_bridge_forgot_is_not_lent",
        ),
        no_control="each token is stored under its person's own key, and no request names another",
    ),
    Threat(
        "Member of another flow of the inbox",
        "reads its threads, sources and people, writes there, or goes on listening after their removal",
        "each call, page and event checks whether the person is in the flow now; if not, the flow looks as "
        "if it did not exist",
        (
            "inbox/pages/test_flows.py::test_each_visitor_gets_what_is_theirs",
            "inbox/api/test_protocol.py::test_a_flow_is_shown_to_its_members_alone",
            "inbox/api/test_sources.py::test_a_removed_person_has_no_token_and_no_flow",
            "inbox/pages/test_flows.py::test_an_open_page_gets_missed_and_new_messages",
            "inbox/pages/test_triage.py::test_my_turn_has_a_section_for_each_thing_to_do",
            "inbox/pages/test_triage.py::test_a_turn_is_passed_on_and_taken_until_bridge_tells_of_a_new_one",
            "inbox/api/test_threads.py::test_a_stream_sends_missed_and_new_messages_until_its_reader_leaves",
            "inbox/api/test_threads.py::test_a_slow_reader_gets_no_page_more_once_they_left",
        ),
    ),
    Threat(
        "Holder of a token of the inbox",
        "uses it beyond its scopes, or after its person signed out or was removed, or after its source was "
        "removed",
        "each call looks up scopes, session, person and source",
        (
            "inbox/api/test_protocol.py::test_each_call_needs_a_token_with_its_scope",
            "inbox/api/test_oauth.py::test_a_token_ends_with_the_session_that_gave_it",
            "inbox/api/test_messages.py::test_a_token_unknown_or_of_a_removed_source_is_refused",
        ),
    ),
    Threat(
        "Sender of a link to the inbox's OAuth",
        "has a code sent elsewhere, or redeems one as another application",
        "there is one registered address, compared exactly; a code works once, for its application and "
        "address",
        (
            "inbox/api/test_oauth.py::test_a_code_goes_nowhere_but_to_the_registered_address",
            "inbox/api/test_oauth.py::test_a_code_serves_its_application_alone",
            "inbox/api/test_oauth.py::test_a_code_gives_a_token_with_its_scopes_once",
        ),
    ),
    Threat(
        "Person of the inbox",
        "names a push service in a private network, or one that leads there by DNS or a redirect",
        "bridge accepts only https at the usual port of a named host, checks each address of a name as it "
        "opens the socket, and follows no redirect",
        (
            "inbox/notifications/test_subscriptions.py::test_an_endpoint_is_an_https_address_of_a_named_host",
            "inbox/notifications/test_web_push.py::test_nothing_is_pushed_to_this_machine_under_any_name",
            "inbox/notifications/test_web_push.py::test_an_answer_says_whether_to_try_again",
            "clients/test_session.py::test_it_connects_to_no_private_address",
            "core/test_urls.py::test_one_of_this_machine_or_of_a_private_network_is_not",
        ),
    ),
    Threat(
        "Push service, or a reader of its traffic",
        "reads bridge's notifications, or sends some itself",
        "the text is encrypted for the one browser, and only the holder of bridge's key, which is stored "
        "encrypted, may push to it",
        (
            "inbox/notifications/test_web_push.py::test_a_browser_is_shown_what_was_pushed",
            "inbox/notifications/test_web_push.py::"
            "test_a_push_for_another_browser_or_by_another_sender_is_refused",
        ),
    ),
    Threat(
        "Person of the inbox",
        "makes bridge mail other people, or smuggles headers and recipients into a mail",
        "an address is one mailbox without spaces, quotes or line breaks; until the person who named it "
        "confirms it, signed in, it gets one kind of mail, a few a day; no header has text of others",
        (
            "inbox/notifications/test_mail.py::test_an_address_is_one_mailbox_and_nothing_else",
            "inbox/notifications/test_mail.py::test_no_text_ends_a_header",
            "inbox/notifications/test_digest.py::test_an_address_gets_nothing_before_its_person_confirms_it",
            "inbox/notifications/test_digest.py::test_nobody_has_bridge_mail_strangers_all_day",
        ),
    ),
    Threat(
        "Reader of a mail in transit, or of a forwarded one",
        "learns the mail server's password, or acts through the mail's links",
        "bridge sends a password only over TLS with a valid certificate; a link can end the mails, or "
        "confirm the address for the person who is signed in, and do nothing else",
        (
            "inbox/notifications/test_mail.py::test_a_password_goes_over_tls_alone",
            "inbox/notifications/test_digest.py::test_one_click_ends_the_digest_without_a_sign_in",
            "inbox/notifications/test_digest.py::test_an_address_gets_nothing_before_its_person_confirms_it",
        ),
    ),
    Threat(
        "Former member, or the next user of a browser",
        "goes on reading titles and words in notifications",
        "before each one, bridge checks that the person is still in the inbox, the organization and the "
        "flow; a sign-out ends the notifications of its browser",
        (
            "inbox/notifications/test_notifier.py::"
            "test_nobody_is_notified_of_threads_they_read_may_not_read_or_silenced",
            "inbox/notifications/test_digest.py::"
            "test_no_mail_lists_threads_that_its_person_read_may_not_read_or_silenced",
            "inbox/notifications/test_notifier.py::"
            "test_a_person_keeps_their_notifications_when_their_browser_signs_in_again",
        ),
    ),
    Threat(
        "Flow member with a source of their own",
        "posts threads that look like a repository's, or buttons that act in others' names or make bridge "
        "call a private network",
        "pages and notices say that the source was added with an API token; only bridge's own source has "
        "buttons; buttons and challenges lead only to bridge's own address",
        (
            "inbox/pages/test_flows.py::test_a_members_source_does_not_pass_for_a_repository",
            "inbox/api/test_sources.py::test_only_the_application_that_made_a_source_changes_it",
            "inbox/test_clicks.py::test_a_button_leads_to_bridge_or_is_not_offered",
            "inbox/test_clicks.py::test_a_button_of_a_source_that_bridge_did_not_make_is_not_offered",
            "inbox/test_clicks.py::test_an_answer_becomes_an_outcome",
        ),
    ),
    Threat(
        "Author of any text in the inbox",
        "stores markup that runs, loads or requests something on others' pages",
        "markup is sanitised by an allow-list when it is shown; a page's scripts are bridge's own files "
        "alone",
        (
            "inbox/threads/test_markup.py::test_no_evasion_gets_through",
            "inbox/pages/test_flows.py::test_a_thread_shows_its_state_and_what_was_written",
            "inbox/pages/test_flows.py::test_the_scripts_of_every_page_are_bridges_own",
        ),
    ),
    Threat(
        "Person of the inbox",
        "creates all the flows that there may be, so that nobody else can create one",
        "a person owns at most 100 of 500",
        ("inbox/pages/test_flows.py::test_nobody_takes_all_flows",),
    ),
    Threat(
        "Member of a flow, or holder of a flow token",
        "takes a name that looks like another's, with characters that are invisible or reverse a line",
        "names of flows and sources may not have such characters; in other names, every page escapes them",
        (
            "inbox/pages/test_flows.py::test_no_name_looks_like_anothers",
            "web/pages/test_markup.py::test_no_name_hides_or_reverses_text",
        ),
    ),
    Threat(
        "Malicious pull request author",
        "titles a pull request `author:ann`, to have it listed among Ann's",
        "a filter compares whole lines, and no other text of a thread is such a line",
        ("inbox/pages/test_triage.py::test_a_title_passes_for_no_filter",),
    ),
    Threat(
        "Person of the inbox",
        "has so many notifications wait for the end of their quiet hours that nobody else gets any",
        "when there is no room, the waiting notification that is due last is dropped",
        ("inbox/threads/test_messages.py::test_nobodys_quiet_hours_keep_others_from_their_notifications",),
    ),
    Threat(
        "Author of any text in the inbox",
        "writes text that takes seconds to sanitise, at each view",
        "a text has at most as many characters as bridge's longest message",
        ("inbox/threads/test_validation.py::test_no_text_is_longer_than_can_be_shown_at_once",),
    ),
    Threat(
        "Other site in a member's browser",
        "sends one of the inbox's forms",
        "each form has a value of its session",
        ("inbox/pages/test_flows.py::test_a_form_without_the_sessions_value_changes_nothing",),
    ),
    Threat(
        "Member of a flow",
        "deletes or exports it, or takes its owners' place",
        "each change needs an owner; deleting needs the flow's typed name; the last owner stays, even if "
        "two leave at once",
        (
            "inbox/pages/test_flows.py::test_each_visitor_gets_what_is_theirs",
            "inbox/pages/test_flows.py::test_a_flow_is_deleted_by_its_typed_name_alone_with_all_connections",
            "inbox/flows/test_flows.py::test_only_members_become_owners_of_a_flow_and_the_last_one_stays",
            "inbox/api/test_export.py::test_an_export_has_everything_in_its_order_and_no_token",
            "inbox/api/test_export.py::test_an_export_ends_when_its_reader_no_longer_owns_the_flow",
            "inbox/flows/test_flows.py::test_two_changes_of_a_flow_at_once_both_stay",
        ),
    ),
    Threat(
        "Member of a flow without access to its repository on GitHub",
        "reads the flow: on a page, by an open stream, an API token, a notification or a tag",
        "in a flow for readers of a repository, GitHub's answer to the member's own token decides; a yes "
        "is valid for 9 minutes, and no answer is a no; another account or a mere name does not count",
        (
            "inbox/flows/test_readers.py::"
            "test_a_restricted_flow_is_seen_by_those_alone_to_whom_github_shows_the_repository",
            "inbox/flows/test_readers.py::test_a_person_who_loses_access_at_github_is_out_of_everything",
            "inbox/flows/test_readers.py::test_only_a_repository_that_its_owner_can_read_restricts_a_flow",
            "inbox/flows/test_readers.py::"
            "test_a_yes_counts_for_minutes_a_no_for_seconds_and_no_answer_is_a_no",
        ),
    ),
    Threat(
        "Next user of a browser",
        "finds pages of the person who signed out, or makes the service worker send a form again",
        "the service worker stores bridge's own files and one page without personal data, and sends no form",
        ("stories/test_away.py::test_a_click_is_done_or_said_to_be_undone_once_bridge_answers",),
        no_control="the test compares all that the browser keeps: there is no guard to take away",
    ),
    Threat(
        "Member of a flow",
        "changes or deletes the words of another person or a source, or finds deleted words",
        "only its author changes a message; the old words leave stream, list, search and news in one step",
        (
            "inbox/threads/test_changes.py::test_nobody_changes_a_message_of_another_person_or_a_source",
            "inbox/threads/test_changes.py::test_nothing_stays_of_words_that_their_author_changed_or_deleted",
            "inbox/threads/test_messages.py::test_no_part_of_a_deleted_message_is_found",
            "inbox/threads/test_messages.py::test_a_change_finds_its_own_message_among_those_that_end_alike",
        ),
    ),
    Threat(
        "Reader of Redis, or the next owner of a flow's address",
        "finds deleted data: a flow, a membership, a token that still posts",
        "a deletion is noted first, and finished after a crash; until then nobody gets the flow's path",
        (
            "inbox/test_deletion.py::test_nothing_is_left_of_a_flow_and_nothing_of_another_is_touched",
            "inbox/flows/test_flows.py::test_a_deleted_flow_is_not_changed_and_nobody_joins_it",
            "inbox/threads/test_messages.py::test_a_deleted_flow_takes_no_message_and_keeps_nothing",
            "inbox/pages/test_people.py::test_a_removal_that_a_crash_cut_short_is_finished",
        ),
    ),
    Threat(
        "Sender of messages to the inbox",
        "fills Redis with messages and threads, or posts one message many times",
        "each new or changed message enforces the flow's bounds on bytes, threads, messages and days, even "
        "in a flow's only thread; a uuid counts once",
        (
            "inbox/threads/test_messages.py::test_the_threads_longest_without_a_message_make_room",
            "inbox/threads/test_messages.py::test_a_thread_keeps_its_newest_messages",
            "inbox/threads/test_messages.py::test_changing_ones_messages_takes_no_room_beyond_the_bounds",
            "inbox/threads/test_messages.py::test_a_thread_that_is_alone_makes_room_itself",
            "inbox/threads/test_messages.py::test_a_sweep_finds_old_threads_in_a_quiet_flow_and_0_is_no_bound",
            "inbox/threads/test_messages.py::test_a_uuid_is_taken_once_in_a_flow_however_many_send_it_at_once",
        ),
    ),
    Threat(
        "Member of a flow, or holder of a flow token",
        "posts first under the uuid of bridge's own message, so that this is dropped as a repeat",
        "a uuid counts for its sender alone: a source, or a person",
        ("inbox/threads/test_messages.py::test_nobody_has_anothers_message_taken_for_a_repeat",),
    ),
    Threat(
        "Stranger at the inbox's API",
        "sends a form whose keys take minutes to read, before any token is checked",
        "a form has at most 1,000 fields, and a key at most 200 characters; longer ones are refused unread",
        ("inbox/api/test_rails_forms.py::test_a_form_cheap_to_send_and_dear_to_read_is_refused",),
    ),
    Threat(
        "Member of a flow, or holder of a flow token",
        "fills Redis with sources made and removed, or with OAuth codes; revives a source by a report at "
        "the moment of its removal",
        "each flow keeps only its newest removed sources; codes count towards the person's limit of pages; "
        "a report changes a source only as it is now, and never a removed one",
        (
            "inbox/flows/test_sources.py::test_removed_sources_are_forgotten_in_time",
            "inbox/api/test_oauth.py::test_nobody_fills_redis_with_codes",
            "inbox/flows/test_sources.py::test_no_report_brings_back_a_source_that_is_removed",
            "inbox/flows/test_sources.py::test_a_source_removed_during_reports_stays_removed",
        ),
    ),
    Threat(
        "Member of a flow, or holder of an API token",
        "changes the address or the words of bridge's own source, which its button and its banner show",
        "a source is changed only with its flow token, or by the application that made it",
        ("inbox/api/test_sources.py::test_only_the_application_that_made_a_source_changes_it",),
    ),
    Threat(
        "Member of a flow, or holder of a flow token",
        "calls the API in a loop, so that bridge has no time for others",
        "each token of a person, and each source but bridge's own, has a limit a minute; calls over it get "
        "429 with `Retry-After`",
        ("inbox/api/test_sources.py::test_each_token_and_each_source_has_a_limit_of_its_own",),
    ),
    Threat(
        "Member of a flow",
        "opens live pages or streams without end, and bridge renders each message for each of them",
        "a person may have at most 100 open in each process; the next one gets 429",
        ("inbox/api/test_threads.py::test_the_streams_of_each_person_have_a_limit",),
    ),
    Threat(
        "Member of a flow, or holder of a flow token",
        "posts messages that take seconds to render, so that a thread's page delays everyone",
        "a text whose open tags add up to far more than its length is shown as plain text; beyond 512 Ki "
        "characters, a page shows the beginnings of messages, each with a link to the whole",
        (
            "inbox/threads/test_markup.py::test_markup_that_costs_far_more_than_its_length_is_shown_as_text",
            "inbox/threads/test_markup.py::test_control_the_sanitiser_by_itself_makes_many_times_as_much_of_it",
            "inbox/pages/test_flows.py::"
            "test_a_page_shows_the_newest_messages_whole_and_others_as_far_as_there_is_room",
        ),
    ),
    Threat(
        "Member of a flow, or holder of a flow token",
        "posts a picture from their own host, which learns who reads the thread, when and from where",
        "pictures come only from GitHub's avatar hosts; pages show no others, and the "
        "Content-Security-Policy loads none",
        (
            "inbox/pages/test_flows.py::test_pictures_come_from_github_alone",
            "core/test_urls.py::test_avatars_are_at_github_or_beside_it",
        ),
    ),
]


@cache
def tests_with_a_control() -> frozenset[str]:
    """Those that are marked `unguarded`, have a row without the guard, or say which line is the control."""
    return frozenset(
        f"{path.relative_to(ROOT / 'tests')}::{name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for block in path.read_text().split("\n\n\n")
        if _CONTROL.search(block)
        for name in _TEST.findall(block)
    )


@cache
def tests_there_are() -> frozenset[str]:
    """Every test function, as `path below tests::name`."""
    return frozenset(
        f"{path.relative_to(ROOT / 'tests')}::{name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in _TEST.findall(path.read_text())
    )


def table() -> str:
    """The threats in Markdown."""
    lines = ["| who | does what | stopped by | shown by (in `tests/`) |", "| --- | --- | --- | --- |"]
    for threat in THREATS:
        shown = "<br>".join(f"`{test}`" for test in threat.shown_by)
        lines.append(f"| {threat.who} | {threat.what} | {threat.stopped_by} | {shown} |")
    return "\n".join(lines)


def document(text: str) -> str:
    """The document with the table that the tests have now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(document(DOCUMENT.read_text()))
