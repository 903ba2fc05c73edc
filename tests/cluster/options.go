package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

type options struct {
	dir, kubeconfig, controllers string
	port                         int
	withControllers, withKubelet bool
	fsync                        bool
	stopWithStdin, temporary     bool
	apiArgs, controllerArgs      repeated
}

// repeated collects the values of a flag that may be given several times.
type repeated []string

func (r *repeated) String() string         { return strings.Join(*r, " ") }
func (r *repeated) Set(value string) error { *r = append(*r, value); return nil }

func parseOptions(args []string) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("testcluster", flag.ExitOnError)
	flags.StringVar(&o.dir, "dir", "", "folder of all state and logs; kept, and used again (default: a temporary one, removed at the end)")
	flags.IntVar(&o.port, "port", 0, "port of the API server on 127.0.0.1 (0: a free one)")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "where to write the kubeconfig (default DIR/kubeconfig)")
	flags.BoolVar(&o.withControllers, "kcm", true, "run kube-controller-manager too")
	flags.BoolVar(&o.withKubelet, "kubelet", false, "run a machine too: commands in the containers of pods that name it run as processes in DIR/pods")
	flags.StringVar(&o.controllers, "controllers", "*,-node-ipam-controller,-node-lifecycle-controller", "which controllers it runs")
	flags.BoolVar(&o.fsync, "etcd-fsync", false, "let etcd fsync; off, writes are faster and a power cut loses them")
	flags.BoolVar(&o.stopWithStdin, "stop-on-stdin-close", true, "stop when the standard input closes")
	flags.Var(&o.apiArgs, "api-arg", "another argument for kube-apiserver (repeatable)")
	flags.Var(&o.controllerArgs, "kcm-arg", "another argument for kube-controller-manager (repeatable)")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return o, o.complete()
}

// complete fills in what was not given: a folder, a port, a kubeconfig.
func (o *options) complete() (err error) {
	if o.dir == "" {
		o.temporary = true
		if o.dir, err = os.MkdirTemp("", "testcluster"); err != nil {
			return err
		}
	}
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return err
	}
	if o.kubeconfig == "" {
		o.kubeconfig = o.in("kubeconfig")
	}
	if o.port == 0 {
		o.port, err = freePort()
	}
	return err
}

func (o *options) in(name string) string { return filepath.Join(o.dir, name) }

func (o *options) server() string { return fmt.Sprintf("https://127.0.0.1:%d", o.port) }

func (o *options) apiServerArgs(c *credentials) []string {
	return append([]string{
		"--etcd-servers=" + etcdSocket(o.dir),
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", o.port),
		"--tls-cert-file=" + c.tlsCert, "--tls-private-key-file=" + c.tlsKey, "--cert-dir=" + o.dir,
		"--token-auth-file=" + c.tokens, "--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + c.serviceAccountPub,
		"--service-account-signing-key-file=" + c.serviceAccountKey,
		"--service-cluster-ip-range=10.0.0.0/16", "--endpoint-reconciler-type=none",
		"--kubelet-certificate-authority=" + c.ca, "--kubelet-preferred-address-types=InternalIP",
		"--allow-privileged=true", "--shutdown-delay-duration=0s", "--v=0",
	}, o.apiArgs...)
}

func (o *options) controllerManagerArgs(c *credentials) []string {
	return append([]string{
		"--kubeconfig=" + c.kubeconfig, "--leader-elect=false", "--secure-port=0", "--controllers=" + o.controllers,
		"--service-account-private-key-file=" + c.serviceAccountKey, "--root-ca-file=" + c.ca,
		"--kube-api-qps=2000", "--kube-api-burst=4000", "--concurrent-namespace-syncs=20",
		// A claim and its volume that miss each other meet again at the next look, which is 15 seconds away by default.
		"--pvclaimbinder-sync-period=1s", "--v=0",
	}, o.controllerArgs...)
}

func (o *options) kubeletArgs(c *credentials) []string {
	return []string{c.kubeconfig, c.tlsCert, c.tlsKey, o.in("pods")}
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
