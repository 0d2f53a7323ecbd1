// Latest positions from every server's binary stream. They are observations, not agreed, and each server knows only those
// that it was fed.

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

export class Tracks {
  constructor(cluster) {
    this.cluster = cluster;
    this.feeds = new Map(); // url -> Map of id -> track
  }

  // follow keeps one stream open to each server.
  follow() {
    for (const { url } of this.cluster.servers) {
      if (this.feeds.has(url)) continue;
      this.feeds.set(url, new Map());
      this.read(url);
    }
  }

  // latest gives the newest track of each aircraft over all servers.
  latest() {
    const newest = new Map();
    for (const feed of this.feeds.values()) {
      for (const [id, t] of feed) if (!newest.has(id) || newest.get(id).time < t.time) newest.set(id, t);
    }
    return newest;
  }

  async read(url) {
    for (;;) {
      try {
        await this.stream(url, this.feeds.get(url));
      } catch {
        // The server is away; its positions grow old with it.
      }
      this.feeds.get(url).clear();
      await wait(2000);
    }
  }

  async stream(url, feed) {
    const stop = new AbortController();
    let alive = performance.now();
    const guard = setInterval(() => performance.now() - alive > 5000 && stop.abort(), 1000);
    try {
      const answer = await fetch(`${url}/api/v1/tracks?stream=1`, { signal: stop.signal, cache: "no-store", credentials: "include" });
      if (!answer.ok) return;
      const bytes = answer.body.getReader();
      let rest = new Uint8Array(0);
      for (;;) {
        const { done, value } = await bytes.read();
        if (done) return;
        alive = performance.now();
        const all = new Uint8Array(rest.length + value.length);
        all.set(rest);
        all.set(value, rest.length);
        rest = messages(all, feed);
      }
    } finally {
      clearInterval(guard);
      stop.abort();
    }
  }
}

// messages takes whole messages off the front, and gives what is left.
function messages(bytes, feed) {
  let at = 0;
  while (bytes.length - at >= 4) {
    const size = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(0);
    if (bytes.length - at - 4 < size) break;
    message(new Reader(bytes.subarray(at + 4, at + 4 + size)), feed);
    at += 4 + size;
  }
  return bytes.slice(at);
}

function message(r, feed) {
  if (r.u8() !== 1) throw new Error("positions of another version");
  const kind = r.u8();
  for (let n = r.varint(); n > 0; n--) {
    if (kind === 2) feed.delete(r.text());
    if (kind !== 1) continue;
    const t = { id: r.text(), callsign: r.text(), lat: r.i32() / 1e7, lon: r.i32() / 1e7, time: Number(r.i64() / 1000000n) };
    const flags = r.u8();
    if (flags & 1) [t.altCm, t.ref] = [r.i32(), r.u8()];
    if (flags & 2) t.track = r.u16() / 100;
    if (flags & 4) t.speed = r.u32() / 10;
    if (flags & 8) t.rate = r.i32();
    feed.set(t.id, t);
  }
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }
  take(n) {
    this.at += n;
    return this.at - n;
  }
  u8() { return this.view.getUint8(this.take(1)); }
  u16() { return this.view.getUint16(this.take(2)); }
  u32() { return this.view.getUint32(this.take(4)); }
  i32() { return this.view.getInt32(this.take(4)); }
  i64() { return this.view.getBigInt64(this.take(8)); }
  varint() {
    let v = 0;
    for (let shift = 0; ; shift += 7) {
      const b = this.u8();
      v += (b & 0x7f) * 2 ** shift;
      if (b < 0x80) return v;
    }
  }
  text() {
    const n = this.varint();
    const from = this.take(n);
    return new TextDecoder().decode(this.bytes.subarray(from, from + n));
  }
}
