// The sectors and who may be in them, each asked anew when an event touches it. Every answer is an agreed one.

import { clock } from "./voice.js";

const atOnce = 4; // questions under way
const againMs = 1000; // least time between two questions about one sector
const inRow = 9; // visits shown in a row; the rest is in the list of the picked sector

const cell = (row, text, kind) => {
  const td = row.insertCell();
  td.className = kind || "";
  td.textContent = text;
  return td;
};

// minute is an instant to the minute; the list of the picked sector has the seconds.
const minute = (ms) => clock(ms).slice(0, 5);

const level = (a) => (a === "unlimited" ? "unlimited" : a.unit === "FL" ? `FL${String(a.value).padStart(3, "0")}` : `${a.value} ${a.unit} ${a.ref}`);

// band says from where to where a volume reaches.
function band({ floor, ceiling }) {
  if (ceiling === "unlimited") return `${level(floor)} and above`;
  if (floor.unit !== "FL" && floor.unit === ceiling.unit) return `${floor.value}–${level(ceiling)}`;
  return `${level(floor)}–${level(ceiling)}`;
}

// levels is the band of a sector, or how many volumes there are where they differ.
function levels(volumes) {
  const all = new Set(volumes.map(band));
  return all.size === 1 ? [...all][0] : `${volumes.length} volumes`;
}

export class Sectors {
  constructor(cluster, now) {
    this.cluster = cluster;
    this.now = now; // gives service time
    this.all = new Map(); // id -> { sector, visits, next, asked, dirty }
    this.picked = "";
    this.busy = 0;
    this.onchange = () => {};
  }

  async load() {
    const found = new Map();
    for (let after = ""; ; ) {
      const page = await this.cluster.ask(`/api/v1/sectors?limit=1000${after && "&after=" + encodeURIComponent(after)}`);
      for (const sector of page.sectors) {
        const old = this.all.get(sector.id);
        found.set(sector.id, { visits: [], next: "", asked: 0, ...old, sector, dirty: true });
      }
      if (!page.next) break;
      after = page.next;
    }
    this.all = found;
    this.build();
    this.onchange();
  }

  // touch marks what an event changes.
  touch(event) {
    if (event.kind === "sector-put" || event.kind === "sector-removed") {
      this.reload ||= setTimeout(() => {
        this.reload = 0;
        this.load().catch(() => this.touch(event));
      }, againMs);
      return;
    }
    const named = new Set((event.windows || []).map((w) => w.sector));
    for (const [id, s] of this.all) {
      if (event.kind === "settings" || named.has(id) || s.visits.some((v) => v.flight === event.id)) s.dirty = true;
    }
  }

  touchAll() {
    for (const s of this.all.values()) s.dirty = true;
  }

  // refresh asks about the sectors that were touched, the one asked longest ago first.
  refresh() {
    const t = performance.now();
    const due = [...this.all.values()].filter((s) => s.dirty && !s.pending && t - s.asked >= againMs).sort((a, b) => a.asked - b.asked);
    for (const s of due.slice(0, atOnce - this.busy)) this.question(s);
  }

  async question(s) {
    s.pending = true;
    s.dirty = false;
    s.asked = performance.now();
    this.busy++;
    try {
      const page = await this.cluster.ask(`/api/v1/sectors/${encodeURIComponent(s.sector.id)}/flights?limit=1000`);
      s.visits = page.flights.map((v) => ({ ...v, enters: Date.parse(v.enters_earliest), leaves: Date.parse(v.leaves_latest) }));
      s.next = page.next || "";
      s.answered = true;
    } catch {
      s.dirty = this.all.get(s.sector.id) === s; // asked again, unless it is gone
    }
    s.pending = false;
    this.busy--;
    this.row(s);
    if (s.sector.id === this.picked) this.list();
  }

  inside(s) {
    const now = this.now();
    return s.visits.filter((v) => v.enters <= now && now < v.leaves);
  }

  build() {
    const body = document.querySelector("#sectors tbody");
    body.replaceChildren();
    for (const s of this.all.values()) {
      const row = body.insertRow();
      s.row = row;
      const pick = document.createElement("button");
      pick.textContent = s.sector.id;
      pick.title = s.sector.name;
      pick.onclick = () => this.pick(s.sector.id);
      row.insertCell().append(pick);
      cell(row, levels(s.sector.volumes));
      cell(row, "", "number");
      row.insertCell();
      this.row(s);
    }
    if (!this.all.has(this.picked)) this.pick("");
  }

  row(s) {
    if (!s.row) return;
    s.row.className = s.sector.id === this.picked ? "picked" : "";
    const now = this.now();
    s.row.cells[2].textContent = s.answered ? this.inside(s).length : "?";
    const visits = s.visits.filter((v) => now < v.leaves);
    const more = visits.length > inRow ? `and ${visits.length - inRow}${s.next ? " or more" : ""} more` : "";
    s.row.cells[3].replaceChildren(...visits.slice(0, inRow).map((v) => {
      const span = document.createElement("span");
      span.className = v.enters <= now ? "visit now" : "visit";
      const name = document.createElement("b");
      name.textContent = v.callsign || v.flight;
      span.append(name, ` ${minute(v.enters)}–${minute(v.leaves)}`);
      span.title = `${v.flight} ${v.from} ${v.to}`;
      return span;
    }), more);
  }

  rows() {
    for (const s of this.all.values()) this.row(s);
  }

  pick(id) {
    this.picked = id;
    document.getElementById("detail").hidden = id === "";
    this.rows();
    this.list();
    this.onchange();
  }

  list() {
    const s = this.all.get(this.picked);
    if (!s) return;
    const table = document.getElementById("flights");
    const name = s.sector.name === s.sector.id ? "" : ` ${s.sector.name}`;
    table.caption.textContent = `${s.sector.id}${name}: ${s.visits.length}${s.next ? " and more" : ""} visits within the hour`;
    const body = table.tBodies[0];
    body.replaceChildren();
    for (const v of s.visits) {
      const row = body.insertRow();
      const range = (a, b) => (a === b ? clock(Date.parse(a)) : `${clock(Date.parse(a))} to ${clock(Date.parse(b))}`);
      cell(row, v.callsign || v.flight).title = v.flight;
      cell(row, [v.from, v.to].filter(Boolean).join(", "));
      cell(row, v.sure ? range(v.enters_earliest, v.enters_latest) : clock(v.enters));
      cell(row, v.sure ? range(v.leaves_earliest, v.leaves_latest) : clock(v.leaves));
      cell(row, v.sure ? "yes" : "may be");
    }
  }
}
