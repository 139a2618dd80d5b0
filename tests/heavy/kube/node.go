package main

import (
	"context"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

const nodeName = "node"

// missing is the digest of an image that the registry of this world does not have.
const missing = "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

// node stands in for the scheduler and for one kubelet: it takes every pod, and says at once that it runs, or that its
// image cannot be pulled.
type node struct {
	client kubernetes.Interface
	pods   coreinformers.PodInformer
	asked  chan *v1.Pod
}

func newNode(ctx context.Context, client kubernetes.Interface, pods coreinformers.PodInformer) (*node, error) {
	made := &node{client: client, pods: pods, asked: make(chan *v1.Pod, 1000)}
	_, err := pods.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(pod any) { made.asked <- pod.(*v1.Pod) },
		UpdateFunc: func(_, pod any) { made.asked <- pod.(*v1.Pod) },
	})
	if err != nil {
		return nil, err
	}
	self := &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: nodeName}}
	if _, err := client.CoreV1().Nodes().Create(ctx, self, metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
		return made, err
	}
	return made, nil
}

func (n *node) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case pod := <-n.asked:
			n.play(ctx, pod)
		}
	}
}

// play is called again for every change; what another has changed or deleted meanwhile comes as an event of its own.
func (n *node) play(ctx context.Context, pod *v1.Pod) {
	pods := n.client.CoreV1().Pods(pod.Namespace)
	switch {
	case pod.DeletionTimestamp != nil:
		now := int64(0)
		_ = pods.Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now})
	case pod.Spec.NodeName == "":
		binding := &v1.Binding{
			ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace},
			Target:     v1.ObjectReference{Kind: "Node", Name: nodeName},
		}
		_ = pods.Bind(ctx, binding, metav1.CreateOptions{})
	case len(pod.Status.ContainerStatuses) == 0:
		changed := pod.DeepCopy()
		changed.Status = statusOf(pod)
		_, _ = pods.UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	}
}

func statusOf(pod *v1.Pod) v1.PodStatus {
	status := v1.PodStatus{Phase: v1.PodRunning}
	ready := v1.ConditionTrue
	for _, container := range pod.Spec.Containers {
		state := v1.ContainerStatus{Name: container.Name, Image: container.Image}
		if strings.HasSuffix(container.Image, missing) {
			status.Phase, ready = v1.PodPending, v1.ConditionFalse
			state.State.Waiting = &v1.ContainerStateWaiting{Reason: "ImagePullBackOff"}
		} else {
			state.Ready = true
			state.State.Running = &v1.ContainerStateRunning{StartedAt: metav1.Now()}
		}
		status.ContainerStatuses = append(status.ContainerStatuses, state)
	}
	since := metav1.NewTime(time.Now().Add(-time.Second))
	for _, kind := range []v1.PodConditionType{v1.PodInitialized, v1.ContainersReady, v1.PodReady} {
		status.Conditions = append(status.Conditions, v1.PodCondition{Type: kind, Status: ready, LastTransitionTime: since})
	}
	return status
}
