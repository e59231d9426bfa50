"""GitHub's refusals: the way out that an answer's headers name is passed on, and no stranger's address."""

import time

import orjson
import pytest
from gidgethub import HTTPException
from gidgethub.sansio import decipher_response

from bridge.clients.github_errors import help_page, hidden, translated
from bridge.core.errors import GitHubRefused, RateLimited

GITHUB = "https://github.example"
SSO = f"{GITHUB}/orgs/acme/sso?authorization_request=AAA_-1"
APPS = "Resource not accessible by integration"
BY_SIGN_ON = "requires you to authorize bridge with single sign-on"


def refusal(status: int, headers: dict[str, str], message: str = "No.") -> Exception:
    """The error made of GitHub's answer, read as gidgethub reads it."""
    body = f'{{"message": "{message}"}}'.encode()
    with pytest.raises(HTTPException) as answer:
        decipher_response(status, {"content-type": "application/json", **headers}, body)
    return translated(answer.value, "acme/a#1", github_url=GITHUB)


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize(
    ("headers", "message", "says"),
    [
        ({"x-github-sso": f"required; url={SSO}"}, "No.", f"{BY_SIGN_ON}: {SSO}"),
        ({"x-github-sso": "required"}, "No.", f"{BY_SIGN_ON} on GitHub"),
        ({"x-github-sso": "required; url="}, "No.", f"{BY_SIGN_ON} on GitHub"),
        ({"x-github-sso": "required; url=https://evil.example/orgs/a/sso"}, "No.", f"{BY_SIGN_ON} on GitHub"),
        ({"x-github-sso": f"required; url={GITHUB}.evil.example/"}, "No.", f"{BY_SIGN_ON} on GitHub"),
        ({"x-github-sso": f"required; url={GITHUB}@evil.example/"}, "No.", f"{BY_SIGN_ON} on GitHub"),
        ({"x-github-sso": "required; url=javascript:alert(1)"}, "No.", f"{BY_SIGN_ON} on GitHub"),
        ({"x-github-sso": f"required; url={SSO}{'x' * 500}"}, "No.", f"{BY_SIGN_ON} on GitHub"),
        ({"x-github-sso": f"required; url={SSO} or else"}, "No.", f"{BY_SIGN_ON}: {SSO}"),
        (
            {"x-accepted-oauth-scopes": "repo", "x-oauth-scopes": "read:user, public_repo"},
            "No.",
            "bridge needs the scope repo for acme/a#1: link your GitHub account again",
        ),
        (
            {"x-accepted-github-permissions": "issues=write; pull_requests=write"},
            APPS,
            "you or the GitHub App lacks issues=write; pull_requests=write",
        ),
    ],
)
def test_the_way_out_that_headers_name_is_passed_on(
    status: int, headers: dict[str, str], message: str, says: str
) -> None:
    refused = refusal(status, headers, message)
    assert isinstance(refused, GitHubRefused)
    assert (says in str(refused), "evil" in str(refused)) == (True, False), refused
    assert (refused.status, refused.answered, refused.reason) == (422, status, message)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-github-sso": "partial-results; organizations=1,2"},
        {"x-accepted-oauth-scopes": "", "x-oauth-scopes": "repo"},
        {"x-accepted-oauth-scopes": "public_repo, repo", "x-oauth-scopes": "read:user, repo"},
        {"x-accepted-oauth-scopes": "repo", "x-oauth-scopes": ""},
        {"x-accepted-oauth-scopes": "<a href>", "x-oauth-scopes": "user"},
        {"x-accepted-github-permissions": "contents=write"},
    ],
)
def test_headers_that_open_nothing_leave_githubs_own_words(headers: dict[str, str]) -> None:
    assert str(refusal(403, headers)) == "GitHub does not let you do that to acme/a#1: No."
    assert str(refusal(404, headers)).startswith("GitHub does not show you acme/a#1")


DOCS = "https://docs.github.com"


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        (f"{DOCS}/articles/restricting-access-to-your-organization-s-data/", True),
        (f"{DOCS}/en/pull-requests/merging#conflicts", True),
        (f"{DOCS}/enterprise-server@3.19/articles/a", True),
        (f"{DOCS}/rest/pulls/pulls#merge-a-pull-request", False),
        (f"{DOCS}/rest", False),
        (f"{DOCS}/en/rest/pulls", False),
        (f"{DOCS}/enterprise-server@3.19/rest/pulls", False),
        (f"{DOCS}/graphql/reference", False),
        ("https://docs.github.com.evil.example/articles/a", False),
        ("https://evil.example/articles", False),
        (f"{DOCS}/articles/{'a' * 500}", False),
        (f"{DOCS}/articles/a b", False),
        (7, False),
        (None, False),
    ],
)
def test_a_page_for_people_is_passed_on_and_no_other(page: object, shown: bool) -> None:
    body = orjson.dumps({"message": "No.", "documentation_url": page})
    assert help_page(403, body) == (page if shown else "")
    assert help_page(200, body) == ""


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'"x"'])
def test_an_answer_without_a_page_has_none(body: bytes) -> None:
    assert help_page(404, body) == ""


def test_a_refusal_ends_with_the_page() -> None:
    with pytest.raises(HTTPException) as answer:
        decipher_response(403, {"content-type": "application/json"}, b'{"message": "No."}')
    said = str(translated(answer.value, "acme/a#1", github_url=GITHUB, help_page=f"{DOCS}/articles/a"))
    assert said == f"GitHub does not let you do that to acme/a#1: No. (see {DOCS}/articles/a)"


@pytest.mark.parametrize(
    ("header", "count"),
    [
        ("partial-results; organizations=21955855,20582480", 2),
        ("partial-results; organizations=21955855", 1),
        ("partial-results", 0),
        ("partial-results; organizations=", 0),
        (f"required; url={SSO}", 0),
        ("", 0),
    ],
)
def test_organizations_that_a_list_leaves_out_are_counted(header: str, count: int) -> None:
    assert hidden({"x-github-sso": header} if header else {}) == count


def test_permissions_that_are_none_are_not_shown() -> None:
    refused = refusal(403, {"x-accepted-github-permissions": "contents=<b>"}, APPS)
    assert str(refused) == f"GitHub does not let you do that to acme/a#1: {APPS}"


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"retry-after": "7"}, 7),
        (403, {"retry-after": "7"}, 7),
        (429, {"retry-after": "Fri, 27 Nov 2026 12:00:00 GMT"}, 60),
        (429, {"retry-after": "٣"}, 60),
        (429, {}, 60),
        (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, 60),
    ],
)
def test_a_limit_says_when_to_try_again(status: int, headers: dict[str, str], seconds: int) -> None:
    refused = refusal(status, headers)
    assert isinstance(refused, RateLimited)
    assert refused.retry_after == seconds
    assert f"try again in {refused.retry_after} s" in str(refused)


def test_a_limit_lasts_until_its_reset() -> None:
    limit = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0"}
    refused = refusal(403, limit | {"x-ratelimit-reset": str(int(time.time()) + 1000)})
    assert isinstance(refused, RateLimited)
    assert 900 < refused.retry_after <= 1000


@pytest.mark.parametrize(
    ("wait", "says"), [("9", "try again in 9 s"), ("soon", "try again"), ("", "try again")]
)
def test_github_being_down_says_when_to_try_again(wait: str, says: str) -> None:
    assert str(refusal(503, {"retry-after": wait} if wait else {})) == f"GitHub answered 503: {says}"
