/* A page that was built in time can become overdue while it lies on a disk: today decides, not the build. */
"use strict";

for (const element of document.querySelectorAll("[data-rb-due]")) {
  if (new Date().toISOString().slice(0, 10) <= element.dataset.rbDue) continue;
  if (!element.textContent.includes("overdue")) element.textContent = `review overdue since ${element.dataset.rbDue}`;
  element.classList.add("rb-review--late");
  element.closest("[hidden]")?.removeAttribute("hidden");
}
