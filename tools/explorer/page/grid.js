// The grid of posters. It has only the elements that the window shows, for any number of videos.

import { onceAFrame } from "../shared/canvas.js";
import { css, TYPE_COLOURS } from "../shared/colours.js";
import { h } from "../shared/dom.js";

const CELL_PX = 210; // about the width of a cell
const GAP_PX = 10;
const FOOT_PX = 46;
const SHAPE = 0.62; // height of a poster's box by its width
const SHORT = { deformation: "deform." };
const STILL_MS = 90; // so long nothing moves until posters are asked for

/**
 * Shows rows in `box`. `posterUrl(row)` → address or null, `score(row)` → text beside a poster or null; `onOpen(row)` when one is chosen, `onMove(place)`
 * when another one is selected.
 */
export function gridIn(box, { posterUrl, score, onOpen, onMove }) {
  const inner = h("div", { class: "cells" });
  box.replaceChildren(inner);
  const cells = new Map(); // place → element
  let rows = [];
  let selected = 0;
  let size = { columns: 1, width: CELL_PX, height: CELL_PX };
  let still = null;

  function measure() {
    const wide = Math.max(120, box.clientWidth - 2 * GAP_PX);
    const columns = Math.max(wide < 520 ? 2 : 1, Math.floor((wide + GAP_PX) / (CELL_PX + GAP_PX)));
    const width = Math.floor((wide - GAP_PX * (columns - 1)) / columns);
    size = { columns, width, height: Math.round(width * SHAPE) + FOOT_PX };
    inner.style.height = `${Math.ceil(rows.length / columns) * (size.height + GAP_PX) + GAP_PX}px`;
  }

  const request = onceAFrame(draw);

  function draw() {
    const step = size.height + GAP_PX;
    const first = Math.max(0, Math.floor(box.scrollTop / step)) * size.columns;
    const last = Math.min(rows.length, (Math.floor((box.scrollTop + box.clientHeight) / step) + 1) * size.columns);
    for (const [place, element] of cells) {
      if (place >= first && place < last && element.row === rows[place]) continue;
      element.querySelector("img")?.removeAttribute("src"); // nobody waits for it any more
      element.remove();
      cells.delete(place);
    }
    for (let place = first; place < last; place++) {
      const element = cells.get(place) ?? cell(place);
      element.style.transform = `translate(${GAP_PX + (place % size.columns) * (size.width + GAP_PX)}px, ${GAP_PX + Math.floor(place / size.columns) * step}px)`;
      element.style.width = `${size.width}px`;
      element.style.height = `${size.height}px`;
      element.classList.toggle("selected", place === selected);
      element.setAttribute("aria-selected", String(place === selected));
    }
    if (cells.has(selected)) box.setAttribute("aria-activedescendant", cells.get(selected).id);
    else box.removeAttribute("aria-activedescendant");
    clearTimeout(still);
    still = setTimeout(load, STILL_MS);
  }

  /** Requests the posters that are visible now. */
  function load() {
    for (const element of cells.values()) {
      const picture = element.querySelector("img:not([src])");
      if (!picture) continue;
      const url = posterUrl(element.row);
      if (url === null) picture.remove();
      else picture.src = url;
      element.classList.toggle("no-poster", url === null);
    }
  }

  function cell(place) {
    const row = rows[place];
    const types = row.artifact_types ?? [];
    const element = h(
      "div",
      { class: "cell", id: `cell-${place}`, role: "option", "data-id": row.video_id, title: row.prompt, "aria-setsize": String(rows.length), "aria-posinset": String(place + 1), "aria-label": `${row.video_id}, ${row.label ?? "label not known yet"}${types.length ? `, ${types.join(" and ")}` : ""}, ${row.generator}`, onclick: () => (select(place), onOpen(row)) },
      h("span", { class: "poster" }, h("img", { alt: "", decoding: "async", onload: (event) => event.target.classList.add("there"), onerror: (event) => event.target.hasAttribute("src") && element.classList.add("no-poster") })),
      h("span", { class: "foot" }, h("span", { class: "name" }, row.video_id), h("span", { class: "facts" }, types.length ? types.map((type) => h("i", { class: "type", colour: css(TYPE_COLOURS[type]) }, SHORT[type] ?? type)) : label(row), h("span", { class: "gap" }), h("span", { class: "score" }, score(row)))),
    );
    element.row = row;
    cells.set(place, element);
    inner.append(element);
    return element;
  }

  const label = (row) => row.label && h("i", { class: `label ${row.label}` }, row.label);

  function select(place, { scroll = false } = {}) {
    selected = Math.max(0, Math.min(rows.length - 1, place));
    if (scroll) {
      const step = size.height + GAP_PX;
      const top = Math.floor(selected / size.columns) * step;
      if (top < box.scrollTop) box.scrollTop = top;
      else if (top + step + GAP_PX > box.scrollTop + box.clientHeight) box.scrollTop = top + step + GAP_PX - box.clientHeight;
    }
    onMove(selected);
    request();
  }

  box.addEventListener("scroll", request, { passive: true });
  new ResizeObserver(() => {
    if (!box.clientWidth) return; // hidden
    measure();
    request();
  }).observe(box);

  return {
    /** Shows these rows. The selected video stays selected if it is among them. */
    setRows(next, { keepPlace = false } = {}) {
      const was = rows[selected];
      rows = next;
      // A person who has not moved yet stays at the top of the list.
      const place = was && selected ? rows.indexOf(was) : -1;
      selected = place >= 0 ? place : 0;
      measure();
      if (!keepPlace) box.scrollTop = 0;
      request();
    },
    /** Draws the cells again after their rows have changed. */
    refresh() {
      for (const element of cells.values()) element.querySelector(".score").textContent = score(element.row) ?? "";
    },
    select: (place) => select(place, { scroll: true }),
    selectRow: (row) => rows.includes(row) && select(rows.indexOf(row), { scroll: true }),
    moveBy: (dx, dy) => select(selected + dx + dy * size.columns, { scroll: true }),
    pageBy: (by) => select(selected + by * size.columns * Math.max(1, Math.floor(box.clientHeight / (size.height + GAP_PX))), { scroll: true }),
    get selected() {
      return rows[selected];
    },
    get rows() {
      return rows;
    },
  };
}
