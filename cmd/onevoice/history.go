package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"onevoice/export"
	"onevoice/export/place"
)

func historyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "history",
		Short: "How much of the past the service holds; and to keep what happened as files for analysis engines, for ever",
	}
	cmd.AddCommand(showHistoryCommand(), setHistoryCommand(), historyExportCommand(), historyCheckCommand())
	return cmd
}

// placeFlags are where a history is, under the name of the flag that says it.
func placeFlags(cmd *cobra.Command, to *place.Options, name, usage string) {
	cmd.Flags().StringVar(&to.To, name, "", usage+": a directory, or s3://BUCKET/PREFIX")
	cmd.Flags().StringVar(&to.Endpoint, "s3-endpoint", "", "URL of the store that speaks S3 (default: Amazon's); its keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a file, never from here")
	cmd.Flags().StringVar(&to.Region, "s3-region", "", "region of the store (default: AWS_REGION)")
}

// openPlace opens it, until ctx ends.
func openPlace(ctx context.Context, o place.Options, flag string) (export.Place, error) {
	if o.To == "" {
		return nil, usageError{fmt.Errorf("--%s is needed: a directory, or s3://BUCKET/PREFIX", flag)}
	}
	return place.Open(ctx, o)
}
