package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"onevoice/web/api"
)

// printExplained says what a view changed and why, and what the servers had said. Before is the view before it, nil where that is not held.
func printExplained(out io.Writer, before, v *api.View) error {
	fmt.Fprintln(out, headOf(v))
	for _, line := range explained(before, v) {
		fmt.Fprintln(out, "- "+line)
	}
	if before == nil && v.Number > 1 {
		fmt.Fprintf(out, "view %d is not held any more: new leads and bounds, and who is no member any more, cannot be told\n", v.Number-1)
	}
	if len(v.Observed) == 0 {
		return nil
	}
	header := "WHO SAYS\tSTART"
	for _, p := range v.Processes {
		header += "\tOF " + p.Name
	}
	return columns(out, header, func(w io.Writer) {
		for i := range v.Observed {
			o := &v.Observed[i]
			fmt.Fprintf(w, "%s\t%d", o.Name, o.Start)
			for _, p := range v.Processes {
				fmt.Fprintf(w, "\t%s", saysOf(o, &p))
			}
			fmt.Fprintln(w)
		}
	})
}

// saysOf is what a server says of a process, or of itself.
func saysOf(o *api.Observer, p *api.Process) string {
	if o.Server == p.Server {
		switch {
		case o.Last != "none":
			return "ends (" + o.Last + ")"
		case o.Leaving:
			return "is about to end"
		}
		return "-"
	}
	switch s := seenOf(o, p.Server); {
	case s.Evidence != "none":
		return s.Evidence
	case s.Start == 0:
		return "not heard yet"
	default:
		return fmt.Sprintf("hears start %d", s.Start)
	}
}

func seenOf(o *api.Observer, server uint64) api.Seen {
	for _, s := range o.Seen {
		if s.Server == server {
			return s
		}
	}
	return api.Seen{Evidence: "none"}
}

// explained is a sentence for each change.
func explained(before, v *api.View) []string {
	e := explaining{before, v}
	var all []string
	for i := range v.Processes {
		if text := e.process(&v.Processes[i]); text != "" {
			all = append(all, text)
		}
	}
	if before == nil {
		return all
	}
	for _, name := range leavers(before, v) {
		all = append(all, name+" is no member of the cluster any more")
	}
	for _, l := range v.Leads {
		if was := leadIn(before, l.Group); was != l {
			all = append(all, e.lead(was, l))
		}
	}
	if now, was := v.DetectionBoundMs, before.DetectionBoundMs; now > was && was > 0 {
		all = append(all, fmt.Sprintf("a server may be silent for %s now, %s before: some server's own process is woken late, and silence says less", ms(now), ms(was)))
	} else if now != was {
		all = append(all, fmt.Sprintf("a server may be silent for %s now, %s before", ms(now), ms(was)))
	}
	return all
}

type explaining struct{ before, v *api.View }

func (e *explaining) lead(was, l api.Lead) string {
	text := fmt.Sprintf("%s leads %s, in term %d", l.Name, groupName(l.Group), l.Term)
	if was.Server != 0 {
		text += fmt.Sprintf("; before it %s, in term %d", was.Name, was.Term)
	}
	return text
}

// process says why a process has its standing, where it is new, and who reports it, where that is not enough for a verdict.
func (e *explaining) process(p *api.Process) string {
	name := fmt.Sprintf("%s (start %d)", p.Name, p.Start)
	if p.Since != e.v.Number {
		reports := e.reports(p)
		if reports == "" || p.Standing == "down" || p.Standing == "joining" {
			return ""
		}
		return fmt.Sprintf("%s stays %s, although %s: that is no majority", name, p.Standing, reports)
	}
	switch p.Standing {
	case "down":
		return name + " is down: " + e.cause(p)
	case "degraded":
		return name + " is degraded, that is, it stays and shall not lead, for without it no majority would be up: " + e.cause(p)
	case "leaving":
		return name + " is leaving: it says that it is about to end, and shall not lead"
	case "up":
		return fmt.Sprintf("%s is up: %s%s", name, e.after(p), e.hearers(p))
	}
	return name + " is joining: " + e.arrival(p)
}

// cause is why a process went down.
func (e *explaining) cause(p *api.Process) string {
	switch p.Why {
	case "killed":
		return "an operator has taken it down (onevoice members fence)"
	case "exited":
		return "its own last word was that it ends"
	case "disk":
		return "its own last word was that its disk has failed"
	}
	return cmp.Or(e.reports(p), "it was reported as "+p.Why)
}

// claims are what each kind of evidence means, after who says so; the bound follows one that ends with "of ".
var claims = map[string]string{
	"silent":  " had heard nothing of it for the bound of ",
	"deaf":    " heard it, and by its own word it had heard nothing of them for the bound of ",
	"refused": " had the answer of its machine that nobody listens at its address",
	"stuck":   " heard it say that its disk completes no write",
}

// reports says who holds what against a process; empty where nobody does.
func (e *explaining) reports(p *api.Process) string {
	by := map[string][]string{}
	total := 0
	for i := range e.v.Observed {
		o := &e.v.Observed[i]
		s := seenOf(o, p.Server)
		if !o.Votes || o.Server == p.Server || s.Evidence == "none" || s.Start > p.Start || p.Since != e.v.Number && e.isDown(o) {
			continue
		}
		by[s.Evidence] = append(by[s.Evidence], o.Name)
		total++
	}
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(by)) {
		claim := and(by[kind]) + " " + e.share(len(by[kind])) + cmp.Or(claims[kind], " reported it as "+kind)
		if strings.HasSuffix(claim, " of ") {
			claim += ms(e.bound())
		}
		parts = append(parts, claim)
	}
	if len(parts) > 1 {
		parts = append(parts, "together "+strings.Trim(e.share(total), "()"))
	}
	return strings.Join(parts, "; ")
}

// isDown says whether who says something is down now: then nobody counts it any more.
func (e *explaining) isDown(o *api.Observer) bool {
	p := processIn(e.v, o.Server)
	return p != nil && p.Standing == "down"
}

// share is how many of the voters that is.
func (e *explaining) share(n int) string { return fmt.Sprintf("(%d of %s)", n, voterCount(e.v.Voters)) }

// bound is the one that held when the view was made.
func (e *explaining) bound() float64 {
	if e.before != nil && e.before.DetectionBoundMs > 0 {
		return e.before.DetectionBoundMs
	}
	return e.v.DetectionBoundMs
}

// hearers says who hears a process.
func (e *explaining) hearers(p *api.Process) string {
	var names []string
	for i := range e.v.Observed {
		o := &e.v.Observed[i]
		s := seenOf(o, p.Server)
		if o.Votes && (o.Server == p.Server || s.Evidence == "none" && s.Start == p.Start) {
			names = append(names, o.Name)
		}
	}
	return fmt.Sprintf("%s %s hear it, itself included, and nobody reports it", and(names), e.share(len(names)))
}

// after says what a start that is new comes after.
func (e *explaining) after(p *api.Process) string {
	if e.before == nil {
		return ""
	}
	was := processIn(e.before, p.Server)
	switch {
	case was == nil:
		return "it has come; "
	case was.Start != p.Start:
		return fmt.Sprintf("it has come after start %d, which was %s; ", was.Start, was.Standing)
	}
	return ""
}

// arrival says what a process that is joining comes after, and what it waits for.
func (e *explaining) arrival(p *api.Process) string {
	text := e.after(p) + "it is up when a majority hears it"
	killed := false
	if e.before != nil {
		was := processIn(e.before, p.Server)
		killed = was != nil && was.Why == "killed"
	}
	for i := range e.v.Observed {
		if o := &e.v.Observed[i]; o.Server == p.Server && o.Fell && !killed {
			text += " without a break for a second, doubled for each further time within ten minutes: the start before was taken down while it ran"
		}
	}
	return text
}

// and joins names as one says them.
func and(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
