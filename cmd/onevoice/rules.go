package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"onevoice/web/api"
	"onevoice/web/ask"
)

const rulesPath = "/settings/rules"

func rulesCommand() *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use: "rules", Short: "Show what flights are held to: separation, retention, reference of altitudes; set them", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var r api.Rules
			return a.show(cmd, rulesPath, &r, func(out io.Writer) error { return printRules(out, &r) })
		},
	}
	askFlags(cmd, &a)
	cmd.AddCommand(setRulesCommand())
	return cmd
}

func printRules(out io.Writer, r *api.Rules) error {
	return columns(out, "RULE\tIS\t", func(w io.Writer) {
		fmt.Fprintf(w, "separation\t%s NM or %s ft\twhere no sector asks for another\n", miles(r.Separation.Lateral), feet(r.Separation.Vertical))
		fmt.Fprintf(w, "retention\t%s\tof a flight after its end, in service time\n", time.Duration(r.Retain))
		fmt.Fprintf(w, "cross reference\t%s ft\tadded to bands where altitudes of different references are compared\n", feet(r.CrossReference))
		fmt.Fprintf(w, "version\t%s\tof the settings as a whole\n", r.Version)
	})
}

// rulesFlags are what a change of rules may say; what it does not say stays.
type rulesFlags struct {
	lateralNM, verticalFt, crossFt float64
	retain                         time.Duration
}

func setRulesCommand() *cobra.Command {
	var a asking
	var f rulesFlags
	cmd := &cobra.Command{
		Use: "set", Short: "Change some rules; the others stay", Args: cobra.NoArgs,
		Long: `Change some rules; the others stay. It is refused (exit code 5) where somebody else changes the settings at the same time. After a change of the
separation all conflicts are worked out anew, and of the cross reference all windows; meanwhile "onevoice conflicts" says that it is computing.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var r api.Rules
			if _, err := a.client().Do(cmd.Context(), ask.Request{Path: rulesPath}, &r); err != nil {
				return err
			}
			tag := `"` + r.Version + `"`
			if !f.over(cmd, &r) {
				return usageError{errors.New("nothing to set; see onevoice rules set --help")}
			}
			body, err := json.Marshal(r)
			if err != nil {
				return err
			}
			return a.changeIf(cmd, http.MethodPut, rulesPath, body, tag, new(api.Written), func(out io.Writer, into any) error {
				return printSectorChange(out, "rules set", into.(*api.Written))
			})
		},
	}
	cmd.Flags().Float64Var(&f.lateralNM, "lateral-nm", 0, "separation over ground, NM")
	cmd.Flags().Float64Var(&f.verticalFt, "vertical-ft", 0, "separation in height, ft")
	cmd.Flags().DurationVar(&f.retain, "retain", 0, "how long a flight is kept after its end, in service time, to 720h")
	cmd.Flags().Float64Var(&f.crossFt, "cross-reference-ft", 0, "what bands are widened by where altitudes of different references are compared, ft")
	askFlags(cmd, &a)
	return cmd
}

// over puts the flags that were given over the rules, and says whether there were any.
func (f *rulesFlags) over(cmd *cobra.Command, r *api.Rules) bool {
	given := func(name string) bool { return cmd.Flags().Changed(name) }
	r.Version = ""
	if given("lateral-nm") {
		r.Separation.Lateral = api.Length(f.lateralNM*185_200 + 0.5)
	}
	if given("vertical-ft") {
		r.Separation.Vertical = api.Height(f.verticalFt*30.48 + 0.5)
	}
	if given("retain") {
		r.Retain = api.Duration(f.retain)
	}
	if given("cross-reference-ft") {
		r.CrossReference = api.Height(f.crossFt*30.48 + 0.5)
	}
	return given("lateral-nm") || given("vertical-ft") || given("retain") || given("cross-reference-ft")
}
