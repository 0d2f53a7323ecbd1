package airspace

import (
	"fmt"

	"onevoice/codec"
	"onevoice/internal/mutant"
	"onevoice/problem"
)

// Atomic is several commands as one: all take effect, in their order and at one place of the log, or none does. Each is held against what
// those before it have left, with its own precondition. A thing may be named once, so that one version stays one state of it.
//
// What was put has the Version of the whole. Result.Parts holds what each came to. A refusal is that of the first command that is refused:
// its Field says which one, as commands[3], and Result.Current is what that one's precondition met.
type Atomic struct {
	// Commands are 1 to MaxAtomic changes of flights, sectors and other things with names; no Atomic, and no settings.
	Commands []Command
}

// Op implements Command.
func (Atomic) Op() string { return "apply commands" }

func (Atomic) kind() commandKind          { return kindAtomic }
func (Atomic) precondition() Precondition { return Precondition{} }
func (Atomic) find(*change)               {}

func (cmd Atomic) appendBody(w *codec.Writer) {
	w.Uvarint(uint64(len(cmd.Commands)))
	for _, c := range cmd.Commands {
		w.Bytes(Encode(c))
	}
}

// readAtomic refuses a precondition of the whole, which has none.
func readAtomic(r *codec.Reader, when Precondition) Command {
	if when != (Precondition{}) {
		r.Fail()
	}
	cmd := Atomic{Commands: make([]Command, r.Count(maxCount, 4))}
	for i := range cmd.Commands {
		b := r.Bytes(maxRecord)
		if len(b) > 1 && commandKind(b[1]) == kindAtomic {
			r.Fail()
		}
		if r.Err() != nil {
			return nil
		}
		c, err := Decode(b)
		if err != nil {
			r.Fail()
			return nil
		}
		cmd.Commands[i] = c
	}
	return cmd
}

func (cmd Atomic) check(c *checker) {
	c.count("commands", len(cmd.Commands), 1, MaxAtomic)
	named := map[string]bool{}
	for i, one := range cmd.Commands {
		if c.found != nil {
			return
		}
		switch one.(type) {
		case Atomic, SetService, SetRules:
			c.fail(problem.Invalid, partName(i), one.Op(), "a change of a flight, a sector or another thing with a name")
			return
		}
		part := checker{op: one.Op()}
		one.check(&part)
		part.precondition(one.precondition())
		if part.found != nil {
			c.found = partProblem(cmd.Op(), i, part.found)
			return
		}
		if name := nounOf(one) + " " + part.subject; named[name] {
			c.subject = part.subject
			c.fail(problem.Invalid, partName(i), one.Op(), "a thing that no other of the commands is about")
		} else {
			named[name] = true
		}
	}
}

// nounOf is what kind of thing a command is about: two of them may have one name.
func nounOf(cmd Command) string {
	switch cmd := cmd.(type) {
	case PutSector, RemoveSector:
		return "sector"
	case SignOn, KeepPosition, SignOff:
		return "position"
	case Control:
		return "control of " + cmd.Thing.String()
	}
	return "flight"
}

func partName(i int) string { return fmt.Sprintf("commands[%d]", i) }

// partProblem is the refusal of one command as that of the whole.
func partProblem(op string, i int, p *problem.Error) *problem.Error {
	whole := *p
	whole.Op = op
	if whole.Field == "" {
		whole.Field, whole.Value = partName(i), p.Op
	} else {
		whole.Field = partName(i) + "." + p.Field
	}
	return &whole
}

// apply runs the commands on a machine of its own. That one becomes the machine if all take effect, and else is forgotten with all it did:
// so nothing that a command does can be left behind, in what is replicated and in what is not.
func (cmd Atomic) apply(c *change) Result {
	trial := c.m.fork()
	var said [][]byte
	parts := make([]Result, len(cmd.Commands))
	var size atomicSize
	for i, one := range cmd.Commands {
		do := change{m: trial, at: c.at, work: c.work, emit: func(event []byte) { said = append(said, event) }}
		parts[i] = do.run(one)
		p := parts[i].Problem
		if p == nil {
			p = size.add(one.Op(), do.subject, &parts[i])
		}
		if p != nil {
			if mutant.On(mutant.HalfAtomic) {
				*c.m = *trial
			}
			return Result{Problem: partProblem(cmd.Op(), i, p), Current: parts[i].Current}
		}
	}
	*c.m = *trial
	for _, event := range said {
		c.emit(event)
	}
	return Result{Parts: parts}
}

// atomicSize is how much the commands of an Atomic have come to.
type atomicSize struct{ windows, rewindowed int }

// add refuses a command that makes it too much.
func (s *atomicSize) add(op, subject string, res *Result) *problem.Error {
	s.windows += len(res.Windows)
	s.rewindowed += res.Rewindowed
	switch {
	case s.windows > MaxAtomicWindows:
		return &problem.Error{Kind: problem.Refused, Op: op, Subject: subject, Detail: fmt.Sprintf("the flights put have over %d sector windows; cut it into smaller requests", MaxAtomicWindows)}
	case s.rewindowed > MaxRewindow:
		return &problem.Error{Kind: problem.Refused, Op: op, Subject: subject, Detail: fmt.Sprintf("the commands change the windows of over %d flights", MaxRewindow)}
	}
	return nil
}

// fork is a machine that goes on by itself from the same state, in constant time.
func (m *Machine) fork() *Machine {
	f := *m
	f.state = *m.state.copy()
	f.root = nil
	f.ends = m.ends.Copy()
	f.control = m.control.Fork()
	f.state.control = f.control.Board()
	return &f
}
