/* Names for the theme's own controls, for those who hear the page, and what static HTML may not say of them. */
"use strict";

(() => {
  document.querySelector(".md-search[role=dialog]")?.setAttribute("aria-label", "Search");
  for (const toggle of document.querySelectorAll("input.md-toggle")) toggle.autocomplete = "off"; // closed on a reload
  /* The theme puts each copy button into a landmark of its own. */
  const quiet = () => document.querySelectorAll("nav.md-code__nav:not([role])").forEach((nav) => { nav.role = "none"; });
  quiet();
  let due = 0;
  new MutationObserver(() => {
    due ||= requestAnimationFrame(() => {
      due = 0;
      quiet();
    });
  }).observe(document.body, { childList: true, subtree: true });
})();
