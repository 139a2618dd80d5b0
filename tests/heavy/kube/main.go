// Command kube is a Kubernetes control plane for tests, in one process on loopback: etcd, the API server, and the
// controllers of deployments, replica sets, namespaces, service accounts and garbage, all of upstream. A stand-in
// plays scheduler and kubelet (node.go): no container runs.
//
//	kube DIR
//
// keeps its state in DIR, writes DIR/kubeconfig (a cluster administrator) when it answers, and ends by SIGTERM.
package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: kube DIR")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "kube:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	for _, each := range []string{"etcd", "certificates"} {
		if err := os.MkdirAll(filepath.Join(dir, each), 0o700); err != nil {
			return err
		}
	}
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	store, err := startEtcd(filepath.Join(dir, "etcd"), ports[0], ports[1])
	if err != nil {
		return err
	}
	defer store.Close()
	token, err := prepare(dir)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- serve(dir, ports[0], ports[2]) }()
	config := &rest.Config{
		Host:            fmt.Sprintf("https://127.0.0.1:%d", ports[2]),
		BearerToken:     token,
		TLSClientConfig: rest.TLSClientConfig{CAFile: filepath.Join(dir, "certificates", "apiserver.crt")},
		QPS:             500,
		Burst:           1000,
	}
	if err := answers(config, ended); err != nil {
		return err
	}
	if err := startControllers(context.Background(), config); err != nil {
		return err
	}
	if err := writeKubeconfig(dir, config); err != nil {
		return err
	}
	return <-ended
}

// freePorts holds all of them open at once, so that no two are the same.
func freePorts(count int) ([]int, error) {
	ports := make([]int, 0, count)
	for range count {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

func startEtcd(dir string, client, peer int) (*embed.Etcd, error) {
	config := embed.NewConfig()
	config.Dir = dir
	config.LogLevel = "error"
	config.UnsafeNoFsync = true
	clients := []url.URL{{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", client)}}
	peers := []url.URL{{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", peer)}}
	config.ListenClientUrls, config.AdvertiseClientUrls = clients, clients
	config.ListenPeerUrls, config.AdvertisePeerUrls = peers, peers
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	store, err := embed.StartEtcd(config)
	if err != nil {
		return nil, err
	}
	select {
	case <-store.Server.ReadyNotify():
		return store, nil
	case <-time.After(time.Minute):
		store.Close()
		return nil, errors.New("etcd does not start")
	}
}

// prepare writes the key of service account tokens and the administrator's token.
func prepare(dir string) (string, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", err
	}
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	if err := os.WriteFile(filepath.Join(dir, "service-account.key"), pem.EncodeToMemory(block), 0o600); err != nil {
		return "", err
	}
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return "", err
	}
	token := hex.EncodeToString(random)
	line := fmt.Sprintf("%s,administrator,administrator,system:masters\n", token)
	return token, os.WriteFile(filepath.Join(dir, "tokens.csv"), []byte(line), 0o600)
}

func serve(dir string, etcd, port int) error {
	command := app.NewAPIServerCommand()
	command.SetArgs([]string{
		fmt.Sprintf("--etcd-servers=http://127.0.0.1:%d", etcd),
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port),
		"--cert-dir=" + filepath.Join(dir, "certificates"),
		"--token-auth-file=" + filepath.Join(dir, "tokens.csv"),
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://kube.invalid",
		"--service-account-key-file=" + filepath.Join(dir, "service-account.key"),
		"--service-account-signing-key-file=" + filepath.Join(dir, "service-account.key"),
		"--service-cluster-ip-range=10.0.0.0/24",
		// Without these two a new node waits for a controller that is not here, and loopback is no endpoint.
		"--disable-admission-plugins=TaintNodesByCondition",
		"--endpoint-reconciler-type=none",
		"--v=0",
	})
	return command.Execute()
}

func answers(config *rest.Config, ended <-chan error) error {
	deadline := time.Now().Add(2 * time.Minute)
	for time.Now().Before(deadline) {
		select {
		case err := <-ended:
			return fmt.Errorf("the API server has ended: %w", err)
		case <-time.After(200 * time.Millisecond):
		}
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			continue // its certificate is not written yet
		}
		if client.RESTClient().Get().AbsPath("/readyz").Do(context.Background()).Error() != nil {
			continue
		}
		if _, err := client.CoreV1().Namespaces().Get(context.Background(), "default", metav1.GetOptions{}); err == nil {
			return nil
		}
	}
	return errors.New("the API server does not answer")
}

// writeKubeconfig puts it in place whole: that it is there says that the cluster is ready.
func writeKubeconfig(dir string, config *rest.Config) error {
	authority, err := os.ReadFile(config.CAFile)
	if err != nil {
		return err
	}
	written := clientcmdapi.NewConfig()
	written.Clusters["kube"] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: authority}
	written.AuthInfos["administrator"] = &clientcmdapi.AuthInfo{Token: config.BearerToken}
	written.Contexts["kube"] = &clientcmdapi.Context{Cluster: "kube", AuthInfo: "administrator"}
	written.CurrentContext = "kube"
	path := filepath.Join(dir, "kubeconfig")
	if err := clientcmd.WriteToFile(*written, path+".new"); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
