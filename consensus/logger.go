package consensus

import "fmt"

// violation is what raft's logger panics with: an invariant that raft found broken.
type violation struct{ text string }

// catch turns such a panic into a halt and lets every other one go on.
func (g *Group) catch(r any) {
	switch v := r.(type) {
	case nil:
	case violation:
		g.halt("raft: %s", v.text)
	default:
		panic(r)
	}
}

// raftLog is raft's logger. Warnings and errors become facts; the chatter below them is dropped.
type raftLog struct{ g *Group }

func (l *raftLog) Debug(...any)          {}
func (l *raftLog) Debugf(string, ...any) {}
func (l *raftLog) Info(...any)           {}
func (l *raftLog) Infof(string, ...any)  {}

func (l *raftLog) Warning(v ...any) { l.g.fact("raft-warning", l.g.term, fmt.Sprint(v...)) }
func (l *raftLog) Warningf(f string, v ...any) {
	l.g.fact("raft-warning", l.g.term, fmt.Sprintf(f, v...))
}
func (l *raftLog) Error(v ...any)            { l.g.fact("raft-error", l.g.term, fmt.Sprint(v...)) }
func (l *raftLog) Errorf(f string, v ...any) { l.g.fact("raft-error", l.g.term, fmt.Sprintf(f, v...)) }
func (l *raftLog) Fatal(v ...any)            { panic(violation{fmt.Sprint(v...)}) }
func (l *raftLog) Fatalf(f string, v ...any) { panic(violation{fmt.Sprintf(f, v...)}) }
func (l *raftLog) Panic(v ...any)            { panic(violation{fmt.Sprint(v...)}) }
func (l *raftLog) Panicf(f string, v ...any) { panic(violation{fmt.Sprintf(f, v...)}) }
