// Reader pages in a real Chromium: run by tests/tests/browser.rs, which starts the service.
//
// BASE is the service, KEY may file to it, CHROMIUM is the browser.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const { BASE, KEY, CHROMIUM } = process.env;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Longest that anything that must happen may take on a busy machine, in milliseconds. */
const PATIENCE = 60_000;

let browser;
/** Path of every kind of page, by its name. */
const pages = {};

async function send(path, body) {
  const headers = { Authorization: `Bearer ${KEY}`, "Content-Type": "application/json" };
  const answer = await fetch(BASE + path, { method: "POST", headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${path}: ${answer.status}`);
  return answer.json();
}

const act = (story, name, body) => send(`/v1/stories/${story}/acts/${name}`, body);
const file = (slug, copy, more = "") => send(`/v1/stories?slug=${slug}&desk=world${more}`, copy);

function ferry(missing) {
  const filler = Array.from({ length: 30 }, (_, place) => ({
    text: `Witness number ${place + 1} said what the others had said before, in words that nobody can tell apart.`,
  }));
  return {
    headline: `Ferry runs aground; ${missing} missing`,
    summary: "Boats search the strait through the night.",
    bylines: ["Mara Lindqvist"],
    dateline: "KIRKHAVEN, 23 Nov",
    language: "en-GB",
    tags: ["Shipping", "Search and rescue"],
    links: ["https://coastguard.example/notices/44 Coastguard notice 44"],
    blocks: [
      { text: `A ferry ran aground on Monday, and ${missing} people are missing.` },
      { text: "\"We do what the sea allows,\" said Elin Marsh.", kind: "quote" },
      { text: "What is known", kind: "heading" },
      { text: "The ship is stable.", kind: "list" },
      { text: "The cause is not known.", kind: "list" },
      { text: "The ship, seen from above", kind: "media" },
      { text: "Read the notice of the coastguard.", marks: [{ start: 9, end: 33, kind: "a", href: "https://coastguard.example/44" }] },
      { text: `Averyverylongwordthatdoesnotbreak${"x".repeat(120)} stood in the log.` },
      ...filler,
    ],
  };
}

before(async () => {
  await file("ferry", ferry(12));
  await file("ferry", ferry(14), "&note=Two%20more%20are%20missing.");
  await file("ferry", ferry(15), "&kind=correction&note=15%20are%20missing,%20not%2014.&what=the%20number&where=first%20paragraph&approver=chief");
  await file("final", { headline: "The final, live", blocks: [{ text: "A goal.", kind: "entry" }, { text: "Kick-off.", kind: "entry" }] });
  await file("summit", { headline: "اتفاق على حصص الصيد", language: "ar", blocks: [{ text: "اتفق الوزراء صباح الاثنين." }] });
  await file("rumour", { headline: "Bank to close", blocks: [{ text: "It is said." }] });
  await act("rumour", "kill", { reason: "Forged.", note: "It was forged." });
  await file("doubt", { headline: "Minister resigns", blocks: [{ text: "It is said." }] });
  await act("doubt", "withhold", { reason: "Disputed." });
  Object.assign(pages, {
    front: "/",
    desk: "/desks/world",
    tag: "/tags/Search%20and%20rescue",
    story: "/stories/ferry",
    live: "/stories/final",
    rightToLeft: "/stories/summit",
    killed: "/stories/rumour",
    withheld: "/stories/doubt",
    history: "/stories/ferry/history",
    difference: "/stories/ferry/diff/1..3",
    correction: "/stories/ferry/diff/2..3",
    revision: "/stories/ferry/revisions/1",
    nothing: "/stories/nothing",
  });
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
}, { timeout: PATIENCE });

after(() => browser?.close());

/** Opens `path` as a reader with `options`, gives the page to `look`, and closes it. */
async function visit(path, options, look) {
  const context = await browser.newContext({ baseURL: BASE, ...options });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    const refused = [];
    page.on("console", (message) => /Content Security Policy|Refused to/.test(message.text()) && refused.push(message.text()));
    page.on("pageerror", (error) => refused.push(String(error)));
    page.on("request", (request) => request.url().startsWith(BASE) || refused.push(`asks ${request.url()}`));
    await page.goto(path);
    await look(page);
    assert.deepEqual(refused, [], path);
  } finally {
    await context.close();
  }
}

for (const colorScheme of ["light", "dark"]) {
  test(`no page breaks a rule of accessibility, ${colorScheme}`, async () => {
    for (const [name, path] of Object.entries(pages)) {
      await visit(path, { colorScheme, reducedMotion: "reduce" }, async (page) => {
        await page.evaluate(axe);
        const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
        const said = found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`);
        assert.deepEqual(said, [], `${name} (${colorScheme})`);
      });
    }
  });
}

test("every page fits a screen of 320 pixels", async () => {
  for (const [name, path] of Object.entries(pages)) {
    await visit(path, { viewport: { width: 320, height: 640 } }, async (page) => {
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= 320, `${name} is ${width} pixels wide`);
    });
  }
});

test("everything can be read and reached without scripts", async () => {
  await visit("/", { javaScriptEnabled: false }, async (page) => {
    await page.getByRole("link", { name: "Ferry runs aground; 15 missing" }).click();
    assert.equal(await page.getByRole("heading", { level: 1 }).innerText(), "Ferry runs aground; 15 missing");
    assert.ok((await page.locator(".notice").innerText()).includes("15 are missing, not 14."));
    await page.getByRole("link", { name: "History of this story" }).click();
    await page.getByRole("link", { name: "What changed in revision 3" }).click();
    assert.ok((await page.locator("section.change ins").first().innerText()).includes("15"));
    assert.ok((await page.locator("section.change del").first().innerText()).includes("14"));
    await page.getByRole("link", { name: "revision 2" }).click();
    assert.ok((await page.locator(".banner.old").innerText()).includes("This is revision 2 of 3"));
    await page.getByRole("link", { name: "Read it as it stands now" }).click();
    assert.equal(new URL(page.url()).pathname.length, "/stories/".length + 36);
  });
});

test("a keyboard is enough, and it is seen where it is", async () => {
  await visit(pages.story, {}, async (page) => {
    await page.keyboard.press("Tab");
    const skip = page.getByRole("link", { name: "Skip to the text" });
    assert.ok(await skip.evaluate((link) => link === document.activeElement));
    assert.ok((await skip.boundingBox()).y >= 0, "it shows itself");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    const reached = [];
    for (let step = 0; step < 12; step += 1) {
      await page.keyboard.press("Tab");
      const at = await page.evaluate(() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
        return { text: document.activeElement.innerText, outline: outlineStyle === "solid" && parseFloat(outlineWidth) >= 2 };
      });
      if (await page.evaluate(() => document.activeElement === document.body)) break;
      assert.ok(at.outline, `no outline on ${at.text}`);
      reached.push(at.text);
    }
    for (const wanted of ["world", "notice of the coastguard", "Shipping", "History of this story", "Atom"]) {
      assert.ok(reached.some((text) => text.toLowerCase() === wanted.toLowerCase()), `${wanted} is not among ${reached}`);
    }
  });
});

test("on paper there is the story and nothing to press", async () => {
  await visit(pages.story, {}, async (page) => {
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.locator("body > footer").isVisible(), false);
    assert.equal(await page.getByRole("heading", { level: 1 }).isVisible(), true);
  });
});

test("news waits for a click, and the text under the reader stays where it is", async () => {
  await file("calm", ferry(1));
  await visit("/stories/calm", {}, async (page) => {
    const at = page.locator(".body p", { hasText: "Witness number 9 said" });
    await at.evaluate((block) => scrollTo(0, block.getBoundingClientRect().top + scrollY - 40));
    const place = () => at.evaluate((block) => Math.round(block.getBoundingClientRect().top));
    const before = await place();

    const copy = ferry(2);
    copy.blocks.splice(1, 0, { text: "A second ship has come to help, and a third is on her way." });
    await file("calm", copy);
    const button = page.locator(".news button");
    await button.getByText("1 new update").waitFor();
    assert.equal(await place(), before, "told");
    assert.equal(await page.getByText("A second ship has come").count(), 0, "nothing is changed unasked");
    assert.equal(await page.getByRole("status").innerText(), "1 new update");
    copy.blocks[0].text = "A ferry ran aground on Monday, and 3 people are missing.";
    await file("calm", copy);
    await button.getByText("2 new updates").waitFor();

    await button.focus();
    await page.keyboard.press("Enter");
    await page.getByText("A second ship has come").waitFor();
    assert.equal(await place(), before, "shown");
    assert.equal(await button.isVisible(), false);
    assert.equal(await page.locator(".fresh").count(), 2);
    assert.equal(await page.evaluate(() => document.activeElement.className), "fresh", "the keyboard is at what is new");
    assert.ok((await page.title()).startsWith("Ferry runs aground; 2 missing"));
    await page.evaluate(axe);
    const found = await page.evaluate(() => globalThis.axe.run());
    assert.deepEqual(found.violations.map((one) => one.id), []);
  });
}, { timeout: 3 * PATIENCE });

test("a correction and a kill are told at once", async () => {
  const { story } = await file("alarm", ferry(5));
  await visit("/stories/alarm", {}, async (page) => {
    await file("alarm", ferry(6), "&kind=correction&note=Six,%20not%20five.&what=the%20number&where=first%20paragraph&approver=chief");
    await page.getByRole("alert").getByText("Correction: Six, not five.").waitFor();
    await page.evaluate(axe);
    const found = await page.evaluate(() => globalThis.axe.run());
    assert.deepEqual(found.violations.map((one) => one.id), []);
    await act(story, "kill", { reason: "Forged.", note: "It was forged." });
    await page.getByRole("alert").getByText("This story has been killed.").waitFor();
    await page.locator(".news button").click();
    await page.getByRole("heading", { name: "This story was killed" }).waitFor();
    assert.equal(await page.getByText("Witness number").count(), 0);
  });
}, { timeout: 3 * PATIENCE });
