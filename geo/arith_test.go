package geo

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func bigInt(v int64) *big.Int { return big.NewInt(v) }

// drawWide draws numbers of all sizes up to the bound, ends included.
func drawWide(t *rapid.T, name string, bound int64) int64 {
	shift := rapid.IntRange(0, 40).Draw(t, name+" shift")
	return rapid.Int64Range(-(bound>>shift), bound>>shift).Draw(t, name)
}

func TestCrossIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ax, bx := drawWide(t, "ax", 5_400_000_000), drawWide(t, "bx", 5_400_000_000)
		ay, by := drawWide(t, "ay", 900_000_000), drawWide(t, "by", 900_000_000)
		want := new(big.Int).Mul(bigInt(ax), bigInt(by))
		want.Sub(want, new(big.Int).Mul(bigInt(ay), bigInt(bx)))
		sign, mag := cross(ax, ay, bx, by)
		if sign != want.Sign() || new(big.Int).SetUint64(mag).CmpAbs(want) != 0 {
			t.Fatalf("cross(%d,%d,%d,%d) = %d %d, want %v", ax, ay, bx, by, sign, mag, want)
		}
	})
}

func TestPartIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		den := rapid.Uint64Min(1).Draw(t, "den")
		num := rapid.Uint64Max(den).Draw(t, "num")
		dt := rapid.Int64Range(0, MaxAtNs).Draw(t, "dt")
		p := new(big.Int).Mul(bigInt(dt), new(big.Int).SetUint64(num))
		q, r := new(big.Int).DivMod(p, new(big.Int).SetUint64(den), new(big.Int))
		if got := partDown(dt, num, den); got != q.Int64() {
			t.Fatalf("partDown(%d,%d,%d) = %d, want %v", dt, num, den, got, q)
		}
		if r.Sign() != 0 {
			q.Add(q, bigInt(1))
		}
		if got := partUp(dt, num, den); got != q.Int64() {
			t.Fatalf("partUp(%d,%d,%d) = %d, want %v", dt, num, den, got, q)
		}
	})
}

func TestRootIsLeast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hi := rapid.Uint64Max(1<<62-1).Draw(t, "hi") >> rapid.IntRange(0, 63).Draw(t, "shift")
		lo := rapid.Uint64().Draw(t, "lo")
		if rapid.Bool().Draw(t, "square") {
			q := rapid.Uint64Max(1<<62).Draw(t, "q")
			h, l := mul128(int64(q), int64(q))
			hi, lo = uint64(h), l
		}
		v := new(big.Int).SetUint64(hi)
		v.Lsh(v, 64).Add(v, new(big.Int).SetUint64(lo))
		want := new(big.Int).Sqrt(v)
		if new(big.Int).Mul(want, want).Cmp(v) < 0 {
			want.Add(want, bigInt(1))
		}
		if got := rootUp(hi, lo); got != want.Uint64() {
			t.Fatalf("rootUp(%d,%d) = %d, want %v", hi, lo, got, want)
		}
	})
}

func TestCosDownIsJustBelow(t *testing.T) {
	check := func(lat int64) {
		exact := math.Cos(float64(lat)/1e7*math.Pi/180) * oneQ30
		if got := float64(cosDown(lat)); got > exact || got < exact-64 && got != 0 || got == 0 && exact > 64 {
			t.Fatalf("cosDown(%d) = %v, true %v", lat, got, exact)
		}
	}
	for lat := int64(0); lat <= quarterE7; lat += 12_347 {
		check(lat)
		check(-lat)
	}
	for _, lat := range []int64{quarterE7 - 1, quarterE7, -quarterE7} {
		check(lat)
	}
	if cosDown(quarterE7+degE7) != 0 {
		t.Fatal("beyond the pole")
	}
}
