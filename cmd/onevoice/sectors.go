package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"onevoice/geojson"
	"onevoice/web/api"
)

func sectorsCommand() *cobra.Command {
	cmd := listing("sectors [SECTOR]", "List the sectors, or show one; put, combine, split and remove them", "/sectors", shown[api.Sector, api.Sectors]{printSector,
		func(out io.Writer, page *api.Sectors, known string) error {
			return errors.Join(printSectors(out, page.Sectors), printNext(out, page.Next, known))
		}, func(page *api.Sectors) ([]api.Sector, string) { return page.Sectors, page.Next }, geojson.OfSector, false})
	cmd.AddCommand(putSectorCommand(), removeSectorCommand(), combineCommand(), splitCommand())
	return cmd
}

func putSectorCommand() *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use: "put SECTOR FILE.json", Short: "Make or replace a sector, as in PUT /api/v1/sectors/{id}", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := os.ReadFile(args[1])
			if err != nil {
				return err
			}
			return a.changeSector(cmd, http.MethodPut, "/sectors/"+url.PathEscape(args[0]), body, args[0]+" put")
		},
	}
	askFlags(cmd, &a)
	return cmd
}

func removeSectorCommand() *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use: "remove SECTOR", Short: "Remove a sector", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.changeSector(cmd, http.MethodDelete, "/sectors/"+url.PathEscape(args[0]), nil, args[0]+" removed")
		},
	}
	askFlags(cmd, &a)
	return cmd
}

func combineCommand() *cobra.Command {
	var a asking
	var name, from, to string
	cmd := &cobra.Command{
		Use: "combine INTO PART PART...", Short: "Make one sector of several for a time", Args: cobra.MinimumNArgs(3),
		Long: `Make one sector of several for a time. INTO is made where it is not there, with the volumes of its parts; it is open from --from to --to, and the
parts are closed meanwhile, all at one place of the log. "onevoice sectors split INTO" ends it.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			order := api.Combine{Into: args[0], Name: name, Parts: args[1:]}
			var err error
			if order.From, err = instantFlag("from", from); err != nil {
				return err
			}
			if order.To, err = instantFlag("to", to); err != nil {
				return err
			}
			return a.orderSectors(cmd, "/sectors:combine", order, strings.Join(args[1:], " and ")+" combined into "+args[0])
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "name of a sector that is made (default: INTO)")
	cmd.Flags().StringVar(&from, "from", "", "from when on, RFC 3339 UTC in service time (default: as if always)")
	cmd.Flags().StringVar(&to, "to", "", "until when (default: until a split)")
	askFlags(cmd, &a)
	return cmd
}

func splitCommand() *cobra.Command {
	var a asking
	var at string
	cmd := &cobra.Command{
		Use: "split SECTOR", Short: "End what is combined into a sector: its parts are open again", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			order := api.Split{Sector: args[0]}
			var err error
			if order.At, err = instantFlag("at", at); err != nil {
				return err
			}
			return a.orderSectors(cmd, "/sectors:split", order, args[0]+" split")
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "from when on, RFC 3339 UTC in service time (default: now)")
	askFlags(cmd, &a)
	return cmd
}

// instantFlag reads a flag that may be left out.
func instantFlag(name, text string) (*api.Time, error) {
	if text == "" {
		return nil, nil
	}
	t, err := api.ParseTime(text)
	if err != nil {
		return nil, usageError{fmt.Errorf("--%s: %w", name, err)}
	}
	return &t, nil
}

func (a *asking) orderSectors(cmd *cobra.Command, path string, order any, done string) error {
	body, err := json.Marshal(order)
	if err != nil {
		return err
	}
	return a.changeSector(cmd, http.MethodPost, path, body, done)
}

// changeSector asks for a change of sectors and says what came of it.
func (a *asking) changeSector(cmd *cobra.Command, method, path string, body []byte, done string) error {
	return a.change(cmd, method, path, body, new(api.Written), func(out io.Writer, into any) error {
		return printSectorChange(out, done, into.(*api.Written))
	})
}

func printSectorChange(out io.Writer, done string, w *api.Written) error {
	if w.Staged {
		_, err := fmt.Fprintf(out, "%s, version %s: agreed, and holds as a whole once all flights are looked at; \"onevoice sectors SECTOR\" says how far that is\n", done, w.Version)
		return err
	}
	_, err := fmt.Fprintf(out, "%s, version %s, the windows of %d flights changed\n", done, w.Version, w.Rewindowed)
	return err
}
