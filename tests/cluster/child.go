package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// stopGrace is how long a component may take to end once it was asked to.
const stopGrace = 5 * time.Second

// child is a running component: this binary in another mode.
type child struct {
	command *exec.Cmd
	log     *os.File
	stdin   io.Closer
	done    chan struct{}
}

// startChild runs this binary in a mode. When the component ends, for whatever reason, failed gets an error that names
// its log.
func startChild(mode, log string, failed chan<- error, args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	command := exec.Command(self, append([]string{mode}, args...)...)
	command.Stdout, command.Stderr = out, out
	// A terminal's ^C goes to the supervisor only, which then stops the components in order.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	c := &child{command: command, log: out, stdin: stdin, done: make(chan struct{})}
	go func() {
		err := command.Wait()
		close(c.done)
		failed <- fmt.Errorf("%s ended (%v); its log is %s", mode, err, log)
	}()
	return c, nil
}

// stop ends the component: SIGTERM first, SIGKILL after the grace.
func (c *child) stop() {
	_ = c.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-time.After(stopGrace):
		_ = c.command.Process.Kill()
		<-c.done
	}
	_ = c.stdin.Close()
	_ = c.log.Close()
}

// endWithParent makes a component end when its supervisor does, even by SIGKILL: its standard input is a pipe that the
// supervisor holds open and never writes to.
func endWithParent() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
		time.Sleep(stopGrace)
		os.Exit(3)
	}()
}
