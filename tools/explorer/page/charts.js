// The charts of a report, drawn from its numbers: crisp at any size, coloured by the page's style.

import { svg } from "../shared/dom.js";

const number = (value) => (value === null || value === undefined ? "–" : value.toFixed(3));
const text = (x, y, words, more = {}) => svg("text", { x: x.toFixed(1), y: y.toFixed(1), ...more }, words);
const line = (x1, x2, y1, y2, name) => svg("line", { x1: x1.toFixed(1), x2: x2.toFixed(1), y1: y1.toFixed(1), y2: y2.toFixed(1), class: name });

function chart(width, height, label, parts) {
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, class: "chart" }, parts);
}

/** A figure as a dot on a line from 0 to 1 with its interval, its floors as ticks below. */
export function strip({ title, value, low, high, floors }) {
  const [width, left, right, y] = [440, 8, 432, 30];
  const x = (share) => left + (right - left) * Math.min(1, Math.max(0, share));
  const parts = [line(left, right, y, y, "axis")];
  for (let fifth = 0; fifth <= 5; fifth++) {
    parts.push(line(x(fifth / 5), x(fifth / 5), y - 3, y + 3, "tick"), text(x(fifth / 5), y - 12, (fifth / 5).toFixed(1), { class: "faint", "text-anchor": "middle" }));
  }
  const ends = []; // where the last label of every row ends
  for (const [name, share] of Object.entries(floors).sort((a, b) => a[1] - b[1])) {
    const label = `${name} ${share.toFixed(3)}`;
    const half = 2.9 * label.length;
    const middle = Math.min(Math.max(x(share), left + half), right - half);
    let row = ends.findIndex((end) => middle - half > end + 8);
    if (row < 0) row = ends.length;
    ends[row] = middle + half;
    parts.push(line(x(share), x(share), y - 7, y + 7, "floor"), text(middle, y + 23 + 15 * row, label, { class: "floor-label", "text-anchor": "middle" }));
  }
  if (low !== null && high !== null) parts.push(svg("rect", { class: "interval", x: x(low).toFixed(1), y: y - 4, width: Math.max(1, x(high) - x(low)).toFixed(1), height: 8, rx: 4 }));
  parts.push(svg("circle", { class: "score-dot", cx: x(value).toFixed(1), cy: y, r: 6 }));
  return chart(width, y + 18 + 15 * Math.max(1, ends.length), `${title}: ${number(value)}`, parts);
}

/** How many videos lie in each part of 0 to 1, bars of the series side by side. */
export function histogram({ title, series }) {
  const [width, height, left, top, bottom] = [520, 220, 40, 26, 34];
  const [plotWidth, plotHeight] = [width - left - 10, height - bottom - top];
  const names = Object.keys(series);
  const bins = series[names[0]]?.length ?? 1;
  const most = Math.max(1, ...Object.values(series).flat());
  const parts = frame(left, top, plotWidth, plotHeight);
  for (const count of new Set([0, Math.floor(most / 2), most])) parts.push(text(left - 6, top + plotHeight * (1 - count / most) + 4, String(count), { class: "faint", "text-anchor": "end" }));
  const bar = plotWidth / bins / (names.length + 0.4);
  names.forEach((name, place) => {
    series[name].forEach((count, bin) => {
      const tall = (plotHeight * count) / most;
      const tip = `${name}: ${count} videos in ${(bin / bins).toFixed(2)} to ${((bin + 1) / bins).toFixed(2)}`;
      parts.push(svg("rect", { class: `series-${place}`, x: (left + (plotWidth * bin) / bins + bar * (place + 0.2)).toFixed(1), y: (top + plotHeight - tall).toFixed(1), width: (bar * 0.92).toFixed(1), height: tall.toFixed(1) }, svg("title", {}, tip)));
    });
  });
  for (let fifth = 0; fifth <= 5; fifth++) parts.push(text(left + (plotWidth * fifth) / 5, height - bottom + 16, (fifth / 5).toFixed(1), { class: "faint", "text-anchor": "middle" }));
  parts.push(text(left + plotWidth / 2, height - 3, title, { class: "faint", "text-anchor": "middle" }));
  let x = left;
  names.forEach((name, place) => {
    parts.push(svg("rect", { class: `series-${place}`, x, y: 6, width: 11, height: 11, rx: 2 }), text(x + 16, 16, name));
    x += 30 + 7 * name.length;
  });
  return chart(width, height, `Histogram: ${title}`, parts);
}

/** Videos by a share on a logarithmic scale from 0.01 % and a score from 0 to 1; each leads to its video. */
export function scatter({ x_title: across, y_title: up, points }, { onOpen }) {
  const [width, height, left, top, bottom] = [520, 220, 40, 26, 34];
  const [plotWidth, plotHeight] = [width - left - 10, height - bottom - top];
  const parts = frame(left, top, plotWidth, plotHeight);
  for (let decade = -4; decade <= 0; decade++) {
    const x = left + (plotWidth * (decade + 4)) / 4;
    parts.push(line(x, x, top, top + plotHeight, "grid"), text(x, height - bottom + 16, `${Number((10 ** (decade + 2)).toPrecision(1))} %`, { class: "faint", "text-anchor": decade ? "middle" : "end" }));
  }
  for (const half of [0, 0.5, 1]) parts.push(text(left - 6, top + plotHeight * (1 - half) + 4, String(half), { class: "faint", "text-anchor": "end" }));
  for (const [id, share, score] of points) {
    const x = left + (plotWidth * Math.min(4, Math.max(0, Math.log10(share) + 4))) / 4;
    const tip = `${id}: ${up} ${score.toFixed(3)}, ${(share * 100).toFixed(2)} %`;
    parts.push(svg("circle", { class: "point", cx: x.toFixed(1), cy: (top + plotHeight * (1 - score)).toFixed(1), r: 4, onclick: () => onOpen(id) }, svg("title", {}, tip)));
  }
  parts.push(text(left, 16, up), text(left + plotWidth / 2, height - 3, across, { class: "faint", "text-anchor": "middle" }));
  return chart(width, height, `${up} against ${across}`, parts);
}

/** Names with a value from 0 to 1 each. */
export function bars({ title, rows }) {
  const [width, names, step] = [520, 170, 24];
  const span = width - names - 60;
  const parts = [text(0, 14, title)];
  rows.forEach(([name, count, value], place) => {
    const y = 26 + step * place;
    parts.push(text(names - 10, y + 14, `${name.length <= 18 ? name : `${name.slice(0, 17)}…`} `, { "text-anchor": "end" }));
    parts.at(-1).append(svg("tspan", { class: "faint" }, `n=${count}`));
    parts.push(svg("rect", { class: "track", x: names, y: y + 3, width: span, height: 15, rx: 3 }));
    if (value !== null) parts.push(svg("rect", { class: "series-0", x: names, y: y + 3, width: (span * value).toFixed(1), height: 15, rx: 3 }));
    parts.push(text(names + span + 8, y + 15, number(value)));
  });
  return chart(width, 26 + step * rows.length, title, parts);
}

/** A small curve: heights in percent, and below it which columns are marked. */
export function spark({ heights, marked }, label) {
  const [width, base] = [120, 22];
  const step = width / Math.max(1, heights.length);
  const outline = heights.flatMap((height, place) => [`${(place * step).toFixed(1)},${(base - (base * height) / 100).toFixed(1)}`, `${((place + 1) * step).toFixed(1)},${(base - (base * height) / 100).toFixed(1)}`]);
  const parts = [svg("line", { class: "axis", x1: 0, x2: width, y1: base, y2: base }), svg("polygon", { class: "area", points: [`0,${base}`, ...outline, `${width},${base}`].join(" ") })];
  for (const place of marked) parts.push(svg("rect", { class: "marked", x: (place * step).toFixed(1), y: base + 2, width: step.toFixed(1), height: 3 }));
  return svg("svg", { viewBox: `0 0 ${width} 28`, role: "img", "aria-label": label, class: "spark", preserveAspectRatio: "none" }, parts);
}

function frame(left, top, width, height) {
  return [0, 0.5].map((share) => line(left, left + width, top + height * share, top + height * share, "grid")).concat(line(left, left + width, top + height, top + height, "axis"));
}
