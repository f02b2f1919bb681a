/* A question of a procedure: the branch that is picked stays open, the others fold away. */
"use strict";

(() => {
  const { store } = window.runbook;
  const choices = [...document.querySelectorAll("[data-rb-choice]")].map((element) => ({
    key: () => store.keyAt(element, element.dataset.rbChoice),
    branches: [...element.children].filter((one) => one.classList.contains("rb-branch")),
  }));

  const radio = (branch) => branch.querySelector(":scope > label > input");

  for (const { key, branches } of choices) {
    for (const branch of branches) {
      radio(branch).addEventListener("change", (event) => {
        store.change((state) => {
          state.choices[key()] = event.target.value;
        });
      });
    }
  }

  store.listen((state) => {
    for (const { key, branches } of choices) {
      const picked = state.choices[key()];
      for (const branch of branches) {
        const own = radio(branch).value === picked;
        radio(branch).checked = own;
        branch.classList.toggle("rb-branch--chosen", own);
        branch.querySelector(":scope > .rb-branch__steps").hidden = picked !== undefined && !own;
      }
    }
  });

  /* A link into a branch that is folded away opens it, without picking it. */
  function reveal() {
    let id = location.hash.slice(1);
    try {
      id = decodeURIComponent(id);
    } catch {} // a stray %: look for the id as it is
    const target = document.getElementById(id);
    const folded = target?.closest("[hidden]");
    if (!folded) return;
    for (let part = folded; part; part = part.parentElement.closest(".rb-branch__steps[hidden]")) part.hidden = false;
    target.scrollIntoView();
  }
  addEventListener("hashchange", reveal);
  reveal();
})();
