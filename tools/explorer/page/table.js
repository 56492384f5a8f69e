// The list of videos as the page works with it: rows, filters that are the address, counts that follow them. It draws nothing.

/** Fields with few values: {key, title, of(row) → list of texts}. A row may have several values, or none. */
export const FACETS = [
  { key: "label", title: "Label", of: (row) => [row.label ?? "not known yet"] },
  { key: "type", title: "Artifact type", of: (row) => (row.artifact_types === null ? ["not given"] : row.artifact_types) },
  { key: "generator", title: "Generator", of: (row) => [row.generator] },
  { key: "split", title: "Split", of: (row) => [row.split ?? "none"] },
  { key: "objects", title: "Objects", of: (row) => (row.num_objects === null ? ["not known yet"] : [String(row.num_objects)]) },
  { key: "size", title: "Size", of: (row) => [row.width ? `${row.width}×${row.height}` : "not known yet"] },
  { key: "preview", title: "Preview", of: ({ preview }) => (preview === undefined ? [] : [preview ? "in this folder" : "not in this folder"]) },
];

const AREAS = [0, 0.1, 0.3, 1, 3, 10, 30, 100];
const TENTHS = Array.from({ length: 11 }, (_, step) => step / 10);

/** Fields with numbers: {key, title, unit, edges of the bars, of(row, other) → number or null}. */
export const RANGES = [
  { key: "area", title: "Area", about: "Largest marked share of a frame, in percent.", edges: AREAS, of: (row) => (row.area === undefined ? null : row.area * 100) },
  { key: "jf", title: "J&F", about: "Mean over the annotated frames.", edges: TENTHS, needsOther: true, of: (row, other) => row.scores?.[other]?.[0] ?? null },
  { key: "disagreement", title: "Disagreement", about: "1 − J&F over the frames that either marks.", edges: TENTHS, needsOther: true, of: (row, other) => row.scores?.[other]?.[1] ?? null },
];

/** [key, words, of(row, other) → something to compare, descending by itself, needs another source]. */
const SORTS = [
  ["id", "Id", (row) => row.video_id],
  ["area", "Area", (row) => row.area, true],
  ["objects", "Number of objects", (row) => row.num_objects, true],
  ["marked", "Marked frames", (row) => row.marked_frames, true],
  ["frames", "Length", (row) => row.num_frames, true],
  ["size", "Size", (row) => row.width && row.width * row.height, true],
  ["label", "Label", (row) => row.label],
  ["type", "Artifact type", (row) => row.artifact_types?.join(" ")],
  ["generator", "Generator", (row) => row.generator],
  ["split", "Split", (row) => row.split],
  ["prompt", "Prompt", (row) => row.prompt],
  ["group", "Near-duplicates", (row) => row.group],
  ["jf", "J&F, worst first", (row, other) => row.scores?.[other]?.[0], false, true],
  ["disagreement", "Disagreement", (row, other) => row.scores?.[other]?.[1], true, true],
];

export const HEAT = { columns: 16, rows: 9 };

/** Rows of the list's columns. */
export function rowsOf({ columns, report }, isHere) {
  const names = Object.keys(columns);
  return columns.video_id.map((id, number) => {
    const row = { number, preview: isHere?.(id), metrics: report?.videos[id]?.values };
    for (const name of names) row[name] = columns[name][number];
    row.text = `${row.video_id} ${row.prompt ?? ""}`.toLowerCase();
    return row;
  });
}

/** Puts what was measured into the rows; `byId` is Map id → row. */
export function addMeasured(byId, fields, entries) {
  for (const entry of entries) {
    const row = byId.get(entry[0]);
    if (row) fields.forEach((name, place) => (row[name] = entry[place]));
  }
}

/** Numbers the groups of near-duplicates, from 1. */
export function addGroups(byId, groups) {
  groups.forEach((ids, number) => {
    for (const id of ids) if (byId.has(id)) byId.get(id).group = number + 1;
  });
}

/** The orders of a list, its own first: those of every list, and the metrics of its report. */
export function sortsOf({ others, report }) {
  const own = SORTS.filter(([, , , , needsOther]) => !needsOther || others.length);
  const metrics = (report?.metrics ?? []).map(({ key, title, descending }, place) => [key, `${title}, worst first`, (row) => row.metrics?.[place], descending]);
  const all = [...own, ...metrics.filter(([key]) => !own.some(([known]) => known === key))];
  return all.sort((a, b) => (b[0] === report?.sort) - (a[0] === report?.sort));
}

/** The filter that an address means, with one of the orders `sorts`: {words, facets: Map key → Set, ranges: Map key → [low, high], group, sort, turned, other}. */
export function filterOf(query, sorts) {
  const facets = new Map();
  for (const { key } of FACETS) if (query.has(key)) facets.set(key, new Set(query.getAll(key)));
  const ranges = new Map();
  for (const { key } of RANGES) {
    const [low, high] = (query.get(key) ?? "").split("..").map((text) => (text === "" || text === undefined ? null : Number(text)));
    if (query.has(key)) ranges.set(key, [Number.isFinite(low) ? low : null, Number.isFinite(high) ? high : null]);
  }
  const sort = sorts.some(([key]) => key === query.get("sort")) ? query.get("sort") : sorts[0][0];
  return { words: query.get("q") ?? "", facets, ranges, group: query.get("group"), sort, turned: query.get("turned") === "1", other: Number(query.get("other") ?? 0) || 0 };
}

/** The address of a filter; the first of the orders needs no words. */
export function addressOf(filter, sorts) {
  const query = new URLSearchParams();
  if (filter.words) query.set("q", filter.words);
  for (const [key, values] of filter.facets) for (const value of values) query.append(key, value);
  for (const [key, [low, high]] of filter.ranges) query.set(key, `${low ?? ""}..${high ?? ""}`);
  if (filter.group) query.set("group", filter.group);
  if (filter.sort !== sorts[0][0]) query.set("sort", filter.sort);
  if (filter.turned) query.set("turned", "1");
  if (filter.other) query.set("other", filter.other);
  return query;
}

/**
 * What a filter keeps: {rows, facets: Map key → Map value → {all, broken}, bars: Map key → list of counts, times, heat, groups}. The
 * counts of a field are those of the rows that all other filters keep: what one would get by choosing another value of it.
 */
export function chosen(rows, filter, { bins, sorts }) {
  const words = filter.words.toLowerCase().split(/\s+/).filter(Boolean);
  const facets = new Map(FACETS.map(({ key }) => [key, new Map()]));
  const bars = new Map(RANGES.map(({ key, edges }) => [key, new Array(edges.length - 1).fill(0)]));
  const times = new Array(bins).fill(0);
  const heat = new Array(HEAT.columns * HEAT.rows).fill(0);
  const kept = [];
  let grouped = 0;
  for (const row of rows) {
    if (words.length && !words.every((word) => row.text.includes(word))) continue;
    let missed = null; // the only field that does not keep this row; false: several do not
    const misses = (key) => (missed = missed === null ? key : false);
    const values = FACETS.map(({ key, of }) => {
      const rowValues = of(row);
      const chosenValues = filter.facets.get(key);
      if (chosenValues && !rowValues.some((value) => chosenValues.has(value))) misses(key);
      return rowValues;
    });
    const numbers = RANGES.map(({ key, of }) => {
      const number = of(row, filter.other);
      const range = filter.ranges.get(key);
      if (range && (number === null || (range[0] !== null && number < range[0]) || (range[1] !== null && number > range[1]))) misses(key);
      return number;
    });
    if (filter.group && (filter.group === "any" ? !row.group : String(row.group) !== filter.group)) misses("group");
    if (missed === false) continue;
    FACETS.forEach(({ key }, place) => {
      if (missed !== null && missed !== key) return;
      for (const value of values[place]) {
        const count = facets.get(key).get(value) ?? { all: 0, broken: 0 };
        count.all++;
        if (row.label === "broken") count.broken++;
        facets.get(key).set(value, count);
      }
    });
    RANGES.forEach(({ key, edges }, place) => {
      if (numbers[place] === null || (missed !== null && missed !== key)) return;
      const bar = edges.findIndex((edge, at) => at > 0 && numbers[place] < edge);
      bars.get(key)[bar < 0 ? edges.length - 2 : bar - 1]++;
    });
    if (row.group && (missed === null || missed === "group")) grouped++;
    if (missed !== null) continue;
    kept.push(row);
    for (let bin = 0; row.times && bin < bins; bin++) if (row.times & (1 << bin)) times[bin]++;
    for (const [x, y] of row.centres ?? []) {
      const column = Math.min(HEAT.columns - 1, Math.floor(x * HEAT.columns));
      heat[Math.min(HEAT.rows - 1, Math.floor(y * HEAT.rows)) * HEAT.columns + column]++;
    }
  }
  return { rows: sorted(kept, filter, sorts), facets, bars, times, heat, grouped };
}

function sorted(rows, { sort, turned, other }, sorts) {
  const [, , of, descending] = sorts.find(([key]) => key === sort);
  const sign = Boolean(descending) !== turned ? -1 : 1;
  const keyed = rows.map((row) => ({ row, key: of(row, other) }));
  // Rows of which it is not known come last, whichever way the order runs.
  const unknown = (key) => key === null || key === undefined;
  keyed.sort((a, b) => {
    if (unknown(a.key) || unknown(b.key)) return unknown(a.key) - unknown(b.key) || a.row.number - b.row.number;
    const order = typeof a.key === "string" ? (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) : a.key - b.key;
    return sign * order || a.row.number - b.row.number;
  });
  return keyed.map(({ row }) => row);
}
