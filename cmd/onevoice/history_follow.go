package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"onevoice/export"
	"onevoice/problem"
	"onevoice/web/api"
	"onevoice/web/ask"
)

// follower takes entries from any server that holds them, and gives them to a history.
type follower struct {
	servers []*ask.Client
	at      int // the one that answered last
	once    bool
	every   time.Duration
	history *export.Exporter
	wrote   func(*export.Manifest)
	notes   io.Writer
	silent  time.Time // since when nobody has answered; zero where somebody does
	lost    time.Time // since when nobody has the entries; zero where somebody has
}

const (
	// entriesWait is how long a server may wait for something to come, before it says that there is nothing.
	entriesWait = 5 * time.Second
	// entriesPage is how many entries are asked for at once.
	entriesPage = 1000
	// entriesPause is how long one waits before all servers are asked again.
	entriesPause = 500 * time.Millisecond
	// lostPatience is for how long others that do not answer are waited for, before entries count as lost that no server has which does.
	lostPatience = 30 * time.Second
)

// run follows until ctx ends, or with once until all is written.
func (f *follower) run(ctx context.Context) error {
	err := f.follow(ctx)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = nil // the user has stopped it
	}
	if err != nil && kindOf(err) != problem.NoVoice && kindOf(err) != problem.TwoVoices {
		return err
	}
	return errors.Join(err, f.seal())
}

func (f *follower) seal() error {
	m, err := f.history.Seal(now())
	if err == nil && m != nil {
		f.wrote(m)
	}
	return err
}

func (f *follower) follow(ctx context.Context) error {
	for ctx.Err() == nil {
		page, err := f.page(ctx)
		switch kind := kindOf(err); {
		case err == nil:
		case ctx.Err() != nil:
			return ctx.Err()
		case kind == problem.Expired:
			if err := f.base(ctx); err != nil {
				return err
			}
			continue
		case (kind == problem.NoVoice || kind == problem.Overloaded) && !f.once:
			f.tell(err)
			pause(ctx, entriesPause)
		default:
			return err
		}
		if err := f.take(page); err != nil {
			return err
		}
		if err == nil && f.once && len(page.Entries) == 0 {
			return nil
		}
	}
	return ctx.Err()
}

// tell says once that nobody answers, and at each minute that it is still so.
func (f *follower) tell(err error) {
	if f.silent.IsZero() || time.Since(f.silent) > time.Minute {
		f.silent = time.Now()
		fmt.Fprintf(f.notes, "after %d: %v; trying on\n", f.history.Last(), err)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// take gives the entries of a page to the history, and writes what is due.
func (f *follower) take(page api.Entries) error {
	if f.history.Last() == 0 && page.Hash != "" {
		if err := f.history.Begin(page.After, page.Hash); err != nil {
			return err
		}
	}
	if page.Hash != "" {
		if err := f.history.Follows(page.Hash); err != nil {
			return err
		}
	}
	for i := range page.Entries {
		if err := f.history.Add(&page.Entries[i], now()); err != nil {
			return err
		}
		if f.history.Due(now()) {
			if err := f.seal(); err != nil {
				return err
			}
		}
	}
	if f.history.Due(now()) {
		return f.seal()
	}
	return nil
}

// firstIndex is where a new cluster's log begins.
const firstIndex = 1

// page asks for what follows, one server after the other. Where one no longer holds it another may; only where none does the error is
// of kind Expired.
func (f *follower) page(ctx context.Context) (page api.Entries, err error) {
	wait := min(entriesWait, f.every)
	if f.once {
		wait = 0
	}
	path := fmt.Sprintf("/entries?after=%d&limit=%d&wait_s=%d", max(f.history.Last(), firstIndex), entriesPage, wait/time.Second)
	expired := 0
	var gone error
	for range f.servers {
		_, err = f.servers[f.at].Do(ctx, ask.Request{Path: path}, &page)
		switch kindOf(err) {
		case problem.Expired:
			expired, gone = expired+1, err
		case problem.NoVoice, problem.Overloaded:
		default:
			if err == nil {
				f.silent, f.lost = time.Time{}, time.Time{}
			}
			return page, err
		}
		if ctx.Err() != nil {
			return page, ctx.Err()
		}
		f.at = (f.at + 1) % len(f.servers)
	}
	if gone == nil {
		return page, err
	}
	if f.lost.IsZero() {
		f.lost = time.Now()
	}
	// Who has not answered may hold them still; at the beginning nothing is lost.
	if expired == len(f.servers) || f.history.Last() == 0 || time.Since(f.lost) > lostPatience {
		return page, gone
	}
	return page, &problem.Error{Kind: problem.NoVoice, Op: "read entries", Detail: "who answers has them no more, who may have them does not answer: " + gone.Error()}
}

// base goes on from the whole state.
func (f *follower) base(ctx context.Context) error {
	if err := f.seal(); err != nil {
		return err
	}
	reason := fmt.Sprintf("no server held the entries after %d any more", f.history.Last())
	if f.history.Last() > 0 {
		fmt.Fprintf(f.notes, "GAP: %s; going on from the whole state\n", reason)
	}
	var tried []error
	for range f.servers {
		server := f.servers[f.at]
		base, err := f.history.NewBase(reason)
		if err != nil {
			return err
		}
		if err = download(ctx, server, server.Endpoints[0], "/state", &lines{each: base.Line}); err == nil {
			m, err := base.Finish(now())
			if err == nil {
				f.lost = time.Time{}
				f.wrote(m)
			}
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		tried = append(tried, err)
		f.at = (f.at + 1) % len(f.servers)
	}
	if f.once {
		return errors.Join(tried...)
	}
	f.tell(errors.Join(tried...))
	pause(ctx, entriesPause)
	return nil
}

// maxLineBytes bounds a line of a state: a flight of 10,000 points, or a sector of 20,000 vertices.
const maxLineBytes = 16 << 20

// lines gives what is written to it line by line.
type lines struct {
	each func([]byte) error
	rest []byte
}

// Write implements io.Writer.
func (l *lines) Write(b []byte) (int, error) {
	l.rest = append(l.rest, b...)
	from := 0
	for {
		n := bytes.IndexByte(l.rest[from:], '\n')
		if n < 0 {
			break
		}
		if err := l.each(l.rest[from : from+n]); err != nil {
			return 0, err
		}
		from += n + 1
	}
	l.rest = append(l.rest[:0], l.rest[from:]...)
	if len(l.rest) > maxLineBytes {
		return 0, fmt.Errorf("a line has more than %d bytes", maxLineBytes)
	}
	return len(b), nil
}
