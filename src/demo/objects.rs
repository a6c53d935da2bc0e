//! Kubernetes objects as the API server would hand them out, with the defaults that it fills in.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::clock::{Millis, stamp};
use super::scenario::{Deployment, Revision};

/// Annotation that `kubectl apply` keeps its manifest in.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Annotation with the number of a revision.
pub const REVISION: &str = "deployment.kubernetes.io/revision";
/// Annotation with the numbers that a ReplicaSet had before.
pub const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";
/// Annotation with the reason of a change, as its author claims it.
pub const CHANGE_CAUSE: &str = "kubernetes.io/change-cause";
/// Annotation that `kubectl rollout restart` sets on the template.
pub const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";
/// Label that ties pods to a ReplicaSet.
pub const HASH: &str = "pod-template-hash";

/// Name, uid and birth of a new object.
#[derive(Clone, Debug)]
pub struct Birth<'a> {
    /// Namespace, empty for cluster-wide objects.
    pub namespace: &'a str,
    /// Name.
    pub name: &'a str,
    /// Uid.
    pub uid: String,
    /// When.
    pub at: Millis,
}

fn metadata(birth: &Birth<'_>, labels: Value) -> Value {
    let mut metadata = json!({"name": birth.name});
    if !birth.namespace.is_empty() {
        metadata["namespace"] = json!(birth.namespace);
    }
    metadata["uid"] = json!(birth.uid);
    metadata["resourceVersion"] = json!("0");
    metadata["creationTimestamp"] = json!(stamp(birth.at));
    if labels.as_object().is_some_and(|labels| !labels.is_empty()) {
        metadata["labels"] = labels;
    }
    metadata
}

/// A namespace.
pub fn namespace(birth: &Birth<'_>) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": metadata(birth, json!({"kubernetes.io/metadata.name": birth.name})),
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    })
}

/// A node that is well.
pub fn node(birth: &Birth<'_>, zone: &str) -> Value {
    let since = stamp(birth.at);
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({"type": kind, "status": status, "lastHeartbeatTime": since, "lastTransitionTime": since,
               "reason": reason, "message": message})
    };
    let room = json!({"cpu": "8", "memory": "32Gi", "pods": "110"});
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": metadata(birth, json!({
            "kubernetes.io/hostname": birth.name, "kubernetes.io/os": "linux",
            "topology.kubernetes.io/zone": zone,
        })),
        "spec": {},
        "status": {
            "allocatable": room, "capacity": room,
            "conditions": [
                condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
                condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
            ],
            "nodeInfo": {"kubeletVersion": "v1.33.4", "operatingSystem": "linux", "architecture": "amd64"},
        },
    })
}

/// The word of a kubelet for a condition of its node.
pub fn node_reason(condition: &str, holds: bool) -> String {
    match (condition, holds) {
        ("Ready", true) => "NodeReady".to_owned(),
        ("Ready", false) => "NodeNotReady".to_owned(),
        (pressure, true) => format!("NodeHas{pressure}"),
        (pressure, false) => format!("NodeHasNo{pressure}"),
    }
}

/// Lets `node` say since `at` that `condition` holds, or that it does not.
pub fn report(node: &mut Value, condition: &str, holds: bool, at: Millis) {
    for known in node["status"]["conditions"].as_array_mut().into_iter().flatten() {
        if known["type"] == condition {
            known["status"] = json!(if holds { "True" } else { "False" });
            known["reason"] = json!(node_reason(condition, holds));
            known["message"] = json!(format!("kubelet has {condition}: {holds}"));
            known["lastTransitionTime"] = json!(stamp(at));
        }
    }
}

/// A service in front of the pods with the label `app: <name>`.
pub fn service(birth: &Birth<'_>, labels: Value, port_name: &str, port: u16) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": metadata(birth, labels),
        "spec": {
            "type": "ClusterIP",
            "selector": {"app": birth.name},
            "ports": [{"name": port_name, "port": port, "protocol": "TCP", "targetPort": port_name}],
        },
        "status": {"loadBalancer": {}},
    })
}

/// A ConfigMap.
pub fn config_map(birth: &Birth<'_>, data: &BTreeMap<String, String>) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "data": data, "metadata": metadata(birth, json!({}))})
}

/// What `kubectl apply` would store for a ConfigMap.
pub fn applied_config(namespace: &str, name: &str, data: &BTreeMap<String, String>) -> String {
    let manifest = json!({"apiVersion": "v1", "data": data, "kind": "ConfigMap",
                          "metadata": {"annotations": {}, "name": name, "namespace": namespace}});
    format!("{manifest}\n")
}

/// What `kubectl apply` would store for a Deployment.
pub fn applied_deployment(deployment: &Value) -> String {
    let meta = &deployment["metadata"];
    let mut annotations = Map::new();
    if let Some(cause) = meta["annotations"].get(CHANGE_CAUSE) {
        annotations.insert(CHANGE_CAUSE.to_owned(), cause.clone());
    }
    let manifest = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"annotations": annotations, "labels": meta["labels"], "name": meta["name"], "namespace": meta["namespace"]},
        "spec": deployment["spec"]});
    format!("{manifest}\n")
}

/// The pod template of a revision, with defaults.
pub fn template(deployment: &Deployment, revision: &Revision) -> Value {
    let probe = |period: u32| {
        json!({"failureThreshold": 3, "httpGet": {"path": "/healthz", "port": "http", "scheme": "HTTP"},
               "periodSeconds": period, "successThreshold": 1, "timeoutSeconds": 1})
    };
    let mut container = json!({});
    if !revision.env.is_empty() {
        container["env"] = env(&revision.env);
    }
    container["image"] = json!(revision.image);
    container["imagePullPolicy"] = json!("IfNotPresent");
    container["livenessProbe"] = probe(5);
    container["name"] = json!(deployment.container);
    container["ports"] = json!([{"containerPort": deployment.port, "name": "http", "protocol": "TCP"}]);
    container["readinessProbe"] = probe(1);
    container["resources"] =
        json!({"limits": {"cpu": "500m", "memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}});
    container["terminationMessagePath"] = json!("/dev/termination-log");
    container["terminationMessagePolicy"] = json!("File");
    let mut spec = json!({});
    if revision.config.is_some() {
        container["volumeMounts"] = json!([{"mountPath": deployment.mount, "name": "config"}]);
    }
    spec["containers"] = json!([container]);
    spec["dnsPolicy"] = json!("ClusterFirst");
    spec["restartPolicy"] = json!("Always");
    spec["schedulerName"] = json!("default-scheduler");
    spec["securityContext"] = json!({});
    spec["terminationGracePeriodSeconds"] = json!(30);
    if let Some(config) = &revision.config {
        spec["volumes"] = json!([{"configMap": {"defaultMode": 420, "name": config}, "name": "config"}]);
    }
    json!({"metadata": {"labels": {"app": deployment.name}}, "spec": spec})
}

/// Environment variables as a container lists them.
pub fn env(env: &BTreeMap<String, String>) -> Value {
    env.iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
}

/// A Deployment without status.
pub fn deployment(birth: &Birth<'_>, replicas: u64, template: Value) -> Value {
    let mut meta = metadata(birth, json!({"app": birth.name}));
    meta["generation"] = json!(1);
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": meta,
        "spec": {
            "progressDeadlineSeconds": 600,
            "replicas": replicas,
            "revisionHistoryLimit": 10,
            "selector": {"matchLabels": {"app": birth.name}},
            "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}, "type": "RollingUpdate"},
            "template": template,
        },
    })
}

fn owner(object: &Value) -> Value {
    json!([{"apiVersion": object["apiVersion"], "blockOwnerDeletion": true, "controller": true,
            "kind": object["kind"], "name": object["metadata"]["name"], "uid": object["metadata"]["uid"]}])
}

/// An empty ReplicaSet for the present template of `deployment`.
pub fn replica_set(birth: &Birth<'_>, deployment: &Value, hash: &str) -> Value {
    let mut labels = deployment["spec"]["template"]["metadata"]["labels"].clone();
    labels[HASH] = json!(hash);
    let mut meta = metadata(birth, labels.clone());
    meta["generation"] = json!(1);
    meta["ownerReferences"] = owner(deployment);
    let mut template = deployment["spec"]["template"].clone();
    template["metadata"]["labels"] = labels.clone();
    let mut selector = deployment["spec"]["selector"].clone();
    selector["matchLabels"][HASH] = json!(hash);
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": meta,
        "spec": {"replicas": 0, "selector": selector, "template": template},
        "status": {"observedGeneration": 1, "replicas": 0},
    })
}

/// A pod that is scheduled and not started.
pub fn pod(birth: &Birth<'_>, replica_set: &Value, node: &str, ip: &str) -> Value {
    let template = &replica_set["spec"]["template"];
    let mut meta = metadata(birth, template["metadata"]["labels"].clone());
    if let Some(annotations) = template["metadata"].get("annotations") {
        meta["annotations"] = annotations.clone();
    }
    meta["generateName"] =
        json!(format!("{}-", replica_set["metadata"]["name"].as_str().unwrap_or_default()));
    meta["generation"] = json!(1);
    meta["ownerReferences"] = owner(replica_set);
    let mut spec = template["spec"].clone();
    spec["enableServiceLinks"] = json!(true);
    spec["nodeName"] = json!(node);
    spec["preemptionPolicy"] = json!("PreemptLowerPriority");
    spec["priority"] = json!(0);
    spec["serviceAccount"] = json!("default");
    spec["serviceAccountName"] = json!("default");
    let since = stamp(birth.at);
    let containers: Vec<Value> = spec["containers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|container| {
            json!({"image": container["image"], "imageID": "", "lastState": {}, "name": container["name"],
                   "ready": false, "restartCount": 0, "started": false,
                   "state": {"waiting": {"reason": "ContainerCreating"}}})
        })
        .collect();
    let condition = |kind: &str, is: bool| {
        let mut condition = json!({"lastProbeTime": null, "lastTransitionTime": since});
        if !is {
            condition["message"] = json!("containers with unready status");
            condition["reason"] = json!("ContainersNotReady");
        }
        condition["status"] = json!(if is { "True" } else { "False" });
        condition["type"] = json!(kind);
        condition
    };
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": meta,
        "spec": spec,
        "status": {
            "conditions": [
                condition("Initialized", true), condition("Ready", false),
                condition("ContainersReady", false), condition("PodScheduled", true),
            ],
            "containerStatuses": containers,
            "hostIP": "10.12.0.1",
            "phase": "Pending",
            "podIP": ip,
            "podIPs": [{"ip": ip}],
            "qosClass": "Burstable",
            "startTime": since,
        },
    })
}

/// Marks the containers of `pod` as running since `at`.
pub fn run(pod: &mut Value, at: Millis) {
    pod["status"]["phase"] = json!("Running");
    for container in pod["status"]["containerStatuses"].as_array_mut().into_iter().flatten() {
        let image = container["image"].as_str().unwrap_or_default().to_owned();
        container["imageID"] = json!(format!("{image}@sha256:{:016x}", super::noise::fnv(0, &image)));
        container["containerID"] =
            json!(format!("containerd://{:016x}", super::noise::fnv(at as u64, &image)));
        container["started"] = json!(true);
        container["state"] = json!({"running": {"startedAt": stamp(at)}});
    }
}

/// Marks `pod` as ready since `at`.
pub fn ready(pod: &mut Value, at: Millis) {
    for container in pod["status"]["containerStatuses"].as_array_mut().into_iter().flatten() {
        container["ready"] = json!(true);
    }
    for condition in pod["status"]["conditions"].as_array_mut().into_iter().flatten() {
        if condition["status"] == "False" {
            *condition = json!({"lastProbeTime": null, "lastTransitionTime": stamp(at), "status": "True", "type": condition["type"]});
        }
    }
}

/// An event about `object`.
pub fn event(
    birth: &Birth<'_>,
    object: &Value,
    kind: &str,
    reason: &str,
    message: &str,
    source: &str,
) -> Value {
    let at = stamp(birth.at);
    json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": metadata(birth, json!({})),
        "count": 1, "eventTime": null, "firstTimestamp": at, "lastTimestamp": at,
        "involvedObject": {"apiVersion": object["apiVersion"], "kind": object["kind"],
            "name": object["metadata"]["name"], "namespace": object["metadata"]["namespace"],
            "resourceVersion": object["metadata"]["resourceVersion"], "uid": object["metadata"]["uid"]},
        "message": message, "reason": reason,
        "reportingComponent": source, "reportingInstance": "",
        "source": {"component": source},
        "type": kind,
    })
}
