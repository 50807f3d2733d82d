// Draws every <figure class="chart" data-chart="ID"> from the option in the JSON script ID, beside its table.
// The option is Apache ECharts', as JSON. What JSON cannot say is told in its key `house`:
//   currency, digits: values are minor units of this currency, and are written as money;
//   whole: values are counts, and axes have no steps below one;
//   labels: nodes of a Sankey picture, bars and areas carry their value beside their name.
// A string "var(--chart-good)" anywhere in it is the colour of that name in charts.css. A point, node or flow with a
// `url` leads there. `data-map` names the GeoJSON of a map. The page's content policy allows no inline styles, which
// is why tooltips are drawn ("richText") and every colour is read from the style sheet.
(() => {
  "use strict";

  const LIBRARY = document.currentScript.dataset.library;
  const SERIES_COLOURS = 8;
  const language = document.documentElement.lang || "en";
  const stillness = matchMedia("(prefers-reduced-motion: reduce)");
  const drawn = new Map(); // figure -> its chart
  const maps = new Map(); // address -> promise of its being registered
  let library = null;

  const listed = (value) => (value === undefined ? [] : Array.isArray(value) ? value : [value]);

  function load() {
    library ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = LIBRARY;
      script.addEventListener("load", () => resolve());
      script.addEventListener("error", () => reject(new Error(`${LIBRARY} was not found.`)));
      document.head.append(script);
    });
    return library;
  }

  function registerMap(address) {
    if (!maps.has(address)) {
      maps.set(address, fetch(address).then(async (answer) => {
        if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
        window.echarts.registerMap(address, await answer.json());
      }));
    }
    return maps.get(address);
  }

  // --- Colours -----------------------------------------------------------------------------------

  // The browser computes a colour in whatever notation the sheet has it; one painted pixel says it as ECharts reads it.
  function colours(figure) {
    const probe = figure.appendChild(document.createElement("i"));
    probe.hidden = true;
    const paint = Object.assign(document.createElement("canvas"), { width: 1, height: 1 })
      .getContext("2d", { willReadFrequently: true });
    const found = (name) => {
      probe.style.color = `var(--chart-${name})`;
      paint.clearRect(0, 0, 1, 1);
      paint.fillStyle = getComputedStyle(probe).color;
      paint.fillRect(0, 0, 1, 1);
      const [red, green, blue, alpha] = paint.getImageData(0, 0, 1, 1).data;
      return `rgba(${red},${green},${blue},${alpha / 255})`;
    };
    const names = ["text", "quiet", "line", "ground", "none", "good", "warn", "bad"];
    for (let place = 1; place <= SERIES_COLOURS; place += 1) names.push(String(place));
    const palette = Object.fromEntries(names.map((name) => [name, found(name)]));
    probe.remove();
    return palette;
  }

  function theme(figure, palette) {
    const quiet = { color: palette.quiet };
    const line = { lineStyle: { color: palette.line } };
    const axis = { axisLine: { show: false }, axisTick: { show: false }, axisLabel: quiet, splitLine: line, nameTextStyle: quiet };
    const area = { areaColor: palette.none, borderColor: palette.ground };
    const areas = {
      itemStyle: area, label: { color: palette.text },
      emphasis: { itemStyle: { areaColor: palette["2"] }, label: { color: palette.ground } },
      select: { itemStyle: { areaColor: palette["1"] }, label: { color: palette.ground } },
    };
    const label = { color: palette.text, textBorderWidth: 0 };
    return {
      color: Array.from({ length: SERIES_COLOURS }, (_, place) => palette[place + 1]),
      backgroundColor: "transparent",
      textStyle: { color: palette.text, fontFamily: getComputedStyle(figure).fontFamily },
      legend: { textStyle: quiet, inactiveColor: palette.line, icon: "roundRect", itemWidth: 10, itemHeight: 10 },
      tooltip: {
        backgroundColor: palette.ground, borderColor: palette.line, borderWidth: 1,
        textStyle: { color: palette.text, fontSize: 13 },
        axisPointer: { lineStyle: quiet, crossStyle: quiet, shadowStyle: { color: palette.line, opacity: 0.4 } },
      },
      categoryAxis: { ...axis, axisLine: { show: true, ...line }, splitLine: { show: false } },
      timeAxis: { ...axis, axisLine: { show: true, ...line }, splitLine: { show: false } },
      valueAxis: axis,
      logAxis: axis,
      line: { symbol: "circle", symbolSize: 7, lineStyle: { width: 2 } },
      bar: { label },
      pie: { label, itemStyle: { borderColor: palette.ground, borderWidth: 2 } },
      sankey: { label, itemStyle: { borderWidth: 0 }, lineStyle: { color: "gradient", opacity: 0.32 } },
      tree: {
        left: "18%", right: "22%", symbolSize: 10,
        itemStyle: { color: palette["1"], borderColor: palette["1"] },
        lineStyle: { color: palette.line, width: 1.5 },
        label: { ...label, position: "left", align: "right", verticalAlign: "middle", distance: 8 },
        leaves: { label: { position: "right", align: "left", verticalAlign: "middle", distance: 8 } },
      },
      geo: areas,
      map: areas,
      visualMap: { textStyle: quiet, color: [palette["1"], palette.none] },
    };
  }

  function named(value, palette) {
    if (typeof value === "string") {
      const name = /^var\(--chart-([a-z0-9]+)\)$/.exec(value);
      return name && palette[name[1]] ? palette[name[1]] : value;
    }
    if (Array.isArray(value)) return value.map((one) => named(one, palette));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, named(one, palette)]));
  }

  // --- Words and figures -------------------------------------------------------------------------

  function writing(house) {
    const money = house.currency ? { style: "currency", currency: house.currency } : {};
    const exact = { ...money };
    if (house.digits !== undefined) exact.minimumFractionDigits = exact.maximumFractionDigits = house.digits;
    const whole = new Intl.NumberFormat(language, exact);
    const short = new Intl.NumberFormat(language, {
      ...money, notation: "compact", minimumFractionDigits: 0, maximumFractionDigits: 1,
    });
    const unit = house.currency ? 10 ** (house.digits ?? whole.resolvedOptions().maximumFractionDigits) : 1;
    const by = (format) => (value) => {
      const figure = listed(value).at(-1);
      return Number.isFinite(figure) ? format.format(figure / unit) : "–";
    };
    return { whole: by(whole), short: by(short) };
  }

  const DAY_MS = 24 * 60 * 60 * 1000;
  const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });
  const hour = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
  const instant = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });

  const shortly = (value) => (value % DAY_MS ? hour : day).format(value);

  function axes(given, fallback, house, written) {
    return listed(given).map((axis) => {
      const type = axis.type ?? (axis.data ? "category" : fallback);
      const told = { ...axis, type };
      if (type === "value") {
        if (house.whole || house.currency) told.minInterval ??= 1;
        told.axisLabel = { formatter: written.short, ...axis.axisLabel };
      }
      if (type === "time") {
        told.axisLabel = { formatter: shortly, hideOverlap: true, ...axis.axisLabel };
        told.axisPointer = { label: { formatter: ({ value }) => instant.format(value) }, ...axis.axisPointer };
      }
      return told;
    });
  }

  const leads = (data) => listed(data).some((one) => one?.url || leads(one?.children));

  function series(given, house, written, figure) {
    const map = figure.dataset.map;
    const caption = figure.querySelector("figcaption")?.textContent.trim();
    return listed(given).map((one, _, all) => {
      const told = { cursor: leads(one.data) || leads(one.links) || leads(one.edges) ? "pointer" : "default", ...one };
      if (all.length === 1) told.name ??= caption;
      if (one.type === "sankey") {
        const flow = ({ name, data, value, dataType }) =>
          `${dataType === "edge" ? `${data.source} → ${data.target}` : name}\n${written.whole(value)}`;
        told.tooltip = { formatter: flow, ...one.tooltip };
      }
      if (house.labels) {
        const valued = ({ name, value }) => (one.type === "bar" ? written.short(value) : `${name}  ${written.short(value)}`);
        told.label = { show: true, formatter: valued, ...one.label };
      }
      if (one.type === "map" && map) told.map = map;
      return told;
    });
  }

  function complete(option, figure, palette) {
    const { house = {}, ...given } = named(option, palette);
    const written = writing(house);
    const map = figure.dataset.map;
    const crossed = given.xAxis !== undefined || given.yAxis !== undefined;
    const told = {
      useUTC: true,
      ...given,
      animation: !stillness.matches && given.animation !== false,
      animationDuration: 400,
      tooltip: {
        trigger: crossed ? "axis" : "item",
        valueFormatter: written.whole,
        ...given.tooltip,
        renderMode: "richText",
        confine: true,
        transitionDuration: stillness.matches ? 0 : 0.2,
      },
      series: series(given.series, house, written, figure),
    };
    if (crossed) {
      const timed = listed(given.xAxis).some((axis) => axis.type === "time"); // Whose last label stands half outside.
      told.grid = { left: 8, right: timed ? 28 : 12, top: given.legend ? 40 : 16, bottom: 8, containLabel: true, ...given.grid };
      told.xAxis = axes(given.xAxis ?? {}, "category", house, written);
      told.yAxis = axes(given.yAxis ?? {}, "value", house, written);
    }
    if (given.legend) told.legend = { top: 0, left: 0, type: "scroll", ...given.legend };
    if (given.geo && map) told.geo = { ...given.geo, map };
    return told;
  }

  // --- Drawing -----------------------------------------------------------------------------------

  function ground(figure) {
    const there = figure.querySelector(":scope > .chart-drawing");
    if (there) return there;
    const made = document.createElement("div");
    made.className = "chart-drawing";
    const caption = figure.querySelector(":scope > figcaption");
    if (caption) caption.after(made);
    else figure.prepend(made);
    return made;
  }

  function follow({ data }) {
    if (!data?.url) return;
    const address = new URL(data.url, location.href);
    if (address.protocol === "https:" || address.protocol === "http:") location.assign(address);
  }

  function show(figure, place) {
    const option = JSON.parse(document.getElementById(figure.dataset.chart).textContent);
    const palette = colours(figure);
    window.echarts.getInstanceByDom(place)?.dispose();
    const locale = language.startsWith("zh") ? "ZH" : "EN";
    const chart = window.echarts.init(place, theme(figure, palette), { renderer: "svg", locale });
    chart.on("click", follow);
    chart.setOption(complete(option, figure, palette));
    drawn.set(figure, chart);
  }

  const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => {
    const chart = window.echarts?.getInstanceByDom(target);
    if (chart && target.clientWidth && target.clientHeight) chart.resize();
  }));

  async function draw(figure) {
    if (drawn.has(figure)) return;
    drawn.set(figure, null);
    const place = ground(figure);
    place.setAttribute("aria-hidden", "true"); // The table beside it says the same, in words.
    try {
      await load();
      if (figure.dataset.map) await registerMap(figure.dataset.map);
      if (!figure.isConnected) return;
      show(figure, place);
      sizes.observe(place);
      figure.classList.add("chart-drawn");
    } catch (error) {
      figure.classList.add("chart-failed"); // The table is still there, opened.
      figure.querySelector(".chart-table")?.setAttribute("open", "");
      throw error;
    }
  }

  const drawAll = (within) => {
    for (const [figure, chart] of drawn) {
      if (!figure.isConnected) {
        chart?.dispose();
        drawn.delete(figure);
      }
    }
    if (within.matches?.(".chart[data-chart]")) draw(within);
    within.querySelectorAll(".chart[data-chart]").forEach(draw);
  };

  const redraw = () => drawn.forEach((chart, figure) => chart && show(figure, chart.getDom()));

  drawAll(document);
  document.addEventListener("htmx:load", (event) => drawAll(event.detail.elt));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  stillness.addEventListener("change", redraw);
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["class", "data-theme"] });
})();
