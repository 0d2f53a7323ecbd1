package main

import (
	"net/url"

	"github.com/spf13/cobra"
)

// wantedEvents is which events of a stream are asked for.
type wantedEvents struct {
	kinds, flights, sectors, zones, volumes []string
}

func (f *wantedEvents) flags(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.kinds, "kind", nil, "only events of these kinds, as flight-put")
	cmd.Flags().StringSliceVar(&f.flights, "flight", nil, "only what is about these flights")
	cmd.Flags().StringSliceVar(&f.sectors, "sector", nil, "only these sectors, and flights that have or had a window in one")
	cmd.Flags().StringSliceVar(&f.zones, "zone", nil, "only these zones, their breaches, and flights that may be or may have been in one")
	cmd.Flags().StringArrayVar(&f.volumes, "volume", nil, "only flights that come near west,south,east,north in degrees, with or without two flight levels")
}

// query is empty where all are wanted.
func (f *wantedEvents) query() string {
	q := url.Values{}
	for name, list := range map[string][]string{"kind": f.kinds, "flight": f.flights, "sector": f.sectors, "zone": f.zones, "volume": f.volumes} {
		for _, value := range list {
			q.Add(name, value)
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}
