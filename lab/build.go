package lab

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// Build builds this program with build tags, from the source at or above the current directory, into dir, and gives the binary's
// path. What the laboratory builds so is in no shipped binary.
func Build(ctx context.Context, dir, tags string) (string, error) {
	tool, err := exec.LookPath("go")
	if err != nil {
		return "", fmt.Errorf("lab: servers of the laboratory are built from source, and there is no go command here: %w", err)
	}
	root, err := sourceRoot("")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "onevoice-laboratory")
	cmd := exec.CommandContext(ctx, tool, "build", "-tags", tags, "-o", binary, "./cmd/onevoice")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("lab: go build -tags %s ./cmd/onevoice in %s: %w\n%s", tags, root, err, out)
	}
	return binary, nil
}
