package web

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"onevoice/web/api"
)

// metrics is a registry of the server's own, so that two servers in one process do not meet.
type metrics struct {
	server  *Server
	seconds *prometheus.HistogramVec
	handler http.Handler
	gauges  []gauge
}

// gauge is one number of a Status.
type gauge struct {
	desc  *prometheus.Desc
	value func(t *api.Status) float64
}

func newMetrics(s *Server) *metrics {
	m := &metrics{server: s}
	m.seconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "onevoice_http_request_seconds", Help: "Time to answer, by route and status; a stream counts until it ends.",
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"method", "route", "status"})
	add := func(name, help string, value func(t *api.Status) float64) {
		m.gauges = append(m.gauges, gauge{prometheus.NewDesc("onevoice_"+name, help, nil, nil), value})
	}
	add("voice_state", "1 while a majority confirms what this server knows, 0 while it is silent.", func(t *api.Status) float64 {
		return number(t.Voice == api.OneVoice)
	})
	add("leading", "1 where this server leads the airspace group.", func(t *api.Status) float64 { return number(t.Role == "leader") })
	add("view", "The newest view this server knows.", func(t *api.Status) float64 { return float64(t.View) })
	add("term", "The newest raft term this server knows.", func(t *api.Status) float64 { return float64(t.Term) })
	add("applied_index", "The newest log entry applied.", func(t *api.Status) float64 { return float64(t.Index) })
	add("commit_index", "The newest log entry known to be agreed.", func(t *api.Status) float64 { return float64(t.Commit) })
	add("agreed_age_seconds", "Time since a majority last confirmed anything to this server; -1 if never.", func(t *api.Status) float64 {
		if t.AgreedAgeMs < 0 {
			return -1
		}
		return float64(t.AgreedAgeMs) / 1000
	})
	add("clock_offset_seconds", "How far the time of day is ahead of the voters' median.", func(t *api.Status) float64 { return t.ClockOffsetMs / 1000 })
	add("clock_error_seconds", "The most by which clock_offset_seconds is wrong.", func(t *api.Status) float64 { return t.ClockErrorMs / 1000 })
	add("clock_state", "1 while the clock is good enough to lead, 0 while it is not, or not known to be.", func(t *api.Status) float64 { return number(t.ClockState == "good") })
	add("obeyed_view", "The newest view of who is up that this server obeys.", func(t *api.Status) float64 { return float64(t.ObeyedView) })
	add("up", "1 while the obeyed view calls this server up.", func(t *api.Status) float64 { return number(t.Standing == "up") })
	add("detection_bound_seconds", "How long a server may be silent before it is suspected, by the obeyed view.", func(t *api.Status) float64 { return t.DetectionBoundMs / 1000 })
	add("fsync_p99_seconds", "What 99 of 100 of the newest few thousand syncs of the disk did not exceed.", func(t *api.Status) float64 { return t.FsyncP99Ms / 1000 })
	add("service_time_seconds", "Service time at the applied index, seconds since 1970.", func(t *api.Status) float64 { return float64(t.ServiceTime) / 1e9 })
	add("sectors", "Sectors held.", func(t *api.Status) float64 { return float64(t.Sectors) })
	add("flights", "Flights held.", func(t *api.Status) float64 { return float64(t.Flights) })
	add("journal_first_index", "The oldest index whose hash is held.", func(t *api.Status) float64 { return float64(t.FirstHash) })
	add("journal_last_index", "The newest index whose hash is held.", func(t *api.Status) float64 { return float64(t.LastHash) })
	add("watchers", "Open event and position streams.", func(t *api.Status) float64 { return float64(t.Watchers) })
	add("positions", "Aircraft whose latest position is held.", func(t *api.Status) float64 { return float64(t.Positions) })
	registry := prometheus.NewRegistry()
	registry.MustRegister(m, m.seconds, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.handler = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return m
}

// metricName keeps of a name what a metric's may have.
func metricName(name string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '_'
	}, name)
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// Describe implements prometheus.Collector. It describes nothing, since which counters a Status has is known only then.
func (m *metrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	t := m.server.statusOf(m.server.service.Latest())
	for _, g := range m.gauges {
		out <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, g.value(&t))
	}
	for _, name := range slices.Sorted(maps.Keys(t.Counters)) {
		kind := prometheus.GaugeValue
		if strings.HasSuffix(name, "_total") {
			kind = prometheus.CounterValue
		}
		desc := prometheus.NewDesc("onevoice_node_"+metricName(name), "The node's own "+name+".", nil, nil)
		if metric, err := prometheus.NewConstMetric(desc, kind, float64(t.Counters[name])); err == nil {
			out <- metric
		}
	}
}

// routeSeconds is how long one route took.
type routeSeconds struct {
	all          *prometheus.HistogramVec
	method, path string
	ok           func() prometheus.Observer // of answers with status 200, found once
}

func (m *metrics) of(r route) *routeSeconds {
	method := r.method
	if method == "" {
		method = "other"
	}
	t := &routeSeconds{all: m.seconds, method: method, path: r.path}
	t.ok = sync.OnceValue(func() prometheus.Observer { return t.with(http.StatusOK) })
	return t
}

func (t *routeSeconds) with(status int) prometheus.Observer {
	return t.all.WithLabelValues(t.method, t.path, strconv.Itoa(status))
}

func (t *routeSeconds) observe(status int, took time.Duration) {
	if status == http.StatusOK {
		t.ok().Observe(took.Seconds())
		return
	}
	t.with(status).Observe(took.Seconds())
}

func (s *Server) serveMetrics(w http.ResponseWriter, r *http.Request) error {
	s.metrics.handler.ServeHTTP(w, r)
	return nil
}
