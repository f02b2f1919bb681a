/* Names for the theme's own controls, for those who hear the page, and what static HTML may not say of them. */
"use strict";

(() => {
  document.querySelector(".md-search[role=dialog]")?.setAttribute("aria-label", "Search");
  for (const toggle of document.querySelectorAll("input.md-toggle")) toggle.autocomplete = "off"; // closed on a reload
  /* The theme puts each copy button into a landmark of its own. */
  const quiet = () => {
    for (const nav of document.querySelectorAll(".md-code__nav:not([role])")) {
      nav.role = "none";
      const step = nav.closest(".rb-step")?.querySelector(".rb-step__title label")?.textContent.trim().replace(/\s+/g, " ");
      if (step) nav.firstElementChild.ariaLabel = `Copy: ${step}`;
    }
  };
  quiet();
  let due = 0;
  new MutationObserver(() => {
    due ||= requestAnimationFrame(() => {
      due = 0;
      quiet();
    });
  }).observe(document.querySelector("article") ?? document.body, { childList: true, subtree: true });
})();
