// Runs inside a copy of the report and says what a reader would trip over. Called with
// what to look at: "screen", or in print "portrait" or "landscape".
(mode) => {
  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const describe = (element) =>
    `${element.tagName.toLowerCase()}${element.id ? "#" + element.id : ""} ` +
    `"${element.textContent.trim().slice(0, 40)}"`;
  const colour = (text) => {
    const parts = (text.match(/[\d.]+/g) || []).map(Number);
    return { rgb: parts.slice(0, 3), alpha: parts.length > 3 ? parts[3] : 1 };
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((part) => {
      const c = part / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const grounds = new Map();
  const behind = (element) => {
    if (!element) return [255, 255, 255];
    if (!grounds.has(element)) {
      const { rgb, alpha } = colour(getComputedStyle(element).backgroundColor);
      grounds.set(element, alpha === 1 ? rgb : behind(element.parentElement));
    }
    return grounds.get(element);
  };

  if (mode === "screen") for (const details of all("details")) details.open = true;

  const ids = all("[id]").map((element) => element.id);
  const faint = [];
  // What stands on its own text, and what stands on a tile or a bar.
  for (const element of all("body *")) {
    const svg = element instanceof SVGElement;
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || ["title", "desc", "SCRIPT", "STYLE"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    let ground = behind(svg ? element.ownerSVGElement.parentElement : element);
    if (svg && /in-(tile|part)/.test(element.getAttribute("class"))) {
      ground = colour(getComputedStyle(element.previousElementSibling).fill).rgb;
    }
    const ink = colour(svg ? style.fill : style.color).rgb;
    const ratio = contrast(ink, ground);
    if (ratio < 4.5) faint.push(`${describe(element)} ${ratio.toFixed(2)}`);
  }
  for (const line of all("svg.chart path.line:not(.other)")) {
    const ink = colour(getComputedStyle(line).stroke).rgb;
    const ratio = contrast(ink, behind(line.ownerSVGElement.parentElement));
    if (ratio < 3) faint.push(`line ${line.getAttribute("class")} ${ratio.toFixed(2)}`);
  }

  const outside = [];
  for (const svg of all("svg.chart")) {
    const frame = svg.getBoundingClientRect();
    if (!frame.width) continue;
    for (const text of all("text", svg)) {
      const box = text.getBoundingClientRect();
      const out =
        box.left < frame.left - 1 || box.right > frame.right + 1 ||
        box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
      if (out) outside.push(`${svg.getAttribute("aria-labelledby")}: ${describe(text)}`);
    }
  }

  // On paper nothing scrolls: what is wider than the page is lost.
  const cut = [];
  if (mode !== "screen") {
    for (const element of all("table, svg.chart, pre")) {
      const wide = element.closest("#results") !== null;
      if (wide !== (mode === "landscape")) continue;
      const over = element.getBoundingClientRect().right - innerWidth;
      if (over > 1) cut.push(`${describe(element)} by ${over.toFixed(0)}`);
    }
  }

  const text = (id) => document.getElementById(id)?.textContent.trim() || "";
  const named = (element) =>
    element.getAttribute("aria-label") ||
    (element.getAttribute("aria-labelledby") || "").split(" ").every((id) => id && text(id));
  return {
    inner: innerWidth,
    content: root.scrollWidth,
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    headings: all("h1, h2, h3, h4, h5, h6").map((head) => [
      Number(head.tagName[1]),
      head.textContent.trim(),
    ]),
    twice: ids.filter((id, index) => ids.indexOf(id) !== index),
    // What was fetched, what would be, and what style sheets ask for.
    loaded: [
      ...performance.getEntriesByType("resource").map((entry) => entry.name),
      ...all("[src], [srcset], [poster], [data], object, embed, base, use, image").map(describe),
      ...all("link").filter((link) => link.href !== "data:,").map(describe),
      ...[...document.styleSheets]
        .flatMap((sheet) => [...sheet.cssRules])
        .map((rule) => rule.cssText)
        .filter((text) => /url\(|@import|image-set/.test(text)),
    ],
    dangling: all('a[href^="#"]')
      .map((link) => link.getAttribute("href").slice(1))
      .filter((id) => !document.getElementById(id)),
    unnamed: [
      ...all("svg[role=img], section, nav, figure").filter((element) => !named(element)),
      ...all("[tabindex='0']").filter((element) => !named(element)),
      ...all("table").filter((table) => !table.caption?.textContent.trim()),
      ...all("th:not([scope])"),
      ...all("svg:not([role=img]):not([aria-hidden=true])"),
    ].map(describe),
    // Whatever is wider than its box can be reached by keyboard.
    unreachable: all("body *")
      .filter((element) => /auto|scroll/.test(getComputedStyle(element).overflowX))
      .filter((element) => element.scrollWidth > element.clientWidth + 1)
      .filter((element) => element.getAttribute("tabindex") !== "0")
      .map(describe),
    charts: all("svg.chart").length,
    tables: all("table").length,
    faint: faint.slice(0, 20),
    outside: outside.slice(0, 20),
    cut: cut.slice(0, 20),
  };
}
