package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"onevoice/web/api"
)

const rulesPath = "/settings/rules"

func rulesCommand() *cobra.Command {
	cmd := showSettings("rules", "Show what flights are held to: separation, retention, reference of altitudes; set them", rulesPath, printRules)
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
			over := func(r *api.Rules) (string, bool) {
				version := r.Version
				return version, f.over(cmd, r)
			}
			return changeSettings(cmd, &a, rulesPath, over, func(out io.Writer, w *api.Written) error { return printSectorChange(out, "rules set", w) })
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
