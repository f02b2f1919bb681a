/* The switch between CLI majors, which holds on all pages, and the SQL of a command by itself. */
"use strict";

(() => {
  const switches = [...document.querySelectorAll(".rb-cli input")];
  const wanted = window.__md_get?.("__tabs") ?? []; // where the theme keeps the tabs of its own
  const known = switches.find((one) => wanted.includes(one.value));
  if (known) known.checked = true;
  for (const one of switches) {
    one.addEventListener("change", () => {
      const others = (__md_get("__tabs") ?? []).filter((label) => !switches.some((each) => each.value === label));
      __md_set("__tabs", [one.value, ...others]);
    });
  }

  /* Undo the shell's quotes around the last word of a command. */
  function unquoted(line) {
    const word = line.slice(line.indexOf(" -- ") + 4).trim();
    return word.startsWith('"') ? word.slice(1, -1) : word.slice(1, -1).replaceAll(`'"'"'`, "'");
  }

  for (const place of document.querySelectorAll(".rb-sql-alone")) {
    const code = place.previousElementSibling?.querySelector("code");
    if (!code) continue;
    place.hidden = false;
    const button = place.firstElementChild;
    button.addEventListener("click", () => button.setAttribute("data-clipboard-text", unquoted(code.innerText)), true);
  }
})();
