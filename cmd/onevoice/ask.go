package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"onevoice/web/api"
	"onevoice/web/ask"
)

// asking is what every command that asks servers takes.
type asking struct {
	endpoints string
	output    string
	timeout   time.Duration
	proof     askProof
	http      *http.Client // nil for the usual one
}

// askFlags are the flags of a command that asks; it can print its answer in more forms beside json.
func askFlags(cmd *cobra.Command, a *asking, more ...string) {
	cmd.Flags().StringVarP(&a.endpoints, "endpoints", "e", "127.0.0.1:7480,127.0.0.1:7481,127.0.0.1:7482", "HTTP addresses of the servers, separated by commas")
	cmd.Flags().DurationVar(&a.timeout, "timeout", 5*time.Second, "how long to try")
	outputFlag(cmd, &a.output, more...)
	a.proof.flags(cmd)
	check := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) (err error) {
		if err = check(cmd, args); err == nil {
			a.http, err = a.proof.client()
		}
		return err
	}
}

func outputFlag(cmd *cobra.Command, output *string, more ...string) {
	forms := append([]string{"json"}, more...)
	usage := "json for the service's own JSON"
	if len(more) > 0 {
		usage += "; or " + strings.Join(more, ", ")
	}
	cmd.Flags().StringVarP(output, "output", "o", "", usage)
	check := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if *output != "" && !slices.Contains(forms, *output) {
			return usageError{fmt.Errorf("--output is %q, allowed: %s", *output, strings.Join(forms, ", "))}
		}
		if check != nil {
			return check(cmd, args)
		}
		return nil
	}
}

func (a *asking) client() *ask.Client {
	c := &ask.Client{Timeout: a.timeout, HTTP: a.http}
	for text := range strings.SplitSeq(a.endpoints, ",") {
		text = strings.TrimSpace(text)
		if a.proof.files.CA != "" && !strings.Contains(text, "://") {
			text = "https://" + text
		}
		c.Endpoints = append(c.Endpoints, ask.Endpoint(text))
	}
	return c
}

// show asks and prints: the answer as it came with -o json, otherwise what table makes of it and the line of proof.
func (a *asking) show(cmd *cobra.Command, path string, into any, table func(io.Writer) error) error {
	client := a.client()
	var body []byte
	proof, err := client.Do(cmd.Context(), ask.Request{Path: path}, &body)
	if err != nil {
		return err
	}
	line, err := proofLine(cmd.Context(), client, proof)
	if err != nil {
		return err
	}
	if a.output == "json" {
		_, err := cmd.OutOrStdout().Write(body)
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("answer to %s: %w", path, err)
	}
	if err := table(cmd.OutOrStdout()); err != nil {
		return err
	}
	_, err = fmt.Fprintln(cmd.ErrOrStderr(), line)
	return err
}

// change asks for a change and prints what came of it.
func (a *asking) change(cmd *cobra.Command, method, path string, body []byte, into any, print func(io.Writer, any) error) error {
	return a.changeIf(cmd, method, path, body, "", into, print)
}

// changeIf is change where the version that is there has this tag; an empty tag is any.
func (a *asking) changeIf(cmd *cobra.Command, method, path string, body []byte, tag string, into any, print func(io.Writer, any) error) error {
	request := ask.Request{Method: method, Path: path, Body: body, Header: http.Header{}}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if tag != "" {
		request.Header.Set("If-Match", tag)
	}
	if _, err := a.client().Do(cmd.Context(), request, into); err != nil {
		return err
	}
	if a.output == "json" {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(into)
	}
	return print(cmd.OutOrStdout(), into)
}

// proofLine is the one-voice line under an answer, with the word of a second server.
func proofLine(ctx context.Context, client *ask.Client, p ask.Proof) (string, error) {
	by, err := client.Confirm(ctx, p)
	if err != nil {
		return "", err
	}
	second := "no second server has confirmed it"
	if by != "" {
		second = by + " holds the same"
	}
	known := ""
	if p.KnownIndex != "" {
		known = ", known at index " + p.KnownIndex
	}
	return fmt.Sprintf("one voice: view %s, index %s, as of %s, hash %.12s, by %s%s; %s", p.View, p.Index, p.AsOf, p.Hash, p.Node, known, second), nil
}

// columns aligns lines of cells parted by tabs.
func columns(out io.Writer, header string, lines func(io.Writer)) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, header)
	lines(t)
	return t.Flush()
}

// clock prints an instant to the second, UTC.
func clock(t api.Time) string {
	return time.Unix(0, int64(t)).UTC().Format("2006-01-02T15:04:05Z")
}

// span prints the time between the earliest and the latest moment of an event: one moment where they are the same.
func span(from, to api.Time) string {
	if clock(from) == clock(to) {
		return clock(from)
	}
	return clock(from) + " .. " + clock(to)[11:]
}
