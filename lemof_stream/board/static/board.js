// Shows what the server sends: one "state" with everything, then "change"s. A new state replaces all that was shown.

const DAYS_SHOWN = 21; // the scale of a stay; longer ones end at its edge
const UNITS_A_DAY = 10; // of the scale's drawing
const HIGH = 0.5; // where alerts are raised
const MID = 0.25;
const NAMES = { vitals: "Vitals", ehr: "EHR" };
const RETRY_MS = 1000;

const beds = new Map(); // stay -> what the server said
const cards = new Map(); // stay -> element
const wards = new Map(); // ward -> { section, census }
const byId = (id) => document.getElementById(id);
const percent = (share) => (share > 0 && share < 0.01 ? "<1%" : `${Math.round(share * 100)}%`);
const clock = (iso) => new Date(iso).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

function wardOf(name) {
  if (!wards.has(name)) {
    const section = byId("ward").content.firstElementChild.cloneNode(true);
    const heading = section.querySelector("h2");
    heading.textContent = name;
    heading.id = `ward-${wards.size}`;
    section.setAttribute("aria-labelledby", heading.id);
    wards.set(name, { section, census: null });
    const sorted = [...wards.keys()].sort((a, b) => a.localeCompare(b));
    byId("wards").append(...sorted.map((key) => wards.get(key).section));
  }
  return wards.get(name);
}

function cardOf(stay) {
  if (!cards.has(stay)) {
    const card = byId("bed").content.firstElementChild.cloneNode(true);
    card.dataset.stay = stay;
    card.querySelector("h3").textContent = stay;
    cards.set(stay, card);
  }
  return cards.get(stay);
}

function drawRisk(card, bed) {
  const risk = bed.values.p_death;
  const known = risk !== undefined;
  card.dataset.tone = !known || risk < MID ? "low" : risk < HIGH ? "mid" : "high";
  card.querySelector(".percent").textContent = known ? percent(risk) : "–";
  const change = bed.trend.length > 1 ? Math.round((bed.trend.at(-1) - bed.trend[0]) * 100) : 0;
  const arrow = change > 0 ? "▲" : change < 0 ? "▼" : "";
  card.querySelector(".trend").textContent = arrow && `${arrow} ${Math.abs(change)} ${Math.abs(change) === 1 ? "pt" : "pts"}`;
  const top = Math.max(0.2, ...bed.trend) * 1.1;
  const last = Math.max(bed.trend.length - 1, 1);
  const points = bed.trend.map((value, i) => `${((120 * i) / last).toFixed(1)} ${(39 - (38 * value) / top).toFixed(1)}`);
  const line = points.length ? `M${points.join("L")}` : "";
  card.querySelector(".line").setAttribute("d", points.length === 1 ? `${line}h0.1` : line);
  card.querySelector(".area").setAttribute("d", points.length > 1 ? `${line}L120 40L0 40Z` : "");
  const hours = `${bed.trend.length} ${bed.trend.length === 1 ? "hour" : "hours"}`;
  const course = bed.trend.length ? `Risk of death over ${hours}: from ${percent(bed.trend[0])} to ${percent(bed.trend.at(-1))}` : "No course yet";
  card.querySelector(".spark").setAttribute("aria-label", course);
}

function drawStay(card, bed) {
  const { los_days: days, los_days_lo: low, los_days_hi: high } = bed.values;
  const known = days !== undefined;
  card.querySelector(".days").textContent = known ? `${days.toFixed(1)} d` : "–";
  card.querySelector(".interval").textContent = known ? `(${low.toFixed(1)} to ${high.toFixed(1)})` : "";
  const x = (day) => Math.min(day, DAYS_SHOWN) * UNITS_A_DAY;
  const band = card.querySelector(".band");
  band.setAttribute("x", known ? x(low) : 0);
  band.setAttribute("width", known ? Math.max(x(high) - x(low), 2) : 0);
  card.querySelector(".expected").setAttribute("cx", known ? x(days) : -99);
  card.querySelector(".today").setAttribute("d", `M${x(bed.day)} 0V14`);
}

function drawShares(card, bed) {
  const shares = Object.entries(bed.modality).filter(([, share]) => share > 0);
  const bars = shares.map(([name, share]) => {
    const bar = document.createElement("i");
    bar.dataset.name = name;
    bar.style.flexGrow = share;
    return bar;
  });
  const words = shares.map(([name, share]) => {
    const word = document.createElement("b");
    word.dataset.name = name;
    word.textContent = `${NAMES[name] ?? name} ${percent(share)}`;
    return word;
  });
  card.querySelector(".bar").replaceChildren(...bars);
  card.querySelector(".shares").replaceChildren(...words);
}

function drawBed(bed) {
  const card = cardOf(bed.stay);
  drawRisk(card, bed);
  drawStay(card, bed);
  drawShares(card, bed);
  const badge = card.querySelector(".badge");
  badge.hidden = !bed.alert;
  badge.textContent = bed.alert ? `Alert ${clock(bed.alert.since)}` : "";
  badge.title = bed.alert ? `Since ${clock(bed.alert.since)}: the risk of death rose to ${percent(bed.alert.threshold)} or more` : "";
  card.classList.toggle("raised", Boolean(bed.alert));
  card.classList.toggle("stale", bed.kind === "stale" || bed.kind === "withheld");
  const kind = card.querySelector(".kind");
  kind.textContent = bed.kind;
  kind.dataset.kind = bed.kind;
  card.querySelector(".hour").textContent = `day ${bed.day.toFixed(1)}, hour ${bed.hour}`;
  card.querySelector(".beyond").hidden = !bed.beyond_horizon;
  const updated = card.querySelector(".updated");
  updated.dateTime = bed.event_time;
  updated.title = new Date(bed.event_time).toString();
  updated.textContent = clock(bed.event_time);
}

function drawCensus(census) {
  const entries = [
    [census.stays, census.stays === 1 ? "stay" : "stays"],
    [census.leaving_24h.toFixed(1), "expected to leave within 24 h"],
    [census.leaving_48h.toFixed(1), "within 48 h"],
    [census.leaving_7d.toFixed(1), "within 7 d"],
  ];
  const drawn = entries.map(([value, words]) => {
    const entry = document.createElement("div");
    const term = document.createElement("dt");
    const detail = document.createElement("dd");
    term.textContent = words;
    detail.textContent = value;
    entry.append(term, detail);
    return entry;
  });
  wardOf(census.ward).section.querySelector(".census").replaceChildren(...drawn);
}

// Alerts first, else in the order of their names: a bed that moves whenever its risk does cannot be found.
function arrange() {
  const order = [...beds.values()].sort(
    (a, b) => Boolean(b.alert) - Boolean(a.alert) || a.stay.localeCompare(b.stay, "en", { numeric: true }),
  );
  const lists = new Map();
  for (const bed of order) {
    if (!lists.has(bed.ward)) lists.set(bed.ward, []);
    lists.get(bed.ward).push(cardOf(bed.stay));
  }
  for (const name of lists.keys()) wardOf(name);
  for (const [name, { section }] of wards) {
    const list = section.querySelector(".cards");
    const wanted = lists.get(name) ?? [];
    if (wanted.length !== list.children.length || wanted.some((card, i) => list.children[i] !== card)) {
      list.replaceChildren(...wanted);
    }
    section.hidden = wanted.length === 0;
  }
  const raised = order.filter((bed) => bed.alert).length;
  byId("beds").textContent = order.length;
  byId("alerts").textContent = raised;
  byId("alerts-total").classList.toggle("raised", raised > 0);
  byId("empty").hidden = order.length > 0;
  document.title = raised ? `(${raised}) Ward board` : "Ward board";
  const newest = order.map((bed) => bed.event_time).reduce((a, b) => (a > b ? a : b), "");
  if (newest) {
    byId("newest").dateTime = newest;
    byId("newest").textContent = new Date(newest).toLocaleString([], { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
  }
}

function take(change) {
  for (const stay of change.gone) {
    beds.delete(stay);
    cards.delete(stay);
  }
  for (const bed of change.beds) {
    beds.set(bed.stay, bed);
    drawBed(bed);
  }
  for (const census of change.wards) drawCensus(census);
  arrange();
}

function say(state, words) {
  const link = byId("link");
  if (link.dataset.state !== state) {
    link.dataset.state = state;
    link.textContent = words;
  }
}

function connect() {
  const source = new EventSource("/events");
  source.addEventListener("state", (event) => {
    beds.clear();
    cards.clear();
    take(JSON.parse(event.data));
    say("live", "Live");
  });
  source.addEventListener("change", (event) => take(JSON.parse(event.data)));
  source.onerror = () => {
    say("lost", "Reconnecting");
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS); // it gives up on some errors
  };
}

connect();
