package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// readyLimit is how long the API server may take to become ready, on a slow machine with many objects.
const readyLimit = 2 * time.Minute

// supervise runs the components until it is told to stop or one of them ends; the latter is an error.
func supervise(o *options) error {
	start := time.Now()
	if o.temporary {
		defer os.RemoveAll(o.dir)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	if o.stopWithStdin {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			cancel()
		}()
	}
	creds, err := writeCredentials(o.dir, o.kubeconfig, o.server())
	if err != nil {
		return err
	}
	plane := &controlPlane{failed: make(chan error, 4)}
	defer plane.stop()
	if err := plane.start(ctx, o, creds); err != nil {
		if ctx.Err() != nil {
			return nil // Being told to stop during the start is not an error.
		}
		return err
	}
	fmt.Printf("ready %s %s %.2fs\n", o.server(), o.kubeconfig, time.Since(start).Seconds())
	select {
	case err := <-plane.failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// controlPlane is the set of running components, in the order of their start.
type controlPlane struct {
	children []*child
	failed   chan error
}

func (p *controlPlane) start(ctx context.Context, o *options, creds *credentials) error {
	sync := fsyncOff
	if o.fsync {
		sync = fsyncOn
	}
	if err := p.add(modeEtcd, o, o.dir, sync); err != nil {
		return err
	}
	if err := p.add(modeAPIServer, o, o.apiServerArgs(creds)...); err != nil {
		return err
	}
	if err := p.waitReady(ctx, o.server(), creds); err != nil {
		return err
	}
	if o.withKubelet {
		if err := p.add(modeKubelet, o, o.kubeletArgs(creds)...); err != nil {
			return err
		}
	}
	if !o.withControllers {
		return nil
	}
	return p.add(modeControllers, o, o.controllerManagerArgs(creds)...)
}

func (p *controlPlane) add(mode string, o *options, args ...string) error {
	c, err := startChild(mode, o.in(mode+".log"), p.failed, args...)
	if err == nil {
		p.children = append(p.children, c)
	}
	return err
}

// waitReady asks the API server until it says that it is ready.
func (p *controlPlane) waitReady(ctx context.Context, server string, creds *credentials) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyLimit, fmt.Errorf("kube-apiserver was not ready after %v", readyLimit))
	defer cancel()
	tls := &tls.Config{RootCAs: creds.pool}
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: tls}}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-p.failed:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		answer, err := client.Get(server + "/readyz")
		if err != nil {
			continue
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			return nil
		}
	}
}

// stop ends the components, the last started first: the API server must not lose its etcd.
func (p *controlPlane) stop() {
	for i := len(p.children) - 1; i >= 0; i-- {
		p.children[i].stop()
	}
}
