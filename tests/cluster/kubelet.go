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
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

const (
	// nodeName is the one machine: a pod runs on it when its spec.nodeName says so, since there is no scheduler.
	nodeName = "testnode"
	// streamsWithin is how long a client may take to open the streams of a command, and idleMax how long they may be silent.
	streamsWithin = 10 * time.Second
	idleMax       = time.Hour
)

// kubelet stands for a machine: pods that are placed on it are told to be running at once, and commands "in their
// containers" are processes of this machine, in a folder of the container's own. No image is pulled and nothing else runs.
type kubelet struct {
	client kubernetes.Interface
	dir    string
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

// follow says that a new pod runs, and lets one go whose deletion was asked for.
func (k *kubelet) follow(ctx context.Context, pod *corev1.Pod) {
	pods := k.client.CoreV1().Pods(pod.Namespace)
	var err error
	switch {
	case pod.DeletionTimestamp != nil:
		now := int64(0)
		uid := metav1.Preconditions{UID: &pod.UID}
		err = pods.Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: &uid})
	case pod.Status.Phase == corev1.PodPending:
		running := pod.DeepCopy()
		running.Status.Phase = corev1.PodRunning
		running.Status.ContainerStatuses = containerStatuses(pod)
		_, err = pods.UpdateStatus(ctx, running, metav1.UpdateOptions{})
	}
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		fmt.Fprintf(os.Stderr, "pod %s/%s: %v\n", pod.Namespace, pod.Name, err)
	}
}

func containerStatuses(pod *corev1.Pod) []corev1.ContainerStatus {
	statuses := make([]corev1.ContainerStatus, 0, len(pod.Spec.Containers))
	for _, container := range pod.Spec.Containers {
		started := true
		statuses = append(statuses, corev1.ContainerStatus{
			Name: container.Name, Image: container.Image, ImageID: "none", Ready: true, Started: &started,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}},
		})
	}
	return statuses
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
