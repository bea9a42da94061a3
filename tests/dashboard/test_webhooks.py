"""The webhook door: what opens it, what each event leads to, what everybody else is told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.core.handlers.wsgi import LimitedStream
from django.db import OperationalError, connection
from django.http import HttpResponse, HttpResponseBase
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries, Settings

from dashboard.models import (
    Branch,
    DeliveryOutcome,
    Provider,
    Repository,
    Scan,
    Trigger,
    WebhookDelivery,
    WebhookHook,
)
from dashboard.services import hooks, webhooks
from dashboard.webhooks import door
from dashboard.webhooks.limits import Limits
from tests.dashboard import rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home", "rung")]

PAYLOADS = Path(__file__).parent / "payloads"
HEAD = "7b1e0c9a5d3f4e2b8a6c1d0f9e8b7a6c5d4e3f2a"
URLS = {
    Provider.GITHUB: "https://github.com/acme/shop.git",
    Provider.GITLAB: "git@gitlab.com:acme/shop.git",
    Provider.GITEA: "https://codeberg.org/acme/shop",
    Provider.BITBUCKET: "https://bitbucket.org/acme/shop.git",
}


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


def digest(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def sign_github(secret: str, body: bytes) -> dict[str, str]:
    return {"X-Hub-Signature-256": f"sha256={digest(secret, body)}"}


def sign_gitlab(secret: str, body: bytes) -> dict[str, str]:
    return {"X-Gitlab-Token": secret}


def sign_gitea(secret: str, body: bytes) -> dict[str, str]:
    return {"X-Gitea-Signature": digest(secret, body)}


def sign_bitbucket(secret: str, body: bytes) -> dict[str, str]:
    return {"X-Hub-Signature": f"sha256={digest(secret, body)}"}


@dataclass(frozen=True)
class Sender:
    """A forge, as far as it can be told from its requests."""

    provider: Provider
    sign: Callable[[str, bytes], dict[str, str]]
    event: str
    key: str

    def send(
        self, hook: WebhookHook, body: bytes, event: str, *, key: str = "", path: str = ""
    ) -> HttpResponse:
        secret = hooks.secret(hook)
        headers = {self.event: event, self.key: key or str(uuid.uuid4())}
        return post(path or f"/hooks/r/{hook.token}/", body, headers | self.sign(secret, body))


SENDERS = {
    Provider.GITHUB: Sender(Provider.GITHUB, sign_github, "X-GitHub-Event", "X-GitHub-Delivery"),
    Provider.GITLAB: Sender(Provider.GITLAB, sign_gitlab, "X-Gitlab-Event", "X-Gitlab-Event-UUID"),
    Provider.GITEA: Sender(Provider.GITEA, sign_gitea, "X-Gitea-Event", "X-Gitea-Delivery"),
    Provider.BITBUCKET: Sender(Provider.BITBUCKET, sign_bitbucket, "X-Event-Key", "X-Request-UUID"),
}
GITHUB = SENDERS[Provider.GITHUB]


def post(
    path: str, body: bytes, headers: dict[str, str], content_type: str = "application/json"
) -> HttpResponse:
    client = Client(enforce_csrf_checks=True)
    response: HttpResponse = client.post(path, body, content_type=content_type, headers=headers)  # type: ignore[assignment]
    return response


def said(response: HttpResponseBase) -> dict[str, object]:
    assert isinstance(response, HttpResponse)
    return dict(json.loads(response.content))


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> Limits:
    fresh = Limits()
    monkeypatch.setattr(door, "LIMITS", fresh)
    return fresh


def make_hook(provider: Provider = Provider.GITHUB, url: str = "") -> WebhookHook:
    repository = rows.repository(url=url or URLS[provider])
    return hooks.set_up(repository, provider, rows.user())


@pytest.fixture
def hook() -> WebhookHook:
    return make_hook()


SCAN, IGNORED, REFUSED = "scan-requested", "ignored", "refused"
EVENTS = [
    (Provider.GITHUB, "github__push", "push", SCAN, "A scan is queued"),
    (Provider.GITHUB, "github__push_other_branch", "push", IGNORED, "branch feature/cart"),
    (Provider.GITHUB, "github__push_tag", "push", IGNORED, "tag v1.4.0 was pushed"),
    (Provider.GITHUB, "github__push_deleted", "push", IGNORED, "main was deleted"),
    (Provider.GITHUB, "github__ping", "ping", IGNORED, "The webhook works"),
    (Provider.GITHUB, "github__issues", "issues", IGNORED, "event issues of GitHub"),
    (Provider.GITHUB, "github__issues", "", IGNORED, "event without a name"),
    (Provider.GITLAB, "gitlab__push", "Push Hook", SCAN, "A scan is queued"),
    (Provider.GITLAB, "gitlab__push", "System Hook", SCAN, "A scan is queued"),
    (Provider.GITLAB, "gitlab__push_deleted", "Push Hook", IGNORED, "main was deleted"),
    (Provider.GITLAB, "gitlab__tag_push", "Tag Push Hook", IGNORED, "tag v2 was pushed"),
    (Provider.GITLAB, "gitlab__issue", "Issue Hook", IGNORED, "event Issue Hook of GitLab"),
    (Provider.GITEA, "gitea__push", "push", SCAN, "A scan is queued"),
    (Provider.GITEA, "gitea__delete", "delete", IGNORED, "event delete of Gitea"),
    (Provider.BITBUCKET, "bitbucket__push", "repo:push", SCAN, "A scan is queued"),
    (Provider.BITBUCKET, "bitbucket__push_deleted", "repo:push", IGNORED, "main was deleted"),
    (Provider.BITBUCKET, "bitbucket__push_tag", "repo:push", IGNORED, "tag v1 was pushed"),
    (Provider.BITBUCKET, "bitbucket__refs_changed", "repo:refs_changed", SCAN, "A scan is"),
    (Provider.BITBUCKET, "bitbucket__diagnostics_ping", "diagnostics:ping", IGNORED, "works"),
]


@pytest.mark.parametrize(("provider", "name", "event", "outcome", "reason"), EVENTS)
def test_each_event_of_each_forge_has_its_outcome_and_reason(
    provider: Provider, name: str, event: str, outcome: str, reason: str
) -> None:
    hook = make_hook(provider)
    response = SENDERS[provider].send(hook, payload(name), event)
    assert response.status_code == 202
    answer = said(response)
    assert answer["outcome"] == outcome
    assert reason in str(answer["reason"])
    row = WebhookDelivery.objects.get()
    assert (row.hook, row.outcome, row.event) == (hook, outcome, event)
    if outcome == SCAN:
        scan = Scan.objects.get()
        assert (scan.trigger, scan.commit, row.scan) == (Trigger.PUSH, HEAD, scan)
        assert (row.branch, row.commit) == ("main", HEAD)
        assert answer["scan"] == scan.number
    else:
        assert not Scan.objects.exists()
        assert row.reason == answer["reason"]


def forged() -> Iterator[tuple[str, Callable[[WebhookHook], HttpResponse]]]:
    body = payload("github__push")

    def at(
        path: str, headers: Callable[[WebhookHook], dict[str, str]]
    ) -> Callable[[WebhookHook], HttpResponse]:
        return lambda hook: post(
            path.format(hook=hook), body, {"X-GitHub-Event": "push"} | headers(hook)
        )

    def right(hook: WebhookHook) -> dict[str, str]:
        return sign_github(hooks.secret(hook), body)

    own = "/hooks/r/{hook.token}/"
    yield "no signature", at(own, lambda _: {})
    yield "another secret", at(own, lambda _: sign_github("guess", body))
    yield "an empty secret", at(own, lambda _: sign_github("", body))
    yield "of another body", at(own, lambda h: sign_github(hooks.secret(h), body + b" "))
    yield "cut", at(own, lambda h: {"X-Hub-Signature-256": right(h)["X-Hub-Signature-256"][:-1]})
    yield "no prefix", at(own, lambda h: {"X-Hub-Signature-256": digest(hooks.secret(h), body)})
    yield "the old algorithm", at(own, lambda h: {"X-Hub-Signature": "sha1=" + "0" * 40})
    yield "not ascii", at(own, lambda _: {"X-Hub-Signature-256": "sha256=\xe9\xff"})
    yield "the secret itself", at(own, lambda h: {"X-Gitlab-Token": hooks.secret(h)})
    yield "as another forge signs", at(own, lambda h: sign_gitea(hooks.secret(h), body))
    yield "unknown token", at("/hooks/r/unknown/", right)
    yield "token in capitals", at("/hooks/r/ABC{hook.token}/", right)
    yield "another forge's address", at("/hooks/gitlab/?hook={hook.identity}", right)
    yield "another forge's address, nothing named", at("/hooks/bitbucket/", right)
    yield "another forge that signs alike", at("/hooks/gitea/", right)
    yield "unknown identity", at(f"/hooks/github/?hook={uuid.UUID(int=7)}", right)
    yield "no identity at all", at("/hooks/github/?hook=%00nonsense", right)


FORGED = dict(forged())


@pytest.mark.parametrize("name", FORGED)
def test_whatever_does_not_prove_itself_gets_the_same_answer(hook: WebhookHook, name: str) -> None:
    wanted = FORGED["another secret"](hook)
    response = FORGED[name](hook)
    assert response.status_code == wanted.status_code == 403
    assert response.content == wanted.content
    assert response.headers == wanted.headers
    assert not response.cookies
    assert not WebhookDelivery.objects.exists()
    assert not Scan.objects.exists()


def test_a_hook_that_was_switched_off_is_unknown(hook: WebhookHook) -> None:
    WebhookHook.objects.update(active=False)
    assert GITHUB.send(hook, payload("github__push"), "push").status_code == 403


@pytest.mark.parametrize("provider", URLS)
def test_the_common_address_of_a_forge_finds_the_hook_by_its_secret(provider: Provider) -> None:
    name, event = {
        Provider.GITHUB: ("github__push", "push"),
        Provider.GITLAB: ("gitlab__push", "Push Hook"),
        Provider.GITEA: ("gitea__push", "push"),
        Provider.BITBUCKET: ("bitbucket__push", "repo:push"),
    }[provider]
    make_hook(provider, "https://elsewhere.example/evil/shop.git")
    hook = make_hook(provider)
    make_hook(provider, "https://elsewhere.example/acme/other.git")
    for path in (f"/hooks/{provider}/", f"/hooks/{provider}/?hook={hook.identity}"):
        response = SENDERS[provider].send(hook, payload(name), event, path=path)
        assert (response.status_code, said(response)["outcome"]) == (202, SCAN)
    assert {row.hook for row in WebhookDelivery.objects.all()} == {hook}


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/other.git",
        "https://github.com/evil/shop.git",
        "git@github.com:evil/shop.git",
        "https://git.inner.example/evil/shop",
    ],
)
def test_a_signed_payload_about_another_repository_scans_nothing(url: str) -> None:
    hook = make_hook(url=url)
    response = GITHUB.send(hook, payload("github__push"), "push")
    assert said(response)["outcome"] == REFUSED
    assert "about acme/shop" in str(said(response)["reason"])
    assert not Scan.objects.exists()


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/Acme/Shop",
        "ssh://git@github.com/acme/shop.git",
        "git@ssh.github.inner.example:acme/shop.git",
        "http://127.0.0.1:8123/shop.git",
        "https://proxy.example/github/acme/shop.git",
        "/srv/mirrors/whatever",
    ],
)
def test_the_same_repository_under_another_address_is_known(url: str) -> None:
    hook = make_hook(url=url)
    assert said(GITHUB.send(hook, payload("github__push"), "push"))["outcome"] == SCAN


def test_addresses_and_commits_of_the_payload_are_never_used_to_fetch(hook: WebhookHook) -> None:
    body = json.loads(payload("github__push"))
    body["after"] = "--upload-pack=touch /tmp/x"
    body["repository"]["clone_url"] = "ext::sh -c id"
    GITHUB.send(hook, json.dumps(body).encode(), "push")
    hook.repository.refresh_from_db()
    assert hook.repository.clone_url == URLS[Provider.GITHUB]


def test_a_delivery_is_done_once(hook: WebhookHook) -> None:
    body = payload("github__push")
    first = GITHUB.send(hook, body, "push", key="one")
    wanted = Branch.objects.get().wanted
    again = GITHUB.send(hook, body, "push", key="one")
    assert (first.status_code, again.status_code) == (202, 200)
    assert said(again)["outcome"] == "duplicate"
    assert WebhookDelivery.objects.count() == 1
    assert Branch.objects.get().wanted == wanted
    other = make_hook(Provider.GITHUB)
    assert GITHUB.send(other, body, "push", key="one").status_code == 202


def test_deliveries_without_an_id_are_told_apart_by_their_words() -> None:
    hook = make_hook(Provider.GITLAB)
    sender = replace(SENDERS[Provider.GITLAB], key="X-Nothing")
    codes = [
        sender.send(hook, payload(name), "Push Hook").status_code
        for name in ("gitlab__push", "gitlab__push", "gitlab__tag_push")
    ]
    assert codes == [202, 200, 202]


def test_a_re_signed_replay_under_a_new_id_makes_no_second_scan(hook: WebhookHook) -> None:
    for _ in range(5):
        assert GITHUB.send(hook, payload("github__push"), "push").status_code == 202
    assert WebhookDelivery.objects.count() == 5
    assert Scan.objects.count() == 1


def test_two_secrets_open_the_door_while_they_are_rotated(hook: WebhookHook) -> None:
    body, person = payload("github__push"), rows.user()
    secrets = [hooks.secret(hook)]
    for _ in range(2):
        hooks.rotate(hook, person)
        secrets.append(hooks.secret(hook))
    codes = [
        post(f"/hooks/r/{hook.token}/", body, sign_github(secret, body)).status_code
        for secret in secrets
    ]
    assert codes[0] == 403
    assert {codes[1], codes[2]} <= {200, 202}


MALFORMED = {
    "not json": b"{",
    "not utf-8": b'{"ref": "\xff\xfe"}',
    "not an object": b'["refs/heads/main"]',
    "a number": b"7",
    "wrong types": b'{"ref": 7, "after": [], "repository": "shop"}',
    "deep": b'{"ref":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a lone surrogate": b'{"ref": "\\ud800"}',
    "not a number": b'{"ref": NaN}',
}


@pytest.mark.parametrize("name", MALFORMED)
@pytest.mark.parametrize("provider", SENDERS)
def test_a_signed_payload_that_can_not_be_read_is_refused_and_recorded(
    provider: Provider, name: str
) -> None:
    event = "repo:push" if provider == Provider.BITBUCKET else "push"
    response = SENDERS[provider].send(make_hook(provider), MALFORMED[name], event)
    if provider == Provider.BITBUCKET and name == "wrong types":
        assert said(response)["outcome"] != SCAN
        return
    assert response.status_code == 400
    assert said(response)["outcome"] == REFUSED
    assert WebhookDelivery.objects.get().outcome == DeliveryOutcome.REFUSED
    assert not Scan.objects.exists()


def test_text_that_a_database_refuses_is_kept_in_another_form(hook: WebhookHook) -> None:
    body = json.loads(payload("github__push"))
    body["ref"] = "refs/heads/\u0000<script>" + "x" * 500
    response = GITHUB.send(hook, json.dumps(body).encode(), "push", key="k" * 300)
    assert response.status_code == 202
    row = WebhookDelivery.objects.get()
    assert row.branch.startswith("\ufffd<script>")
    assert len(row.branch) == 255
    assert row.key.startswith("sha256:")


def test_the_stored_payload_is_scrubbed_and_cut(hook: WebhookHook) -> None:
    body = json.loads(payload("github__push"))
    body["leak"] = "https://ada:s3cret@forge.example/x ghp_0123456789abcdef"
    body["filler"] = ["x" * 1000] * 100
    GITHUB.send(hook, json.dumps(body).encode(), "push")
    stored = WebhookDelivery.objects.get().payload
    assert "s3cret" not in stored
    assert "ghp_0123456789abcdef" not in stored
    assert len(stored) <= 64 * 1024


@pytest.mark.parametrize(
    ("status", "change"),
    [
        (405, {"method": "GET"}),
        (405, {"method": "PUT"}),
        (411, {"CONTENT_LENGTH": ""}),
        (411, {"CONTENT_LENGTH": "-1"}),
        (411, {"CONTENT_LENGTH": "many"}),
        (413, {"CONTENT_LENGTH": str(25 * 1024 * 1024 + 1)}),
        (415, {"CONTENT_TYPE": "text/plain"}),
        (415, {"CONTENT_TYPE": ""}),
        (415, {"CONTENT_TYPE": "multipart/form-data; boundary=x"}),
        (415, {"HTTP_CONTENT_ENCODING": "gzip"}),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_requests_of_the_wrong_shape_are_refused_before_anything_is_looked_up(
    hook: WebhookHook,
    status: int,
    change: dict[str, str],
    known: bool,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    body = payload("github__push")
    token = hook.token if known else "unknown"
    extra = {"CONTENT_TYPE": "application/json"} | change
    method = extra.pop("method", "POST")
    headers = sign_github(hooks.secret(hook), body)
    with django_assert_num_queries(0):
        response = Client().generic(
            method,
            f"/hooks/r/{token}/",
            body,
            headers=headers,
            **extra,  # type: ignore[arg-type]
        )
    assert response.status_code == status
    assert said(response)["outcome"] == REFUSED


def test_a_body_that_ends_early_is_refused(hook: WebhookHook) -> None:
    body = payload("github__push")
    request = RequestFactory().post(
        f"/hooks/r/{hook.token}/", body, "application/json", headers=sign_github("x", body)
    )
    request._stream = LimitedStream(io.BytesIO(body[:-1]), len(body))  # type: ignore[assignment]
    assert door.receive(request, token=hook.token).status_code == 400


def test_a_form_that_holds_the_payload_is_read(hook: WebhookHook) -> None:
    body = urlencode({"payload": payload("github__push").decode()}).encode()
    headers = sign_github(hooks.secret(hook), body) | {"X-GitHub-Event": "push"}
    form = "application/x-www-form-urlencoded"
    for path in (f"/hooks/r/{hook.token}/", "/hooks/github/"):
        response = post(path, body, headers | {"X-GitHub-Delivery": path}, form)
        assert (response.status_code, said(response)["outcome"]) == (202, SCAN)
    broken = b"payload=%ff&&&" + b"&a=1" * 50
    headers = sign_github(hooks.secret(hook), broken) | {"X-GitHub-Event": "push"}
    assert post(f"/hooks/r/{hook.token}/", broken, headers, form).status_code == 400


def test_a_large_payload_is_taken(hook: WebhookHook) -> None:
    body = json.loads(payload("github__push"))
    body["commits"] = [{"message": "x" * 1000}] * 4000
    text = json.dumps(body).encode()
    assert len(text) > 4_000_000
    assert GITHUB.send(hook, text, "push").status_code == 202


def signed_by_gitlab(secret: str, body: bytes, key: str = "msg_1") -> dict[str, str]:
    text = f"{key}.1763719000.".encode() + body
    mac = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), text, hashlib.sha256)
    return {
        "Webhook-Id": key,
        "Webhook-Timestamp": "1763719000",
        "Webhook-Signature": f"v1a,other v1,{base64.b64encode(mac.digest()).decode()}",
        "X-Gitlab-Event": "Push Hook",
    }


def test_gitlab_s_signed_deliveries_are_judged_by_their_signature() -> None:
    hook, body = make_hook(Provider.GITLAB), payload("gitlab__push")
    secret, path = hooks.secret(hook), f"/hooks/r/{hook.token}/"
    headers = signed_by_gitlab(secret, body)
    assert post(path, body, headers).status_code == 202
    assert post(path, body, headers).status_code == 200
    wrong = headers | {"Webhook-Id": "msg_2"}
    assert post(path, body, wrong).status_code == 403
    assert post(path, body, wrong | {"X-Gitlab-Token": secret}).status_code == 403


def test_forgejo_and_gitea_sign_under_several_names() -> None:
    hook, body = make_hook(Provider.GITEA), payload("gitea__push")
    mac = digest(hooks.secret(hook), body)
    for headers in (
        {"X-Gitea-Signature": mac, "X-Gitea-Event": "push", "X-Gitea-Delivery": "a"},
        {"X-Forgejo-Signature": mac, "X-Forgejo-Event": "push", "X-Forgejo-Delivery": "b"},
        {
            "X-Hub-Signature-256": f"sha256={mac}",
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": "c",
        },
    ):
        assert post(f"/hooks/r/{hook.token}/", body, headers).status_code == 202
    mixed = {"X-Forgejo-Signature": "0" * 64, "X-Gitea-Signature": mac}
    assert post(f"/hooks/r/{hook.token}/", body, mixed).status_code == 403


def test_a_renamed_default_branch_is_known_from_the_payload(hook: WebhookHook) -> None:
    Repository.objects.update(default_branch="master")
    assert said(GITHUB.send(hook, payload("github__push"), "push"))["outcome"] == SCAN
    Repository.objects.update(watched_branch="master")
    assert said(GITHUB.send(hook, payload("github__push"), "push"))["outcome"] == IGNORED


def test_before_the_first_fetch_any_branch_may_be_the_default_one() -> None:
    hook = make_hook(Provider.BITBUCKET)
    Repository.objects.update(default_branch="")
    response = SENDERS[Provider.BITBUCKET].send(hook, payload("bitbucket__push"), "repo:push")
    assert said(response)["outcome"] == SCAN


def test_a_deleted_watched_branch_is_looked_at_soon(hook: WebhookHook) -> None:
    GITHUB.send(hook, payload("github__push_deleted"), "push")
    assert Repository.objects.due_for_polling().filter(pk=hook.repository.pk).exists()


def test_floods_are_told_to_wait_and_forgers_can_not_close_a_hook(
    hook: WebhookHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = payload("github__push")
    monkeypatch.setattr(door, "LIMITS", Limits(everybody=(9, 0.5), hook=(2, 0.1)))
    forged = [post(f"/hooks/r/{hook.token}/", body, {}).status_code for _ in range(5)]
    assert forged == [403] * 5
    answers = [GITHUB.send(hook, body, "push") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [202, 202, 429, 429, 429]
    assert [int(answers[at]["Retry-After"]) for at in (2, 4)] == [pytest.approx(10, abs=1), 2]
    assert WebhookDelivery.objects.count() == 2


def test_without_a_key_the_door_says_later_to_everybody(
    hook: WebhookHook, settings: Settings
) -> None:
    body = payload("github__push")
    headers = sign_github(hooks.secret(hook), body)
    settings.CREDENTIAL_KEYS = []
    answers = [post(f"/hooks/r/{t}/", body, headers) for t in (hook.token, "unknown")]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert answers[0].content == answers[1].content


def test_a_database_that_is_away_is_no_success(
    hook: WebhookHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(webhooks, "receive", away)
    response = GITHUB.send(hook, payload("github__push"), "push")
    assert (response.status_code, response["Retry-After"]) == (503, "30")


def test_a_delivery_costs_few_queries(
    hook: WebhookHook,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    GITHUB.send(hook, payload("github__push"), "push")
    # Savepoints that stand for the transaction in this test are among them.
    with django_assert_max_num_queries(12):
        GITHUB.send(hook, payload("github__push"), "push")
    with django_assert_max_num_queries(1):
        post(f"/hooks/r/{hook.token}/", b"{}", {})


@pytest.mark.django_db(transaction=True)
def test_the_same_delivery_at_the_same_time_is_done_once(hook: WebhookHook) -> None:
    body = payload("github__push")
    barrier = threading.Barrier(6)

    def send(number: int) -> int:
        barrier.wait()
        try:
            return GITHUB.send(hook, body, "push", key=f"key-{number % 2}").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        codes = sorted(pool.map(send, range(6)))
    assert codes == [200] * 4 + [202] * 2
    assert WebhookDelivery.objects.count() == 2
    assert Scan.objects.count() == 1
    assert Branch.objects.get().wanted == 2


def test_reasons_are_sentences_without_markup() -> None:
    for _, _, _, _, reason in EVENTS:
        assert not re.search(r"[<>]", reason)
