package fence

import (
	"fmt"

	"onevoice/problem"
)

// Storage keeps the highest token of each name, beside what the lock protects: best in the same transaction.
type Storage interface {
	// Highest is the token kept under a name; the zero Token where there is none.
	Highest(name string) (Token, error)
	// Keep puts a token in its place. It returns when no loss of power can take it back; until then the Guard admits nobody.
	Keep(name string, t Token) error
}

// Guard stands before a resource. Its owner calls it for one request at a time: between Admit and the work that it admitted
// nothing else of that name may come.
type Guard struct{ Storage Storage }

// Admit says whether who shows a token may act under a name: nil, or why not. A higher token than the highest seen is kept, and from then on
// lower ones are refused as Expired; the same one is admitted again and again.
func (g Guard) Admit(name string, t Token) error {
	const op = "admit holder"
	if t.Seq == 0 || t.Holder == (Holder{}) {
		return &problem.Error{Kind: problem.Invalid, Op: op, Subject: problem.Clip(name), Field: "token", Value: t.String(), Allowed: "a token as the lock was granted with"}
	}
	highest, err := g.Storage.Highest(name)
	if err != nil {
		return fmt.Errorf("%s %s: %w", op, problem.Clip(name), err)
	}
	switch order := t.Compare(highest); {
	case order < 0:
		return &problem.Error{Kind: problem.Expired, Op: op, Subject: problem.Clip(name),
			Detail: fmt.Sprintf("token %v is stale, %v was here since: the lock has another holder", t, highest)}
	case order == 0 && t.Holder != highest.Holder:
		return &problem.Error{Kind: problem.TwoVoices, Op: op, Subject: problem.Clip(name),
			Detail: fmt.Sprintf("token %v and %v cannot both have been granted: stop, and ask who made them", t, highest)}
	case order == 0:
		return nil
	}
	if err := g.Storage.Keep(name, t); err != nil {
		return fmt.Errorf("%s %s: %w", op, problem.Clip(name), err)
	}
	return nil
}
