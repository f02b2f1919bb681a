/* The switch between CLI majors holds on all pages. */
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
})();
