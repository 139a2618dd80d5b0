// Runs one ConfigMap of Argo CD's notifications on one Application, with Argo CD's own engine: triggers, templates, services.
// Arguments: the ConfigMap (YAML), the secret's values (JSON), the Application (JSON), the trigger, the service, and the context (JSON).
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/argoproj/notifications-engine/pkg/api"
	"github.com/argoproj/notifications-engine/pkg/services"
	"github.com/argoproj/notifications-engine/pkg/templates"
	"github.com/argoproj/notifications-engine/pkg/triggers"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(name string) []byte {
	data, err := os.ReadFile(name)
	must(err)
	return data
}

func main() {
	var configMap corev1.ConfigMap
	must(yaml.UnmarshalStrict(read(os.Args[1]), &configMap))
	var secret map[string]string
	must(json.Unmarshal(read(os.Args[2]), &secret))
	data := map[string][]byte{}
	for key, value := range secret {
		data[key] = []byte(value)
	}
	var app, context map[string]any
	must(json.Unmarshal(read(os.Args[3]), &app))
	must(json.Unmarshal(read(os.Args[6]), &context))
	config, err := api.ParseConfig(&configMap, &corev1.Secret{Data: data})
	must(err)
	judged, err := triggers.NewService(config.Triggers)
	must(err)
	written, err := templates.NewService(config.Templates)
	must(err)
	// What Argo CD itself gives to expressions, as far as the time goes.
	vars := map[string]any{"app": app, "context": context, "time": map[string]any{"Now": time.Now}, "strings": map[string]any{"ToLower": strings.ToLower}}
	results, err := judged.Run(os.Args[4], vars)
	must(err)
	for _, result := range results {
		if !result.Triggered {
			continue
		}
		fmt.Printf("%s\t%s\n", strings.Join(result.Templates, ","), result.OncePer)
		notification, err := written.FormatNotification(map[string]any{"app": app, "context": context}, result.Templates...)
		must(err)
		service, err := config.Services[os.Args[5]]()
		must(err)
		must(service.Send(*notification, services.Destination{Service: os.Args[5]}))
	}
}
