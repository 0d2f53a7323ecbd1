package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"onevoice/airspace"
	"onevoice/lab/predict"
)

func labPredictCommand() *cobra.Command {
	o := predict.Defaults()
	var flights, sectors, circle, heldOut, output string
	cmd := &cobra.Command{
		Use:   "predict --flights FILE.csv --sectors FILE.geojson",
		Short: "Measure how well entries into sectors are predicted, beside constant velocity",
		Long: `Measure how well entries into sectors are predicted, beside constant velocity. It goes through a recording in its own time. Each plan holds
only the first and the last point of its flight; what is predicted at a moment looks at no row of a later time.

The table has one line a sector, then all, then flights of which there was a row when they were predicted, then those of which there was
the plan alone. The mean counts an entry that was missed, or predicted over 300 s off, as 300 s. A false entry is a predicted
one with no true one within 300 s. The columns after "both found" are of the entries that both found.

With --held-out-from the entries from that moment on have a table of their own, and are none of the first: constants were chosen on
what is before, and the second table says what they are worth elsewhere.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			where, err := measuredSectors(sectors, circle)
			if err == nil {
				o.HeldOutNs, err = heldOutFrom(heldOut)
			}
			switch {
			case err != nil:
				return err
			case flights == "":
				return usageError{errors.New("name a recording with --flights")}
			case o.Ahead <= 0 || o.Step < time.Second:
				return usageError{fmt.Errorf("--ahead is %s and --step %s, allowed: above 0, and from 1s", o.Ahead, o.Step)}
			}
			samples, report, err := readRecordingFile(flights)
			if err != nil {
				return err
			}
			if len(samples) == 0 {
				return fmt.Errorf("lab predict: %s holds no usable row of %d", flights, report.Rows)
			}
			r := predict.Run(samples, where, o)
			if output == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(r)
			}
			return r.Print(cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&flights, "flights", "", "CSV recording of positions")
	cmd.Flags().StringVar(&sectors, "sectors", "", "GeoJSON file of sectors")
	cmd.Flags().StringVar(&circle, "circle", "", "a circle in place of sectors, NAME=LAT,LON,NM")
	cmd.Flags().DurationVar(&o.Ahead, "ahead", o.Ahead, "how long before an entry it is predicted")
	cmd.Flags().DurationVar(&o.Step, "step", o.Step, "between two predictions of a flight")
	cmd.Flags().StringVar(&heldOut, "held-out-from", "", "moment (RFC 3339) from which entries are counted apart")
	cmd.Flags().BoolVar(&o.Room.Holding, "holding", true, "recognise holding patterns")
	outputFlag(cmd, &output)
	return cmd
}

func heldOutFrom(text string) (ns int64, err error) {
	if text == "" {
		return 0, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, usageError{fmt.Errorf("--held-out-from is %q, allowed: RFC 3339, as 2018-08-01T12:00:00Z", text)}
	}
	return at.UnixNano(), nil
}

func measuredSectors(file, circle string) ([]airspace.Sector, error) {
	if (file == "") == (circle == "") {
		return nil, usageError{errors.New("name sectors with --sectors, or a circle with --circle")}
	}
	if circle != "" {
		sector, err := predict.ParseCircle(circle)
		if err != nil {
			return nil, usageError{err}
		}
		return []airspace.Sector{sector}, nil
	}
	sectors, _, err := readSectorFile(file)
	return sectors, err
}
