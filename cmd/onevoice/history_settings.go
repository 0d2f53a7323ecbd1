package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"onevoice/web/api"
)

const historyPath = "/settings/history"

func showHistoryCommand() *cobra.Command {
	return showSettings("show", "How much of the past the service itself holds, and how far back it may be asked", historyPath, printHistorySettings)
}

func printHistorySettings(out io.Writer, h *api.HistorySettings) error {
	horizon := "-"
	if h.Horizon != nil {
		horizon = knownText(h.Horizon)
	}
	return columns(out, "HISTORY\tIS\t", func(w io.Writer) {
		fmt.Fprintf(w, "span\t%s\tin service time\n", time.Duration(h.Span))
		fmt.Fprintf(w, "records\t%d\tat most\n", h.Records)
		fmt.Fprintf(w, "bytes\t%d\tabout, at most\n", h.Bytes)
		fmt.Fprintf(w, "horizon\t%s\tthe earliest that --known-at may name\n", horizon)
		fmt.Fprintf(w, "version\t%s\tof the settings as a whole\n", h.Version)
	})
}

func setHistoryCommand() *cobra.Command {
	var a asking
	var span time.Duration
	var records, size int64
	cmd := &cobra.Command{
		Use: "set", Short: "Change how much of the past is held; what is not said stays", Args: cobra.NoArgs,
		Long: `Change how much of the past is held; what is not said stays. What is beyond it is forgotten at once and cannot be got back ("onevoice history export"
keeps all for ever). It is refused (exit code 5) where somebody else changes the settings at the same time.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			over := func(h *api.HistorySettings) (version string, changed bool) {
				given := func(name string) bool { return cmd.Flags().Changed(name) }
				version, h.Version, h.Horizon = h.Version, "", nil
				if given("span") {
					h.Span = api.Duration(span)
				}
				if given("records") {
					h.Records = records
				}
				if given("bytes") {
					h.Bytes = size
				}
				return version, given("span") || given("records") || given("bytes")
			}
			return changeSettings(cmd, &a, historyPath, over, func(out io.Writer, w *api.Written) error {
				_, err := fmt.Fprintf(out, "history set, version %s\n", w.Version)
				return err
			})
		},
	}
	cmd.Flags().DurationVar(&span, "span", 0, "for how long, in service time, to 720h")
	cmd.Flags().Int64Var(&records, "records", 0, "how many past records, to 2000000")
	cmd.Flags().Int64Var(&size, "bytes", 0, "about how much memory, to 8589934592")
	askFlags(cmd, &a)
	return cmd
}
