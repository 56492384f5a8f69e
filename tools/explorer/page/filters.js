// The filters with their counts and distributions. They draw the counts of `chosen` and report changes of the filter.

import { css } from "../shared/colours.js";
import { count, h } from "../shared/dom.js";
import { FACETS, HEAT, RANGES } from "./table.js";

const MOST_VALUES = 200; // of a field; more are found by searching

/** Draws into `box`. `others` are the names of other sources; `onChange(filter)` is called after every change. */
export function filtersIn(box, { others, onChange }) {
  let filter = null;
  const parts = [];

  const clear = h("button", { type: "button", class: "small", onclick: () => onChange({ ...filter, words: "", facets: new Map(), ranges: new Map(), group: null }) }, "Remove all filters");
  const done = h("button", { type: "button", class: "small narrow-only", "data-command": "filters" }, "Done");
  const heading = h("div", { class: "row" }, h("h2", {}, "Filters"), h("span", { class: "gap" }), clear, done);
  box.replaceChildren(heading);
  if (others.length > 1) {
    const choice = h("select", { "aria-label": "Scores against", onchange: () => onChange({ ...filter, other: Number(choice.value) }) }, others.map(({ name }, number) => h("option", { value: String(number) }, name)));
    box.append(h("label", { class: "line" }, h("span", { class: "faint" }, "Scores against"), choice));
    parts.push(() => (choice.value = String(filter.other)));
  }
  for (const facet of FACETS) addFacet(facet);
  for (const range of RANGES) if (!range.needsOther || others.length) addRange(range);
  addTimes();
  addHeat();
  addGroups();

  function section(title, about, ...children) {
    const element = h("section", { class: "facet" }, h("h3", {}, title), about && h("p", { class: "faint" }, about), children);
    box.append(element);
    return element;
  }

  function addFacet({ key, title }) {
    const list = h("div", { class: "values", role: "group", "aria-label": title });
    const element = section(title, null, list);
    let drawn = "";
    parts.push((selection) => {
      const counts = selection.facets.get(key);
      const chosenValues = filter.facets.get(key) ?? new Set();
      for (const value of chosenValues) if (!counts.has(value)) counts.set(value, { all: 0, broken: 0 });
      for (const known of list.children) if (!counts.has(known.dataset.value)) counts.set(known.dataset.value, { all: 0, broken: 0 });
      const numeric = key === "objects";
      const values = [...counts.keys()].sort((a, b) => (numeric ? Number(a) - Number(b) : 0) || counts.get(b).all - counts.get(a).all || (a < b ? -1 : 1)).slice(0, MOST_VALUES);
      // The order stays while a person chooses values; it changes only when a value appears or disappears.
      const names = [...values].sort().join("\n");
      if (names !== drawn) {
        drawn = names;
        list.replaceChildren(...values.map((value) => choice(key, value)));
      }
      const most = Math.max(1, ...[...counts.values()].map(({ all }) => all));
      for (const line of list.children) {
        const { all, broken } = counts.get(line.dataset.value);
        line.querySelector("input").checked = chosenValues.has(line.dataset.value);
        line.classList.toggle("none", !all);
        line.style.setProperty("--share", String(all / most));
        line.style.setProperty("--broken", String(all ? broken / all : 0));
        line.querySelector(".number").textContent = all.toLocaleString("en");
        if (key !== "label" && key !== "type") line.querySelector(".broken-share").textContent = all ? `${Math.round((100 * broken) / all)} % broken` : "";
        line.title = `${count(all, "video")}, ${broken.toLocaleString("en")} of them broken`;
      }
      element.hidden = values.length < 2 && !chosenValues.size;
    });
  }

  function choice(key, value) {
    const toggle = () => {
      const facets = new Map(filter.facets);
      const chosenValues = new Set(facets.get(key) ?? []);
      if (!chosenValues.delete(value)) chosenValues.add(value);
      if (chosenValues.size) facets.set(key, chosenValues);
      else facets.delete(key);
      onChange({ ...filter, facets });
    };
    return h("label", { class: "value", "data-value": value }, h("input", { type: "checkbox", onchange: toggle }), h("span", { class: "value-name" }, value), h("span", { class: "broken-share faint" }), h("span", { class: "number" }), h("span", { class: "value-bar", "aria-hidden": "true" }));
  }

  function addRange({ key, title, about, edges }) {
    const set = (low, high) => {
      const ranges = new Map(filter.ranges);
      if (low === null && high === null) ranges.delete(key);
      else ranges.set(key, [low, high]);
      onChange({ ...filter, ranges });
    };
    const bars = edges.slice(1).map((high, place) => h("button", { type: "button", class: "hist-bar", onclick: () => toggle(place) }, h("i", { "aria-hidden": "true" })));
    const toggle = (place) => {
      const [low, high] = filter.ranges.get(key) ?? [];
      if (low === edges[place] && high === edges[place + 1]) set(null, null);
      else set(edges[place], edges[place + 1]);
    };
    const field = (side) => h("input", { type: "number", step: "any", min: String(edges[0]), max: String(edges.at(-1)), "aria-label": `${title}, ${side}`, onchange: () => set(...[low, high].map(({ value }) => (value === "" ? null : Number(value)))) });
    const [low, high] = [field("from"), field("to")];
    const scale = h("div", { class: "hist-scale faint", "aria-hidden": "true" }, edges.map((edge, place) => h("span", {}, edges.length < 9 || place % 5 === 0 ? String(edge) : "")));
    section(title, about, h("div", { class: "hist" }, bars), scale, h("div", { class: "line" }, low, h("span", { class: "faint" }, "to"), high));
    parts.push((selection) => {
      const counts = selection.bars.get(key);
      const most = Math.max(1, ...counts);
      const range = filter.ranges.get(key);
      low.value = range?.[0] ?? "";
      high.value = range?.[1] ?? "";
      bars.forEach((bar, place) => {
        bar.style.setProperty("--share", String(counts[place] / most));
        bar.title = `${edges[place]} to ${edges[place + 1]}: ${count(counts[place], "video")}`;
        bar.setAttribute("aria-label", `${title} ${bar.title}`);
        const within = range && (range[0] === null || range[0] <= edges[place]) && (range[1] === null || range[1] >= edges[place + 1]);
        bar.setAttribute("aria-pressed", String(Boolean(within)));
      });
    });
  }

  function addTimes() {
    const line = h("div", { class: "hist still", role: "img" });
    const element = section("When", "Videos that are marked in this part of their time.", line, h("div", { class: "hist-ends faint", "aria-hidden": "true" }, h("span", {}, "start"), h("span", {}, "end")));
    parts.push(({ times }) => {
      const most = Math.max(1, ...times);
      if (line.childElementCount !== times.length) line.replaceChildren(...times.map(() => h("span", { class: "hist-bar" }, h("i"))));
      [...line.children].forEach((bar, place) => {
        bar.style.setProperty("--share", String(times[place] / most));
        bar.title = `part ${place + 1} of ${times.length}: ${count(times[place], "video")}`;
      });
      line.setAttribute("aria-label", `Marked videos by part of their time, from start to end: ${times.join(", ")}`);
      element.hidden = !times.some(Boolean);
    });
  }

  function addHeat() {
    const canvas = h("canvas", { class: "heat", width: String(HEAT.columns * 16), height: String(HEAT.rows * 16), role: "img" });
    const element = section("Where", "Centres of the marked objects in the picture.", canvas);
    parts.push(({ heat }) => {
      const context = canvas.getContext("2d");
      const most = Math.max(1, ...heat);
      context.clearRect(0, 0, canvas.width, canvas.height);
      heat.forEach((number, place) => {
        if (!number) return;
        context.fillStyle = css([86, 180, 233], 0.12 + 0.88 * (number / most));
        context.fillRect((place % HEAT.columns) * 16 + 1, Math.floor(place / HEAT.columns) * 16 + 1, 14, 14);
      });
      canvas.setAttribute("aria-label", `Where marked objects are: ${count(heat.reduce((sum, number) => sum + number, 0), "object")}, at most ${most} in one of ${HEAT.columns} × ${HEAT.rows} fields`);
      element.hidden = !heat.some(Boolean);
    });
  }

  function addGroups() {
    const box = h("input", { type: "checkbox", onchange: () => onChange({ ...filter, group: box.checked ? "any" : null }) });
    const words = h("span", {});
    const element = section("Near-duplicates", null, h("label", { class: "check" }, box, words));
    parts.push(({ grouped }) => {
      box.checked = filter.group !== null;
      const which = filter.group && filter.group !== "any" ? `Only group ${filter.group}` : "Only videos that look like another one";
      words.textContent = `${which} (${grouped.toLocaleString("en")})`;
      element.hidden = !grouped && !filter.group;
    });
  }

  return {
    /** Draws a filter and its counts. */
    show(next, selection) {
      filter = next;
      for (const part of parts) part(selection);
      clear.hidden = !filter.words && !filter.facets.size && !filter.ranges.size && !filter.group;
    },
  };
}
