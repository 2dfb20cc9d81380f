// Draws the charts of a page with uPlot, and draws them anew when htmx has put new numbers beside them.
// <figure class="chart" data-chart="ID" hx-morph-skip-children></figure><script type="application/json" id="ID">…</script>
"use strict";

(() => {
  const charts = new Map();
  const resolved = (name) => {
    // light-dark() is only resolved on a property that is a colour.
    const probe = document.createElement("i");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  };
  const short = new Intl.NumberFormat("en", { notation: "compact" });
  const long = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

  function series(given) {
    const stroke = resolved(given.color);
    const value = (_, number) =>
      number == null ? "—" : long.format(number) + (given.scale === "percent" ? " %" : "");
    const common = { label: given.label, scale: given.scale, stroke, value };
    if (given.kind === "bars") {
      return { ...common, fill: stroke, paths: uPlot.paths.bars({ size: [0.7, 48] }), points: { show: false } };
    }
    return { ...common, width: 2, spanGaps: true, points: { size: 6 } };
  }

  function axes(data) {
    const dim = resolved("--dim");
    const grid = { stroke: resolved("--line"), width: 1 };
    const common = { stroke: dim, grid, ticks: grid, font: "12px system-ui" };
    const scales = new Set(data.series.map((each) => each.scale));
    const unit = data.unit;
    const words = unit < 86400 ? { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } : { day: "numeric", month: "short" };
    const time = new Intl.DateTimeFormat("en-GB", { ...words, timeZone: "UTC" });
    const found = [{ ...common, incrs: [1, 2, 3, 7, 14, 28, 91, 364].map((n) => n * unit), values: (_, ticks) => ticks.map((t) => time.format(t * 1000)) }];
    if (scales.has("count")) {
      found.push({ ...common, scale: "count", size: 56, values: (_, ticks) => ticks.map((t) => short.format(t)) });
    }
    if (scales.has("percent")) {
      const side = scales.has("count") ? 1 : 3;
      found.push({ ...common, scale: "percent", side, size: 52, grid: { show: side === 3 }, values: (_, ticks) => ticks.map((t) => t + " %") });
    }
    return found;
  }

  // The legend says the newest values while nothing is pointed at.
  const atRest = (plot) => plot.cursor.idx ?? plot.setLegend({ idx: plot.data[0].length - 1 });

  function draw(figure) {
    const text = document.getElementById(figure.dataset.chart).textContent;
    const known = charts.get(figure);
    if (known?.text === text) return;
    const data = JSON.parse(text);
    const values = [data.times, ...data.series.map((each) => each.values)];
    known?.plot.destroy();
    const fromZero = (least) => (_, __, most) => [0, Math.max(1.1 * (most ?? 0), least)];
    const unit = data.unit;
    const plot = new uPlot(
      {
        width: figure.clientWidth,
        height: 260,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
        scales: {
          // Half a unit of room at both ends, so that the first and the last bar are whole.
          x: { range: () => [data.times[0] - unit / 2, data.times.at(-1) + unit / 2] },
          count: { range: fromZero(4) }, // below that the axis would count in fractions
          percent: { range: fromZero(1) },
        },
        axes: axes(data),
        series: [{ value: unit < 86400 ? "{YYYY}-{MM}-{DD} {HH}:{mm}" : "{YYYY}-{MM}-{DD}" }, ...data.series.map(series)],
        hooks: { ready: [atRest], setCursor: [atRest] },
      },
      values,
      figure,
    );
    charts.set(figure, { plot, text });
  }

  function drawAll() {
    for (const [figure, { plot }] of charts) {
      if (figure.isConnected) continue;
      plot.destroy();
      charts.delete(figure);
    }
    for (const figure of document.querySelectorAll("[data-chart]")) draw(figure);
  }

  function redrawAll() {
    for (const known of charts.values()) known.text = null;
    drawAll();
  }

  drawAll();
  document.addEventListener("htmx:after:swap", drawAll);
  addEventListener("resize", () => charts.forEach(({ plot }, figure) => plot.setSize({ width: figure.clientWidth, height: 260 })));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
})();
