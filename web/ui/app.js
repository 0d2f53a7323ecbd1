// The page: an agreed answer each second proves the voice, events say what to ask anew, and everything shown is an answer.

import { Cluster } from "./cluster.js";
import { Chart } from "./map.js";
import { Sectors } from "./sectors.js";
import { Tracks } from "./tracks.js";
import { showServers, showVoice } from "./voice.js";

const cluster = new Cluster(location.origin);
let rate = 1;

// now is service time, going on from the last agreed answer by this clock.
const now = () => (cluster.held ? cluster.held.asOf + cluster.ageMs() * rate : Date.now());

const sectors = new Sectors(cluster, now);
const tracks = new Tracks(cluster);
const chart = new Chart(document.getElementById("canvas"), sectors, tracks);
sectors.onchange = () => chart.shape();

const every = (ms, run) => {
  let busy = false;
  const once = async () => {
    if (busy) return;
    busy = true;
    try {
      await run();
    } catch {
      // What went wrong stands in the line; the next time is soon.
    }
    busy = false;
  };
  setInterval(once, ms);
  return once();
};

// prove asks something small that needs a majority.
async function prove() {
  const time = await cluster.ask("/api/v1/settings/service-time");
  rate = Number(time.rate);
}

async function learn() {
  const answer = await fetch(cluster.server.url + "/api/v1/status", { signal: AbortSignal.timeout(2000), cache: "no-store", credentials: "include" });
  const status = await answer.json();
  if (status.servers.length) cluster.learn(status.servers);
  tracks.follow();
}

async function begin() {
  cluster.addEventListener("change", () => {
    showVoice(cluster);
    showServers(cluster);
  });
  // The policy that came with the page names the servers known then; with new ones it is fetched again.
  document.addEventListener("securitypolicyviolation", () => {
    const last = Number(sessionStorage.getItem("reloaded") || 0);
    if (Date.now() - last < 60000) return;
    sessionStorage.setItem("reloaded", Date.now());
    location.reload();
  });
  every(100, () => showVoice(cluster));
  every(5000, learn);
  await every(1000, prove);
  while (!cluster.held) await new Promise((done) => cluster.addEventListener("change", done, { once: true }));
  const after = cluster.held.index;
  every(5000, () => cluster.check());
  let loaded = false;
  every(1000, async () => {
    if (!loaded) await sectors.load();
    loaded = true;
  });
  every(200, () => sectors.refresh());
  every(1000, () => {
    sectors.rows();
    chart.draw();
  });
  every(30000, () => sectors.touchAll());
  cluster.watch(after, (e) => sectors.touch(e), async () => {
    await sectors.load();
    return cluster.held.index;
  });
}

begin();
