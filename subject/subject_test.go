package subject

import (
	"net/url"
	"strings"
	"testing"
)

var ours = [16]byte{0xc1, 15: 0x0f}

const oursText = "c100000000000000000000000000000f"

func TestClaimsAreWrittenAsTheyAreRead(t *testing.T) {
	for want, c := range map[string]Claim{
		"onevoice://" + oursText + "/ca":                                        {Cluster: ours, Kind: Authority},
		"onevoice://" + oursText + "/server/n1?number=1":                        {Cluster: ours, Kind: Server, Name: "n1", Server: 1, Rights: All},
		"onevoice://" + oursText + "/client/console?rights=read,write":          {Cluster: ours, Kind: Client, Name: "console", Rights: Read | Write},
		"onevoice://" + oursText + "/operator/a@b.example?rights=members":       {Cluster: ours, Kind: Operator, Name: "a@b.example", Rights: Members},
		"onevoice://" + oursText + "/operator/nothing?rights=none":              {Cluster: ours, Kind: Operator, Name: "nothing"},
		"onevoice://" + oursText + "/client/x?rights=settings,backup,debug":     {Cluster: ours, Kind: Client, Name: "x", Rights: Settings | Backup | Debug},
		"onevoice://" + strings.Repeat("0", 32) + "/server/n65536?number=65536": {Kind: Server, Name: "n65536", Server: MaxServer, Rights: All},
	} {
		if got := c.URI().String(); got != want {
			t.Errorf("%+v is %s, want %s", c, got, want)
		}
		u, err := url.Parse(want)
		if err != nil {
			t.Fatal(err)
		}
		other, _ := url.Parse("spiffe://example/x")
		got, err := FindClaim([]*url.URL{other, u, nil})
		if err != nil || got != c {
			t.Errorf("%s reads as %+v, %v", want, got, err)
		}
	}
}

func TestClaimsThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"onevoice://c1/server/n1?number=1":                                               "its cluster is",
		"onevoice://" + oursText + "/server/n1":                                          "server number",
		"onevoice://" + oursText + "/server/n1?number=0":                                 "server number",
		"onevoice://" + oursText + "/server/n1?number=65537":                             "server number",
		"onevoice://" + oursText + "/server/n1?number=01":                                "allowed: as in",
		"onevoice://" + oursText + "/server/?number=1":                                   "its name is",
		"onevoice://" + oursText + "/server/a/b?number=1":                                "its name is",
		"onevoice://" + oursText + "/king/n1?rights=all":                                 "its kind is",
		"onevoice://" + oursText + "/client/n1":                                          "its rights are",
		"onevoice://" + oursText + "/client/n1?rights=all":                               "allowed: as in",
		"onevoice://" + oursText + "/client/n1?rights=write,read":                        "allowed: as in",
		"onevoice://" + oursText + "/client/n1?rights=read&number=1":                     "rights hold",
		"onevoice://" + oursText + "/client/.hidden?rights=read":                         "its name is",
		"onevoice://" + oursText + "/client/-flag?rights=read":                           "its name is",
		"onevoice://" + oursText + "/client/" + strings.Repeat("x", 65) + "?rights=read": "its name is",
		"onevoice://" + oursText + "/ca/other":                                           "allowed: as in",
		"onevoice://user@" + oursText + "/ca":                                            "allowed: as in",
		"spiffe://" + oursText + "/ca":                                                   "not a certificate of this service",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := FindClaim([]*url.URL{u}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v, want an error with %q", text, c, err, want)
		}
	}
	one, _ := url.Parse("onevoice://" + oursText + "/ca")
	if _, err := FindClaim([]*url.URL{one, one}); err == nil {
		t.Error("two claims are taken")
	}
}

func TestRights(t *testing.T) {
	all, err := ParseRights("all")
	if err != nil || all != All || all.String() != "read,write,settings,members,backup,debug,export,control,supervise" {
		t.Errorf("all is %v, %v", all, err)
	}
	for _, bad := range []string{"", "read,", "Read", "admin", "read write"} {
		if r, err := ParseRights(bad); err == nil {
			t.Errorf("%q is %v", bad, r)
		}
	}
	for scope, want := range map[string]Rights{
		"": 0, "onevoice.read": Read, "onevoice.read onevoice.members": Read | Members, "read write": 0, "onevoice.all": 0,
		"utm.strategic_coordination onevoice.write": Write, "onevoice.readonevoice.write": 0,
	} {
		if got := FromScope(scope); got != want {
			t.Errorf("scope %q gives %v, want %v", scope, got, want)
		}
	}
	if both := Read | Write; Read.Has(both) || !both.Has(Read) || !both.Has(both) || Rights(0).Has(Read) {
		t.Error("one of two rights counts as both, or both not as one")
	}
	if got := (All + 1).String(); got != "none" {
		t.Errorf("a right that there is not is %q", got)
	}
	if Anonymous().Rights != 0 || Loopback().Rights != All || Client.Default() != Read|Write || Kind("").Default() != 0 {
		t.Error("who has shown nothing has rights, or nobody has")
	}
}

func TestKeysTellSubjectsApart(t *testing.T) {
	seen := map[string]string{}
	for _, s := range []Subject{
		{}, {Name: "a", Kind: Client}, {Name: "a", Kind: Operator}, {Name: "a", Organisation: "b", Kind: Client}, {Name: "b", Organisation: "a", Kind: Client},
	} {
		if other, twice := seen[s.Key()]; twice {
			t.Errorf("%v and %s share a key", s, other)
		}
		seen[s.Key()] = s.String()
	}
	if got := (Subject{Name: "alice", Organisation: "Skyguide", Kind: Operator, Via: ByCertificate}).String(); got != "alice of Skyguide (operator, by certificate)" {
		t.Error(got)
	}
}

func FuzzClaim(f *testing.F) {
	f.Add("onevoice://" + oursText + "/server/n1?number=1")
	f.Add("onevoice://" + oursText + "/client/c?rights=read")
	f.Add("onevoice://" + oursText + "/ca")
	f.Fuzz(func(t *testing.T, text string) {
		u, err := url.Parse(text)
		if err != nil {
			return
		}
		c, err := FindClaim([]*url.URL{u})
		if err == nil && c.URI().String() != text {
			t.Errorf("%q is read as %+v, which is %s: one holder under two names", text, c, c.URI())
		}
	})
}
