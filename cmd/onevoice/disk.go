package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// keepFiles makes files that were just written, and their names, survive a cut of the power.
func keepFiles(paths ...string) error {
	for _, path := range paths {
		for _, p := range []string{path, filepath.Dir(path), filepath.Dir(filepath.Dir(path))} {
			f, err := os.Open(p)
			if err != nil {
				return fmt.Errorf("serve: %w", err)
			}
			if err := errors.Join(f.Sync(), f.Close()); err != nil {
				return fmt.Errorf("serve: %w", err)
			}
		}
	}
	return nil
}
