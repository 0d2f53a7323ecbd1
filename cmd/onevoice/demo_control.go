package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// A running demo listens on a socket in the user's runtime directory, so that another command finds it. One line of JSON
// goes each way.

// controlRequest asks a running demo for something.
type controlRequest struct {
	Restart string `json:"restart"` // the server to start again
}

// controlReply answers it.
type controlReply struct {
	Pid   int    `json:"pid,omitempty"`
	Error string `json:"error,omitempty"`
}

const controlTimeout = 10 * time.Second

// controlDir is where demos of this user are found.
func controlDir() (string, error) {
	base := os.Getenv("XDG_RUNTIME_DIR")
	if base == "" {
		base = filepath.Join(os.TempDir(), "onevoice-"+strconv.Itoa(os.Getuid()))
	} else {
		base = filepath.Join(base, "onevoice")
	}
	if err := os.MkdirAll(base, 0o700); err != nil {
		return "", fmt.Errorf("demo: %w", err)
	}
	return base, nil
}

func controlSocket(port int) (string, error) {
	dir, err := controlDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, fmt.Sprintf("demo-%d.sock", port)), nil
}

// serveControl answers requests until ctx ends, and then removes the socket.
func serveControl(ctx context.Context, port int, restart func(name string) (pid int, err error)) (stop func(), err error) {
	path, err := controlSocket(port)
	if err != nil {
		return nil, err
	}
	if conn, err := net.Dial("unix", path); err == nil {
		conn.Close()
		return nil, fmt.Errorf("demo: one is already running on port %d; stop it, or give --port", port)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("demo: %w", err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed by stop
			}
			answerControl(conn, restart)
		}
	}()
	return func() {
		listener.Close()
		<-ended
	}, ctx.Err()
}

func answerControl(conn net.Conn, restart func(string) (int, error)) {
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(controlTimeout)); err != nil {
		return
	}
	var request controlRequest
	var reply controlReply
	if err := json.NewDecoder(bufio.NewReaderSize(conn, 4096)).Decode(&request); err != nil {
		reply.Error = "not a request: " + err.Error()
	} else if pid, err := restart(request.Restart); err != nil {
		reply.Error = err.Error()
	} else {
		reply.Pid = pid
	}
	if err := json.NewEncoder(conn).Encode(reply); err != nil {
		return // the asker has gone; nothing is lost
	}
}

// askDemo sends a request to the demo on port, or to the only one there is where port is 0.
func askDemo(port int, request controlRequest) (controlReply, error) {
	var reply controlReply
	path, err := findDemo(port)
	if err != nil {
		return reply, err
	}
	conn, err := net.DialTimeout("unix", path, controlTimeout)
	if err != nil {
		return reply, fmt.Errorf("no demo is running; start one with: onevoice demo")
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(controlTimeout)); err != nil {
		return reply, err
	}
	if err := json.NewEncoder(conn).Encode(request); err != nil {
		return reply, fmt.Errorf("demo: %w", err)
	}
	if err := json.NewDecoder(conn).Decode(&reply); err != nil {
		return reply, fmt.Errorf("demo: %w", err)
	}
	if reply.Error != "" {
		return reply, errors.New(reply.Error)
	}
	return reply, nil
}

func findDemo(port int) (string, error) {
	if port != 0 {
		return controlSocket(port)
	}
	dir, err := controlDir()
	if err != nil {
		return "", err
	}
	found, err := filepath.Glob(filepath.Join(dir, "demo-*.sock"))
	if err != nil {
		return "", err
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("no demo is running; start one with: onevoice demo")
	case 1:
		return found[0], nil
	}
	return "", usageError{fmt.Errorf("%d demos are running; say which with --port", len(found))}
}
