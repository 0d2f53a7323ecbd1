package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"onevoice/wire"
)

func versionCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version of this binary and of its formats", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := struct {
				Version string `json:"version"`
				Commit  string `json:"commit,omitempty"`
				Go      string `json:"go"`
				Frames  int    `json:"frameVersion"`
				Min     uint32 `json:"minVersion"`
				Max     uint32 `json:"maxVersion"`
			}{Version: "devel", Go: runtime.Version(), Frames: wire.FrameVersion, Min: versions().Min, Max: versions().Max}
			if info, ok := debug.ReadBuildInfo(); ok {
				if info.Main.Version != "" && info.Main.Version != "(devel)" {
					v.Version = info.Main.Version
				}
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						v.Commit = s.Value
					}
				}
			}
			if output == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(v)
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "onevoice %s %s %s, frames %d, machine versions %d to %d\n", v.Version, v.Commit, v.Go, v.Frames, v.Min, v.Max)
			return err
		},
	}
	outputFlag(cmd, &output)
	return cmd
}
