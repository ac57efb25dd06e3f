// Draws the tables of the statistics page: each `[data-chart]` takes its figures from the table with the id `data-table`,
// so that the two never differ. Numbers are those of `data-n` where a cell says them in words.
// Canvas, and tooltips painted into it: our policy allows no style in markup, which the other kinds write.
import { BarChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([BarChart, GridComponent, LegendComponent, TooltipComponent, AriaComponent, CanvasRenderer]);
document.documentElement.classList.add("scripted");

// Told apart by lightness as well, so that they do on a black and white printer.
const colours = ["#b3261e", "#e8a33d", "#2f6fb3", "#c3ccd6"];
const most = 20;
const shown = [...document.querySelectorAll("[data-chart]")].map(draw);
new ResizeObserver(() => shown.forEach((chart) => chart?.resize())).observe(document.body);
addEventListener("beforeprint", () => shown.forEach((chart) => chart?.resize()));

function draw(mount) {
  const table = document.getElementById(mount.dataset.table);
  const columns = Number(mount.dataset.drawn);
  const names = [...table.tHead.rows[0].cells].slice(1, columns + 1).map((cell) => cell.textContent.trim());
  let rows = [...table.tBodies[0].rows].filter((row) => row.cells.length > columns);
  if (!rows.length) {
    mount.remove();
    return undefined;
  }
  const stacked = mount.dataset.chart === "stacked";
  const upright = mount.hasAttribute("data-time");
  // Of a long list the beginning, which is the most frequent; all of it stands in the table.
  if (!upright) rows = rows.slice(0, most);
  const hours = mount.hasAttribute("data-lengths");
  const value = (cell) => {
    const number = cell.dataset.n === "" ? null : Number(cell.dataset.n);
    return hours && number !== null ? Math.round(number / 360) / 10 : number;
  };
  const labels = rows.map((row) => row.cells[0].textContent.trim());
  const category = { type: "category", data: labels, inverse: !upright, axisTick: { show: false }, axisLabel: { color: "#333" } };
  if (!upright) Object.assign(category.axisLabel, { width: 130, overflow: "truncate" });
  const numbers = { type: "value", minInterval: hours ? undefined : 1, name: hours ? mount.dataset.lengths : "", axisLabel: { color: "#333" } };
  if (!upright) mount.style.height = `${Math.max(8, 4 + rows.length * (stacked ? 1.75 : 1.25 + columns * 0.75))}rem`;
  const chart = init(mount, null, { renderer: "canvas" });
  chart.setOption({
    animation: false,
    color: columns === 1 ? ["#2f6fb3"] : columns === 2 ? (hours ? ["#2f6fb3", "#e8a33d"] : ["#2f6fb3", "#b3261e"]) : colours,
    grid: { left: 8, right: 36, top: columns > 1 ? 36 : 16, bottom: 8, containLabel: true },
    legend: columns > 1 ? { top: 0, textStyle: { color: "#333" } } : undefined,
    tooltip: { trigger: "axis", renderMode: "richText", axisPointer: { type: "shadow" }, confine: true },
    xAxis: upright ? category : numbers,
    yAxis: upright ? numbers : category,
    series: names.map((name, index) => ({
      name,
      type: "bar",
      stack: stacked ? "all" : undefined,
      barMaxWidth: 28,
      label: { show: columns === 1, position: "right", color: "#333" },
      data: rows.map((row) => value(row.cells[index + 1])),
    })),
  });
  return chart;
}
