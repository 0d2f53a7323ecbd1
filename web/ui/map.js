// The map: sectors as areas, latest positions as squares with a label. Plain canvas; nothing on it is not also in a table.

const colours = { line: "#5a6878", picked: "#7cc4ff", fill: "rgba(124,196,255,.05)", pickedFill: "rgba(124,196,255,.16)", name: "#8b98a8", track: "#5fd38d", old: "#8b98a8" };
const oldMs = 30000; // a position older than this is drawn dim

// unroll gives a ring's longitudes the shorter way from one position to the next, so that none jumps at the antimeridian.
function unroll(ring) {
  let [last] = ring[0];
  return ring.map(([lon, lat]) => {
    last += ((((lon - last + 180) % 360) + 360) % 360) - 180;
    return [last, lat];
  });
}

export class Chart {
  constructor(canvas, sectors, tracks) {
    this.canvas = canvas;
    this.sectors = sectors;
    this.tracks = tracks;
    this.view = null; // { lon, lat, scale }: centre, and pixels per degree of latitude
    this.areas = [];
    this.moved = false; // by hand; until then the map shows all
    new ResizeObserver(() => this.refit()).observe(canvas);
    canvas.addEventListener("keydown", (e) => this.key(e));
    canvas.addEventListener("wheel", (e) => {
      e.preventDefault();
      this.zoom(Math.exp(-e.deltaY / 400));
    }, { passive: false });
    let from = null;
    canvas.addEventListener("pointerdown", (e) => {
      from = e;
      canvas.setPointerCapture(e.pointerId);
    });
    canvas.addEventListener("pointermove", (e) => {
      if (!from) return;
      this.move(e.clientX - from.clientX, e.clientY - from.clientY);
      from = e;
    });
    canvas.addEventListener("pointerup", () => (from = null));
  }

  // shape takes the sectors anew.
  shape() {
    this.areas = [...this.sectors.all.values()].map(({ sector }) => ({ id: sector.id, rings: sector.volumes.flatMap((v) => v.polygon.coordinates.map(unroll)) }));
    // All rings are laid out around the same turn of the earth as the first.
    const first = this.areas.length ? this.areas[0].rings[0][0][0] : 0;
    for (const ring of this.areas.flatMap((a) => a.rings)) {
      const turn = 360 * Math.round((first - ring[0][0]) / 360);
      for (const at of ring) at[0] += turn;
    }
    this.refit();
  }

  refit() {
    if (!this.moved) this.fit();
    this.draw();
  }

  fit() {
    const all = this.areas.flatMap((a) => a.rings.flat());
    if (all.length === 0) return;
    let [west, east, south, north] = [Infinity, -Infinity, Infinity, -Infinity];
    for (const [lon, lat] of all) {
      west = Math.min(west, lon);
      east = Math.max(east, lon);
      south = Math.min(south, lat);
      north = Math.max(north, lat);
    }
    const lat = (south + north) / 2;
    const { clientWidth: w, clientHeight: h } = this.canvas;
    const scale = 0.9 * Math.min(h / (north - south || 1), w / ((east - west || 1) * Math.cos((lat * Math.PI) / 180)));
    this.view = { lon: (west + east) / 2, lat, scale };
  }

  key(e) {
    const step = 60;
    const moves = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    if (moves[e.key]) this.move(...moves[e.key]);
    else if (e.key === "+" || e.key === "=") this.zoom(1.25);
    else if (e.key === "-") this.zoom(0.8);
    else if (e.key === "0") {
      this.moved = false;
      this.refit();
    } else return;
    e.preventDefault();
  }

  zoom(by) {
    if (!this.view) return;
    this.moved = true;
    this.view.scale = Math.min(Math.max(this.view.scale * by, 0.5), 100000);
    this.draw();
  }

  move(x, y) {
    if (!this.view) return;
    this.moved = true;
    this.view.lon -= x / this.view.scale / Math.cos((this.view.lat * Math.PI) / 180);
    this.view.lat = Math.min(Math.max(this.view.lat + y / this.view.scale, -85), 85);
    this.draw();
  }

  point(lon, lat) {
    const { view: v, canvas: c } = this;
    return [c.clientWidth / 2 + (lon - v.lon) * v.scale * Math.cos((v.lat * Math.PI) / 180), c.clientHeight / 2 - (lat - v.lat) * v.scale];
  }

  draw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.paint();
    });
  }

  paint() {
    const { canvas } = this;
    const ratio = devicePixelRatio || 1;
    const [w, h] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(w * ratio)) canvas.width = Math.round(w * ratio);
    if (canvas.height !== Math.round(h * ratio)) canvas.height = Math.round(h * ratio);
    const g = canvas.getContext("2d");
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, w, h);
    if (!this.view) return;
    for (const picked of [false, true]) {
      for (const a of this.areas) if ((a.id === this.sectors.picked) === picked) this.area(g, a, picked);
    }
    g.font = "11px system-ui, sans-serif";
    const taken = [];
    for (const a of this.areas) this.label(g, a, taken);
    this.taken = taken;
    this.positions(g);
  }

  area(g, a, picked) {
    g.beginPath();
    for (const ring of a.rings) {
      ring.forEach(([lon, lat], i) => g[i ? "lineTo" : "moveTo"](...this.point(lon, lat)));
    }
    g.fillStyle = picked ? colours.pickedFill : colours.fill;
    g.strokeStyle = picked ? colours.picked : colours.line;
    g.lineWidth = picked ? 2 : 1;
    g.fill("evenodd");
    g.stroke();
  }

  // label writes a name at the middle of the largest ring, where there is room; names of sectors above one another go below
  // one another.
  label(g, a, taken) {
    let best = null;
    for (const ring of a.rings) {
      const at = ring.map(([lon, lat]) => this.point(lon, lat));
      const [left, right] = [Math.min(...at.map((p) => p[0])), Math.max(...at.map((p) => p[0]))];
      if (!best || right - left > best.width) best = { width: right - left, x: (left + right) / 2, y: at.reduce((s, p) => s + p[1], 0) / at.length };
    }
    if (!best || best.width < 40) return;
    g.fillStyle = a.id === this.sectors.picked ? colours.picked : colours.name;
    g.textAlign = "center";
    const width = g.measureText(a.id).width + 6;
    while (taken.some((t) => Math.abs(t.y - best.y) < 13 && Math.abs(t.x - best.x) < (t.width + width) / 2)) best.y += 13;
    taken.push({ x: best.x, y: best.y, width });
    g.fillText(a.id, best.x, best.y);
  }

  positions(g) {
    const tracks = this.tracks.latest();
    let newest = 0;
    for (const t of tracks.values()) newest = Math.max(newest, t.time);
    g.textAlign = "left";
    for (const t of tracks.values()) {
      // The turn of the earth nearest to what is shown.
      const lon = t.lon + 360 * Math.round((this.view.lon - t.lon) / 360);
      const [x, y] = this.point(lon, t.lat);
      g.fillStyle = newest - t.time > oldMs ? colours.old : colours.track;
      g.fillRect(x - 3, y - 3, 6, 6);
      if (t.track !== undefined && t.speed) {
        const minute = (t.speed / 60 / 60) * this.view.scale; // pixels in a minute: a minute of latitude is a nautical mile
        g.strokeStyle = g.fillStyle;
        g.lineWidth = 1;
        g.beginPath();
        g.moveTo(x, y);
        g.lineTo(x + minute * Math.sin((t.track * Math.PI) / 180), y - minute * Math.cos((t.track * Math.PI) / 180));
        g.stroke();
      }
      const high = t.altCm === undefined ? "" : t.ref === 1 ? ` ${String(Math.round(t.altCm / 3048)).padStart(3, "0")}` : ` ${Math.round(t.altCm / 30.48)} ft`;
      this.tag(g, (t.callsign || t.id) + high, x, y);
    }
    this.tell(tracks.size);
  }

  // tag writes beside a position, where nothing is written yet; a position in a crowd keeps its square only.
  tag(g, text, x, y) {
    const width = g.measureText(text).width;
    const at = { x: x + 6 + width / 2, y: y - 5, width };
    if (this.taken.some((t) => Math.abs(t.y - at.y) < 11 && Math.abs(t.x - at.x) < (t.width + width) / 2)) return;
    this.taken.push(at);
    g.fillText(text, x + 6, y - 5);
  }

  tell(positions) {
    const shown = `${this.areas.length} sectors · ${positions} observed positions (not agreed)`;
    const legend = document.getElementById("legend");
    if (legend.textContent !== shown) legend.textContent = shown;
  }
}
