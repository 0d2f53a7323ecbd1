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
	// Commands are 1 to MaxAtomic changes of flights, sectors and other things with names; no Atomic, no combining and splitting of
	// sectors, and no settings.
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
		case Atomic, CombineSectors, SplitSector, SetService, SetRules, SetHistory:
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
	case PutZone, RemoveZone:
		return "zone"
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
//
// Sectors change together. Where the entry cannot take all that they change, all of them are staged as one; the flights of the request are put
// at once.
func (cmd Atomic) apply(c *change) Result {
	run := cmd.run(c, false)
	if run.refusal == nil && run.size.apart(c.m.steps) {
		*c.work = 0
		run = cmd.run(c, true)
	}
	if run.refusal != nil {
		if mutant.On(mutant.HalfAtomic) {
			*c.m = *run.trial
		}
		return *run.refusal
	}
	*c.m = *run.trial
	for _, event := range run.said {
		c.emit(event)
	}
	return Result{Parts: run.parts, Staged: run.size.staged > 0}
}

// atomicRun is what the commands of an Atomic came to, on a machine of their own.
type atomicRun struct {
	trial   *Machine
	said    [][]byte
	parts   []Result
	size    atomicSize
	refusal *Result // nil where there is none
}

func (cmd Atomic) run(c *change, stageAll bool) atomicRun {
	r := atomicRun{trial: c.m.fork(), parts: make([]Result, len(cmd.Commands))}
	for i, one := range cmd.Commands {
		do := change{m: r.trial, at: c.at, work: c.work, stageAll: stageAll, emit: func(event []byte) { r.said = append(r.said, event) }}
		r.parts[i] = do.run(one)
		p := r.parts[i].Problem
		if p == nil {
			p = r.size.add(one, do.subject, &r.parts[i])
		}
		if p != nil {
			r.refusal = &Result{Problem: partProblem(cmd.Op(), i, p), Current: r.parts[i].Current}
			return r
		}
	}
	return r
}

// atomicSize is how much the commands of an Atomic have come to; sectors and staged count those that change one, and those of them that are
// staged.
type atomicSize struct{ windows, rewindowed, sectors, staged int }

// add refuses a command that makes it too much.
func (s *atomicSize) add(cmd Command, subject string, res *Result) *problem.Error {
	s.windows += len(res.Windows)
	s.rewindowed += res.Rewindowed
	if nounOf(cmd) == "sector" {
		s.sectors++
	}
	if res.Staged {
		s.staged++
	}
	if s.windows > MaxAtomicWindows {
		return &problem.Error{Kind: problem.Refused, Op: cmd.Op(), Subject: subject, Detail: fmt.Sprintf("the flights put have over %d sector windows; cut it into smaller requests", MaxAtomicWindows)}
	}
	return nil
}

// apart says that sectors which the entry has changed would hold before others that are staged, or that it has changed too many flights.
func (s *atomicSize) apart(steps Steps) bool {
	return s.staged > 0 && s.staged < s.sectors || s.rewindowed > steps.Flights
}

// fork is a machine that goes on by itself from the same state, in constant time.
func (m *Machine) fork() *Machine {
	f := *m
	f.state = *m.state.copy()
	f.root = nil
	f.ends, f.zoneEnds, f.checks = m.ends.Copy(), m.zoneEnds.Copy(), m.checks.Copy()
	f.control = m.control.Fork()
	f.state.control = f.control.Board()
	return &f
}
