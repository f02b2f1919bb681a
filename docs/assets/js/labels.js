/* Names for the theme's own controls, for those who hear the page, and what static HTML may not say of them. */
"use strict";

(() => {
  document.querySelector(".md-search[role=dialog]")?.setAttribute("aria-label", "Search");
  for (const toggle of document.querySelectorAll("input.md-toggle")) toggle.autocomplete = "off"; // closed on a reload
  /* Sections of the navigation are no landmarks of their own. */
  for (const nav of document.querySelectorAll("nav nav")) {
    for (const name of ["aria-label", "aria-labelledby", "aria-expanded"]) nav.removeAttribute(name);
    nav.role = "none";
  }
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
