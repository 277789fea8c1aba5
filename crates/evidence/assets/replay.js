"use strict";
(() => {
  const CELLS_MAX = 4000000;
  const FACTS = ["kind", "status", "public", "recorded", "occurred", "desk", "actor", "approver", "note",
    "reason", "until", "rebased", "label", "index", "envelope", "state"];
  const byId = (id) => document.getElementById(id);
  const { texts, revisions } = JSON.parse(byId("told").textContent);
  const element = (name, text) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const words = (text) => text.match(/\s+|[\p{L}\p{N}\p{M}]+(?:['’.,:-][\p{L}\p{N}\p{M}]+)*|[^\s]/gu) || [];

  // The words of two texts, as runs of [what happened, words]: common, taken out, added.
  const compare = (before, after) => {
    const a = words(before), b = words(after);
    let head = 0, tail = 0;
    while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
    while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
    const x = a.slice(head, a.length - tail), y = b.slice(head, b.length - tail);
    const runs = [];
    const put = (what, word) => {
      if (runs.length && runs[runs.length - 1][0] === what) runs[runs.length - 1][1] += word;
      else runs.push([what, word]);
    };
    a.slice(0, head).forEach((word) => put("", word));
    if (x.length * y.length > CELLS_MAX) {
      x.forEach((word) => put("del", word));
      y.forEach((word) => put("ins", word));
    } else {
      const width = y.length + 1;
      const longest = new Uint32Array((x.length + 1) * width);
      for (let i = x.length - 1; i >= 0; i -= 1) {
        for (let j = y.length - 1; j >= 0; j -= 1) {
          longest[i * width + j] = x[i] === y[j] ? longest[(i + 1) * width + j + 1] + 1
            : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
        }
      }
      let i = 0, j = 0;
      while (i < x.length || j < y.length) {
        if (i < x.length && j < y.length && x[i] === y[j]) { put("", x[i]); i += 1; j += 1; }
        else if (j === y.length || (i < x.length && longest[(i + 1) * width + j] >= longest[i * width + j + 1])) { put("del", x[i]); i += 1; }
        else { put("ins", y[j]); j += 1; }
      }
    }
    a.slice(a.length - tail).forEach((word) => put("", word));
    return runs;
  };

  const shown = (place, kind, runs) => {
    const part = element(kind === "" && place === "headline" ? "h2" : kind === "heading" ? "h3" : kind === "quote" ? "blockquote" : "p");
    if (kind === "" && place !== "headline") {
      const name = element("span", place.replace("_", " "));
      name.className = "name";
      name.lang = "en";
      part.append(name);
    }
    runs.forEach(([what, text]) => part.append(what ? element(what, text) : text));
    return part;
  };

  const article = (now, before, marked) => {
    const old = new Map(before.map(([place, kind, text]) => [place, [kind, texts[text]]]));
    const here = new Set(now.map(([place]) => place));
    const parts = [];
    let at = 0;
    const goneUpTo = (place) => {
      while (marked && at < before.length && before[at][0] !== place) {
        const [was, kind, text] = before[at];
        if (!here.has(was)) parts.push(shown(was, kind, [["del", texts[text]]]));
        at += 1;
      }
      at += 1;
    };
    let last = -1;
    now.forEach(([place, kind, text]) => {
      const stood = before.findIndex(([was]) => was === place);
      if (stood > last) { goneUpTo(place); last = stood; }
      const was = old.get(place);
      const runs = !marked || (was && was[1] === texts[text]) ? [["", texts[text]]]
        : was ? compare(was[1], texts[text]) : [["ins", texts[text]]];
      parts.push(shown(place, kind, runs));
    });
    goneUpTo(null);
    return parts;
  };

  const which = byId("which");
  let current = 0;
  const show = (number) => {
    current = Math.max(0, Math.min(revisions.length - 1, number));
    const told = revisions[current];
    const before = current > 0 ? revisions[current - 1].parts : [];
    const marked = byId("changes").checked && current > 0;
    byId("article").replaceChildren(...article(told.parts, before, marked));
    const facts = [];
    FACTS.filter((name) => told[name] !== undefined).forEach((name) => {
      facts.push(element("dt", name), element("dd", String(told[name])));
    });
    if (told.correction) facts.push(element("dt", "corrected"), element("dd", told.correction.what + " (" + told.correction.where + "), approved by " + told.correction.approver));
    if (told.redaction) facts.push(element("dt", "redaction"), element("dd", told.redaction.kind + " of " + told.redaction.values + ", by " + told.redaction.basis));
    byId("facts").replaceChildren(...facts);
    which.value = String(current);
    byId("first").disabled = byId("previous").disabled = current === 0;
    byId("next").disabled = byId("last").disabled = current === revisions.length - 1;
    byId("said").textContent = "Revision " + told.revision + " of " + revisions.length + ", " + told.kind + ", recorded " + told.recorded + " by " + told.actor + (marked ? ". Compared with the revision before." : ".");
    history.replaceState(null, "", "#" + told.revision);
  };
  revisions.forEach((told, number) => {
    const option = element("option", told.revision + " · " + told.kind + " · " + told.recorded.slice(0, 19).replace("T", " "));
    option.value = String(number);
    which.append(option);
  });
  which.addEventListener("change", () => show(Number(which.value)));
  byId("changes").addEventListener("change", () => show(current));
  byId("first").addEventListener("click", () => show(0));
  byId("previous").addEventListener("click", () => show(current - 1));
  byId("next").addEventListener("click", () => show(current + 1));
  byId("last").addEventListener("click", () => show(revisions.length - 1));
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target === which) return;
    if (event.key === "ArrowLeft") show(current - 1);
    if (event.key === "ArrowRight") show(current + 1);
  });
  document.querySelector("nav").hidden = false;
  const asked = Number(location.hash.slice(1));
  show(asked >= 1 ? asked - 1 : revisions.length - 1);
})();
