// The one-voice line: what the page may believe, said in a word, a shape and a colour, and ageing by itself.

const words = { one: "● ONE VOICE", stale: "▲ STALE", silent: "✖ NO VOICE", two: "✖ TWO VOICES" };

export const clock = (ms) => new Date(ms).toISOString().slice(11, 19);

const set = (id, text) => {
  const e = document.getElementById(id);
  if (e.textContent !== text) e.textContent = text;
};

export function showVoice(cluster) {
  const voice = cluster.voice();
  document.documentElement.dataset.voice = voice;
  set("voice-state", words[voice]);
  const held = cluster.held;
  if (held) {
    const asked = cluster.server.name && cluster.server.name !== held.node ? ` · asking ${cluster.server.name}` : "";
    set("voice-proof", `view ${held.view} · index ${held.index} · ${held.node}${asked} · agreed as of ${clock(held.asOf)}Z`);
    set("voice-age", `${(cluster.ageMs() / 1000).toFixed(1)} s ago`);
  }
  const c = cluster.checked;
  set("checked", c ? `Hash at index ${c.index} compared with ${c.node}: equal.` : "Not yet compared with another server.");
  alarm(cluster, voice);
}

function alarm(cluster, voice) {
  const box = document.getElementById("alarm");
  let text = "";
  if (voice === "two") {
    const t = cluster.two;
    text = `TWO VOICES at index ${t.index}: ${t.a.node} says ${t.a.hash}, ${t.b.node} says ${t.b.hash}. Trust neither; stop, and keep this evidence.`;
  } else if (voice === "silent") {
    const s = cluster.silence;
    const whom = s.asks.length ? ` Ask ${s.asks.map((u) => nameOf(cluster, u)).join(", ")}.` : "";
    text = s.node ? `${s.node} may not answer: ${s.detail}.${whom} What is shown is the last agreed picture, and may be wrong by now.` : "No server answers. What is shown is the last agreed picture, and may be wrong by now.";
  }
  if (box.textContent !== text) box.textContent = text;
  box.hidden = text === "";
}

function nameOf(cluster, url) {
  const s = cluster.servers.find((s) => s.url === url);
  return s && s.name ? `${s.name} (${url})` : url;
}

export function showServers(cluster) {
  const nav = document.getElementById("servers");
  cluster.servers.forEach((s, i) => {
    const b = nav.children[i] || nav.appendChild(document.createElement("button"));
    b.textContent = s.name || s.url;
    b.title = s.dead ? `${s.url} does not answer` : i === cluster.at ? `${s.url} is asked` : `ask ${s.url}`;
    b.className = s.dead ? "dead" : "";
    b.setAttribute("aria-current", i === cluster.at);
    b.onclick = () => cluster.use(i);
  });
  while (nav.children.length > cluster.servers.length) nav.lastChild.remove();
}
