"""The environment: what is taken, and that one message names all that is wrong and no secret."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from bridge import settings
from bridge.core.budgets import Budgets, InboxBounds

REQUIRED = {
    "FLOWDOCK_CLIENT_ID": "flowdock-client",
    "FLOWDOCK_CLIENT_SECRET": "s-flowdock",
    "GITHUB_CLIENT_ID": "github-client",
    "GITHUB_CLIENT_SECRET": "s-github",
    "GITHUB_WEBHOOK_SECRET": "s-webhook".ljust(32, "-"),
    "COOKIE_SECRET": "s-cookie".ljust(32, "-"),
    "ENCRYPTION_KEY": "s-encryption".ljust(32, "-"),
}
SECRETS = {
    **{name: value for name, value in REQUIRED.items() if value.startswith("s-")},
    "METRICS_TOKEN": "s-metrics".ljust(32, "-"),
    "SETUP_SECRET": "s-setup".ljust(32, "-"),
    "SMTP_URL": "smtp://u:s-mail@mail.example",
    "REDIS_URL": "redis://:s-redis@localhost:6379",
}


def read(**changes: str) -> settings.Settings:
    return settings.read({**REQUIRED, **changes})


def problems(environ: Mapping[str, str]) -> list[str]:
    with pytest.raises(settings.SettingsError) as error:
        settings.read(environ)
    for problem in error.value.problems:
        assert problem in str(error.value)
    return error.value.problems


def test_an_unset_setting_has_its_documented_value() -> None:
    assert read() == settings.Settings(
        port=8080,
        listen_address=None,
        web_url="http://localhost:8080",
        redis_url=None,
        redis_cluster=False,
        inbox=False,
        inbox_application_url="",
        flowdock_client_id="flowdock-client",
        flowdock_client_secret="s-flowdock",
        flowdock_api_url="https://api.flowdock.com",
        github_client_id="github-client",
        github_client_secret="s-github",
        github_webhook_secrets=("s-webhook".ljust(32, "-"),),
        github_app=False,
        github_url="https://github.com",
        github_api_url="https://api.github.com",
        cookie_secrets=("s-cookie".ljust(32, "-"),),
        encryption_keys=(REQUIRED["ENCRYPTION_KEY"],),
        log_level="info",
        log_format="auto",
        trust_proxy=False,
        web_concurrency=1,
        metrics_token=None,
        metrics_port=0,
        setup_secret=None,
        inbox_organizations=(),
        smtp_url="",
        mail_from="",
        page_limit=120,
        action_limit=60,
        inbox_bounds=InboxBounds(size=256 * 2**20, threads=20_000, days=400, thread_messages=2_000),
        budgets=Budgets(queue=256 * 2**20, repository=32 * 2**20),
        lease_seconds=30,
        review_seconds=5,
    )


MAIL = {"SMTP_URL": "smtp://mail.example", "MAIL_FROM": "bridge@example.com"}
TAKEN: list[tuple[dict[str, str], str, Any]] = [
    ({"PORT": "5000"}, "port", 5000),
    ({"PORT": " 5000 "}, "port", 5000),
    ({"PORT": ""}, "port", 8080),
    ({"PORT": "5000"}, "web_url", "http://localhost:5000"),
    ({"WEB_URL": "https://bridge.example.com/"}, "web_url", "https://bridge.example.com"),
    ({"LISTEN_ADDRESS": "127.0.0.1"}, "listen_address", "127.0.0.1"),
    ({"LISTEN_ADDRESS": "::1"}, "listen_address", "::1"),
    ({"WEB_URL": "http://[::1]:8080"}, "web_url", "http://[::1]:8080"),
    ({"WEB_URL": ""}, "web_url", "http://localhost:8080"),
    ({"HEROKU_APP_DEFAULT_DOMAIN_NAME": "x.herokuapp.com"}, "web_url", "https://x.herokuapp.com"),
    (
        {"HEROKU_APP_DEFAULT_DOMAIN_NAME": "x.herokuapp.com", "WEB_URL": "https://b.example"},
        "web_url",
        "https://b.example",
    ),
    ({"REDIS_URL": "rediss://:x@host:6379"}, "redis_url", "rediss://:x@host:6379"),
    ({"REDIS_URL": " "}, "redis_url", None),
    ({"REDIS_URL": "unix:///run/redis.sock"}, "redis_url", "unix:///run/redis.sock"),
    ({"REDIS_URL": "redis://[::1]/2"}, "redis_url", "redis://[::1]/2"),
    ({"GITHUB_URL": "https://ghe.example"}, "github_api_url", "https://ghe.example/api/v3"),
    ({"GITHUB_URL": "https://ghe.example/"}, "github_api_url", "https://ghe.example/api/v3"),
    ({"GITHUB_URL": "https://github.com/"}, "github_api_url", "https://api.github.com"),
    (
        {"GITHUB_URL": "https://ghe.example", "GITHUB_API_URL": "https://api.ghe.example"},
        "github_api_url",
        "https://api.ghe.example",
    ),
    ({"GITHUB_APP": "1"}, "github_app", True),
    ({"GITHUB_APP": "yes"}, "github_app", True),
    ({"GITHUB_APP": "0"}, "github_app", False),
    ({"GITHUB_APP": ""}, "github_app", False),
    ({"GITHUB_WEBHOOK_SECRET": f"{'n' * 32}, {'o' * 40}"}, "github_webhook_secrets", ("n" * 32, "o" * 40)),
    ({"ENCRYPTION_KEY": f"{'n' * 32},{'o' * 40}"}, "encryption_keys", ("n" * 32, "o" * 40)),
    ({"COOKIE_SECRET": f"{'n' * 32}, {'o' * 40}"}, "cookie_secrets", ("n" * 32, "o" * 40)),
    ({"LOG_LEVEL": "DEBUG"}, "log_level", "debug"),
    ({"LOG_FORMAT": "json"}, "log_format", "json"),
    ({"TRUST_PROXY": "1"}, "trust_proxy", True),
    ({"TRUST_PROXY": "True"}, "trust_proxy", True),
    ({"TRUST_PROXY": "yes"}, "trust_proxy", True),
    ({"TRUST_PROXY": "false"}, "trust_proxy", False),
    ({"TRUST_PROXY": "0"}, "trust_proxy", False),
    ({"TRUST_PROXY": ""}, "trust_proxy", False),
    ({"WEB_CONCURRENCY": "4"}, "web_concurrency", 4),
    ({"METRICS_TOKEN": "t" * 32}, "metrics_token", "t" * 32),
    ({"METRICS_TOKEN": f"{'t' * 20},{'u' * 20}"}, "metrics_token", f"{'t' * 20},{'u' * 20}"),
    ({"SETUP_SECRET": "s" * 32}, "setup_secret", "s" * 32),
    ({**MAIL, "SMTP_URL": "smtps://u:p%40@mail.example"}, "smtp_url", "smtps://u:p%40@mail.example"),
    ({"MAIL_FROM": "bridge@example.com"}, "mail_from", "bridge@example.com"),
    ({"LEASE_SECONDS": "0.5"}, "lease_seconds", 0.5),
    ({"REVIEW_SECONDS": "0.5"}, "review_seconds", 0.5),
    ({"PAGE_LIMIT": "0"}, "page_limit", 0),
    ({"PAGE_LIMIT": " 30 "}, "page_limit", 30),
    ({"ACTION_LIMIT": "65535"}, "action_limit", 65535),
    (
        {
            "INBOX_FLOW_BYTES": "1M",
            "INBOX_FLOW_THREADS": "10",
            "INBOX_DAYS": "30",
            "INBOX_THREAD_MESSAGES": "5",
        },
        "inbox_bounds",
        InboxBounds(size=2**20, threads=10, days=30, thread_messages=5),
    ),
]


@pytest.mark.parametrize(("environ", "name", "value"), TAKEN, ids=[str(row[:2]) for row in TAKEN])
def test_a_setting_is_taken(environ: dict[str, str], name: str, value: Any) -> None:
    assert getattr(read(**environ), name) == value


def test_the_seeds_name_of_the_flowdock_secret_serves_too() -> None:
    environ = {**REQUIRED, "OAUTH_APP_SECRET": "s-seed"}
    assert settings.read(environ).flowdock_client_secret == "s-flowdock"
    del environ["FLOWDOCK_CLIENT_SECRET"]
    assert settings.read(environ).flowdock_client_secret == "s-seed"


# What is wrong


def test_all_that_is_missing_is_named_at_once() -> None:
    found = [f"{name} is missing" for name in REQUIRED]
    assert problems({}) == [problem for problem in found if not problem.startswith("FLOWDOCK_")]
    for name in ("FLOWDOCK_CLIENT_ID", "FLOWDOCK_CLIENT_SECRET"):
        assert problems({name: REQUIRED[name]}) == [one for one in found if not one.startswith(name)]
    assert problems({"FLOWDOCK_API_URL": "https://flowdock.example.com"}) == found


def test_without_any_setting_of_flowdocks_bridge_has_an_inbox_of_its_own() -> None:
    others = {name: value for name, value in REQUIRED.items() if not name.startswith("FLOWDOCK_")}
    chosen = settings.read({**others, "WEB_URL": "https://bridge.example.com/"})
    assert (chosen.inbox, chosen.flowdock_client_id) == (True, "")
    assert chosen.flowdock_api_url == "https://bridge.example.com/inbox/api"


def test_missing_and_malformed_are_named_together() -> None:
    found = problems({**REQUIRED, "COOKIE_SECRET": " ", "PORT": "x", "LOG_LEVEL": "loud"})
    assert [problem.split()[0] for problem in found] == ["PORT", "COOKIE_SECRET", "LOG_LEVEL"]


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [None, "", "  "], ids=repr)
def test_a_required_setting_is_asked_for(name: str, value: str | None) -> None:
    environ = {**REQUIRED, name: value}
    kept = {key: text for key, text in environ.items() if text is not None}
    assert problems(kept) == [f"{name} is missing"]


MALFORMED = [
    *(
        ("SMTP_URL", value, "must be an address such as smtp")
        for value in (
            "mail.example",
            "http://mail.example",
            "smtp://",
            "smtp://h:x",
            "smtp://h/x",
            "smtp://h?x=1",
        )
    ),
    *(
        ("MAIL_FROM", value, "must be a mail address")
        for value in (
            "bridge",
            "a@b@c",
            "a b@example.com",
            "a@example.com\nBcc: x@example.com",
            "x <a@example.com>",
        )
    ),
    *(("PORT", value, "from 1 to 65535") for value in ("x", "0", "-1", "65536", "nan", "inf", "8080a")),
    *(("LISTEN_ADDRESS", value, "must be an IP address") for value in ("localhost", "*", "127.0.0.1:80")),
    *(("PORT", value, "a whole number") for value in ("0.5", "80.5")),
    ("METRICS_PORT", "0", "from 1 to 65535"),
    *(("WEB_CONCURRENCY", value, "") for value in ("0", "-1", "two", "1.5")),
    *(("LEASE_SECONDS", value, "must be a number") for value in ("0", "-3", "soon", "nan")),
    *(
        ("WEB_URL", value, "must be an address such as")
        for value in (
            *("bridge.example.com", "ftp://bridge.example.com", "https://", "https:///x"),
            *(
                "javascript:alert(1)",
                "https://u@b.example",
                "https://u:p@b.example",
                "https://:p@b.example",
                "https://b.example?",
            ),
            *("https://b.example?x=1", "https://b.example#x", "https://b.example/#", "http://b.example:0"),
            *(
                "http://b.example:99999",
                "http://b.example:x",
                "http://[",
                "https://b example",
                "https://b\texample",
            ),
            "https://b.example\r\nX: y",
        )
    ),
    *((name, "x", "must be an address") for name in ("FLOWDOCK_API_URL", "GITHUB_URL", "GITHUB_API_URL")),
    *(
        (name, value, "must be a whole number of requests a minute")
        for name in ("PAGE_LIMIT", "ACTION_LIMIT")
        for value in ("-1", "many", "1.5", "65536", "9" * 5000, "0" * 5000, "\u0663")
    ),
    ("GITHUB_WEBHOOK_SECRET", "new,,old", "has an empty part"),
    ("GITHUB_WEBHOOK_SECRET", "new,", "has an empty part"),
    ("GITHUB_WEBHOOK_SECRET", ",", "has an empty part"),
    ("COOKIE_SECRET", "new,,old", "has an empty part"),
    ("COOKIE_SECRET", "new,", "has an empty part"),
    ("ENCRYPTION_KEY", "s" * 31, "is too short: it needs 32 characters or more"),
    ("ENCRYPTION_KEY", "s" * 31 + " ", "is too short: it needs 32"),
    ("ENCRYPTION_KEY", "n" * 32 + "," + "o" * 31, "is too short: each part needs 32"),
    ("ENCRYPTION_KEY", "n" * 32 + ",", "has an empty part"),
    *(
        (name, "s" * 31, 'it needs 32 characters or more; make one with: python3 -c "import secrets; print(')
        for name in ("COOKIE_SECRET", "GITHUB_WEBHOOK_SECRET", "ENCRYPTION_KEY", "METRICS_TOKEN")
    ),
    *(
        (name, f"{'n' * 32},{'o' * 31}", "is too short: each part needs 32")
        for name in ("COOKIE_SECRET", "GITHUB_WEBHOOK_SECRET")
    ),
    ("LOG_LEVEL", "loud", "must be one of debug, info, warning, error"),
    ("LOG_FORMAT", "xml", "must be one of auto, console, json"),
    ("INBOX_APPLICATION_URL", "bridge.example", "must be an address"),
    ("SETUP_SECRET", "s" * 31, "needs 32 characters or more"),
    ("TRUST_PROXY", "2", "must be one of"),
    ("GITHUB_APP", "please", "must be one of 0, 1"),
    ("REDIS_CLUSTER", "3", "must be one of 0, 1"),
    *(
        ("REDIS_URL", value, "must be an address such as")
        for value in ("localhost:6379", "http://r", "redis://h:x")
    ),
]


@pytest.mark.parametrize(
    ("name", "value", "sentence"), MALFORMED, ids=[f"{row[0]} {row[1]!r}" for row in MALFORMED]
)
def test_a_malformed_setting_is_named_with_what_it_should_be(name: str, value: str, sentence: str) -> None:
    found = [problem for problem in problems({**REQUIRED, name: value}) if problem.startswith(f"{name} ")]
    assert len(found) == 1
    assert sentence in found[0]


@bounds(max_examples=80, deadline=None)
@given(
    name=st.sampled_from([*REQUIRED, "PORT", "WEB_URL", "GITHUB_URL", "LEASE_SECONDS"]),
    value=st.text(max_size=20),
)
def test_any_value_of_a_setting_is_accepted_or_named(name: str, value: str) -> None:
    try:
        taken = settings.read({**REQUIRED, name: value})
    except settings.SettingsError as error:
        assert any(problem.startswith(name) for problem in error.problems)
    else:
        assert 0 < taken.port < 65536


# A GitHub App instead

OF_GITHUB = ("GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET", "GITHUB_WEBHOOK_SECRET")
WITHOUT = {name: value for name, value in REQUIRED.items() if name not in OF_GITHUB}


def test_with_the_app_none_of_github_need_be_set() -> None:
    chosen = settings.read({**WITHOUT, "GITHUB_APP": "1"})
    assert (chosen.github_client_id, chosen.github_client_secret) == ("", "")
    assert chosen.github_webhook_secrets == ()


def test_with_the_app_a_webhook_secret_may_be_set_besides() -> None:
    chosen = settings.read({**WITHOUT, "GITHUB_APP": "1", "GITHUB_WEBHOOK_SECRET": f"{'b' * 32}, {'h' * 32}"})
    assert (chosen.github_client_id, chosen.github_webhook_secrets) == ("", ("b" * 32, "h" * 32))
    assert problems({**WITHOUT, "GITHUB_APP": "1", "GITHUB_WEBHOOK_SECRET": ","}) == [
        "GITHUB_WEBHOOK_SECRET has an empty part"
    ]


@pytest.mark.parametrize("name", OF_GITHUB[:2])
def test_with_the_app_half_an_oauth_app_is_a_mistake(name: str) -> None:
    found = problems({**WITHOUT, "GITHUB_APP": "1", name: "x"})
    assert found == [f"{other} is missing" for other in OF_GITHUB if other != name]


def test_the_app_is_named_as_the_alternative_where_nothing_of_github_is_set() -> None:
    init = {**WITHOUT, "GITHUB_WEBHOOK_SECRET": "b" * 32}
    half = {**WITHOUT, "GITHUB_CLIENT_ID": "x"}
    for environ, named in ((WITHOUT, True), (half, False), ({}, True), (init, True)):
        with pytest.raises(settings.SettingsError) as error:
            settings.read(environ)
        assert ("Or set GITHUB_APP=1" in str(error.value)) == named
        assert not any("GITHUB_APP" in problem for problem in error.value.problems)


# An inbox alone

ALONE = dict.fromkeys(("WEB_URL", "INBOX_APPLICATION_URL"), "https://x.example") | {
    name: value for name, value in REQUIRED.items() if name in settings.NEEDED_ALONE
}


def test_an_inbox_alone_needs_an_oauth_app_and_takes_no_deliveries() -> None:
    chosen = settings.read({**ALONE, "GITHUB_APP": "1"}, needed=settings.NEEDED_ALONE)
    assert (chosen.inbox, chosen.github_app, chosen.github_webhook_secrets) == (True, False, ())
    assert settings.examine(ALONE)[1] == [], "the doctor says the same"
    with pytest.raises(settings.SettingsError) as error:
        settings.read({}, needed=settings.NEEDED_ALONE)
    missing = {problem.removesuffix(" is missing") for problem in error.value.problems}
    assert missing == settings.NEEDED_ALONE
    assert "GITHUB_APP" not in str(error.value)


# Only some are needed


def test_a_command_names_only_what_it_needs() -> None:
    needed = frozenset({"WEB_URL", "ENCRYPTION_KEY"})
    with pytest.raises(settings.SettingsError) as error:
        settings.read({}, needed=needed)
    assert error.value.problems == ["WEB_URL is missing", "ENCRYPTION_KEY is missing"]
    environ = {"WEB_URL": "https://b.example", "ENCRYPTION_KEY": "k" * 32}
    assert settings.read(environ, needed=needed).github_client_id == ""
    heroku = {"HEROKU_APP_DEFAULT_DOMAIN_NAME": "x.herokuapp.com", "ENCRYPTION_KEY": "k" * 32}
    assert settings.read(heroku, needed=needed).web_url == "https://x.herokuapp.com"


def test_a_malformed_setting_is_named_though_it_is_not_needed() -> None:
    with pytest.raises(settings.SettingsError, match="PORT must be"):
        settings.read({"PORT": "x"}, needed=frozenset())


def test_a_mail_server_needs_an_address_to_send_from() -> None:
    assert problems({**REQUIRED, "SMTP_URL": MAIL["SMTP_URL"]}) == ["MAIL_FROM is missing: SMTP_URL needs it"]


# Secrets


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_neither_in_the_repr_nor_in_the_message(name: str) -> None:
    value = SECRETS[name]
    chosen = settings.read({**REQUIRED, **MAIL, **SECRETS})
    assert value not in repr(chosen)
    assert value not in str(chosen)
    with pytest.raises(settings.SettingsError) as error:
        settings.read({**dict.fromkeys(SECRETS, f"{value},{value}"), "PORT": "x", "WEB_URL": value})
    assert value not in str(error.value)
    assert value not in repr(error.value)


CLUSTERS = {
    "redis://r": True,
    "rediss://:x@r:6379/0": True,
    "redis://r/2": False,
    "unix:///run/redis.sock": False,
    "redis://[": False,
    "": False,
}


@pytest.mark.parametrize(("url", "fits"), CLUSTERS.items())
def test_a_cluster_is_reached_by_tcp_and_has_one_database(url: str, fits: bool) -> None:
    environ = {**REQUIRED, "REDIS_URL": url, "REDIS_CLUSTER": "1"}
    found = settings.examine(environ)[1]
    assert any("REDIS_CLUSTER needs a REDIS_URL" in problem for problem in found) is not fits
    if fits:
        assert settings.read(environ).redis_cluster
    assert not settings.examine({**environ, "REDIS_CLUSTER": "0"})[0].redis_cluster


MISSPELT = [
    ({"GITHUB_WEBHOOKS_SECRET": "x"}, {"GITHUB_WEBHOOKS_SECRET": "GITHUB_WEBHOOK_SECRET"}),
    ({"LOGFORMAT": "json"}, {"LOGFORMAT": "LOG_FORMAT"}),
    ({"PORTS": "1"}, {"PORTS": "PORT"}),
    ({"GITHUB_APP_": "1", "GITHUB_APP": "1"}, {}),
    ({"REDIS_TLS_URL": "x", "GITHUB_TOKEN": "x", "GITHUB_ACTIONS": "1", "PATH": "", "HOME": ""}, {}),
]


@pytest.mark.parametrize(("environ", "found"), MISSPELT, ids=[str(row[0]) for row in MISSPELT])
def test_a_misspelt_setting_is_found_by_the_one_that_it_looks_like(
    environ: dict[str, str], found: dict[str, str]
) -> None:
    assert settings.misspelt(environ) == found


def test_a_missing_setting_names_the_variable_that_looks_like_it() -> None:
    environ = {name: value for name, value in REQUIRED.items() if name != "COOKIE_SECRET"}
    found = problems({**environ, "COOKIES_SECRET": "s3cret"})
    assert found == ["COOKIE_SECRET is missing; is COOKIES_SECRET misspelt?"]
