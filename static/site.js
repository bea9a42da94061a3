// What HTMX does not do by itself: theme, keys, charts, quiet polling, focus after a swap.
(() => {
  "use strict";
  const root = document.documentElement;
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");

  // --- theme: the cookie is read by the server, so the next page arrives in the right colours
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-toggle]");
    if (!button) return;
    const dark = (root.dataset.seTheme || (prefersDark.matches ? "dark" : "light")) === "dark";
    root.dataset.seTheme = dark ? "light" : "dark";
    document.cookie = `theme=${root.dataset.seTheme}; path=/; max-age=31536000; samesite=lax`;
    drawAll(document);
  });
  prefersDark.addEventListener("change", () => drawAll(document));

  // --- menus: one open at a time, closed by Escape or by a click elsewhere
  const closeMenus = (except) => {
    document.querySelectorAll("details.menu[open]").forEach((menu) => {
      if (menu !== except) menu.open = false;
    });
  };
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = document.querySelector("details.menu[open]");
    closeMenus(null);
    if (open) open.querySelector("summary").focus();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
  });

  // --- copy buttons
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    const text = "value" in source ? source.value : source.textContent;
    let copied = true;
    try {
      await navigator.clipboard.writeText("copyExact" in button.dataset ? text : text.trim());
    } catch {
      copied = false;
    }
    const label = button.querySelector("[data-copy-label]") || button;
    const before = label.textContent;
    label.textContent = copied ? "Copied" : "Select and copy by hand";
    setTimeout(() => { label.textContent = before; }, 1600);
  });

  // --- polling rests while nobody looks
  document.addEventListener("htmx:beforeRequest", (event) => {
    const polls = (event.detail.elt.getAttribute("hx-trigger") || "").includes("every");
    if (polls && document.hidden) event.preventDefault();
  });

  // --- a refused form: hand the focus to its first faulty field
  const focusFault = (area) => {
    const faulty = area.querySelector("[aria-invalid='true'], fieldset:has(> .errorlist) input");
    if (faulty) faulty.focus();
  };
  document.addEventListener("htmx:afterSettle", (event) => {
    const target = event.detail.target; // an outer swap has replaced it by its namesake
    focusFault(document.getElementById(target.id) || target);
  });

  // --- a swap that could not happen is said in words, and taken back with the next that does
  const trouble = (words) => { document.getElementById("trouble").textContent = words; };
  document.addEventListener("htmx:sendError", () => {
    trouble("The server cannot be reached. This page shows what was known last.");
  });
  document.addEventListener("htmx:responseError", (event) => {
    const gone = event.detail.xhr.status === 404;
    trouble(gone ? "This is not there any more. Reload the page." : "The server could not answer. Reload the page.");
  });
  document.addEventListener("htmx:afterOnLoad", (event) => {
    if (event.detail.successful) trouble("");
  });

  // --- focus survives a swap: it goes to the namesake of what had it, else to the part swapped in
  let held = null;
  const placeOf = (element) => ({ id: element.id, href: element.getAttribute("href"), text: element.textContent.trim() });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const active = document.activeElement;
    held = event.detail.target.contains(active) && active !== document.body ? placeOf(active) : null;
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (!held || document.activeElement !== document.body) return;
    const area = document.getElementById(event.detail.target.id) || event.detail.target;
    const links = [...area.querySelectorAll("a[href], button, summary")];
    const same = (held.id && document.getElementById(held.id))
      || links.find((link) => held.href && link.getAttribute("href") === held.href)
      || links.find((link) => held.text && link.textContent.trim() === held.text);
    if (!same) area.tabIndex = -1;
    (same || area).focus({ preventScroll: true });
    held = null;
  });

  // --- what a swap brought is said when it is news: a live region that arrives with it is not read
  const say = (words) => { document.getElementById("said").textContent = words; };
  const news = () => [...document.querySelectorAll("[data-say]")].map((part) => part.dataset.say);
  let told = [];
  document.addEventListener("htmx:afterSettle", () => {
    const now = news();
    const untold = now.filter((words) => words && !told.includes(words));
    if (untold.length) say(untold.join(". "));
    told = now;
  });

  // --- single keys: rows of findings, search, and the list of keys itself
  const keysDialog = () => document.getElementById("keys");
  const keysOff = () => /(?:^|; )keys=off(?:;|$)/.test(document.cookie);
  const rows = () => [...document.querySelectorAll("[data-row]")];
  const currentRow = () => {
    const row = document.activeElement && document.activeElement.closest("tr, .hits li");
    return row && row.querySelector("[data-row]");
  };
  const move = (step) => {
    const all = rows();
    if (!all.length) return false;
    const next = all[all.indexOf(currentRow()) + step];
    if (next) next.focus();
    else if (!currentRow()) all[0].focus();
    else say(step > 0 ? "Last finding of this page" : "First finding of this page");
    return true;
  };
  const counted = () => {
    const number = document.querySelectorAll(".pick:checked").length;
    const words = number ? `${number} selected` : "none selected";
    const output = document.getElementById("picked");
    if (output) output.textContent = words;
    return words;
  };
  const pick = () => {
    const row = currentRow();
    const box = row && row.closest("tr, li").querySelector(".pick");
    if (!box) return false;
    box.checked = !box.checked;
    say(`${box.checked ? "Selected" : "No longer selected"}, ${counted()}`);
    return true;
  };
  const waive = () => {
    const form = document.getElementById("waive");
    if (!form) return false;
    if (!document.querySelector(".pick:checked")) pick();
    form.open = true;
    document.getElementById("reason").focus();
    return true;
  };
  const seek = () => {
    const field = document.querySelector("[data-search]");
    if (!field) return false;
    field.focus();
    if (document.activeElement !== field) field.form.submit(); // a telephone hides the field
    return true;
  };
  const showKeys = () => {
    const dialog = keysDialog();
    if (!dialog) return false;
    dialog.querySelector("[data-keys-on]").checked = !keysOff();
    dialog.showModal();
    return true;
  };
  const turn = (rel) => {
    const link = document.querySelector(`.near a[rel=${rel}]`);
    if (link) link.click();
    return Boolean(link);
  };
  const keys = { n: () => turn("next"), p: () => turn("prev"), j: () => move(1), k: () => move(-1), x: pick, w: waive, "/": seek, "?": showKeys };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || keysOff()) return;
    const typing = "input:not([type=checkbox], [type=radio]), textarea, select, dialog[open]";
    if (event.target.closest(typing) || !Object.hasOwn(keys, event.key)) return;
    if (keys[event.key]()) event.preventDefault();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches(".pick")) counted();
    if (event.target.matches("[data-keys-on]")) {
      document.cookie = `keys=${event.target.checked ? "on" : "off"}; path=/; max-age=31536000; samesite=lax`;
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-keys]")) showKeys();
  });

  // --- what a swap brought in may hold a chart
  document.addEventListener("htmx:load", (event) => drawAll(event.detail.elt));

  // --- charts: the numbers stand in a table as well; a chart is only a second view of them
  // A token may be light-dark(...), which only a real element resolves to one colour.
  const colour = (name) => {
    const sample = document.createElement("span");
    sample.style.color = `var(${name})`;
    document.body.append(sample);
    const resolved = getComputedStyle(sample).color;
    sample.remove();
    return resolved;
  };

  const base = () => ({
    animation: false,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: colour("--se-ink-soft") },
    tooltip: { renderMode: "richText", confine: true, backgroundColor: colour("--se-raised"),
      borderColor: colour("--se-line"), textStyle: { color: colour("--se-ink"), fontSize: 12 } },
    grid: { left: 8, right: 24, top: 8, bottom: 8, containLabel: true },
  });
  const points = (value) => (Math.round(value * 10) / 10).toFixed(1);
  // A score is rounded down, here as on the rest of the page.
  const score = (value) => (Math.floor(value * 10 + 1e-6) / 10).toFixed(1);

  const waterfall = (data) => {
    // Bars hang from what is left after the losses before them; a clear series holds them up.
    const names = data.map((bar) => bar.name);
    const option = base();
    option.tooltip.trigger = "axis";
    option.tooltip.axisPointer = { type: "shadow" };
    option.tooltip.formatter = (items) => {
      const bar = data[items[0].dataIndex];
      return bar.kind === "loss" ? `${bar.name}: −${points(bar.value)} points` : `${bar.name}: ${score(bar.value)}`;
    };
    option.xAxis = { type: "value", min: data[data.length - 1].end < 40 ? 0 : Math.floor((data[data.length - 1].end - 4) / 10) * 10,
      max: 100, splitLine: { lineStyle: { color: colour("--se-line") } }, axisLabel: { color: colour("--se-ink-soft") } };
    option.yAxis = { type: "category", inverse: true, data: names, axisTick: { show: false },
      axisLine: { show: false }, axisLabel: { color: colour("--se-ink"), width: 130, overflow: "truncate" } };
    const fills = { total: colour("--se-accent"), loss: colour("--se-bad"), score: colour("--se-accent") };
    option.series = [
      { type: "bar", stack: "w", silent: true, itemStyle: { color: "transparent" }, data: data.map((bar) => bar.start) },
      { type: "bar", stack: "w", barMaxWidth: 18, data: data.map((bar) => ({ value: bar.end - bar.start,
        itemStyle: { color: fills[bar.kind], borderRadius: 2 },
        label: { show: true, position: bar.kind === "total" ? "insideRight" : "right", fontSize: 11,
          color: bar.kind === "total" ? colour("--se-on-accent") : colour("--se-ink-soft"),
          formatter: () => (bar.kind === "loss" ? `−${points(bar.value)}` : score(bar.value)) } })) },
    ];
    return option;
  };

  const trend = (data) => {
    const option = base();
    option.tooltip.trigger = "axis";
    option.tooltip.formatter = (items) => {
      const at = data[items[0].dataIndex];
      const lines = [at.label, `score ${score(at.score)}`, `at constant rules ${score(at.constant)}`];
      return (at.note ? [...lines, at.note] : lines).join("\n");
    };
    option.xAxis = { type: "time", boundaryGap: false, axisTick: { show: false },
      axisLine: { lineStyle: { color: colour("--se-line") } }, axisLabel: { color: colour("--se-ink-soft"), hideOverlap: true } };
    option.yAxis = { type: "value", min: (range) => Math.max(0, Math.floor(range.min / 10) * 10 - 10), max: 100,
      splitLine: { lineStyle: { color: colour("--se-line") } }, axisLabel: { color: colour("--se-ink-soft") } };
    // The mark is a symbol of the score's own line, so each point has one place and one tooltip.
    option.series = [
      { type: "line", data: data.map((at) => ({ value: [at.at, at.score], symbol: at.note ? "diamond" : "circle",
        symbolSize: at.note ? 12 : 5, itemStyle: { color: colour(at.note ? "--se-warn" : "--se-accent") } })),
        showAllSymbol: true, lineStyle: { color: colour("--se-accent"), width: 2 } },
      { type: "line", data: data.map((at) => [at.at, at.constant]), symbol: "none",
        lineStyle: { color: colour("--se-ink-soft"), width: 1.5, type: "dashed" }, itemStyle: { color: colour("--se-ink-soft") } },
    ];
    return option;
  };

  const kinds = { waterfall, trend };

  const draw = (element) => {
    if (!window.echarts) return;
    const chart = window.echarts.getInstanceByDom(element) || window.echarts.init(element);
    chart.setOption(kinds[element.dataset.chart](JSON.parse(element.dataset.points)), true);
  };
  function drawAll(scope) {
    if (scope.matches && scope.matches("[data-chart]")) draw(scope);
    scope.querySelectorAll("[data-chart]").forEach(draw);
  }
  window.addEventListener("resize", () => {
    document.querySelectorAll("[data-chart]").forEach((element) => {
      const chart = window.echarts && window.echarts.getInstanceByDom(element);
      if (chart) chart.resize();
    });
  });
  // A row of tabs scrolls where it is narrow: the tab one is on stands in sight.
  const showCurrentTab = () => document.querySelectorAll(".tabs a[aria-current]").forEach((tab) => {
    const row = tab.closest(".tabs");
    row.scrollLeft = tab.offsetLeft - row.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
  });
  // A table that is wider than its place can be scrolled from the keyboard.
  const reachTables = () => document.querySelectorAll(".tablewrap").forEach((wrap) => {
    if (wrap.scrollWidth <= wrap.clientWidth || wrap.hasAttribute("tabindex")) return;
    wrap.tabIndex = 0;
    wrap.setAttribute("role", "group");
    const caption = wrap.querySelector("caption");
    if (caption) wrap.setAttribute("aria-label", caption.textContent);
  });
  window.addEventListener("resize", reachTables);
  document.addEventListener("htmx:afterSettle", reachTables);
  document.addEventListener("DOMContentLoaded", () => {
    drawAll(document);
    showCurrentTab();
    reachTables();
    counted();
    told = news();
    focusFault(document);
  });
})();
