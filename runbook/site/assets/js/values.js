/* Values typed once fill every snippet, but only when they are what the book allows. */
"use strict";

(() => {
  const { store, quoting } = window.runbook;
  const { own, name } = quoting;
  const fields = [...document.querySelectorAll("[data-rb-field]")];
  const words = [...document.querySelectorAll("[data-rb-word]")].map((element) => ({
    element,
    parts: JSON.parse(element.dataset.rbWord),
  }));
  const places = [...document.querySelectorAll("var[data-rb-value]")].filter((one) => !one.closest("[data-rb-word]"));

  const listed = (field, value) => ("rbMany" in field.dataset ? value.split(",").map((one) => one.trim()) : [value]);

  /* True when the whole value is what the pattern allows. A pattern this browser can't read allows nothing. */
  function allowed(field, value) {
    try {
      const pattern = new RegExp(`^(?:${field.dataset.rbPattern})$`);
      return listed(field, value).every((one) => one && !one.startsWith("-") && !/\p{C}/u.test(one) && pattern.test(one));
    } catch {
      return false;
    }
  }

  function known() {
    const values = {};
    for (const field of fields) {
      const value = field.value.trim();
      if (value ? allowed(field, value) : "rbOptional" in field.dataset) values[field.dataset.rbField] = listed(field, value).join(",");
    }
    return values;
  }

  function show(element, key, text, filled) {
    element.textContent = text;
    element.dataset.rbValue = key;
    element.classList.toggle("rb-filled", filled);
    if (filled && !text) element.dataset.rbNothing = name(key); // the style names the place; nobody copies that
    else delete element.dataset.rbNothing;
    return element;
  }

  function fillWord({ element, parts }, values) {
    const content = quoting.shell(quoting.pieces(parts, values)).map(({ text, key, filled: is }) =>
      key === undefined ? text : show(document.createElement("var"), key, text, is),
    );
    element.replaceChildren(...content);
  }

  /* One of a list is chosen from what the list's own field holds now. */
  function offer() {
    for (const field of fields.filter((one) => one.dataset.rbOf)) {
      const list = fields.find((one) => one.dataset.rbField === field.dataset.rbOf);
      const items = list && allowed(list, list.value.trim()) ? listed(list, list.value) : [];
      if (items.join() === [...field.options].slice(1).map((one) => one.value).join()) continue;
      const kept = field.value;
      field.replaceChildren(field.options[0], ...items.map((item) => new Option(item)));
      field.value = items.includes(kept) ? kept : "";
    }
  }

  let filled = "{}"; // the values that stand in the snippets; the page comes with empty places

  function fill() {
    offer();
    const values = known();
    const now = JSON.stringify(values);
    if (now === filled) return;
    filled = now;
    for (const word of words) fillWord(word, values);
    for (const element of places) {
      const key = element.dataset.rbValue;
      show(element, key, own(values, key) ?? `<${name(key)}>`, own(values, key) !== undefined);
    }
  }

  function judge(field) {
    const value = field.value.trim();
    const wrong = value !== "" && !allowed(field, value);
    field.setAttribute("aria-invalid", String(wrong));
    const problem = document.getElementById(`${field.id}-problem`);
    const text = wrong ? "This doesn't fit, so no command uses it." : "";
    if (problem.textContent !== text) problem.textContent = text;
    problem.previousElementSibling.textContent = wrong ? "" : value; // the line on paper
    return !wrong;
  }

  for (const field of fields) {
    field.addEventListener("input", () => {
      const value = field.value.trim();
      const right = judge(field);
      // Steps in several branches may fill the same value: whatever is typed for one of them goes into all.
      for (const twin of fields.filter((one) => one !== field && one.dataset.rbField === field.dataset.rbField)) {
        twin.value = field.value;
        judge(twin);
      }
      store.change((state) => {
        const values = "rbSite" in field.dataset ? store.site : state.values;
        if (value && right) values[field.dataset.rbField] = value;
        else delete values[field.dataset.rbField];
      });
    });
  }

  const initial = (field) =>
    field.options ? [...field.options].find((one) => one.defaultSelected)?.value ?? "" : field.defaultValue;

  let shown = null; // the read-through whose values stand in the fields
  store.listen((state) => {
    if (state !== shown) {
      shown = state;
      for (const field of fields) {
        offer();
        field.value = own("rbSite" in field.dataset ? store.site : state.values, field.dataset.rbField) ?? initial(field);
        judge(field);
      }
    }
    fill();
  });
})();
