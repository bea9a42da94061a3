"""The whole walk of a person: sign in, register, watch, read, drill down, fix, see the score rise.

Nothing is imitated: Chromium, the web server, a worker and the scheduler as processes, git over
http. The git server takes its time while the page is read that shows a scan in progress.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.watched import watched_page
from tests.gitservers import GitServer, Origin
from tests.product import Hook, Product, serve, served

pytestmark = pytest.mark.browser

STANDARD = "Production backend code-writing agent"
OWN_SCAN = 150_000  # milliseconds
HEALTHY = """\
'''A shop.'''


def total(prices: list[int]) -> int:
    '''Add up.'''
    return sum(prices)
"""
PRINTS = f"""{HEALTHY}

def show(prices: list[int]) -> None:
    '''Show.'''
    print(total(prices))
"""
LINE = PRINTS.splitlines().index("    print(total(prices))") + 1


@pytest.fixture(params=["PostgreSQL and Redis", "SQLite and files"])
def product(request: pytest.FixtureRequest, tmp_path: Path, postgresql: str) -> Iterator[Product]:
    """The product at work: web, worker and scheduler as processes, or the one command."""
    if request.param == "SQLite and files":
        made = Product.make(tmp_path)
        with made.started():
            yield made
        return
    with served(tmp_path, postgresql) as made:
        yield made


@pytest.fixture
def server(product: Product) -> Iterator[GitServer]:
    """The git server that the product may clone from."""
    with serve(product) as running:
        yield running


@pytest.fixture
def origin(server: GitServer) -> Origin:
    """A repository in which one function prints."""
    made = Origin.create(server.root / "team" / "shop.git")
    made.commit({"app/main.py": PRINTS, "README.md": "# Shop\n"}, message="feat: show totals")
    return made


def test_a_repository_is_registered_judged_fixed_and_judged_again(
    product: Product, server: GitServer, origin: Origin, browser: Browser
) -> None:
    with watched_page(browser, f"walk-{product.home.parent.name}") as page:
        walk(page, product, server, origin)


def walk(page: Page, product: Product, server: GitServer, origin: Origin) -> None:
    sign_in(page, product)
    register(page, server)
    hook = set_up_webhook(page)

    before = read_score(page)
    finding = drill_down(page, product, origin.top())

    fix = origin.commit(
        {"app/main.py": HEALTHY, "README.md": "# Shop\n"}, message="fix: print no totals"
    )
    server.mode = "slow"
    assert hook.push(fix).status_code == 202
    page.goto(f"{product.address}/r/shop/")
    progress = page.get_by_role("region", name="Scan in progress")
    expect(progress).to_contain_text("Scan 2")
    expect(page.locator("dl.headline")).to_be_visible()  # the last result stays in sight
    server.mode = "git"
    expect(page.locator("dl.headline")).to_contain_text(fix[:7])
    expect(progress).to_have_count(0)

    # Not "more": the fix is a commit as well, and clauses about commits judge it (it has no test).
    assert read_score(page) != before
    expect(page.locator("dl.headline")).to_contain_text("against the scan before")
    page.goto(finding)
    expect(page.get_by_label("Facts")).to_contain_text("fixed", ignore_case=True)
    page.goto(f"{product.address}/r/shop/webhook/")
    expect(page.get_by_role("region", name="Deliveries")).to_contain_text("scan requested")


def sign_in(page: Page, product: Product) -> None:
    page.goto(product.address)
    page.get_by_label("Username or email").or_(page.get_by_label("Login")).fill(product.login)
    page.get_by_label("Password").fill(product.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Fleet", exact=True)).to_be_visible()


def register(page: Page, server: GitServer) -> None:
    """From the fleet to the first result, without a reload."""
    page.get_by_role("link", name="Register a repository").first.click()
    page.get_by_label("Clone address").fill(server.url("team/shop.git"))
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="What is judged, and by what?")).to_be_visible()
    page.get_by_label("Branch to judge").select_option("main")
    page.get_by_label(re.compile(STANDARD)).check()
    server.mode = "slow"
    page.get_by_role("button", name="Register and scan").click()
    expect(page.get_by_text("The repository is registered")).to_be_visible()
    page.get_by_role("link", name="To the repository").click()
    progress = page.get_by_role("region", name="Scan in progress")
    # A first start judges this program's own checkout, and one slot judges one repository.
    step = progress.locator("[aria-current=step]")
    expect(step).to_contain_text("Fetching", timeout=OWN_SCAN)
    server.mode = "git"
    # Nobody reloads: the page follows the scan by itself.
    expect(page.locator("dl.headline")).to_be_visible()
    expect(progress).to_have_count(0)


def set_up_webhook(page: Page) -> Hook:
    """Read what a person copies to the forge, and come back."""
    page.get_by_label("Parts of the repository").get_by_role("link", name="Webhook").click()
    page.get_by_label("Forge").select_option("github")
    page.get_by_role("button", name="Make address and secret").click()
    address = page.locator("code[id^=address-]").inner_text()
    secret = page.locator("code[id^=secret-]").inner_text()
    page.get_by_role("link", name="Overview").click()
    return Hook(address, secret)


def read_score(page: Page) -> float:
    shown = page.locator("dl.headline > div").first.inner_text()
    found = re.search(r"\d+(\.\d+)?", shown)
    assert found, shown
    return float(found[0])


def drill_down(page: Page, product: Product, commit: str) -> str:
    """From the clause to its findings, to one of them, to its line; returns its address."""
    row = page.get_by_role("row").filter(has_text="PB-041")
    area = page.locator("details#area-logging")
    if area.get_attribute("open") is None:
        area.locator("summary").first.click()
    expect(row).to_contain_text("fails", ignore_case=True)
    row.get_by_role("link", name="0 / 1").click()
    page.get_by_role("link", name=re.compile("print.* is called")).click()
    expect(page.locator("tr.hit")).to_contain_text("print(total(prices))")
    expect(page.get_by_role("heading", name="How to fix it")).to_be_visible()
    finding = page.url
    page.get_by_role("link", name=f"app/main.py:{LINE}").click()
    expect(page.locator(f"#L{LINE}")).to_contain_text("print(total(prices))")
    expect(page).to_have_url(f"{product.address}/r/shop/code/app/main.py?at={commit}#L{LINE}")
    return finding
