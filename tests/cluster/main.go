// testcluster runs a real Kubernetes control plane on 127.0.0.1 for tests: etcd, kube-apiserver and
// kube-controller-manager, and where it is asked for one machine that runs commands, all from this one binary, without
// containers and without root.
//
// Called without a mode it supervises: it re-executes itself once a component, waits until the API server is ready,
// prints one line
//
//	ready https://127.0.0.1:PORT KUBECONFIG SECONDS
//
// and runs until it gets SIGTERM or SIGINT, its standard input closes, or a component ends. There is no scheduler, so pods
// stay Pending but for those that name the machine; everything that the API server and the controllers do without nodes is
// real.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	_ "time/tzdata" // The CronJob controller needs time zones; a test machine may have none.

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

// The modes in which the binary runs itself.
const (
	modeEtcd        = "etcd"
	modeAPIServer   = "apiserver"
	modeControllers = "controllers"
	modeKubelet     = "kubelet"
)

func main() {
	mode, args := "", os.Args[1:]
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		mode, args = args[0], args[1:]
	}
	if err := runMode(mode, args); err != nil {
		fmt.Fprintln(os.Stderr, "testcluster:", err)
		os.Exit(1)
	}
}

func runMode(mode string, args []string) error {
	switch mode {
	case "":
		options, err := parseOptions(args)
		if err != nil {
			return err
		}
		return supervise(options)
	case modeEtcd:
		endWithParent()
		return runEtcd(args)
	case modeAPIServer:
		endWithParent()
		command := apiserver.NewAPIServerCommand()
		command.SetArgs(args)
		return ended(cli.Run(command))
	case modeControllers:
		endWithParent()
		command := controllers.NewControllerManagerCommand()
		command.SetArgs(args)
		return ended(cli.Run(command))
	case modeKubelet:
		endWithParent()
		return runKubelet(args)
	default:
		return fmt.Errorf("unknown mode %q: call it without one, see -help", mode)
	}
}

func ended(code int) error {
	if code == 0 {
		return nil
	}
	return errors.New("ended with an error; the lines above say which")
}
