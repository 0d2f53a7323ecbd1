package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"onevoice/web/api"
	"onevoice/web/ask"
)

// showSettings makes a command that shows a part of the settings.
func showSettings[part any](use, short, path string, print func(io.Writer, *part) error) *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			into := new(part)
			return a.show(cmd, path, into, func(out io.Writer) error { return print(out, into) })
		},
	}
	askFlags(cmd, &a)
	return cmd
}

// changeSettings reads a part of the settings, lets over change it, and puts it back if nobody else has changed the settings meanwhile. over gives
// the version that the part had, and whether it changed anything.
func changeSettings[part any](cmd *cobra.Command, a *asking, path string, over func(*part) (version string, changed bool), print func(io.Writer, *api.Written) error) error {
	p := new(part)
	if _, err := a.client().Do(cmd.Context(), ask.Request{Path: path}, p); err != nil {
		return err
	}
	version, changed := over(p)
	if !changed {
		return usageError{fmt.Errorf("nothing to set; see %s --help", cmd.CommandPath())}
	}
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return a.changeIf(cmd, http.MethodPut, path, body, `"`+version+`"`, new(api.Written), func(out io.Writer, into any) error {
		return print(out, into.(*api.Written))
	})
}
