"""What a narrow screen must not do to a page: push beside each other, cut off, hide to the side."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from dashboard.models import Scan
from tests.browser.addresses import addresses, fill, judge_by_all
from tests.browser.conftest import Open
from tests.browser.test_pages import PHONE

if TYPE_CHECKING:
    from tests.dashboard.views.conftest import House

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# What a table on a phone holds beside its cells, and tables that are moved to be read.
CROWDED = """() => {
  const wrong = [];
  const words = (part) => part.textContent.trim().replace(/\\s+/g, ' ').slice(0, 40);
  for (const table of document.querySelectorAll('table.stack, table.tree')) {
    const wrap = table.closest('.tablewrap');
    if (wrap && wrap.scrollWidth > wrap.clientWidth + 1) wrong.push('moved: ' + words(table));
  }
  for (const cell of document.querySelectorAll('table.stack tbody :is(td, th)')) {
    const box = cell.getBoundingClientRect();
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    for (let text = texts.nextNode(); text; text = texts.nextNode()) {
      if (text.parentElement.closest('.visually-hidden')) continue;
      const range = document.createRange();
      range.selectNodeContents(text);
      const its = range.getBoundingClientRect();
      if (its.width && (its.right > box.right + 1 || its.left < box.left - 1))
        wrong.push('cut: ' + words(cell));
    }
  }
  for (const note of document.querySelectorAll('.code tr.note td > div'))
    if (note.getBoundingClientRect().right > innerWidth) wrong.push('out of sight: ' + words(note));
  return wrong;
}"""

# Pairs of labels of an axis that stand in each other.
COLLISIONS = """() => {
  const chart = echarts.getInstanceByDom(document.querySelector('[data-chart=trend]'));
  const labels = chart.getZr().storage.getDisplayList(true)
    .filter((shape) => shape.type === 'tspan' && !shape.ignore)
    .map((shape) => {
      const box = shape.getBoundingRect().clone();
      box.applyTransform(shape.transform);
      return [shape.style.text, box];
    });
  const found = [];
  labels.forEach(([text, box], at) => labels.slice(at + 1).forEach(([other, its]) => {
    if (box.intersect(its)) found.push(`${text} in ${other}`);
  }));
  return [labels.length, found];
}"""


def test_nothing_in_a_table_is_pushed_together_or_cut_on_a_phone(
    house: House, open_page: Open
) -> None:
    fill(house)
    overview = judge_by_all(house).get_absolute_url()
    page = open_page(house.owner, "/", viewport=PHONE)

    wrong = {}
    for address in (*addresses(house), overview, f"{overview}findings/"):
        page.goto(address)
        page.wait_for_function("() => !document.querySelector('#glance:empty')")
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        if found := page.evaluate(CROWDED):
            wrong[address] = found

    assert wrong == {}


def test_the_labels_of_the_course_do_not_stand_in_each_other(house: House, open_page: Open) -> None:
    now = timezone.now()
    for number in range(30):
        scan = house.scan(score=50.0 + number)
        finished_at = now - timedelta(days=11 * (30 - number))
        Scan.objects.filter(pk=scan.pk).update(finished_at=finished_at)
    page = open_page(house.owner, house.page("history/"), viewport=PHONE)
    page.wait_for_selector("[data-chart=trend] canvas")

    number, found = page.evaluate(COLLISIONS)

    assert number > 4
    assert found == []
