// A report: sections of figures, tables and charts, made from the numbers in the folder's index.

import { h } from "../shared/dom.js";
import { bars, histogram, scatter, spark, strip } from "./charts.js";

const FIRST_ROWS = 200; // of a long table; the others when they are asked for, and for a printer

const FORMS = {
  text: (value) => value,
  count: (value) => value.toLocaleString("en"),
  number: (value) => value.toFixed(3),
  share: (value) => `${(value * 100).toFixed(2)} %`,
  signed: (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`,
};

/** A number of a metric as the page writes it; null where there is none. */
export const written = (value, form) => (value === null || value === undefined ? null : FORMS[form](value));

/** Draws `list.report` into `box`. `rows` are all videos of the list; `onOpen(id)` when one is chosen. */
export function reportIn(box, { list, rows, onOpen }) {
  const { report } = list;
  const parts = {
    facts: ({ items }) => h("dl", { class: "report-facts" }, items.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    text: ({ text, tone }) => h("p", { class: `tone-${tone}` }, text),
    figures: ({ figures }) => h("div", { class: "figures" }, figures.map(figure)),
    table: (table) => tableOf(table, { onOpen }),
    histogram: (chart) => h("div", { class: "figure" }, histogram(chart)),
    scatter: (chart) => h("div", { class: "figure" }, scatter(chart, { onOpen })),
    bars: (chart) => h("div", { class: "figure" }, bars(chart)),
    definitions: ({ items }) => h("dl", { class: "definitions" }, items.map(([name, text]) => [h("dt", {}, name), h("dd", {}, text)])),
    "every-video": ({ note }) => [h("p", { class: "tone-note" }, [note, previews(rows)].filter(Boolean).join(" ")), tableOf(everyVideo(report, rows), { onOpen })],
  };
  const charts = ["histogram", "scatter", "bars"];
  const sections = report.sections.map(({ title, parts: content }) => {
    const plain = content.filter(({ kind }) => !charts.includes(kind));
    const drawn = content.filter(({ kind }) => charts.includes(kind));
    return h("section", {}, title && h("h2", {}, title), plain.map((part) => parts[part.kind](part)), drawn.length > 0 && h("div", { class: "figures" }, drawn.map((part) => parts[part.kind](part))));
  });
  box.replaceChildren(h("h1", { tabindex: "-1" }, report.title), ...sections);
}

function figure({ title, note, value, n, low, high, interval, floors }) {
  const range = [interval, `n = ${n} videos`].filter(Boolean).join(" · ");
  return h("div", { class: "figure" }, h("h3", {}, title), h("p", { class: "tone-note" }, note), h("p", {}, h("b", { class: "figure-value" }, value.toFixed(3)), h("span", { class: "range" }, range)), strip({ title, value, low, high, floors }));
}

/** Which videos can be looked at, where it is not all of them. */
function previews(rows) {
  if (rows.every(({ preview }) => preview !== false)) return "";
  const number = rows.filter(({ preview }) => preview).length;
  return `This folder has previews of ${number.toLocaleString("en")} of ${rows.length.toLocaleString("en")} videos, the worst ones; a name without a link has none.`;
}

/** The table of all videos, from the list and the report's metrics. */
function everyVideo({ metrics, sort, videos, spark_title: curve }, rows) {
  const reported = rows.filter(({ video_id: id }) => videos[id]);
  const texts = [
    ["label", (row) => row.label ?? (row.marked_frames ? "broken" : "normal")],
    ["type", (row) => row.artifact_types?.join(", ") ?? "not given"],
    ["generator", (row) => row.generator],
    ["split", (row) => row.split ?? ""],
  ].filter(([, of]) => reported.some((row) => of(row)));
  const links = reported.some(({ video_id: id }) => videos[id].link);
  const columns = [
    { title: "video", form: "video" },
    ...texts.map(([title]) => ({ title, form: "text", choose: true })),
    { title: "frames", form: "count" },
    ...metrics.map(({ title, form, descending }) => ({ title, form, bars: form === "number" && !descending })),
    ...(curve ? [{ title: curve, form: "spark" }] : []),
    ...(links ? [{ title: "film", form: "link" }] : []),
  ];
  const first = metrics.findIndex(({ key }) => key === sort);
  return {
    is_long: true,
    sortedBy: first < 0 ? null : { place: 2 + texts.length + first, sign: metrics[first].descending ? -1 : 1 },
    columns,
    rows: reported.map((row) => {
      const { values, spark: curveOf = null, link = null } = videos[row.video_id];
      return [{ id: row.video_id, isHere: row.preview !== false }, ...texts.map(([, of]) => of(row)), row.num_frames, ...values, ...(curve ? [curveOf] : []), ...(links ? [link] : [])];
    }),
  };
}

// --- Tables ----------------------------------------------------------------------------------------------------------

const isText = ({ form }) => ["text", "video", "link"].includes(form);
const valueOf = (cell) => (cell !== null && typeof cell === "object" && "interval" in cell ? cell.value : cell);
const textOf = (cell) => String(cell?.id ?? cell ?? "");

function cellOf(cell, column, { onOpen }) {
  const value = valueOf(cell);
  if (column.form === "video" && !value.isHere) return h("td", { class: "text" }, value.id);
  if (column.form === "video") return h("td", { class: "text" }, h("a", { href: `#${new URLSearchParams({ video: value.id })}`, onclick: (event) => (event.preventDefault(), onOpen(value.id)) }, value.id));
  if (column.form === "spark") return h("td", {}, value && spark(value, column.title));
  if (column.form === "link") return h("td", { class: "text" }, value && h("a", { href: encodeURI(value[1]).replaceAll("#", "%23").replaceAll("?", "%3F") }, value[0]));
  const words = written(value, column.form) ?? "–";
  const share = column.bars && value !== null ? Math.min(1, Math.max(0, value)) : null;
  return h("td", { class: isText(column) ? "text" : share !== null && "bar", share }, words, cell?.interval && h("span", { class: "range" }, cell.interval));
}

function tableOf({ columns, rows, own = null, is_long: isLong = false, sortedBy = null }, { onOpen }) {
  const body = h("tbody");
  const more = h("button", { type: "button", class: "small", hidden: true, onclick: () => draw(Infinity) });
  const numRows = h("output", { class: "faint" });
  let matching = rows;
  let words = "";
  const chosen = new Map(); // column → text

  function choose() {
    matching = rows.filter((row) => {
      if (words && !row.some((cell, place) => isText(columns[place]) && textOf(cell).toLowerCase().includes(words))) return false;
      return [...chosen].every(([place, value]) => String(row[place]).split(", ").includes(value) || row[place] === value);
    });
    heads.forEach((head, place) => (place === sortedBy?.place ? head.setAttribute("aria-sort", sortedBy.sign > 0 ? "ascending" : "descending") : head.removeAttribute("aria-sort")));
    if (sortedBy) {
      const { place, sign } = sortedBy;
      const text = isText(columns[place]);
      const key = (row) => (columns[place].form === "spark" ? (row[place]?.heights.reduce((sum, height) => sum + height, 0) ?? null) : valueOf(row[place]));
      matching.sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        // Rows without a number stay at the end, whichever way the order runs.
        if (x === null || y === null) return (x === null) - (y === null);
        return sign * (text ? textOf(x).localeCompare(textOf(y), "en") : x - y);
      });
    }
    draw(FIRST_ROWS);
  }

  function draw(most) {
    const shown = matching.slice(0, most);
    body.replaceChildren(...shown.map((row) => h("tr", { class: row === rows[own] && "own" }, row.map((cell, place) => cellOf(cell, columns[place], { onOpen })))));
    more.hidden = shown.length === matching.length;
    more.textContent = `Show all ${matching.length.toLocaleString("en")} rows`;
    numRows.textContent = matching.length === rows.length ? `${rows.length.toLocaleString("en")} rows` : `${matching.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows`;
  }

  const heads = columns.map((column, place) => {
    const title = isLong && column.form !== "link" ? h("button", { type: "button", onclick: () => sortBy(place) }, column.title) : column.title;
    return h("th", { scope: "col", class: isText(column) && "text" }, title);
  });

  function sortBy(place) {
    const first = isText(columns[place]) ? 1 : -1;
    const sign = sortedBy?.place === place ? -sortedBy.sign : first;
    sortedBy = { place, sign };
    choose();
  }

  choose();
  const table = h("div", { class: `scroll${isLong ? " tall" : ""}`, tabindex: "0" }, h("table", {}, h("thead", {}, h("tr", {}, heads)), body));
  if (!isLong) return table;
  window.addEventListener("beforeprint", () => draw(Infinity));
  const search = h("input", { type: "search", placeholder: "Filter", "aria-label": "Filter", oninput: () => ((words = search.value.toLowerCase()), choose()) });
  const choices = columns.map((column, place) => {
    if (!column.choose) return null;
    const values = [...new Set(rows.flatMap((row) => String(row[place]).split(", ")))].filter(Boolean).sort();
    if (values.length < 2) return null;
    const select = h("select", { "aria-label": column.title, onchange: () => (select.value ? chosen.set(place, select.value) : chosen.delete(place), choose()) }, h("option", { value: "" }, `every ${column.title}`), values.map((value) => h("option", { value }, value)));
    return select;
  });
  return [h("div", { class: "row wrap tools" }, search, choices, numRows), table, more];
}
