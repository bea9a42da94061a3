"""What a delivery leads to: once, for its own repository, with a reason."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.db import connection

from dashboard.models import (
    Branch,
    Provider,
    Repository,
    Scan,
    Trigger,
    WebhookDelivery,
    WebhookHook,
)
from dashboard.services import hooks
from tests.dashboard import rows
from tests.dashboard.forges import (
    GITHUB,
    HEAD,
    IGNORED,
    REFUSED,
    SCAN,
    SENDERS,
    URLS,
    digest,
    make_hook,
    payload,
    post,
    said,
    sign_github,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home", "rung")]


@pytest.fixture
def hook() -> WebhookHook:
    return make_hook()


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
