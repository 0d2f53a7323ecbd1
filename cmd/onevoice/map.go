package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"onevoice/geojson"
	"onevoice/web/ask"
)

// asMap is the form of output that maps read.
const asMap = "geojson"

// drawing writes the answers to a question, page by page, as one collection of features.
type drawing struct {
	*asking
	path string
	q    url.Values
	// page takes the features of a page, and what the question for the next one says in addition; nil where there is none.
	page func(body []byte, p ask.Proof) ([]geojson.Feature, url.Values, error)
}

// draw writes all pages. Where they are not as of one index it says so, beside the line of proof.
func (d *drawing) draw(cmd *cobra.Command) error {
	client := d.client()
	all, err := geojson.Begin(cmd.OutOrStdout())
	if err != nil {
		return err
	}
	first := ""
	for {
		var body []byte
		path := d.path
		if len(d.q) > 0 {
			path += "?" + d.q.Encode()
		}
		proof, err := client.Do(cmd.Context(), ask.Request{Path: path}, &body)
		if err != nil {
			return err
		}
		if first == "" {
			first = proof.Index
		}
		features, next, err := d.page(body, proof)
		if err != nil {
			return fmt.Errorf("answer to %s: %w", path, err)
		}
		if err := all.Add(features); err != nil {
			return err
		}
		if next == nil {
			return d.drawn(cmd, all, client, proof, first)
		}
		for name, value := range next {
			d.q[name] = value
		}
	}
}

func (d *drawing) drawn(cmd *cobra.Command, all *geojson.Collection, client *ask.Client, last ask.Proof, first string) error {
	if err := all.End(); err != nil {
		return err
	}
	line, err := proofLine(cmd.Context(), client, last)
	if err != nil {
		return err
	}
	if last.Index != first && last.KnownIndex != first {
		line = "pages of several indices, from " + first + " on; the last: " + line
	}
	_, err = fmt.Fprintln(cmd.ErrOrStderr(), line)
	return err
}

// drawOne draws a thing by itself.
func drawOne[one any](a *asking, cmd *cobra.Command, path string, features func(*one) []geojson.Feature) error {
	d := drawing{a, path, nil, func(body []byte, _ ask.Proof) ([]geojson.Feature, url.Values, error) {
		thing := new(one)
		err := json.Unmarshal(body, thing)
		if err != nil {
			return nil, nil, err
		}
		return features(thing), nil, nil
	}}
	return d.draw(cmd)
}

// drawMany draws a list of things, from a page on. Later pages are as of the index of the first one, where the past is held.
func drawMany[one, many any](a *asking, cmd *cobra.Command, path string, p page, of shown[one, many]) error {
	q, err := url.ParseQuery(strings.TrimPrefix(p.query(), "?"))
	if err != nil {
		return err
	}
	d := drawing{a, path, q, func(body []byte, proof ask.Proof) (drawn []geojson.Feature, next url.Values, err error) {
		into := new(many)
		if err := json.Unmarshal(body, into); err != nil {
			return nil, nil, err
		}
		things, after := of.list(into)
		for i := range things {
			drawn = append(drawn, of.features(&things[i])...)
		}
		if after != "" {
			next = url.Values{"after": {after}}
			if p.known == "" && !of.now {
				next.Set("known_at", proof.Index)
				p.known = proof.Index
			}
		}
		return drawn, next, nil
	}}
	return d.draw(cmd)
}
