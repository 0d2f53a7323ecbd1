package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"onevoice/web/api"
)

func routesCommand() *cobra.Command {
	var o flowOptions
	cmd := &cobra.Command{
		Use: "routes", Short: "Which routes are flown, and through which sectors", Args: cobra.NoArgs,
		Long: `Which routes are flown by the flights that enter their first sector in a time, from where to where, and the commonest sequences of sectors
that they take.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all := api.Routes{Routes: []api.Route{}}
			line, err := o.allPages(cmd.Context(), "/routes", 200, func(body []byte) (api.Time, api.Time, string, error) {
				var page api.Routes
				err := json.Unmarshal(body, &page)
				all.From, all.To, all.Routes = page.From, page.To, append(all.Routes, page.Routes...)
				return page.From, page.To, page.Next, err
			})
			if err == nil {
				err = printRoutes(cmd.OutOrStdout(), o.output, &all)
			}
			if err == nil && o.output == "" {
				fmt.Fprintln(cmd.ErrOrStderr(), line)
			}
			return err
		},
	}
	o.flags(cmd)
	return cmd
}

func printRoutes(out io.Writer, output string, p *api.Routes) error {
	if output == "json" {
		return json.NewEncoder(out).Encode(p)
	}
	fmt.Fprintf(out, "from %s to %s: %d routes\n", clock(p.From), clock(p.To), len(p.Routes))
	return columns(out, "FROM\tTO\tFLIGHTS\tOF THEM\tTHROUGH", func(w io.Writer) {
		for _, r := range p.Routes {
			from, to, count := dash(r.From), dash(r.To), fmt.Sprint(r.Count)
			for _, path := range r.Paths {
				fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", from, to, count, path.Count, strings.Join(path.Sectors, " "))
				from, to, count = "", "", ""
			}
		}
	})
}
