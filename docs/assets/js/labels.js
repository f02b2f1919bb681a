/* Names for the theme's own controls, for those who hear the page, and what static HTML may not say of them. */
"use strict";

(() => {
  document.querySelector(".md-search[role=dialog]")?.setAttribute("aria-label", "Search");
  for (const toggle of document.querySelectorAll("input.md-toggle")) toggle.autocomplete = "off"; // closed on a reload
  let due = 0;
  let count = 0;
  const soon = () => {
    due ||= requestAnimationFrame(() => {
      due = 0;
      name();
    });
  };
  const name = () => {
    document.querySelectorAll(".md-code__nav").forEach((nav) => {
      if (nav.ariaLabel) return;
      const step = nav.closest(".rb-step")?.querySelector(".rb-step__title")?.textContent;
      count += 1;
      nav.ariaLabel = `Code ${count}${step ? `: ${step}` : ""}`;
    });
  };
  name();
  new MutationObserver(soon).observe(document.body, { childList: true, subtree: true });
})();
