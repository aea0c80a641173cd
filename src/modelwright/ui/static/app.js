// Small islands over pages that work without them: keys, copying, ages, curves.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

  const say = (text) => {
    const place = $("#said");
    place.textContent = text;
    place.classList.add("on");
    setTimeout(() => place.classList.remove("on"), 1200);
  };

  // Copying: anything with data-copy.
  document.addEventListener("click", async (event) => {
    const from = event.target.closest("[data-copy]");
    if (!from) return;
    event.preventDefault();
    try {
      await navigator.clipboard.writeText(from.dataset.copy);
      say("Copied");
    } catch {
      say("The browser does not allow copying here");
    }
  });

  // Ages: the server wrote them; they go on while the page stays open.
  const units = [["year", 31536000], ["month", 2592000], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60]];
  const ages = () => {
    for (const time of $$("time[data-ago]")) {
      const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
      const [unit, size] = units.find(([, s]) => Math.abs(seconds) >= s) ?? ["", 0];
      const count = size && Math.floor(Math.abs(seconds) / size);
      const text = `${count} ${unit}${count === 1 ? "" : "s"}`;
      time.textContent = !size ? "just now" : seconds > 0 ? `${text} ago` : `in ${text}`;
    }
  };
  setInterval(ages, 30000);

  // Keys: / finds, g and a letter goes, j and k walk the rows of the first table, ? explains.
  let going = 0;
  const walk = (by) => {
    const links = $$("main [data-rows] tbody tr").map((row) => $("a", row)).filter(Boolean);
    if (!links.length) return;
    const now = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
    links[Math.min(Math.max(now + by, 0), links.length - 1)].focus({ focusVisible: true });
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea");
    if (event.key === "Escape" && typing) return typing.blur();
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (going && Date.now() - going < 3000) {
      going = 0;
      const goal = $$("[data-key]").find((link) => link.dataset.key === event.key);
      if (goal) return goal.click();
    }
    if (event.key === "/") { event.preventDefault(); $("#find").select(); $("#find").focus(); }
    else if (event.key === "g") going = Date.now();
    else if (event.key === "j") walk(1);
    else if (event.key === "k") walk(-1);
    else if (event.key === "?") { const help = $("#help"); help.open ? help.close() : help.showModal(); }
  });

  // Curves: [steps, values] in data-curve, drawn when they come into view and again when the theme changes.
  let library;
  const load = () => library ??= new Promise((done, fail) => {
    const { uplot, uplotCss } = document.body.dataset;
    const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: uplotCss });
    const script = Object.assign(document.createElement("script"), { src: uplot, onload: done, onerror: fail });
    document.head.append(style, script);
  });
  const drawn = new Map();
  const newest = (plot) => plot.setLegend({ idx: plot.data[0].length - 1 });
  const draw = (place) => {
    drawn.get(place)?.destroy();
    const css = getComputedStyle(document.documentElement);
    const probe = (name) => { place.style.color = `var(${name})`; const found = getComputedStyle(place).color; place.style.color = ""; return found; };
    const axis = { stroke: probe("--faint"), grid: { stroke: probe("--line"), width: 1 }, ticks: { show: false }, font: `11px ${css.fontFamily}` };
    const series = [{ label: "step" }, { label: place.dataset.name, stroke: probe("--s1"), width: 1.5, points: { show: false } }];
    const options = {
      width: place.clientWidth, height: place.clientHeight - 26, series,
      axes: [axis, { ...axis, size: 52 }], scales: { x: { time: false } }, cursor: { y: false },
      hooks: { setCursor: [(plot) => plot.cursor.idx == null && newest(plot)], ready: [newest] },
    };
    drawn.set(place, new uPlot(options, JSON.parse(place.dataset.curve), place));
  };
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      load().then(() => draw(target));
    }
  }, { rootMargin: "200px" });
  const watch = () => $$("[data-curve]").forEach((place) => drawn.has(place) || seen.observe(place));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => [...drawn.keys()].forEach(draw));
  let resizing;
  addEventListener("resize", () => {
    clearTimeout(resizing);
    resizing = setTimeout(() => {
      for (const [place, plot] of drawn) plot.setSize({ width: place.clientWidth, height: place.clientHeight - 26 });
    }, 120);
  });

  document.addEventListener("htmx:afterSettle", () => { ages(); watch(); });
  watch();
})();
