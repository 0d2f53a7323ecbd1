package web

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"onevoice/airspace"
	"onevoice/members"
	"onevoice/watch"
)

// browser starts a headless browser, or skips the test where there is none.
func browser(t *testing.T) context.Context {
	t.Helper()
	t.Parallel()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no chromium in PATH (apt-get install chromium): the page is not tested")
	}
	if testing.Short() {
		t.Skip("a browser takes too long for -short")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WindowSize(1280, 800), chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return ctx
}

// liar is a server whose hashes are not those of the others.
type liar struct{ *fake }

func (l liar) Mark(index uint64) (watch.Mark, bool) {
	m, ok := l.fake.Mark(index)
	m.Hash[0]++
	return m, ok
}

// duo is two servers on real sockets over one state, whose time goes on.
type duo struct {
	fake *fake
	urls [2]string
	end  [2]func()
}

func newDuo(t *testing.T, lie bool) *duo {
	t.Helper()
	d := &duo{}
	var listeners [2]net.Listener
	var servers []members.Server
	for i := range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners[i], d.urls[i] = l, "http://"+l.Addr().String()
		servers = append(servers, members.Server{Number: uint64(i + 1), Name: fmt.Sprintf("n%d", i+1), HTTP: l.Addr().String()})
	}
	d.fake = newFake(t, servers...)
	begun, base := time.Now(), d.fake.Latest().LogTimeNs
	d.fake.set(func() { d.fake.now = func() int64 { return base + int64(time.Since(begun)) } })
	for i := range 2 {
		var service Service = d.fake
		if lie && i == 1 {
			service = liar{d.fake}
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		s := New(Options{Service: service, Node: servers[i].Name, Listen: servers[i].HTTP})
		go func() { done <- s.Serve(ctx, listeners[i]) }()
		ended := false
		d.end[i] = func() {
			if cancel(); !ended {
				<-done
			}
			ended = true
		}
		t.Cleanup(d.end[i])
	}
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	go func() {
		for second := time.NewTicker(time.Second); ; {
			select {
			case <-second.C:
				d.fake.tick()
			case <-stop:
				second.Stop()
				return
			}
		}
	}()
	d.fill(t)
	return d
}

// fill puts sectors in layers, plans through them, and positions on the first server.
func (d *duo) fill(t *testing.T) {
	t.Helper()
	for i, id := range []string{"KILO", "LIMA", "MIKE", "NOVEMBER"} {
		lon := 7 + float64(i%2)
		floor, ceiling := `{"value":100,"unit":"FL","ref":"STD"}`, `{"value":245,"unit":"FL","ref":"STD"}`
		if i >= 2 {
			floor, ceiling = ceiling, `"unlimited"`
		}
		d.put(t, "sectors/"+id, sectorWith(fmt.Sprintf("[[[%g,46.5],[%g,46.4],[%g,47.5],[%g,47.6],[%g,46.5]]]", lon, lon+1, lon+1.1, lon+0.1, lon), floor, ceiling))
	}
	start := time.Unix(0, epochNs).UTC()
	for i := range 12 {
		at := func(minutes int) string {
			return start.Add(time.Duration(minutes) * time.Minute).Format(time.RFC3339)
		}
		lat := 46.55 + 0.08*float64(i)
		altitude := fmt.Sprintf(`{"value":%d,"unit":"FL","ref":"STD"}`, 180+20*i)
		d.put(t, fmt.Sprintf("flights/F%d", i), strings.Replace(flightWith(point(fmt.Sprintf("[6.5,%g]", lat), altitude, at(-10+3*i)), point(fmt.Sprintf("[9.6,%g]", lat), altitude, at(20+3*i))),
			"{", fmt.Sprintf(`{"callsign":"SWR%d","from":"LFPG","to":"LOWW",`, 100+i), 1))
	}
	var tracks []string
	for i := range 9 {
		tracks = append(tracks, fmt.Sprintf(`{"id":"4b18%02d","callsign":"SWR%d","position":[%g,%g],"altitude":{"value":%d,"unit":"FL","ref":"STD"},"time":"2018-08-01T05:00:00Z","track_deg":90,"ground_speed_kt":420}`,
			i, 100+i, 7.5-0.15*float64(i), 46.55+0.08*float64(i), 180+20*i))
	}
	d.send(t, "POST", "tracks", `{"positions":[`+strings.Join(tracks, ",")+"]}")
}

func (d *duo) put(t *testing.T, path, body string) { t.Helper(); d.send(t, "PUT", path, body) }

func (d *duo) send(t *testing.T, method, path, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, d.urls[0]+"/api/v1/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(method, path, err, resp)
	}
	resp.Body.Close()
}

// until waits until an expression on the page is true; it fails with what the page shows. A timer of the page's own frame
// looks again and again, so that the page may do to its functions what it likes.
func until(t *testing.T, ctx context.Context, expression string) {
	t.Helper()
	wait, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	look := `new Promise((done) => { const look = setInterval(() => { let ok = false; try { ok = ` + expression +
		` } catch {} if (ok) { clearInterval(look); done(true); } }, 50); })`
	if _, err := chromedp.Run(wait, chromedp.Evaluate[bool](look, chromedp.EvalAwaitPromise)); err != nil {
		shown := evaluate[string](t, ctx, `document.documentElement.dataset.voice + "\n" + document.body.innerText`)
		picture(t, ctx, "failed")
		t.Fatalf("waiting for %s: %v; the page shows:\n%s", expression, err, shown)
	}
}

func evaluate[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// picture keeps a screenshot among the artifacts of the test.
func picture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(t.ArtifactDir(), name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, ctx context.Context, url string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
}

const (
	line = `document.getElementById("voice").innerText`
	is   = `document.documentElement.dataset.voice === `
)

func TestPage(t *testing.T) {
	ctx := browser(t)
	d := newDuo(t, false)
	open(t, ctx, d.urls[0])
	until(t, ctx, is+`"one" && /● ONE VOICE\s+view 3 · index \d+ · n1 · agreed as of 05:00:\d\dZ\s+\d\.\d s ago/.test(`+line+`)`)
	// The table says what the state says.
	until(t, ctx, `[...document.querySelectorAll("#sectors tbody tr")].length === 4 && [...document.querySelectorAll("#sectors td.number")].every((c) => c.textContent !== "?")`)
	state := d.fake.Latest().State
	for i, id := range []string{"KILO", "LIMA", "MIKE", "NOVEMBER"} {
		who, err := state.Who(id, state.ServiceNs(), state.ServiceNs()+1, airspace.Cursor{}, 100)
		if err != nil {
			t.Fatal(err)
		}
		row := evaluate[string](t, ctx, fmt.Sprintf(`document.querySelectorAll("#sectors tbody tr")[%d].innerText`, i))
		if !strings.HasPrefix(row, id) || !strings.Contains(row, fmt.Sprintf("\t%d\t", len(who))) {
			t.Errorf("row %q, and %d flights may be in %s", row, len(who), id)
		}
		for _, v := range who {
			if !strings.Contains(row, v.Flight.Callsign+" "+time.Unix(0, v.Window.EnterMinNs).UTC().Format("15:04")) {
				t.Errorf("row %q is without %s", row, v.Flight.Callsign)
			}
		}
	}
	until(t, ctx, `document.getElementById("legend").textContent === "4 sectors · 9 observed positions (not agreed)"`)
	until(t, ctx, `/compared with n2: equal/.test(document.getElementById("checked").textContent)`)
	if n := evaluate[int](t, ctx, `(() => { const c = document.getElementById("canvas"); const p = c.getContext("2d").getImageData(0, 0, c.width, c.height).data; let n = 0; for (let i = 3; i < p.length; i += 4) n += p[i] > 0; return n; })()`); n < 10_000 {
		t.Errorf("%d pixels of the map are drawn", n)
	}
	// An event brings the change.
	d.send(t, "DELETE", "flights/F0", "")
	until(t, ctx, `!document.getElementById("sectors").innerText.includes("SWR100")`)
	d.put(t, "sectors/OSCAR", sectorWith(`[[[9,46.5],[9.5,46.5],[9.5,47.5],[9,46.5]]]`, "", ""))
	until(t, ctx, `document.getElementById("sectors").innerText.includes("OSCAR")`)
	// By keyboard alone.
	if err := chromedp.Do(ctx, chromedp.Focus(chromedp.CSS(`#sectors tbody tr:first-child button`)), chromedp.KeyEvent("\r")); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, `!document.getElementById("detail").hidden && document.getElementById("flights").caption.textContent.startsWith("KILO")`)
	// With and without an alarm the map has the room between head and foot.
	if h := evaluate[float64](t, ctx, `document.getElementById("canvas").getBoundingClientRect().height`); h < 600 {
		t.Errorf("the map is %g pixels high", h)
	}
	if broken := evaluate[bool](t, ctx, `document.documentElement.scrollWidth > 1280 || document.documentElement.scrollHeight > 800`); broken {
		t.Error("the page does not fit into 1280 x 800")
	}
	picture(t, ctx, "one-voice")
}

func TestPageGoesOnAtAnotherServer(t *testing.T) {
	ctx := browser(t)
	d := newDuo(t, false)
	open(t, ctx, d.urls[0])
	until(t, ctx, is+`"one" && document.querySelectorAll("#servers button").length === 2 && document.getElementById("sectors").innerText.includes("KILO")`)
	d.end[0]()
	until(t, ctx, is+`"one" && / n2 · agreed/.test(`+line+`) && document.querySelector("#servers .dead").textContent === "n1"`)
	d.fake.must(t, airspace.CancelFlight{ID: "F1"})
	until(t, ctx, `!document.getElementById("sectors").innerText.includes("SWR101")`)
	picture(t, ctx, "failed-over")
	d.fake.set(func() { d.fake.silent = true })
	until(t, ctx, is+`"silent" && /NO VOICE/.test(`+line+`) && document.getElementById("alarm").innerText.startsWith("n2 may not answer: no majority answered in time. Ask n1 (`+d.urls[0]+`)")`)
	if !evaluate[bool](t, ctx, `document.getElementById("sectors").innerText.includes("KILO")`) {
		t.Error("the last agreed picture is gone")
	}
	picture(t, ctx, "no-voice")
	d.fake.set(func() { d.fake.silent = false })
	until(t, ctx, is+`"one" && document.getElementById("alarm").hidden`)
	d.end[1]()
	until(t, ctx, is+`"silent" && document.getElementById("alarm").innerText.startsWith("No server answers")`)
}

func TestPageShowsTwoVoices(t *testing.T) {
	ctx := browser(t)
	d := newDuo(t, true)
	open(t, ctx, d.urls[0])
	until(t, ctx, is+`"two" && /TWO VOICES at index \d+: n1 says [0-9a-f]{64}, n2 says [0-9a-f]{64}/.test(document.getElementById("alarm").innerText)`)
	picture(t, ctx, "two-voices")
}

// The line grows old by itself when nothing comes any more.
func TestPageAgesByItself(t *testing.T) {
	ctx := browser(t)
	d := newDuo(t, false)
	open(t, ctx, d.urls[0])
	until(t, ctx, is+`"one"`)
	var seen []string
	never := `window.fetch = () => new Promise(() => {}); window.seen = []; new MutationObserver(() => seen.push(document.documentElement.dataset.voice)).observe(document.documentElement, { attributes: true }); 0`
	evaluate[int](t, ctx, never)
	until(t, ctx, is+`"stale" && /▲ STALE/.test(`+line+`)`)
	if seen = evaluate[[]string](t, ctx, `window.seen`); len(seen) == 0 || seen[0] != "one" && seen[0] != "stale" {
		t.Errorf("the page went through %v", seen)
	}
	picture(t, ctx, "stale")
}
