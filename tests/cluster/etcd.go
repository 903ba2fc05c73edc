package main

import (
	"errors"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"go.etcd.io/etcd/server/v3/embed"
)

const (
	fsyncOn  = "fsync"
	fsyncOff = "nofsync"
)

func etcdSocket(dir string) string { return "unix://" + filepath.Join(dir, "etcd.sock") }

// runEtcd runs a single member in the folder args[0], with or without fsync as args[1] says, until it is told to stop.
func runEtcd(args []string) error {
	if len(args) != 2 {
		return errors.New("etcd needs a folder and " + fsyncOn + " or " + fsyncOff)
	}
	config, err := etcdConfig(args[0], args[1] == fsyncOn)
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	defer etcd.Close()
	select {
	case <-stop:
		return nil
	case err := <-etcd.Err():
		return err
	}
}

func etcdConfig(dir string, fsync bool) (*embed.Config, error) {
	client, err := url.Parse(etcdSocket(dir))
	if err != nil {
		return nil, err
	}
	peer, err := url.Parse("unix://" + filepath.Join(dir, "peer.sock"))
	if err != nil {
		return nil, err
	}
	config := embed.NewConfig()
	config.Dir = filepath.Join(dir, "etcd")
	config.Logger, config.LogLevel, config.LogOutputs = "zap", "warn", []string{"stderr"}
	config.UnsafeNoFsync = !fsync
	config.QuotaBackendBytes = 8 << 30
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{*client}, []url.URL{*client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{*peer}, []url.URL{*peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	// There is one member and no network: a quick election makes the start quick.
	config.TickMs, config.ElectionMs = 10, 100
	return config, nil
}
