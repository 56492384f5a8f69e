"use strict";
// Sorts a table by the column whose head is pressed; filters the rows of the videos' table.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const ascending = head.getAttribute("aria-sort") === "descending" || (!head.hasAttribute("aria-sort") && head.classList.contains("text"));
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const isText = head.classList.contains("text");
      const key = (row) => (isText ? row.cells[column].textContent : parseFloat(row.cells[column].dataset.value));
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        if (isText) return (ascending ? 1 : -1) * x.localeCompare(y);
        // Rows without a number stay at the end, whichever way is sorted.
        if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
        return (ascending ? 1 : -1) * (x - y);
      });
      table.tBodies[0].append(...rows);
    });
  });
}
for (const tools of document.querySelectorAll(".tools")) {
  const rows = [...document.querySelectorAll(`#${tools.dataset.table} tbody tr`)];
  const count = tools.querySelector("output");
  const show = () => {
    const text = tools.querySelector("input").value.toLowerCase();
    const chosen = [...tools.querySelectorAll("select")].map((select) => select.value);
    let shown = 0;
    for (const row of rows) {
      const words = row.dataset.words.split(" ");
      const visible = row.textContent.toLowerCase().includes(text) && chosen.every((value) => !value || words.includes(value));
      row.hidden = !visible;
      shown += visible;
    }
    count.textContent = `${shown} of ${rows.length}`;
  };
  tools.addEventListener("input", show);
  show();
}
