"""Who could attack what, what stops it, and the tests that show it: the table of docs/security.md.

`python -m tests.threats` writes the document anew; `tests/test_threats.py` holds it to the tests there are.
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
        "posts an invented delivery, with no signature, a SHA-1 one or one of another body",
        "only HMAC-SHA256 over the raw body counts, in constant time; without a secret nothing is taken",
        (
            "web/endpoints/test_webhook.py::test_a_refusal_names_its_reason_and_leaves_nothing",
            "core/github/test_webhook.py::test_an_invented_signature_is_refused",
            "core/github/test_webhook.py::test_a_flipped_bit_anywhere_is_refused",
            "core/github/test_webhook.py::test_without_a_secret_everything_is_refused",
        ),
    ),
    Threat(
        "Administrator of one repository",
        "signs with its webhook's secret: another repository's events, an App's, another webhook's ping",
        "secret and address are that webhook's own; they speak for its one repository id and for no App, and "
        "*Repair* replaces both",
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
        "writes a log or a diff: markup, links, mentions, control characters, giant lines",
        "both are text: 4,000 characters in lines of at most 200, escaped as code; nobody is tagged by them",
        (
            "core/pulls/test_job_log.py::test_a_log_is_text",
            "core/pulls/test_job_log.py::test_any_log_becomes_a_bounded_text",
            "monitor/test_readings.py::test_a_log_is_text_with_anything_in_it",
            "core/pulls/test_diffs.py::test_any_diff_is_bounded",
            "monitor/test_readings.py::test_a_small_diff_is_shown_once_and_as_text",
        ),
    ),
    Threat(
        "Server that a link to a log leads to",
        "has bridge read an address in its own network, or send it a token",
        "a log is read without a token, and from a private network only at GitHub's own host",
        (
            "monitor/test_readings.py::test_a_log_is_not_read_from_a_private_network",
            "clients/test_session.py::test_it_connects_to_no_private_address",
            "monitor/test_readings.py::test_a_failure_is_followed_by_its_step_and_last_lines",
        ),
    ),
    Threat(
        "Administrator of one repository",
        "gives it another repository's name, to have clicks, reads and disconnections hit that one",
        "names are believed of GitHub and the operator's secret alone, and taken from nobody by a delivery; "
        "a click asks GitHub which repository its address leads to; what has another id is left alone",
        (
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
        "calls it `../users`, so that calls reach another part of GitHub's API",
        "a name is letters, digits, `.`, `_` and `-`, and no part is `.` or `..`, wherever one comes from",
        (
            "attacks/test_names.py::test_a_name_that_means_something_else_in_an_address_is_refused",
            "attacks/test_names.py::test_no_button_is_at_an_address_made_of_dots",
            "attacks/test_names.py::test_no_path_of_githubs_api_is_made_of_dots",
        ),
    ),
    Threat(
        "Author of any text that GitHub signs",
        "posts a signed JSON body again as a form, with a `payload` of their own in a description",
        "a form begins with `payload=` and has that one field; JSON begins with `{`",
        ("attacks/test_webhooks.py::test_signed_json_is_taken_as_no_form",),
    ),
    Threat(
        "Replaying network",
        "sends a recorded webhook delivery again",
        "a delivery id is taken once, longer than GitHub can redeliver; so is a body, under whatever id",
        (
            "attacks/test_webhooks.py::test_a_recorded_delivery_is_not_taken_again_under_another_id",
            "web/endpoints/test_webhook.py::test_a_delivery_is_taken_once",
            "queue/test_delivery_queue.py::test_a_delivery_id_is_taken_once_however_many_send_it_at_once",
        ),
    ),
    Threat(
        "Replaying network",
        "sends a recorded click again, to the same or another button",
        "a FLOWDOCK-TOKEN serves once, is bound to body and address, and ends within seconds",
        (
            "web/endpoints/test_actions.py::test_a_token_serves_once_also_when_sent_many_times_at_once",
            "core/security/test_flowdock_token.py::test_a_click_on_one_button_does_not_serve_for_another_address",
            "core/security/test_flowdock_token.py::test_a_flipped_bit_in_the_body_is_refused",
        ),
    ),
    Threat(
        "Click forger",
        "makes a FLOWDOCK-TOKEN: unsigned, by another algorithm, with a guessed secret, without an end",
        "HS256 with the application's secret only; exp, sub and signature are required",
        (
            "core/security/test_flowdock_token.py::test_a_token_that_proves_nothing_is_refused",
            "web/endpoints/test_actions.py::test_another_algorithm_is_refused",
        ),
    ),
    Threat(
        "Malicious pull request author",
        "writes markup, scripts, styles, forms or tracking pictures into a title, body, label or branch",
        "text is escaped, Markdown sanitised by an allow-list, pictures become links; pages have a "
        "Content-Security-Policy that lets no script but bridge's own files run, and none without an inbox",
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
        "pushes between the look and the click, to have other commits merged or approved",
        "the click names the commit that the thread showed; GitHub refuses another",
        (
            "web/endpoints/test_merging.py::test_a_push_that_the_thread_did_not_show_is_not_merged",
            "web/endpoints/test_merging.py::test_a_push_at_the_last_moment_is_not_merged",
            "web/endpoints/test_every_action.py::test_approve_approves_the_commit_that_the_thread_showed",
        ),
    ),
    Threat(
        "Flow member",
        "clicks as somebody else, or as one whose GitHub account is not theirs",
        "a click acts as whom Flowdock's signature names, with the account that this very user linked",
        (
            "core/security/test_flowdock_token.py::test_a_token_that_proves_nothing_is_refused",
            "web/endpoints/test_actions.py::test_an_unlinked_user_is_challenged_as_the_seed_says",
            "web/auth/test_linking.py::test_somebody_elses_claim_is_refused",
        ),
    ),
    Threat(
        "Linked user of another team",
        "opens or changes a connection or its deliveries of a flow they are not in",
        "Flowdock is asked each time, as that person; a foreign connection looks like none at all",
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
        "GitHub is asked as that person for each chosen repository, at that moment; without its "
        "administration they get a link for an administrator, with a GitHub App too",
        (
            "web/pages/test_setup.py::test_another_flows_repository_list_is_not_believed",
            "connections/test_connect.py::test_only_an_administrator_connects_a_repository",
            "attacks/test_handover.py::test_a_reader_connects_a_repository_to_their_own_flow",
            "attacks/test_handover.py::test_nor_by_a_form_that_says_that_they_may",
        ),
    ),
    Threat(
        "Holder of a link to hand on",
        "connects, or declines for its administrators, what they do not administer; uses it twice",
        "GitHub is asked by the repository's id as the person who signed in, at the sign-in and at the "
        "answer; a link serves once, and ends after three days; only its holders see its content",
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
        "has their browser say yes: by another site's form, a sign-in begun elsewhere, another link's form",
        "the sign-in's state lies sealed in a cookie of that browser; the answer is a POST with a value that "
        "serves once, for the one link; a page first names who asks, flow, repository and account",
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
        "Somebody who left the flow",
        "has their link answered after they left it, or for a repository that became another one",
        "Flowdock is asked with their token, GitHub for the repository under the name that was shown; else "
        "nothing is made",
        (
            "web/auth/test_handover.py::test_the_asker_must_still_be_in_the_flow",
            "web/auth/test_handover.py::test_one_that_changes_under_the_button_is_not_connected",
        ),
        no_control="what Flowdock answers is needed to connect at all: without the question nothing is made",
    ),
    Threat(
        "Thief of an administrator's token",
        "takes it from bridge after they connected a repository",
        "it lies encrypted until the answer, and GitHub is told to forget it then; where something is left "
        "to undo, once that is undone",
        (
            "web/auth/test_handover.py::test_nothing_of_the_administrators_is_kept",
            "web/auth/test_handover.py::test_a_failed_rollback_keeps_the_token_until_it_succeeds",
            "web/auth/test_handover.py::test_before_the_sign_in_nothing_is_stored",
        ),
    ),
    Threat(
        "Reader of the deliveries page",
        "looks for secrets in what could not be delivered, and in its reasons",
        "what looks like a secret is masked; a payload is shown by GitHub alone, to administrators",
        ("core/security/test_redaction.py::test_no_planted_secret_survives",),
        no_control="the test is of the guard itself: without it, the text stays as it came",
    ),
    Threat(
        "Person with the same id on another server",
        "acts with a linked account, or owns an inbox, of somebody whose id on the former Flowdock server or "
        "GitHub was theirs, after a move on the same Redis",
        "Redis is bound to the servers of its first start; with others, bridge does not start",
        (
            "storage/test_servers.py::test_a_move_to_another_server_gives_nobody_anothers_account",
            "storage/test_servers.py::test_redis_stays_bound_to_its_first_servers",
        ),
    ),
    Threat(
        "Thief of a cookie",
        "plants or keeps a cookie",
        "HttpOnly, Secure, SameSite=Lax; a new secret at each sign-in; 8 hours; signing out ends it in Redis",
        (
            "web/auth/test_sessions.py::test_a_planted_cookie_never_becomes_a_session",
            "web/auth/test_sessions.py::test_signing_out_ends_the_session_here_and_in_redis",
            "web/auth/test_sessions.py::test_the_cookies_are_for_this_site_alone",
            "web/auth/test_linking.py::test_over_https_the_cookie_is_secure",
        ),
    ),
    Threat(
        "Thief of a Redis dump",
        "reads tokens, claims, sessions, or moves one user's token to another's name",
        "AES-256-GCM with a key that is not in Redis, bound to the place; cookies lie there as hashes only",
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
        "nothing secret is logged; queries and malformed requests stay out of the log; what Flowdock repeats "
        "of a token is masked; pages send no referrer; the whole suite fails on a secret that is printed",
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
        "each secret can be replaced without downtime, and the old one then opens nothing",
        (
            "cli/test_rotation.py::test_every_secret_is_replaced_while_bridge_is_in_use",
            "cli/test_rotation.py::test_a_signature_of_another_secret_is_refused",
        ),
    ),
    Threat(
        "Hostile flow_url or source_url",
        "has bridge send a token to another host",
        "the host in the address is ignored; calls go to the configured hosts alone",
        (
            "web/pages/test_setup.py::test_signing_in_leads_back_and_the_token_goes_to_flowdock_alone",
            "web/pages/test_connection.py::test_every_spelling_leads_there_and_the_host_is_ignored",
        ),
        no_control="nothing reads the host, so there is nothing to take away",
    ),
    Threat(
        "Open redirect",
        "sends a victim through bridge's sign-in to another site",
        "only paths of bridge's own are returned to",
        ("web/auth/test_sessions.py::test_no_sign_in_leads_to_another_site",),
    ),
    Threat(
        "Cross-site request",
        "has a victim's browser send a form: connect, disconnect, unlink, retry, sign out",
        "each form carries a value made from the session, compared in constant time",
        (
            "web/test_permissions.py::test_no_form_is_taken_from_another_site",
            "web/auth/test_sessions.py::test_a_form_without_its_sessions_own_value_changes_nothing",
        ),
    ),
    Threat(
        "Cross-site request at an OAuth step",
        "feeds a victim's browser a callback with the attacker's code, or steals one",
        "a one-time state bound to the browser at each step, PKCE (S256) with GitHub, a POST in the end",
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
        "sends their own claim's link to a victim, who links their GitHub account to the attacker's clicks",
        "Flowdock must name the claim's user in the victim's browser; a page names both people before "
        "anything is linked; a claim serves once",
        (
            "web/auth/test_linking.py::test_somebody_elses_claim_is_refused",
            "web/auth/test_linking.py::test_a_used_claim_is_refused_in_another_browser",
            "web/auth/test_linking.py::test_the_confirmation_needs_the_pages_own_value",
        ),
    ),
    Threat(
        "Tampered consent",
        "narrows or widens the scopes that GitHub grants",
        "granted scopes are checked before linking; too few give the token back",
        ("web/auth/test_linking.py::test_too_few_scopes_are_refused_and_the_token_given_back",),
    ),
    Threat(
        "Stranger at the installation",
        "creates a GitHub App in the operator's stead, or reads the metrics",
        "SETUP_SECRET or METRICS_TOKEN, each for its own page; while there is no App, the first owner's "
        "address; else the machine itself, without a proxy",
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
        "opens thousands of connections and is slow on them, sends huge bodies, or asks all the time",
        "headers, bodies and requests are bounded in size and time; the proxy in front bounds connections",
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
        "floods bridge with large signed deliveries, so that Redis has no room for those of others",
        "waiting bytes are counted for each repository and in all; a repository over its budget is answered "
        "503, others go on; a message or snapshot larger than any of GitHub's is refused",
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
        "invents pull requests, commits and delivery ids, for bridge to remember each for months",
        "a repository's pull requests and commits have a budget, and its own oldest are forgotten; its "
        "deliveries a day are bounded",
        (
            "attacks/test_budgets.py::test_one_fills_redis_with_invented_pull_requests",
            "queue/test_kept.py::test_of_too_many_pull_requests_the_one_written_longest_ago_is_forgotten",
            "queue/test_kept.py::test_a_repository_sends_so_many_a_day_and_others_and_tomorrow_are_no_matter",
        ),
    ),
    Threat(
        "Administrator of one repository",
        "has thousands of deliveries die, to push others' dead letters out or to fill Redis with them",
        "each repository has its own budget of dead letters, and its own oldest go first; a large one keeps "
        "its header only",
        (
            "attacks/test_budgets.py::test_one_who_signs_for_one_repository_buries_the_dead_letters_of_others",
            "attacks/test_budgets.py::test_one_fills_redis_with_large_dead_letters",
            "queue/test_budgets.py::test_where_there_are_too_many_the_repository_with_most_loses_its_oldest",
        ),
    ),
    Threat(
        "Flooder",
        "sends compressed bodies, which a few bytes a second keep a process busy with",
        "any Content-Encoding is answered 415, on every route, and nothing is inflated",
        (
            "attacks/test_strangers.py::test_a_compressed_body_is_refused_before_a_byte_of_it_is_inflated",
            "attacks/test_strangers.py::test_a_flood_of_compressed_bodies_holds_up_no_delivery",
            "attacks/test_strangers.py::test_no_address_waits_for_a_compressed_body",
        ),
    ),
    Threat(
        "Signer of deliveries",
        "sends bodies of 25 MiB that become gigabytes in memory, or take seconds of the event loop",
        "a document's values are counted before they are made; only a short one is mended; large bodies are"
        " worked on beside the event loop, few at once, and unpacked one at a time",
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
        "before a sign-in nothing is stored: its state is in a sealed cookie, which ends and serves once",
        (
            "attacks/test_before_sign_in.py::test_nothing_is_stored_for_a_stranger",
            "attacks/test_before_sign_in.py::"
            "test_only_what_bridge_sealed_for_a_sign_in_is_believed_and_only_in_time",
            "attacks/test_before_sign_in.py::test_a_way_back_is_no_longer_than_any_page_of_bridges",
        ),
    ),
    Threat(
        "Stranger without a session",
        "asks from addresses without end, or claims others' in X-Forwarded-For",
        "a /48 has a limit, and so have all strangers together; the proxy's own word is the last of all",
        (
            "attacks/test_before_sign_in.py::test_a_network_of_many_addresses_is_one_client",
            "attacks/test_before_sign_in.py::test_strangers_together_leave_room_for_signed_in_users",
            "attacks/test_proxies.py::test_a_client_chooses_no_address",
        ),
    ),
    Threat(
        "Stranger at the installation",
        "comes through a proxy on bridge's own machine, or with a scraper's token, as its operator",
        "any header of a proxy's, or HTTP/1.0, is not the machine itself; SETUP_SECRET or the"
        " first owner's address alone makes an operator elsewhere",
        (
            "attacks/test_proxies.py::test_a_client_behind_a_proxy_is_not_local",
            "attacks/test_proxies.py::test_a_web_page_whose_name_points_to_the_machine_reads_no_metrics",
            "attacks/test_proxies.py::test_a_scrapers_token_makes_nobody_the_operator",
            "attacks/test_proxies.py::test_with_a_metrics_token_alone_the_page_is_the_machines",
        ),
    ),
    Threat(
        "Writer of words that are logged",
        "forges lines of the log, or has a terminal obey, by a path, a header or a payload",
        "what is not printable is escaped in every line and table; a traceback's lines are indented",
        (
            "attacks/test_log_lines.py::test_nobody_writes_a_line_into_bridges_own_log",
            "attacks/test_log_lines.py::test_no_word_in_a_line_ends_it",
            "attacks/test_log_lines.py::test_no_word_in_a_traceback_looks_like_a_line",
            "attacks/test_log_lines.py::test_a_terminal_is_shown_no_control_character_either",
        ),
    ),
    Threat(
        "Former member",
        "goes on acting after their GitHub grant was taken back",
        "a token that GitHub refuses is forgotten; a revoked App grant removes the link at once",
        (
            "web/endpoints/test_action_tokens.py::test_a_revoked_token_removes_the_link_and_challenges",
            "attacks/test_links.py::test_a_revoked_grant_unlinks_all_who_hold_it_and_nobody_else",
        ),
    ),
    Threat(
        "Webhook forger",
        "says that somebody's grant was revoked, to end their link",
        "GitHub is asked: a link ends if its token is refused, and stays while GitHub cannot be asked",
        (
            "attacks/test_links.py::test_a_false_word_that_a_grant_was_revoked_removes_no_link",
            "attacks/test_links.py::test_where_github_cannot_be_asked_the_link_is_kept_and_the_log_says_so",
        ),
    ),
    Threat(
        "Linked user of another team",
        "links the same GitHub account as somebody else, links anew, or takes a login that was given up",
        "links go by GitHub's numeric id, each person's by itself; linking anew clears the former account's "
        "places and revokes its token; a login counts only while the account carries it",
        (
            "attacks/test_links.py::test_linking_anew_leaves_nothing_of_the_former_account",
            "attacks/test_links.py::test_a_github_that_does_not_answer_hinders_no_linking",
            "attacks/test_links.py::test_unlinking_ends_nobody_elses_link_to_the_same_account",
            "attacks/test_links.py::test_a_login_that_was_given_up_stands_for_nobody",
        ),
    ),
    Threat(
        "Malicious pull request author",
        "has an address that runs a script shown: of a check, a person, a label, the pull request itself",
        "of all addresses in a payload only http and https ones enter, and a link or thread looks once more",
        (
            "attacks/test_small.py::test_no_address_that_a_payload_names_runs_a_script",
            "core/test_urls.py::test_no_address_of_a_payload_reaches_a_flow_unless_it_is_a_web_pages",
        ),
    ),
    Threat(
        "Malicious pull request author",
        "mentions people to call them into a flow that they are not in",
        "bridge's own inbox tags a flow's members alone; another server's flow those whom it showed to be in "
        "the flow within 30 days",
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
        "over https all cookies are `__Host-` ones, which a browser takes from bridge's host alone",
        (
            "attacks/test_small.py::test_a_cookie_that_a_neighbour_planted_is_nobodys_session",
            "web/auth/test_sessions.py::test_the_cookies_are_for_this_site_alone",
        ),
    ),
    Threat(
        "Replaying network",
        "keeps a click back and sends it for the first time much later",
        "a FLOWDOCK-TOKEN ends within five minutes, whatever it says itself",
        ("attacks/test_small.py::test_a_click_that_is_to_be_good_for_long_is_refused",),
    ),
    Threat(
        "Guesser of secrets",
        "tries guesses, out of sight, on what a secret signed",
        "bridge does not start with a secret of its own under 32 characters",
        ("attacks/test_small.py::test_bridge_does_not_start_with_a_secret_that_might_be_guessed",),
    ),
    Threat(
        "Other user of the machine",
        "reads what the embedded Redis wrote",
        "its folder is 0700 and its files 0600, also where they were there before",
        ("attacks/test_small.py::test_nobody_else_on_the_machine_reads_what_the_embedded_redis_keeps",),
    ),
    Threat(
        "Scanner",
        "looks for installations of a version that has a known fault",
        "no answer names what bridge runs on, also to what is no HTTP; images are named by digest",
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
        "word on an organization lets an account in, and of others nothing is kept",
        (
            "inbox/test_admission.py::test_a_stranger_is_told_what_to_do_and_nothing_is_kept",
            "inbox/test_admission.py::test_without_the_right_to_ask_nobody_is_let_in",
            "inbox/people/test_sessions.py::test_an_invalid_cookie_opens_nothing",
            "inbox/test_permissions.py::test_each_address_is_for_whom_the_table_says",
        ),
    ),
    Threat(
        "Holder of an invitation",
        "uses it twice or for another account, after it was withdrawn, or after its maker lost the right "
        "to invite",
        "it is used up in the step that stores the person, is bound to a login if it names one, and "
        "counts while its maker is an owner; the operator's address counts while there is no owner",
        (
            "inbox/test_admission.py::test_the_first_owner_comes_by_the_operators_address_and_it_works_once",
            "inbox/test_admission.py::test_of_two_who_open_an_invitation_at_once_one_gets_in",
            "inbox/test_admission.py::test_an_owner_invites_a_login_and_nobody_else_comes_in_by_it",
            "inbox/test_admission.py::test_an_invitation_ends_when_it_is_withdrawn_or_its_owner_owns_nothing_any_more",
            "inbox/test_admission.py::test_the_log_names_no_invitation",
            "cli/test_inbox.py::test_each_start_has_an_address_of_its_own_until_somebody_owns_the_inbox",
        ),
    ),
    Threat(
        "Former colleague",
        "goes on reading after an owner removed them, or after they left the organization",
        "sessions, tokens and flows go with the person in one step, and the organization lets nobody in "
        "again whom an owner removed; GitHub's word counts nine minutes, for pages and API alike, and "
        "nobody's where it does not answer",
        (
            "inbox/test_admission.py::test_a_removed_person_is_out_with_the_next_request_and_stays_out",
            "inbox/people/test_people.py::test_a_removal_during_a_sign_in_counts",
            "inbox/people/test_people.py::test_nobody_who_was_removed_becomes_an_owner",
            "inbox/test_admission.py::test_members_of_an_organization_come_in_for_as_long_as_they_are",
            "inbox/test_admission.py::test_an_application_too_is_out_once_its_person_has_left_the_organization",
            "inbox/test_admission.py::test_while_github_does_not_answer_its_last_word_counts_and_then_nobodys",
            "inbox/pages/test_people.py::test_grants_to_applications_end_with_all_sessions_and_with_the_person",
            "inbox/pages/test_people.py::test_a_removed_person_leaves_all_flows",
            "inbox/pages/test_people.py::test_bridges_own_session_ends_with_the_inboxs_and_the_other_way_round",
        ),
    ),
    Threat(
        "Attacker of a sign-in",
        "leads a victim's browser to GitHub's answer to their own sign-in, replays one, or plants a "
        "cookie first",
        "state and PKCE lie sealed in the browser that began, and serve once; each sign-in makes a "
        "session with a secret of its own, and ends the one before; `then` leads to bridge alone",
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
        "has a signed-in person's browser send a form of the inbox",
        "each form carries a value made from its session's secret, and none from another site is taken",
        (
            "inbox/people/test_sessions.py::test_a_form_must_bring_its_own_sessions_value_from_its_own_site",
            "inbox/pages/test_people.py::test_an_owners_form_needs_the_value_of_their_session",
        ),
    ),
    Threat(
        "Member of the inbox",
        "invites, makes themselves an owner, removes others, or takes the last owner's place",
        "each change asks whether the person is an owner at that moment; the last owner stays, also when "
        "two go at once",
        (
            "inbox/pages/test_people.py::test_a_member_sees_everybody_and_changes_nobody",
            "inbox/pages/test_people.py::test_owners_make_owners_and_the_last_one_stays",
            "inbox/people/test_people.py::test_one_of_two_owners_stays_when_both_go_at_once",
        ),
    ),
    Threat(
        "Taker of a login",
        "registers the GitHub login that a person of the inbox gave up",
        "a person is GitHub's numeric id; a login that changed hands takes the nick from the person who "
        "had it, and nothing else",
        ("inbox/people/test_people.py::test_a_login_that_changed_hands_names_its_new_owner",),
    ),
    Threat(
        "Thief of a session or token of the inbox",
        "uses it for long, or finds it in a dump of Redis",
        "Redis keeps hashes of sessions and API tokens, and GitHub's tokens encrypted; sessions end "
        "unused, at their longest, and all at once; API tokens do what was chosen, and are revoked one by "
        "one",
        (
            "inbox/people/test_sessions.py::test_a_session_ends_unused_and_at_its_longest",
            "inbox/people/test_sessions.py::test_a_session_is_of_one_person_and_ends_by_itself_or_with_all",
            "inbox/people/test_api_tokens.py::test_a_token_does_what_its_person_chose_until_they_revoke_it",
            "inbox/people/test_api_tokens.py::test_nobody_revokes_anothers_and_there_are_so_many",
            "inbox/test_admission.py::test_a_members_token_lies_sealed_and_is_turned_to_a_new_key",
        ),
    ),
    Threat(
        "Neighbour at a browser",
        "links another person's GitHub account by the token of their sign-in",
        "linking borrows the token of the very person who clicked, once, asks GitHub whose it is, and "
        "links by a POST that names both",
        (
            "inbox/test_linking.py::test_a_person_signed_in_to_the_inbox_links_by_one_press",
            "inbox/test_linking.py::test_nobody_elses_account_is_lent",
            "inbox/test_linking.py::test_a_token_that_github_ended_or_bridge_forgot_is_not_lent",
        ),
        no_control="each token lies under its person's own key, and no request names another",
    ),
    Threat(
        "Member of another flow of the inbox",
        "reads its threads, sources and people, writes there, or goes on listening once removed",
        "each call, page and event asks whether the person is in the flow now; else it looks like none",
        (
            "inbox/pages/test_flows.py::test_each_visitor_gets_what_is_theirs",
            "inbox/api/test_protocol.py::test_a_flow_is_shown_to_its_members_alone",
            "inbox/api/test_sources.py::test_a_removed_person_has_no_token_and_no_flow",
            "inbox/pages/test_flows.py::test_news_comes_by_itself_and_what_was_missed_with_it",
            "inbox/pages/test_triage.py::test_my_turn_has_a_section_for_each_thing_to_do",
            "inbox/pages/test_triage.py::test_a_turn_is_passed_on_and_taken_until_bridge_tells_of_a_new_one",
            "inbox/api/test_threads.py::"
            "test_a_stream_sends_what_was_missed_and_what_comes_until_who_listens_leaves",
            "inbox/api/test_threads.py::test_a_slow_reader_gets_no_page_more_once_they_left",
        ),
    ),
    Threat(
        "Holder of a token of the inbox",
        "uses it beyond its scopes, after its person signed out or was removed, or after its source was",
        "scopes, session, person and source are looked up with each call",
        (
            "inbox/api/test_protocol.py::test_each_call_needs_a_token_with_its_scope",
            "inbox/api/test_oauth.py::test_a_token_ends_with_the_session_that_gave_it",
            "inbox/api/test_messages.py::test_a_token_unknown_or_of_a_removed_source_is_refused",
        ),
    ),
    Threat(
        "Sender of a link to the inbox's OAuth",
        "has a code sent elsewhere, or redeems one as another application",
        "one registered address, compared exactly; a code serves once, for its application and address",
        (
            "inbox/api/test_oauth.py::test_a_code_goes_nowhere_but_to_the_registered_address",
            "inbox/api/test_oauth.py::test_a_code_serves_its_application_alone",
            "inbox/api/test_oauth.py::test_a_code_gives_a_token_with_its_scopes_once",
        ),
    ),
    Threat(
        "Person of the inbox",
        "names a push service that is in a private network, or that leads there by DNS or a redirect",
        "only https at the usual port of a named host is taken; each address of a name is checked as the "
        "socket for it is made; no redirect is followed",
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
        "reads what bridge notifies people of, or notifies them itself",
        "the text is encrypted for the one browser, and only the holder of bridge's key, which "
        "lies sealed, may push to it",
        (
            "inbox/notifications/test_web_push.py::test_a_browser_is_shown_what_was_pushed",
            "inbox/notifications/test_web_push.py::"
            "test_a_push_for_another_browser_or_by_another_sender_is_refused",
        ),
    ),
    Threat(
        "Person of the inbox",
        "has bridge send mail to others, or smuggles headers and recipients into it",
        "an address is one mailbox without spaces, quotes or line breaks, and gets one kind of mail, a few a "
        "day, until the person who named it confirms it, signed in; no text of others is in a header",
        (
            "inbox/notifications/test_mail.py::test_an_address_is_one_mailbox_and_nothing_else",
            "inbox/notifications/test_mail.py::test_no_text_ends_a_header",
            "inbox/notifications/test_digest.py::test_an_address_gets_nothing_before_its_person_confirms_it",
            "inbox/notifications/test_digest.py::test_nobody_has_bridge_mail_strangers_all_day",
        ),
    ),
    Threat(
        "Reader of a mail in transit, or of one passed on",
        "learns the mail server's password, or acts by the mail's links",
        "a password is sent over TLS alone, with a certificate that counts; a link ends the mail and does no "
        "more, or confirms it for the one who is signed in",
        (
            "inbox/notifications/test_mail.py::test_a_password_goes_over_tls_alone",
            "inbox/notifications/test_digest.py::test_one_click_ends_it_without_a_sign_in",
            "inbox/notifications/test_digest.py::test_an_address_gets_nothing_before_its_person_confirms_it",
        ),
    ),
    Threat(
        "Former member, or the next user of a browser",
        "goes on to read titles and words in notifications",
        "before each one bridge asks whether the person is still in the inbox, the organization and "
        "the flow; a sign-out ends the notifications of its browser",
        (
            "inbox/notifications/test_notifier.py::"
            "test_nobody_is_notified_of_what_they_saw_may_not_see_or_do_not_want",
            "inbox/notifications/test_digest.py::"
            "test_nothing_is_sent_of_what_a_person_saw_may_not_see_or_does_not_want",
            "inbox/notifications/test_notifier.py::"
            "test_a_person_keeps_their_notifications_when_their_browser_signs_in_again",
        ),
    ),
    Threat(
        "Flow member with a source of their own",
        "posts threads like a repository's, buttons that act in others' names, or that have bridge call a "
        "private network",
        "pages say that the source was added with an API token; only bridge's own has buttons, and only to "
        "bridge's own address, as a challenge does",
        (
            "inbox/pages/test_flows.py::test_a_members_source_does_not_pass_for_a_repository",
            "inbox/test_clicks.py::test_a_button_leads_to_bridge_or_is_not_offered",
            "inbox/test_clicks.py::test_a_button_of_a_source_that_bridge_did_not_make_is_not_offered",
            "inbox/test_clicks.py::test_an_answer_becomes_an_outcome",
        ),
    ),
    Threat(
        "Author of any text in the inbox",
        "stores markup that runs, loads or asks for something on others' pages",
        "sanitised by an allow-list when it is shown; a page's scripts are bridge's own file alone",
        (
            "inbox/threads/test_markup.py::test_no_evasion_gets_through",
            "inbox/pages/test_flows.py::test_a_thread_shows_its_state_and_what_was_written",
            "inbox/pages/test_flows.py::test_the_scripts_of_every_page_are_bridges_own",
        ),
    ),
    Threat(
        "Person of the inbox",
        "makes all flows that there may be, so that nobody else can make one",
        "a person owns at most 100 of 500",
        ("inbox/pages/test_flows.py::test_nobody_takes_all_flows",),
    ),
    Threat(
        "Member of a flow, or holder of a flow token",
        "takes a name that looks like another's, by characters that are not seen or reverse a line",
        "flows and sources have no such names; such characters of others are escaped on every page",
        (
            "inbox/pages/test_flows.py::test_no_name_looks_like_anothers",
            "web/pages/test_markup.py::test_no_name_hides_or_reverses_text",
        ),
    ),
    Threat(
        "Malicious pull request author",
        "titles a pull request `author:ann`, to have it listed among hers",
        "a filter compares whole lines, and no other text of a thread is one",
        ("inbox/pages/test_triage.py::test_a_title_passes_for_no_filter",),
    ),
    Threat(
        "Person of the inbox",
        "has so many notifications wait for the end of their quiet hours that nobody else gets any",
        "of those that wait, the one that is due last makes room",
        ("inbox/threads/test_messages.py::test_nobodys_quiet_hours_keep_others_from_their_notifications",),
    ),
    Threat(
        "Author of any text in the inbox",
        "writes what takes seconds to make safe, at each look at it",
        "a text has at most as many characters as bridge's longest message",
        ("inbox/threads/test_validation.py::test_no_text_is_longer_than_can_be_shown_at_once",),
    ),
    Threat(
        "Other site in a member's browser",
        "sends one of the inbox's forms",
        "each form brings a value of its session",
        ("inbox/pages/test_flows.py::test_a_form_without_the_sessions_value_changes_nothing",),
    ),
    Threat(
        "Member of a flow",
        "deletes or exports it, or takes its owners' place",
        "each change asks for an owner; deleting asks for the flow's typed name; the last owner stays, also "
        "where two leave at once",
        (
            "inbox/pages/test_flows.py::test_each_visitor_gets_what_is_theirs",
            "inbox/pages/test_flows.py::test_a_flow_is_deleted_by_its_typed_name_alone_with_all_connections",
            "inbox/flows/test_flows.py::test_only_members_come_to_own_a_flow_and_one_always_does",
            "inbox/api/test_export.py::test_an_export_has_everything_in_its_order_and_no_token",
            "inbox/api/test_export.py::test_an_export_ends_when_its_reader_owns_the_flow_no_more",
            "inbox/flows/test_flows.py::test_no_change_of_a_flow_undoes_another_that_is_made_at_once",
        ),
    ),
    Threat(
        "Member of a flow who may not, or no longer, read its repository on GitHub",
        "reads the flow: on a page, by a stream that is open, an API token, a notification, a tag",
        "of a flow that is bound to a repository, GitHub's answer to the member's own token decides; a yes "
        "counts for 9 minutes, no answer is a no; neither another account nor a name stands for it",
        (
            "inbox/flows/test_readers.py::"
            "test_a_bound_flow_is_seen_by_those_alone_to_whom_github_shows_the_repository",
            "inbox/flows/test_readers.py::test_a_person_who_loses_access_at_github_is_out_of_everything",
            "inbox/flows/test_readers.py::test_only_a_repository_that_its_owner_can_read_binds_a_flow",
            "inbox/flows/test_readers.py::"
            "test_an_answer_lasts_for_minutes_a_refusal_for_seconds_and_silence_is_a_refusal",
        ),
    ),
    Threat(
        "Next user of a browser",
        "finds pages of somebody who signed out; has the service worker send a form again",
        "the service worker stores one page without anybody's data and bridge's own files, and sends no form",
        ("stories/test_away.py::test_a_click_is_done_or_said_to_be_undone_once_bridge_answers",),
        no_control="the test compares all that the browser keeps; what is not kept has no guard",
    ),
    Threat(
        "Member of a flow",
        "changes or deletes what another person or a source said; finds words that were taken back",
        "only its author changes a message; the old words leave stream, list, search and news in one step",
        (
            "inbox/threads/test_changes.py::test_nobody_changes_what_another_wrote_or_a_source",
            "inbox/threads/test_changes.py::test_one_changes_and_deletes_ones_own_words_and_nothing_of_them_stays",
            "inbox/threads/test_messages.py::test_no_part_of_a_deleted_message_is_found",
            "inbox/threads/test_messages.py::test_a_change_finds_its_own_message_among_those_that_end_alike",
        ),
    ),
    Threat(
        "Reader of Redis, or the next owner of a flow's address",
        "finds what was deleted: a flow, a person's place in it, a token that still posts",
        "a deletion is noted first and finished after a crash; until then nobody gets the flow's path",
        (
            "inbox/test_deletion.py::test_nothing_is_left_of_a_flow_and_nothing_of_another_is_touched",
            "inbox/flows/test_flows.py::test_a_flow_that_is_gone_is_not_changed_and_nobody_joins_it",
            "inbox/threads/test_messages.py::test_a_flow_that_is_gone_takes_no_message_and_keeps_nothing",
            "inbox/pages/test_people.py::test_a_removal_that_a_crash_cut_short_is_finished",
        ),
    ),
    Threat(
        "Poster into the inbox",
        "fills Redis with messages and threads, or posts one message many times",
        "taking a message bounds its flow by bytes, threads, messages and days, also by changed messages and "
        "where a thread is alone; a uuid counts once",
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
        "posts first under the uuid that bridge's own message will have, so that it is dropped as a repeat",
        "a uuid counts for its sender alone: a source, or a person",
        ("inbox/threads/test_messages.py::test_nobody_has_anothers_message_taken_for_a_repeat",),
    ),
    Threat(
        "Stranger at the inbox's API",
        "sends a form whose keys cost minutes to read, before any token is asked for",
        "a form has at most 1,000 fields, and a key 200 characters: longer ones are refused unread",
        ("inbox/api/test_rails_forms.py::test_a_form_cheap_to_send_and_dear_to_read_is_refused",),
    ),
    Threat(
        "Member of a flow, or holder of a flow token",
        "fills Redis with sources made and removed, or with OAuth's codes; has a removed source post on by "
        "reports at the moment of its removal",
        "of the removed sources each flow keeps the newest; codes cost pages of the person's limit; a report "
        "changes a source only as it is now, and a removed one no more",
        (
            "inbox/flows/test_sources.py::test_removed_sources_are_forgotten_in_time",
            "inbox/api/test_oauth.py::test_nobody_fills_redis_with_codes",
            "inbox/flows/test_sources.py::test_no_report_brings_back_a_source_that_is_removed",
            "inbox/flows/test_sources.py::test_of_reports_and_a_removal_at_once_the_removal_stays",
        ),
    ),
    Threat(
        "Member of a flow, or holder of an API token",
        "gives bridge's own source another address or other words, which its button and its banner then show",
        "a source is changed with its flow token, or by the application that made it",
        ("inbox/api/test_sources.py::test_only_the_application_that_made_a_source_changes_it",),
    ),
    Threat(
        "Member of a flow, or holder of a flow token",
        "calls the API in a loop, so that bridge has no time for others",
        "each token of a person and each source but bridge's own has a limit a minute; over it, 429 with "
        "`Retry-After`",
        ("inbox/api/test_sources.py::test_each_token_and_each_source_has_a_limit_of_its_own",),
    ),
    Threat(
        "Member of a flow",
        "opens live pages or streams without end, of which each message has bridge draw a piece for each",
        "a person has at most 100 open in each process; the next one is answered 429",
        ("inbox/api/test_threads.py::test_a_person_has_so_many_streams_open_and_others_have_theirs",),
    ),
    Threat(
        "Member of a flow, or holder of a flow token",
        "posts messages that cost seconds to draw, so that a thread's page holds up everybody else's",
        "a text whose open tags add up to far more than its length is shown as text; beyond 512 Ki "
        "characters a page shows the beginnings of messages, each with a link to the whole",
        (
            "inbox/threads/test_markup.py::test_markup_that_costs_far_more_than_its_length_is_shown_as_text",
            "inbox/threads/test_markup.py::test_control_the_sanitiser_by_itself_makes_many_times_as_much_of_it",
            "inbox/pages/test_flows.py::"
            "test_a_page_shows_the_newest_messages_whole_and_others_as_far_as_there_is_room",
        ),
    ),
    Threat(
        "Member of a flow, or holder of a flow token",
        "posts with a picture at a host of their own, which learns who reads the thread, when and from where",
        "pictures come from GitHub's hosts of avatars alone; the page shows no other, and its "
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
