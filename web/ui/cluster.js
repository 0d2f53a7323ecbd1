// The cluster as this page sees it: which server it asks, what the last agreed answer proves, and whether two servers
// contradict one another. It believes evidence only: an answer counts from when it came, and ages here, by this clock.

export const staleAfterMs = 3000; // three agreed answers were missed
const patienceMs = 2600; // a server says "no voice" after 2 s
const remembered = 1024;

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

export class Cluster extends EventTarget {
  constructor(url) {
    super();
    this.servers = [{ name: "", url, dead: false }];
    this.at = 0; // which of them is asked
    this.held = null; // the newest proof: { view, index, asOf, hash, node, came }
    this.silence = null; // what a server said that may not answer: { node, asks }
    this.two = null; // evidence of two voices
    this.checked = null; // the last comparison with another server
    this.hashes = new Map();
  }

  get server() {
    return this.servers[this.at];
  }

  // learn takes the cluster's list of servers, and keeps asking the one it asks.
  learn(list) {
    const now = this.server;
    const known = list.map((s) => this.servers.find((k) => k.url === s.url) || { url: s.url, dead: false });
    known.forEach((s, i) => (s.name = list[i].name));
    let at = known.findIndex((s) => s === now || (s.name !== "" && s.name === now.name));
    if (at < 0) {
      known.unshift(now);
      at = 0;
    }
    // The page may have been opened by another name of the same server.
    known[at] = Object.assign(now, { name: known[at].name || now.name });
    this.servers = known;
    this.at = at;
    this.changed();
  }

  use(i) {
    this.at = i;
    this.changed();
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  // ask puts a question that needs agreement. It asks every server once, beginning with the present one, until one answers;
  // that one is asked from then on.
  async ask(path) {
    let silence = null;
    for (const server of [...this.servers.slice(this.at), ...this.servers.slice(0, this.at)]) {
      let answer;
      try {
        answer = await fetch(server.url + path, { signal: AbortSignal.timeout(patienceMs), cache: "no-store", credentials: "include" });
      } catch {
        server.dead = true;
        this.changed();
        continue;
      }
      server.dead = false;
      server.name = answer.headers.get("Onevoice-Node") || server.name;
      if (answer.status === 503) {
        const problem = await answer.json().catch(() => ({}));
        silence ||= { node: problem.node || server.name, asks: problem.try || [], detail: problem.detail || problem.title || "" };
        continue;
      }
      this.at = Math.max(this.servers.indexOf(server), 0);
      this.hold(answer.headers);
      if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
      return answer.json();
    }
    this.silence = silence || { node: "", asks: [], detail: "no server answers" };
    this.changed();
    throw new Error("no voice");
  }

  // hold takes the proof of an agreed answer, and compares it with what was proved before.
  hold(headers) {
    const index = headers.get("Onevoice-Index");
    const hash = headers.get("Onevoice-Hash");
    if (!index || !hash) return;
    const proof = {
      view: headers.get("Onevoice-View"), index, hash, node: headers.get("Onevoice-Node"),
      asOf: Date.parse(headers.get("Onevoice-As-Of")), came: performance.now(),
    };
    const before = this.hashes.get(index);
    if (before && before.hash !== hash) this.contradict(index, before, proof);
    this.hashes.set(index, proof);
    if (this.hashes.size > remembered) this.hashes.delete(this.hashes.keys().next().value);
    if (!this.held || BigInt(index) >= BigInt(this.held.index)) this.held = proof;
    else this.held.came = proof.came;
    this.silence = null;
    this.changed();
  }

  contradict(index, a, b) {
    this.two ||= { index, a: { node: a.node, hash: a.hash }, b: { node: b.node, hash: b.hash } };
    this.changed();
  }

  // check asks another server for the hash at the index held here.
  async check() {
    const others = this.servers.filter((s, i) => i !== this.at);
    const held = this.held;
    if (!held || others.length === 0) return;
    const other = others[Math.floor(Math.random() * others.length)];
    try {
      const answer = await fetch(`${other.url}/api/v1/hash?index=${held.index}`, { signal: AbortSignal.timeout(patienceMs), cache: "no-store", credentials: "include" });
      other.dead = false;
      const node = answer.headers.get("Onevoice-Node") || other.name;
      if (!answer.ok) return; // it is behind, or has been away for long
      const { hash } = await answer.json();
      if (hash !== held.hash) this.contradict(held.index, held, { node, hash });
      else this.checked = { node, index: held.index };
    } catch {
      other.dead = true;
    }
    this.changed();
  }

  // voice says what may be believed now: "one", "stale", "silent" or "two".
  voice() {
    if (this.two) return "two";
    if (this.silence) return "silent";
    return this.held && this.ageMs() <= staleAfterMs ? "one" : "stale";
  }

  ageMs() {
    return performance.now() - this.held.came;
  }

  // watch gives every event after an index, in order, from whichever server is asked at the time; reset is called where
  // events are no longer held.
  async watch(after, event, reset) {
    for (;;) {
      try {
        await this.stream(`/api/v1/events?after=${after}`, (block) => {
          if (block.id) after = block.id;
          if (block.event === "compacted") throw new Error("compacted");
          if (block.event) event(JSON.parse(block.data));
        });
      } catch (e) {
        if (e.message === "compacted") after = await reset();
      }
      await wait(500);
    }
  }

  async stream(path, block) {
    const stop = new AbortController();
    let alive = performance.now();
    const guard = setInterval(() => performance.now() - alive > staleAfterMs && stop.abort(), 500);
    try {
      const answer = await fetch(this.server.url + path, { signal: stop.signal, cache: "no-store", credentials: "include" });
      if (answer.status === 410) throw new Error("compacted");
      if (!answer.ok) return;
      const text = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = ""; ; ) {
        const { done, value } = await text.read();
        if (done) return;
        alive = performance.now();
        const blocks = (rest + value).split("\n\n");
        rest = blocks.pop();
        blocks.forEach((b) => block(Object.fromEntries(b.split("\n").filter((l) => l[0] !== ":").map((l) => [l.slice(0, l.indexOf(":")), l.slice(l.indexOf(":") + 2)]))));
      }
    } finally {
      clearInterval(guard);
      stop.abort();
    }
  }
}
