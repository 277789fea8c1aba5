// Makes the page of a story live. Without it the page is whole; with it, news waits for a click.
"use strict";
(() => {
  const article = () => document.querySelector("article.story");
  const revision = () => Number(article().dataset.revision);
  if (!article()?.dataset.events || !window.EventSource) return;

  const make = (name, role, parent) => {
    const element = parent.appendChild(document.createElement(name));
    if (role) element.setAttribute("role", role);
    return element;
  };
  const bar = make("div", "", document.getElementById("main"));
  bar.className = "news";
  const urgent = make("p", "alert", bar);
  const polite = make("p", "status", bar);
  const button = make("button", "", bar);
  button.type = "button";
  button.hidden = true;

  const losses = {
    kill: "This story has been killed. Do not rely on it.",
    takedown: "This story has been taken down.",
    withhold: "This story is withheld while it is checked.",
    unpublish: "This story is no longer published.",
    redaction: "Words have been removed from this story.",
  };
  const notes = { correction: "Correction", clarification: "Clarification" };
  const waiting = new Set();

  const offer = (words) => {
    button.textContent = polite.textContent = words;
    button.hidden = false;
  };
  const hear = (message) => {
    const change = JSON.parse(message.data).data;
    if (!(change?.to > revision())) return;
    const name = notes[change.kind];
    const said = losses[change.kind] ?? (name && `${name}: ${change.note}`);
    if (said) urgent.textContent = said;
    else if (change.significance?.level === "minor") return;
    waiting.add(change.to);
    offer(waiting.size === 1 ? "1 new update" : `${waiting.size} new updates`);
  };

  const page = async () => {
    const answer = await fetch(location.pathname, { cache: "no-cache" });
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  };
  const blocks = (of) => [...of.querySelectorAll(".body [id]")];
  const swap = async () => {
    try {
      const next = await page();
      const before = article();
      const after = document.importNode(next.querySelector("article.story"), true);
      const old = new Map(blocks(before).map((block) => [block.id, block.textContent]));
      const fresh = blocks(after).filter((block) => old.get(block.id) !== block.textContent);
      fresh.forEach((block) => block.classList.add("fresh"));
      // What stands at the top of the window stays there.
      const top = scrollY > 0 && blocks(before).find((block) => block.getBoundingClientRect().bottom > 0);
      const at = top && top.getBoundingClientRect().top;
      before.replaceWith(after);
      document.title = next.title;
      const same = top && document.getElementById(top.id);
      if (same) scrollBy(0, same.getBoundingClientRect().top - at);
      waiting.clear();
      button.hidden = true;
      urgent.textContent = "";
      polite.textContent = `Updated: new or changed passages: ${fresh.length}`;
      const goal = fresh[0] ?? after.querySelector("h1");
      goal.tabIndex = -1;
      goal.focus({ preventScroll: true });
    } catch {
      offer("The update did not load. Try again");
    }
  };
  button.addEventListener("click", swap);

  // Where no stream is to be had, the page is asked for now and then.
  const look = async () => {
    const next = document.hidden ? null : await page().catch(() => null);
    if (next?.querySelector("article.story")?.dataset.revision > revision()) offer("New updates");
    setTimeout(look, 60000);
  };
  const source = new EventSource(article().dataset.events);
  source.onmessage = hear;
  source.addEventListener("must-refetch", () => offer("New updates"));
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(look, 30000);
  };
})();
