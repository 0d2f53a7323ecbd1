package cluster

import (
	"errors"
	"path/filepath"
	"testing"
)

func TestARestoredClusterHasAnIdentityOfItsOwn(t *testing.T) {
	servers, err := ParseServers("n1=127.0.0.1:7480,n2=127.0.0.1:7481,n3=127.0.0.1:7482")
	if err != nil {
		t.Fatal(err)
	}
	var nonces []string
	restored := func(nonce string) (*Restored, error) {
		nonces = append(nonces, nonce)
		return &Restored{Backup: "ab", Cluster: "old", Groups: []RestoredGroup{{Group: 1, Index: 7, State: "cd"}}}, nil
	}
	a, err := NewRestored(servers, restored)
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewRestored(servers, restored)
	if err != nil || a.Cluster == b.Cluster || nonces[0] == nonces[1] || a.Nonce != nonces[0] {
		t.Errorf("%+v and %+v of nonces %v: %v", a, b, nonces, err)
	}
	path := filepath.Join(t.TempDir(), "cluster.json")
	if err := Write(path, a); err != nil {
		t.Fatal(err)
	}
	read, err := Read(path)
	if err != nil || read.Restored == nil || read.Restored.Groups[0] != a.Restored.Groups[0] || read.ID() != a.ID() {
		t.Errorf("read %+v, %v", read, err)
	}
	for name, change := range map[string]func(*Restored){
		"another backup": func(r *Restored) { r.Backup = "ef" }, "another state": func(r *Restored) { r.Groups[0].State = "00" },
	} {
		changed, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		change(changed.Restored)
		if changed.Validate() == nil {
			t.Errorf("%s: taken", name)
		}
	}
	read.Restored = nil
	if read.Validate() == nil {
		t.Error("without its backup the file was taken")
	}
	no := errors.New("no")
	if _, err := NewRestored(servers, func(string) (*Restored, error) { return nil, no }); !errors.Is(err, no) {
		t.Errorf("an error became %v", err)
	}
}
