/* Names for the theme's own controls, for those who hear the page. */
"use strict";

(() => {
  document.querySelector(".md-search[role=dialog]")?.setAttribute("aria-label", "Search");
  const name = () => {
    document.querySelectorAll(".md-code__nav").forEach((nav, index) => {
      const step = nav.closest(".rb-step")?.querySelector(".rb-step__title")?.textContent;
      nav.setAttribute("aria-label", `Code ${index + 1}${step ? `: ${step}` : ""}`);
    });
  };
  name();
  new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
})();
