package airspace

import "onevoice/codec"

func appendSectorRecord(w *codec.Writer, s *SectorRecord) {
	appendSector(w, &s.Sector)
	appendVersion(w, s.Version)
}

func readSectorRecord(r *codec.Reader) SectorRecord {
	return SectorRecord{Sector: readSector(r), Version: readVersion(r)}
}

func appendFlightRecord(w *codec.Writer, f *FlightRecord) {
	appendFlight(w, &f.Flight)
	appendVersion(w, f.Version)
	w.Uvarint(f.Since)
	appendWindows(w, f.Windows)
	appendProgress(w, f.Progress)
}

func readFlightRecord(r *codec.Reader) FlightRecord {
	return FlightRecord{
		Flight: readFlight(r), Version: readVersion(r), Since: r.Uvarint(), Windows: readWindows(r), Progress: readProgress(r),
	}
}

func appendSettings(w *codec.Writer, s *Settings) {
	w.I64(s.ServiceAnchorLogNs)
	w.I64(s.ServiceAnchorNs)
	w.I64(s.RateMilli)
	w.I32(s.CrossRefCm)
	w.I64(s.RetainNs)
	appendSeparation(w, s.Separation)
	appendHistory(w, &s.History)
	appendVersion(w, s.Version)
}

func readSettings(r *codec.Reader) Settings {
	return Settings{
		ServiceAnchorLogNs: r.I64(), ServiceAnchorNs: r.I64(), RateMilli: r.I64(), CrossRefCm: r.I32(), RetainNs: r.I64(),
		Separation: readSeparation(r), History: readHistory(r), Version: readVersion(r),
	}
}
