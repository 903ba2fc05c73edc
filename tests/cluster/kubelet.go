package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/retry"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

const (
	// nodeName is the one machine: a pod runs on it when its spec.nodeName says so, since there is no scheduler.
	nodeName = "testnode"
	// streamsWithin is how long a client may take to open the streams of a command, and idleMax how long they may be silent.
	streamsWithin = 10 * time.Second
	idleMax       = time.Hour
	// probesEvery is how often a container that is not ready is probed.
	probesEvery = 200 * time.Millisecond
)

// kubelet stands for a machine: pods that are placed on it are told to be running, and what runs in them are processes of
// this machine, each in a folder of its container's own: the commands of init containers, of readiness probes, and those that
// the API server asks for. No image is pulled and nothing else runs.
type kubelet struct {
	client kubernetes.Interface
	dir    string
	// started holds the pods that were begun, by their uids.
	started sync.Map
}

// runKubelet runs the machine until it is told to stop. Its arguments are a kubeconfig, a certificate with its key, and the
// folder under which each container has its own.
func runKubelet(args []string) error {
	if len(args) != 4 {
		return errors.New("the kubelet needs a kubeconfig, a certificate, its key and a folder")
	}
	config, err := clientcmd.BuildConfigFromFlags("", args[0])
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	k := &kubelet{client: client, dir: args[3]}
	certificate, err := tls.LoadX509KeyPair(args[1], args[2])
	if err != nil {
		return err
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		return err
	}
	if err := k.register(ctx, listener.Addr().(*net.TCPAddr).Port); err != nil {
		return err
	}
	go k.runPods(ctx)
	routes := http.NewServeMux()
	routes.HandleFunc("/exec/{namespace}/{pod}/{container}", k.serveExec)
	server := &http.Server{Handler: routes, ReadHeaderTimeout: streamsWithin}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// register makes the node, or gives the one that an earlier start made its new port.
func (k *kubelet) register(ctx context.Context, port int) error {
	nodes := k.client.CoreV1().Nodes()
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: nodeName, Labels: map[string]string{
		corev1.LabelHostname: nodeName, corev1.LabelOSStable: "linux",
	}}}
	made, err := nodes.Create(ctx, node, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		made, err = nodes.Get(ctx, nodeName, metav1.GetOptions{})
	}
	if err != nil {
		return err
	}
	made.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}}
	made.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(port)
	made.Status.Conditions = []corev1.NodeCondition{{
		Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "TestKubelet",
		LastHeartbeatTime: metav1.Now(), LastTransitionTime: metav1.Now(),
	}}
	_, err = nodes.UpdateStatus(ctx, made, metav1.UpdateOptions{})
	return err
}

// runPods follows the pods of the node.
func (k *kubelet) runPods(ctx context.Context) {
	ours := fields.OneTermEqualSelector("spec.nodeName", nodeName)
	source := cache.NewListWatchFromClient(k.client.CoreV1().RESTClient(), "pods", metav1.NamespaceAll, ours)
	seen := func(object any) {
		if pod, ok := object.(*corev1.Pod); ok {
			k.follow(ctx, pod)
		}
	}
	_, informer := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: source, ObjectType: &corev1.Pod{},
		Handler: cache.ResourceEventHandlerFuncs{AddFunc: seen, UpdateFunc: func(_, object any) { seen(object) }},
	})
	informer.RunWithContext(ctx)
}

// follow starts a new pod, and lets one go whose deletion was asked for.
func (k *kubelet) follow(ctx context.Context, pod *corev1.Pod) {
	switch {
	case pod.DeletionTimestamp != nil:
		now := int64(0)
		uid := metav1.Preconditions{UID: &pod.UID}
		options := metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: &uid}
		complain(pod, k.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, options))
	case pod.Status.Phase == corev1.PodPending:
		if _, started := k.started.LoadOrStore(pod.UID, true); !started {
			go k.start(ctx, pod.DeepCopy())
		}
	}
}

// start runs the init containers of a pod one after the other, then says that the others run, and which of them are ready.
// A container without a command of its own has ended at once where it is an init container, and runs for ever otherwise.
func (k *kubelet) start(ctx context.Context, pod *corev1.Pod) {
	status := pod.Status.DeepCopy()
	for _, container := range pod.Spec.InitContainers {
		state := corev1.ContainerStatus{Name: container.Name, Image: container.Image, ImageID: "none", Ready: true}
		if container.RestartPolicy != nil {
			state.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.Now()}
		} else {
			code := k.run(ctx, pod, container.Name, append(container.Command, container.Args...))
			state.State.Terminated = &corev1.ContainerStateTerminated{ExitCode: code, FinishedAt: metav1.Now()}
			state.Ready = code == 0
		}
		status.InitContainerStatuses = append(status.InitContainerStatuses, state)
		if !state.Ready {
			status.Phase = corev1.PodFailed
			complain(pod, k.tell(ctx, pod, status))
			return
		}
	}
	status.Phase = corev1.PodRunning
	for _, container := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, running(container))
	}
	complain(pod, k.tell(ctx, pod, status))
	k.probe(ctx, pod, status)
}

// probe runs the readiness probes that are commands until each has succeeded once, or the pod is gone.
func (k *kubelet) probe(ctx context.Context, pod *corev1.Pod, status *corev1.PodStatus) {
	waiting := len(status.ContainerStatuses)
	for waiting > 0 && ctx.Err() == nil {
		waiting = 0
		became := false
		for at, container := range pod.Spec.Containers {
			state := &status.ContainerStatuses[at]
			if !state.Ready {
				state.Ready = k.run(ctx, pod, container.Name, container.ReadinessProbe.Exec.Command) == 0
				became = became || state.Ready
			}
			if !state.Ready {
				waiting++
			}
		}
		if became {
			complain(pod, k.tell(ctx, pod, status))
		}
		now, err := k.client.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) || err == nil && now.UID != pod.UID {
			return
		}
		time.Sleep(probesEvery)
	}
}

// run runs a command in the folder of a container, and returns its exit code.
func (k *kubelet) run(ctx context.Context, pod *corev1.Pod, container string, command []string) int32 {
	if len(command) == 0 {
		return 0
	}
	err := k.ExecInContainer(ctx, pod.Namespace+"_"+pod.Name, "", container, command, nil, nil, nil, false, nil, 0)
	var ended utilexec.CodeExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &ended):
		return int32(ended.Code)
	default:
		complain(pod, err)
		return 128
	}
}

// tell writes the status of the pod, whoever else writes it meanwhile.
func (k *kubelet) tell(ctx context.Context, pod *corev1.Pod, status *corev1.PodStatus) error {
	pods := k.client.CoreV1().Pods(pod.Namespace)
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		now, err := pods.Get(ctx, pod.Name, metav1.GetOptions{})
		if err != nil || now.UID != pod.UID {
			return err
		}
		now.Status = *status.DeepCopy()
		_, err = pods.UpdateStatus(ctx, now, metav1.UpdateOptions{})
		return err
	})
}

func complain(pod *corev1.Pod, err error) {
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		fmt.Fprintf(os.Stderr, "pod %s/%s: %v\n", pod.Namespace, pod.Name, err)
	}
}

// running is the state of a container that runs: it is ready, unless it has a probe that is to say so.
func running(container corev1.Container) corev1.ContainerStatus {
	started := true
	probed := container.ReadinessProbe != nil && container.ReadinessProbe.Exec != nil
	return corev1.ContainerStatus{
		Name: container.Name, Image: container.Image, ImageID: "none", Ready: !probed, Started: &started,
		State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}},
	}
}

// serveExec is what the API server asks for a command, in either of its protocols.
func (k *kubelet) serveExec(w http.ResponseWriter, r *http.Request) {
	options, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	pod := r.PathValue("namespace") + "_" + r.PathValue("pod")
	remotecommand.ServeExec(w, r, k, pod, "", r.PathValue("container"), r.URL.Query()["command"], options,
		idleMax, streamsWithin, remotecommand.SupportedStreamingProtocols)
}

// ExecInContainer runs a process in the folder of the container, which is made for its first one.
func (k *kubelet) ExecInContainer(ctx context.Context, pod, _, container string, command []string, in io.Reader,
	out, err io.WriteCloser, _ bool, _ <-chan remotecommand.TerminalSize, _ time.Duration) error {
	if len(command) == 0 || strings.Contains(pod+container, "/") {
		return errors.New("there is no command, or no such container")
	}
	folder := filepath.Join(k.dir, pod, container)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	process := exec.CommandContext(ctx, command[0], command[1:]...)
	process.Dir, process.Env = folder, []string{"PATH=/usr/local/bin:/usr/bin:/bin"}
	process.Stdin, process.Stdout, process.Stderr = in, out, err
	return exitError(process.Run())
}

// exitError is the error of a process in the form that the protocol tells exit codes by.
func exitError(err error) error {
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return utilexec.CodeExitError{Err: err, Code: ended.ExitCode()}
	}
	return err
}
