"use strict";
// Values of the curves under the pointer, and one row brought out by pointing at it in a legend. The page says all without it.
const SVG = "http://www.w3.org/2000/svg";
const span = (plot, axis) => plot.dataset[axis].split(" ").map(Number);

function curvesOf(plot) {
  const [left, right] = span(plot, "x"), [low, high] = span(plot, "y");
  const width = plot.width.baseVal.value, height = plot.height.baseVal.value;
  return [...plot.querySelectorAll(".line")].map((line) => ({
    line,
    points: line.getAttribute("d").slice(1).split("L").map((point) => {
      const [x, y] = point.split(" ").map(Number);
      return [left + (x / width) * (right - left), low + (1 - y / height) * (high - low), x];
    }),
  }));
}

for (const plot of document.querySelectorAll(".plot[data-x]")) {
  const svg = plot.ownerSVGElement, figure = plot.closest("figure");
  let curves, cursor, tip;
  const leave = () => { cursor?.remove(); tip?.remove(); cursor = tip = undefined; };
  svg.addEventListener("pointerleave", leave);
  svg.addEventListener("pointermove", (event) => {
    curves ??= curvesOf(plot);
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(plot.getScreenCTM().inverse());
    const near = curves.flatMap(({ points }) => points).reduce((a, b) => (Math.abs(b[2] - place.x) < Math.abs(a[2] - place.x) ? b : a));
    cursor ??= plot.appendChild(document.createElementNS(SVG, "path"));
    cursor.setAttribute("class", "cursor");
    cursor.setAttribute("d", `M${near[2]} 0V${plot.height.baseVal.value}`);
    tip ??= figure.appendChild(document.createElement("div"));
    tip.className = "tip";
    tip.replaceChildren(`${plot.dataset.name} ${Math.round(near[0])}`);
    const there = curves.flatMap(({ line, points }) => points.filter(([x]) => Math.abs(x - near[0]) < 0.5).map(([, y]) => ({ line, y })));
    for (const { line, y } of there.sort((a, b) => b.y - a.y)) {
      const row = document.createElement("div"), value = document.createElement("b");
      value.className = line.getAttribute("class").replace("line ", "");
      value.textContent = y.toFixed(Math.abs(y) >= 10 ? 2 : 3);
      row.append(value, ` ${line.dataset.label}`);
      tip.append(row);
    }
    const box = figure.getBoundingClientRect(), right = event.clientX - box.left + 16;
    tip.style.top = `${event.clientY - box.top + 12}px`;
    tip.style.left = `${right + tip.offsetWidth > box.width ? Math.max(0, right - 32 - tip.offsetWidth) : right}px`;
  });
}

for (const item of document.querySelectorAll(".legend li")) {
  const others = () => [...item.closest("figure").querySelectorAll(".panels [data-label]")].filter((line) => line.dataset.label !== item.dataset.label);
  item.addEventListener("pointerenter", () => others().forEach((line) => line.classList.add("muted")));
  item.addEventListener("pointerleave", () => others().forEach((line) => line.classList.remove("muted")));
}
