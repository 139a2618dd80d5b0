package main

import (
	"context"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/controller-manager/pkg/informerfactory"
	"k8s.io/kubernetes/pkg/controller/deployment"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	"k8s.io/kubernetes/pkg/controller/namespace"
	"k8s.io/kubernetes/pkg/controller/replicaset"
	"k8s.io/kubernetes/pkg/controller/serviceaccount"
)

// startControllers by their own constructors: the command of the controller manager links in every cloud and volume.
func startControllers(ctx context.Context, config *rest.Config) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	facts, err := metadata.NewForConfig(config)
	if err != nil {
		return err
	}
	shared := informers.NewSharedInformerFactory(client, 12*time.Hour)
	deployments, err := deployment.NewDeploymentController(
		ctx, shared.Apps().V1().Deployments(), shared.Apps().V1().ReplicaSets(), shared.Core().V1().Pods(), client)
	if err != nil {
		return err
	}
	sets := replicaset.NewReplicaSetController(
		ctx, shared.Apps().V1().ReplicaSets(), shared.Core().V1().Pods(), client, replicaset.BurstReplicas)
	spaces := namespace.NewNamespaceController(
		ctx, client, facts, client.Discovery().ServerPreferredNamespacedResources, shared.Core().V1().Namespaces(),
		5*time.Minute, v1.FinalizerKubernetes)
	accounts, err := serviceaccount.NewServiceAccountsController(
		shared.Core().V1().ServiceAccounts(), shared.Core().V1().Namespaces(), client,
		serviceaccount.DefaultServiceAccountsControllerOptions())
	if err != nil {
		return err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery()))
	started := make(chan struct{})
	garbage, err := garbagecollector.NewGarbageCollector(
		ctx, client, facts, mapper, garbagecollector.DefaultIgnoredResources(),
		informerfactory.NewInformerFactory(shared, metadatainformer.NewSharedInformerFactory(facts, 12*time.Hour)),
		started)
	if err != nil {
		return err
	}
	node, err := newNode(ctx, client, shared.Core().V1().Pods())
	if err != nil {
		return err
	}
	shared.Start(ctx.Done())
	close(started)
	for _, start := range []func(){
		func() { deployments.Run(ctx, 2) },
		func() { sets.Run(ctx, 2) },
		func() { spaces.Run(ctx, 2) },
		func() { accounts.Run(ctx, 1) },
		func() { garbage.Run(ctx, 2, 30*time.Second) },
		func() { garbage.Sync(ctx, client.Discovery(), 30*time.Second) },
		func() { node.run(ctx) },
	} {
		go start()
	}
	_, err = client.CoreV1().Nodes().Get(ctx, nodeName, metav1.GetOptions{})
	return err
}
