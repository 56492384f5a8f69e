// What is known of the open video: objects, agreement, prompt, facts, verify, and the Python that loads it.

import { COMPARED_COLOURS, css } from "../shared/colours.js";
import { count, h, toast } from "../shared/dom.js";
import { written } from "./report.js";

/**
 * Draws into `box`. `metrics` are those of a report; `hidden` is the set of hidden objects, `onHidden()` hears of its changes, `onVerify()` when somebody
 * asks, null where nothing can be verified;
 * `masks()` gives the masks as they are now.
 */
export function panelIn(box, { video, row, metrics, masks, hidden, onHidden, onVerify }) {
  const here = h("p", { class: "faint here" });
  const agreement = h("section", { class: "card", hidden: true });
  const findings = h("div", { role: "status", "aria-live": "polite" });
  box.replaceChildren(objects(), agreement, ...scores(), about(), ...(onVerify ? [check()] : []), python(), more());
  box.scrollTop = 0;

  function card(title, ...children) {
    return h("section", { class: "card" }, h("h2", {}, title), ...children);
  }

  function objects() {
    const lines = video.objects.map(({ object_id: id, artifact_type: type, subtype }) => {
      const marked = video.masks.object_id.filter((other) => other === id).length;
      const toggle = (event) => {
        if (event.target.checked) hidden.delete(id);
        else hidden.add(id);
        onHidden();
      };
      return h("label", { class: "object check", "data-object": String(id) }, h("input", { type: "checkbox", checked: true, onchange: toggle }), h("i", { class: "swatch", colour: css(masks().colours.get(id)) }, String(id)), h("span", {}, h("b", {}, type ?? "type not given"), subtype && ` · ${subtype}`, h("small", { class: "faint" }, count(marked, "frame"))));
    });
    return card("Objects", lines.length ? lines : h("p", {}, "Nothing is marked in this video."), here);
  }

  function facts(pairs) {
    return h("dl", { class: "pairs" }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value)))));
  }

  function scores() {
    const pairs = metrics.map(({ title, form }, place) => [title, written(row?.metrics?.[place], form)]).filter(([, value]) => value !== null);
    return pairs.length ? [card("In the report", facts(pairs))] : [];
  }

  function about() {
    const looked = video.annotated.reduce((sum, [first, last]) => sum + last - first + 1, 0);
    return card(
      "About",
      video.prompt && h("blockquote", { class: "prompt" }, video.prompt),
      facts([
        ["Label", video.label ?? row?.label],
        ["Generator", video.generator],
        ["Split", video.split],
        ["Size", `${video.width}×${video.height}${video.rotation ? `, turned by ${video.rotation % 360}°${video.rotation >= 360 ? " and mirrored" : ""}` : ""}`],
        ["Length", `${count(video.num_frames, "frame")}${video.fps ? `, ${Number(video.fps.toPrecision(5))} per second` : ""}`],
        ["Annotated", looked === video.num_frames ? "every frame" : count(looked, "frame")],
        ["Near-duplicates", row?.group ? `group ${row.group}` : null],
      ]),
    );
  }

  function check() {
    return card("Verify", h("p", { class: "faint" }, "Compares all values of this video that are stored twice."), h("button", { type: "button", class: "small", "data-command": "verify", onclick: (event) => (event.stopPropagation(), onVerify()) }, "Verify this video"), findings);
  }

  function python() {
    const copy = async () => {
      try {
        await navigator.clipboard.writeText(video.python);
        toast("Copied.", "good");
      } catch {
        getSelection().selectAllChildren(text); // a page from a file may not write to the clipboard
        toast("Selected: copy it with Ctrl + C.");
      }
    };
    const text = h("pre", { tabindex: "0" }, video.python);
    return card("In Python", text, h("button", { type: "button", class: "small", onclick: copy }, "Copy"));
  }

  function more() {
    const digests = video.objects.filter(({ digest }) => digest).map(({ object_id: id, digest }) => [`object ${id}`, digest]);
    return card("Source and digests", facts([...Object.entries(video.facts).map(([name, value]) => [name.replaceAll("_", " "), value]), ...digests]));
  }

  return {
    /** What is on the frame on show. */
    frame(index) {
      const marked = (masks().byFrame.get(index) ?? []).map(([id]) => id);
      here.textContent = marked.length ? `Frame ${index}: object ${marked.join(", ")}` : `Frame ${index}: nothing marked`;
    },
    /** The other source that is compared with; null when there is none. */
    other(given) {
      agreement.hidden = given === null;
      if (given === null) return;
      const { name, kind, problem, comparison } = given;
      const key = (colour, words) => h("span", { class: "key" }, h("i", { class: "dot", colour: css(colour) }), words);
      const mean = (values) => (values.length ? (values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(3) : "–");
      agreement.replaceChildren(
        h("h2", {}, kind === "annotator" ? "Another annotator" : "Prediction"),
        h("p", { class: "faint name" }, name),
        problem
          ? h("p", { class: "problem" }, problem)
          : h("div", { class: "keys" }, key(COMPARED_COLOURS.both, "both"), key(COMPARED_COLOURS.first, kind === "annotator" ? "only the source" : "only the truth"), key(COMPARED_COLOURS.second, kind === "annotator" ? "only this annotator" : "only the prediction")),
        ...(problem ? [] : [facts([["J, all frames", mean(comparison.j)], ["F, all frames", mean(comparison.f)]])]),
      );
    },
    /** What verify has found: {findings} or {running: true}. */
    verified({ running = false, findings: lines = [] }) {
      findings.replaceChildren(running ? h("p", { class: "faint" }, "Verifying …") : lines.length ? h("ul", { class: "problems" }, lines.map((text) => h("li", {}, text))) : h("p", { class: "good" }, "✓ Nothing contradicts itself."));
    },
  };
}
