"use strict";
// Sorting and filtering of tables; without it every row stands in its order, and wide ones scroll.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const names = [...table.tHead.rows[0].cells].map((th) => th.textContent);
  for (const row of body.rows) [...row.cells].forEach((cell, i) => { cell.dataset.label = names[i]; });
  table.classList.add("cards"); // on a phone each row stands as a card, its cells named
  const key = (row, i) => {
    const cell = row.cells[i], sort = cell.dataset.sort;
    if (sort === undefined) return cell.textContent.trim().toLowerCase();
    return sort === "" ? NaN : Number(sort);
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") {
      if (isNaN(a) || isNaN(b)) return isNaN(a) - isNaN(b);
      return a - b;
    }
    return String(a).localeCompare(String(b), undefined, { numeric: true });
  };
  [...table.tHead.rows[0].cells].forEach((th, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = th.textContent;
    button.title = "sort";
    th.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = th.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      th.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].map((row) => [key(row, i), row]);
      rows.sort((x, y) => {
        const order = compare(x[0], y[0]);
        return down && !Number.isNaN(x[0]) && !Number.isNaN(y[0]) ? -order : order;
      });
      body.append(...rows.map((pair) => pair[1]));
    });
  });
}
for (const form of document.querySelectorAll(".filters")) {
  const table = document.getElementById(form.dataset.table);
  const rows = [...table.tBodies[0].rows];
  const text = form.querySelector("input");
  const selects = [...form.querySelectorAll("select")];
  const apply = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const all = row.textContent.toLowerCase();
      const fits = words.every((word) => all.includes(word)) &&
        selects.every((s) => !s.value || row.dataset[s.name] === s.value);
      row.hidden = !fits;
      shown += fits;
    }
    form.querySelector("output").textContent = shown + " of " + rows.length + " rows";
  };
  for (const select of selects) {
    for (const value of new Set(rows.map((row) => row.dataset[select.name]))) select.add(new Option(value, value));
    if (select.dataset.first && [...select.options].some((o) => o.value === select.dataset.first)) select.value = select.dataset.first;
  }
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  apply();
}
