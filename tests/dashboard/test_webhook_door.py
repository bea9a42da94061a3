"""The door itself: whom it lets in, what everybody else is told, what it costs."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
from django.core.handlers.wsgi import LimitedStream
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries, Settings

from dashboard.models import DeliveryOutcome, Provider, Scan, WebhookDelivery, WebhookHook
from dashboard.services import hooks, webhooks
from dashboard.webhooks import door
from dashboard.webhooks.limits import Limits
from tests.dashboard.forges import (
    GITHUB,
    REFUSED,
    SCAN,
    SENDERS,
    digest,
    make_hook,
    payload,
    post,
    said,
    sign_gitea,
    sign_github,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home", "rung")]


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> Limits:
    fresh = Limits()
    monkeypatch.setattr(door, "LIMITS", fresh)
    return fresh


@pytest.fixture
def hook() -> WebhookHook:
    return make_hook()


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
