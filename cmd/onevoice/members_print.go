package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"onevoice/web/api"
)

func printMembers(out io.Writer, all *listed) error {
	header := "SERVER\tNAME\tWISH\tSTANDING\tINCARNATION"
	for _, g := range all.Groups {
		header += "\t" + strings.ToUpper(groupName(g.Number))
	}
	err := columns(out, header+"\tLAG\tFSYNC P99\tCLOCK\tVERSION\tHTTP\tPEER\tDISK\tORGANISATION", func(w io.Writer) {
		for i := range all.Members.Members {
			if m := &all.Members.Members[i]; !m.Gone {
				printMember(w, all, m)
			}
		}
	})
	if err != nil {
		return err
	}
	for _, g := range all.Groups {
		fmt.Fprintf(out, "%s: %s leads, epoch %s\n", groupName(g.Number), cmp.Or(nameOfMember(&all.Members, g.Leader), "nobody"), g.Epoch)
	}
	for _, i := range all.Invitations {
		fmt.Fprintf(out, "invitation %d for %s, until %s\n", i.Invitation, cmp.Or(i.Name, "any name"), clock(i.Expires))
	}
	for _, line := range differences(&all.Members) {
		fmt.Fprintln(out, line)
	}
	if all.Settled {
		fmt.Fprintf(out, "change %d is reached in every group\n", all.Change)
		return nil
	}
	var behind []string
	for _, g := range all.Groups {
		if g.Reached != all.Change {
			behind = append(behind, groupName(g.Number))
		}
	}
	fmt.Fprintf(out, "change %d, about server %d, is not reached yet in %s\n", all.Change, all.About, strings.Join(behind, ", "))
	printAwaited(out, &all.Members)
	return nil
}

func printMember(w io.Writer, all *listed, m *api.Member) {
	fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s", m.Number, m.Name, m.Wish, dash(m.Standing), unless0(m.Incarnation))
	for _, g := range all.Groups {
		fmt.Fprintf(w, "\t%s", isIn(g, m, wishIn(&all.Members, g.Number, m)))
	}
	fsync, offsetBy, version := "-", "-", "-"
	for i := range all.Servers {
		if s := &all.Servers[i]; s.Server == m.Number {
			fsync, offsetBy, version = fmt.Sprintf("%.1f ms", s.FsyncP99Ms), offset(s), s.Build
		}
	}
	fmt.Fprintf(w, "\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", lag(all.Groups, m.Number), fsync, offsetBy, version,
		m.HTTP, m.Peer, dash(short(m.Store)), dash(m.Organisation))
}

func unless0(n uint64) string {
	if n == 0 {
		return "-"
	}
	return strconv.FormatUint(n, 10)
}

// lag is how many entries a server lacks in each group, as the leaders say.
func lag(groups []api.Group, number uint64) string {
	var all []string
	for _, g := range groups {
		text := "-"
		if in := memberIn(g, number); in != nil && in.Lag != nil {
			text = strconv.FormatUint(*in.Lag, 10)
		}
		all = append(all, text)
	}
	if !slices.ContainsFunc(all, func(text string) bool { return text != "-" }) {
		return "-"
	}
	return strings.Join(all, "/")
}

func memberIn(g api.Group, number uint64) *api.GroupMember {
	at := slices.IndexFunc(g.Members, func(in api.GroupMember) bool { return in.Number == number })
	if at < 0 {
		return nil
	}
	return &g.Members[at]
}

// differences says in words where a group is not as wished.
func differences(all *api.Members) []string {
	var lines []string
	for _, g := range all.Groups {
		for i := range all.Members {
			m := &all.Members[i]
			in, wish := memberIn(g, m.Number), wishIn(all, g.Number, m)
			switch {
			case m.Gone || in != nil && in.Is == wish || in == nil && wish == "removed":
			case in == nil:
				lines = append(lines, fmt.Sprintf("%s: %s shall be a %s, and is no member yet", groupName(g.Number), m.Name, wish))
			case wish == "removed":
				lines = append(lines, fmt.Sprintf("%s: %s shall be removed, and is a %s still", groupName(g.Number), m.Name, in.Is))
			default:
				lines = append(lines, fmt.Sprintf("%s: %s shall be a %s, and is a %s still", groupName(g.Number), m.Name, wish, in.Is))
			}
		}
	}
	return lines
}

func nameOfMember(all *api.Members, number uint64) string {
	for _, m := range all.Members {
		if m.Number == number {
			return m.Name
		}
	}
	return ""
}

// printAwaited names the servers that a change cannot do without and that say nothing. Those that are lost never will.
func printAwaited(out io.Writer, all *api.Members) {
	for _, m := range all.Members {
		for _, g := range all.Groups {
			in := memberIn(g, m.Number)
			if m.Wish == "removed" || g.Reached == all.Change || in == nil || in.Is == wishIn(all, g.Number, &m) {
				continue
			}
			if in.Active != nil && !*in.Active {
				fmt.Fprintf(out, "%s waits for server %d (%s), which is silent; if it is lost: onevoice members remove %d\n", groupName(g.Number), m.Number, m.Name, m.Number)
			}
		}
	}
}

// short is the beginning of a disk's identity, enough to tell one from another.
func short(store string) string { return store[:min(8, len(store))] }

// isIn is what a server is in a group, marked where that is not what it shall be there.
func isIn(g api.Group, m *api.Member, wish string) string {
	in := memberIn(g, m.Number)
	if in == nil {
		if wish == "removed" {
			return "-"
		}
		return "- (!)"
	}
	word := in.Is
	if g.Leader == m.Number {
		word = "leader"
	}
	if in.Active != nil && !*in.Active {
		word += ", silent"
	}
	if in.Is != wish {
		word += " (!)"
	}
	return word
}
