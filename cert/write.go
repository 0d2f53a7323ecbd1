package cert

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// WriteIssued puts a new certificate, its key and the authority's certificate into a directory, as NAME.crt, NAME.key (readable
// by its owner alone) and ca.crt. A certificate or key that is there already is never overwritten. It returns the files.
func WriteIssued(dir, name string, certificate, key, authority []byte) (Files, error) {
	files := Files{CA: filepath.Join(dir, authorityFile), Cert: filepath.Join(dir, name+".crt"), Key: filepath.Join(dir, name+".key")}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return files, fmt.Errorf("issue certificate: %w", err)
	}
	if _, err := os.Lstat(files.Cert); !errors.Is(err, os.ErrNotExist) {
		return files, fmt.Errorf("issue certificate: %s is there already; onevoice cert renew makes a new one in its place", files.Cert)
	}
	err := writeNew(files.Key, key, 0o600)
	if err == nil {
		err = writeNew(files.Cert, certificate, 0o644)
	}
	if err == nil {
		// A bundle of several authorities that lies there stays.
		if err = writeNew(files.CA, authority, 0o644); errors.Is(err, os.ErrExist) {
			err = nil
		}
	}
	if err != nil {
		return files, fmt.Errorf("issue certificate: %w", err)
	}
	return files, nil
}

// WriteRenewed puts a new certificate and key in the place of the old ones: the key first, each at once.
func WriteRenewed(files Files, certificate, key []byte) error {
	mode := os.FileMode(0o600)
	if info, err := os.Stat(files.Key); err == nil {
		mode = info.Mode().Perm()
	}
	if err := replace(files.Key, key, mode); err != nil {
		return fmt.Errorf("renew certificate: %w", err)
	}
	if err := replace(files.Cert, certificate, 0o644); err != nil {
		return fmt.Errorf("renew certificate: %w", err)
	}
	return nil
}
