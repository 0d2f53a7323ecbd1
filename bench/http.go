package bench

import (
	"net/http"
	"time"
)

// HTTPClient keeps a connection open for each client of the largest measurement.
func HTTPClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		MaxIdleConns: 8192, MaxIdleConnsPerHost: 4096, IdleConnTimeout: time.Minute, DisableCompression: true,
	}}
}
