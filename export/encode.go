package export

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// The endings of the files that an engine reads, and the words for them.
const (
	parquetEnding = "parquet"
	jsonEnding    = "jsonl.gz"
)

// Endings are what a history can be written as, by their words.
func Endings() map[string]string {
	return map[string]string{"parquet": parquetEnding, "jsonl": jsonEnding}
}

// encode makes a file of rows.
func encode[R any](ending string, rows []R) ([]byte, error) {
	var out bytes.Buffer
	if ending == parquetEnding {
		w := parquet.NewGenericWriter[R](&out, parquet.Compression(&parquet.Zstd), parquet.CreatedBy("onevoice", "1", "history"))
		_, err := w.Write(rows)
		err = errors.Join(err, w.Close())
		return out.Bytes(), err
	}
	z := gzip.NewWriter(&out)
	to := json.NewEncoder(z)
	to.SetEscapeHTML(false)
	for i := range rows {
		if err := to.Encode(&rows[i]); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return out.Bytes(), err
}

// decode reads a file that encode made, at most most rows.
func decode[R any](ending string, b []byte, most int) (rows []R, err error) {
	// The library panics on some bytes that are no Parquet; a damaged file is an error.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it cannot be read: %v", p)
		}
	}()
	if ending == parquetEnding {
		return decodeParquet[R](b, most)
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	from := json.NewDecoder(z)
	from.DisallowUnknownFields()
	for {
		var row R
		err := from.Decode(&row)
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		if len(rows) == most {
			return nil, fmt.Errorf("it has more than %d rows", most)
		}
		rows = append(rows, row)
	}
}

func decodeParquet[R any](b []byte, most int) ([]R, error) {
	r := parquet.NewGenericReader[R](bytes.NewReader(b))
	defer func() { _ = r.Close() }() // it is over memory
	if n := r.NumRows(); n < 0 || n > int64(most) {
		return nil, fmt.Errorf("it has %d rows, the manifest says %d", n, most)
	}
	rows := make([]R, r.NumRows())
	for at := 0; at < len(rows); {
		n, err := r.Read(rows[at:])
		at += n
		if err != nil && !errors.Is(err, io.EOF) || n == 0 && at < len(rows) {
			return nil, fmt.Errorf("row %d: %w", at, err)
		}
	}
	return rows, nil
}
