//go:build !mutants

package main

// plantBug does nothing: this build holds no bugs.
func plantBug() error { return nil }
